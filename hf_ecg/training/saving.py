"""What a finished run leaves: the whole model, its encoder alone, the recipe, a card and the facts."""

import json
import os
from pathlib import Path

from safetensors import SafetensorError
from transformers import PreTrainedModel

from ..cards import CARD_NAME
from ..data.corpus_card import is_simulated
from ..evaluation.judging.validation import LABEL_TEXT
from ..evaluation.protocol import FACTS_FILE
from ..evaluation.reports.evaluation_report import command_line, machine_facts, version_facts
from ..files import naming_the_file, synchronise, temporary_folder
from ..models.shared.roles import ecg_encoder
from ..named_sources import DATA_SET
from ..owned_folders import replace_ours
from .build import RunParts, data_identity, feature_extractor_of
from .recipe import Recipe
from .recipe_facts import held_out_statements, training_facts
from .run_card import RUN_NAME, licences, model_card, without_licence
from .run_folder import MODEL_FILES, RECIPE_NAME


def save_run(output_dir, model: PreTrainedModel, parts: RunParts, recipe: Recipe, progress: dict) -> None:
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
    encoder = ecg_encoder(model)
    if encoder is model:
        encoder = None
    else:
        save_encoder(output_dir, encoder, parts.processor)
    facts = training_facts(recipe, parts.method, parts.sources, model.config)
    run = run_facts(model, encoder, recipe, progress, parts)
    if recipe.validation is not None and recipe.validation.name == LABEL_TEXT:
        run["chosen_without"] = held_out_statements(recipe, parts.method)
    with temporary_folder(output_dir / "model") as temporary:
        save_model(model, temporary)
        parts.processor.save_pretrained(temporary)
        recipe.save(temporary / RECIPE_NAME)
        (temporary / FACTS_FILE).write_text(json.dumps(facts.to_dict(), indent=2) + "\n")
        (temporary / RUN_NAME).write_text(json.dumps(run, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (temporary / CARD_NAME).write_text(model_card(temporary), encoding="utf-8")
        synchronise(temporary)
        (output_dir / "config.json").unlink(missing_ok=True)
        for path in sorted(temporary.iterdir(), key=lambda path: (path.name == "config.json", path.name)):
            os.replace(path, output_dir / path.name)
    synchronise(output_dir)


def save_model(model: PreTrainedModel, folder: Path) -> None:
    """`save_pretrained`, whose errors of the disk name the folder.

    Raises:
        OSError: the disk is full, or the like.
    """
    with naming_the_file(folder, SafetensorError):
        model.save_pretrained(folder)


def save_encoder(output_dir, encoder: PreTrainedModel, processor) -> None:
    """Write `output_dir/encoder`: the bare encoder and its feature extractor, which `processor` is or holds."""

    def write(folder: Path) -> None:
        save_model(encoder, folder)
        feature_extractor_of(processor).save_pretrained(folder)

    replace_ours(Path(output_dir) / "encoder", (MODEL_FILES,), write)


def run_facts(
    model: PreTrainedModel, encoder: PreTrainedModel | None, recipe: Recipe, progress: dict, parts: RunParts
) -> dict:
    """What the card tells of a run beside recipe and training facts."""
    paths = [source.path for source in recipe.data.sources]
    return {
        "corpus_licence": licences(paths, DATA_SET),
        "parts_licence": licences(recipe.model.init_from.values()),
        "parts_without_licence": without_licence(recipe.model.init_from.values()),
        "simulated": any(map(is_simulated, paths)),
        "encoder": None if encoder is None else type(encoder).__name__,
        "num_records": len(parts.rows),
        "rows": data_identity(recipe, parts),
        "best_step": progress["best_step"],
        "best_epoch": progress["best_epoch"],
        "best_metrics": progress["best_metrics"],
        "command": command_line(),
        "machine": machine_facts(next(model.parameters()).device),
        "versions": version_facts(),
    }
