"""What a finished run leaves: the whole model, its encoder alone, the recipe, a card and the facts."""

import json
import os
import shutil
from pathlib import Path

from transformers import PreTrainedModel

from ..cards import CARD_NAME
from ..clinical.score2_tables import INPUTS
from ..data.corpus_card import is_simulated, read_summary
from ..data.readers.withholding import withholding_words
from ..data.risk import RISK_COLUMNS
from ..evaluation.protocol import FACTS_FILE, SourceFacts, TrainingFacts, read_training_facts
from ..evaluation.reports.evaluation_report import command_line, machine_facts, version_facts
from .build import Parts
from .checkpoint import synchronise, write_folder
from .network import resolve_pretrained
from .recipe import CONTRASTIVE_COLLATOR, TEXT_COLLATOR, Recipe
from .run_card import RUN_NAME, corpus_licence, model_card
from .run_folder import RECIPE_NAME


def save_run(output_dir, model: PreTrainedModel, parts: Parts, recipe: Recipe, progress: dict) -> None:
    """Write `output_dir` and `output_dir/encoder`.

    Whenever the process dies, `output_dir` holds a whole model or no `config.json`, so half a model never loads.

    Args:
        output_dir: the run's folder.
        model: the weights to keep, unwrapped.
        parts: what the run worked with.
        recipe: the resolved recipe.
        progress: counters of the run, with the best epoch and its metrics.
    """
    output_dir = Path(output_dir)
    encoder = find_encoder(model)
    if encoder is not None:
        save_encoder(output_dir, encoder, parts.processor)
    facts = training_facts(recipe, parts.train_data)
    temporary = output_dir / "model.incomplete"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    model.save_pretrained(temporary)
    parts.processor.save_pretrained(temporary)
    recipe.save(temporary / RECIPE_NAME)
    (temporary / FACTS_FILE).write_text(json.dumps(facts, indent=2) + "\n")
    run = run_facts(model, encoder, recipe, progress, len(parts.train_rows))
    (temporary / RUN_NAME).write_text(json.dumps(run, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (temporary / CARD_NAME).write_text(model_card(temporary), encoding="utf-8")
    synchronise(temporary)
    (output_dir / "config.json").unlink(missing_ok=True)
    for path in sorted(temporary.iterdir(), key=lambda path: (path.name == "config.json", path.name)):
        target = output_dir / path.name
        if target.is_dir():
            shutil.rmtree(target)
        os.replace(path, target)
    temporary.rmdir()
    synchronise(output_dir)


def save_encoder(output_dir, encoder: PreTrainedModel, processor) -> None:
    """Write `output_dir/encoder`: the bare encoder and its feature extractor, which `processor` is or holds."""

    def write(folder: Path) -> None:
        encoder.save_pretrained(folder)
        getattr(processor, "feature_extractor", processor).save_pretrained(folder)

    write_folder(Path(output_dir) / "encoder", write)


def find_encoder(model: PreTrainedModel) -> PreTrainedModel | None:
    """The bare ECG encoder inside a model; None when the model is one itself."""
    for name in ("ecg_model", model.base_model_prefix):
        encoder = getattr(model, name, None) if name else None
        if isinstance(encoder, PreTrainedModel) and encoder is not model:
            return encoder
    return None


def training_facts(recipe: Recipe, train_data=None) -> dict:
    """What evaluation must know to call its figures by the right name (`TrainingFacts.to_dict`); null where the corpus
    does not say.

    Args:
        recipe: of the run.
        train_data: its rows; with them `risk` says which inputs of a risk score they know.
    """
    data = recipe.data
    text = recipe.collator.name == TEXT_COLLATOR
    summary = read_summary(data.path) if text else {}
    source = summary.get("text_source")
    if data.shuffle_texts:
        source = f"shuffled {source}"
    selected = data.folds.validation if recipe.validation is not None else []
    source = SourceFacts(
        corpus=data.path,
        config=data.config,
        text_column=data.columns.text if text else None,
        text_source=source,
        hold_out=tuple(summary.get("hold_out") or ()),
        withhold=withholding_words(summary["withhold"]) if summary.get("withhold") else None,
        train_folds=tuple(sorted(data.folds.train)),
        validation_folds=tuple(sorted(selected)),
        label_sets=tuple(data.label_sets),
        targets=tuple(data.targets),
        risk=risk_words(recipe, train_data),
    )
    # weights that begin from others have seen what those saw
    origins = [read_training_facts(resolve_pretrained(path)) for path in recipe.model.init_from.values()]
    facts = TrainingFacts(recipe.collator.name, recipe.run.seed, (source,))
    return facts.merge(source for entry in origins if entry for source in entry.sources).to_dict()


def risk_words(recipe: Recipe, train_data=None) -> str | None:
    """What a contrastive loss compares patients by, such as "column risk (SCORE2 ..., from age, sex)"; None: nothing.

    Args:
        recipe: of the run.
        train_data: its rows, of which the inputs of a risk score are read.
    """
    column = recipe.data.columns.risk
    if (
        recipe.collator.name != CONTRASTIVE_COLLATOR
        or column is None
        or recipe.model.config.get("loss_type") == "info_nce"
    ):
        return None
    words = f"column {column}"
    made = read_summary(recipe.data.path).get("risk")
    if column in RISK_COLUMNS and made:
        words += f" ({made['score']}, {made['region'].replace('_', ' ')} region"
        if train_data is not None:
            inputs = [name for name in ("age", "sex", *INPUTS) if name in train_data.column_names]
            rows = train_data.with_format("arrow").select_columns(inputs)[:]
            known = [name for name in inputs if rows[name].null_count < len(rows)]
            words += f", from {', '.join(known)}" + (" alone" if len(known) == 2 else "")
        words += ")"
    return words + (", shuffled across patients: a control" if recipe.data.shuffle_risk else "")


def run_facts(
    model: PreTrainedModel, encoder: PreTrainedModel | None, recipe: Recipe, progress: dict, num_records: int
) -> dict:
    """What the card tells of a run beside recipe and training facts."""
    return {
        "corpus_licence": corpus_licence(recipe.data.path),
        "simulated": is_simulated(recipe.data.path),
        "encoder": None if encoder is None else type(encoder).__name__,
        "num_records": num_records,
        "best_step": progress["best_step"],
        "best_epoch": progress["best_epoch"],
        "best_metrics": progress["best_metrics"],
        "command": command_line(),
        "machine": machine_facts(next(model.parameters()).device),
        "versions": version_facts(),
    }
