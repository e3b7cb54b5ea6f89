"""What a finished run leaves: the whole model, its encoder alone, the recipe, a card and the facts."""

import json
import os
import platform
import shutil
from pathlib import Path

import datasets
import torch
import transformers
import yaml
from huggingface_hub import ModelCardData
from transformers import PreTrainedModel
from transformers.utils import logging

from ..version import __version__
from .build import TEXT_COLLATOR, Parts
from .checkpoint import synchronise, write_folder
from .output import RECIPE_NAME
from .recipe import Recipe

logger = logging.get_logger(__name__)

FACTS_NAME = "training_facts.json"
CARD_NAME = "README.md"


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
    feature_extractor = getattr(parts.processor, "feature_extractor", parts.processor)
    encoder = find_encoder(model)
    if encoder is not None:

        def write_encoder(folder: Path) -> None:
            encoder.save_pretrained(folder)
            feature_extractor.save_pretrained(folder)

        write_folder(output_dir / "encoder", write_encoder)
    facts = training_facts(recipe)
    temporary = output_dir / "model.incomplete"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    model.save_pretrained(temporary)
    parts.processor.save_pretrained(temporary)
    recipe.save(temporary / RECIPE_NAME)
    (temporary / FACTS_NAME).write_text(json.dumps(facts, indent=2) + "\n")
    card = model_card(model, encoder, recipe, facts, progress, len(parts.train_rows))
    (temporary / CARD_NAME).write_text(card, encoding="utf-8")
    synchronise(temporary)
    (output_dir / "config.json").unlink(missing_ok=True)
    for path in sorted(temporary.iterdir(), key=lambda path: (path.name == "config.json", path.name)):
        target = output_dir / path.name
        if target.is_dir():
            shutil.rmtree(target)
        os.replace(path, target)
    temporary.rmdir()
    synchronise(output_dir)


def find_encoder(model: PreTrainedModel) -> PreTrainedModel | None:
    """The bare ECG encoder inside a model; None when the model is one itself."""
    for name in ("ecg_model", model.base_model_prefix):
        encoder = getattr(model, name, None) if name else None
        if isinstance(encoder, PreTrainedModel) and encoder is not model:
            return encoder
    return None


def training_facts(recipe: Recipe) -> dict:
    """What evaluation must know to call its figures by the right name; null where the corpus does not say."""
    data = recipe.data
    text = recipe.collator.name == TEXT_COLLATOR
    summary = corpus_summary(data.path) if text else {}
    source = summary.get("text_source")
    if data.shuffle_texts:
        source = f"shuffled {source}"
    return {
        "corpus": data.path,
        "config": data.config,
        "text_column": data.columns.text if text else None,
        "text_source": source,
        "hold_out": summary.get("hold_out"),
        "train_folds": data.folds.train,
        "validation_folds": data.folds.validation if recipe.validation is not None else [],
        "seed": recipe.run.seed,
        "label_sets": data.label_sets,
    }


def corpus_summary(path: str) -> dict:
    """`summary.json` that the preparation script left beside the corpus; empty, with a warning, when there is none."""
    file = Path(path) / "summary.json"
    if not file.is_file():
        logger.warning("%s is not there: where the texts come from, and what was held out, is not known", file)
        return {}
    return json.loads(file.read_text(encoding="utf-8"))


def corpus_licence(path: str) -> str | None:
    """Licence in the front matter of the corpus's own card."""
    card = Path(path) / CARD_NAME
    if not card.is_file():
        return None
    parts = card.read_text(encoding="utf-8").split("---\n")
    front = yaml.safe_load(parts[1]) if len(parts) > 2 and not parts[0].strip() else None
    licence = front.get("license") if isinstance(front, dict) else None
    return str(licence) if licence else None


def protocol_words(recipe: Recipe, facts: dict) -> str:
    """One paragraph: what figures of this model may be called."""
    if recipe.collator.name != TEXT_COLLATOR:
        return f"**Supervised**: trained on the labels of {', '.join(recipe.data.label_sets)}."
    if recipe.data.shuffle_texts:
        return "A control: every record was trained on another patient's text, so figures must be those of chance."
    if facts["text_column"] == "report" or str(facts["text_source"] or "").startswith(("report", "original")):
        return "Trained on the original reports: classification by prompts is **zero-shot**."
    if facts["text_source"] is None:
        return (
            "The corpus does not say where its texts come from. Unless they are original reports, classification by "
            "prompts on the same corpus is **label-text**: supervision in words."
        )
    words = (
        "The training texts were composed from the corpus's statements, so classification by prompts of the same "
        "statements is **label-text**: supervision in words, not zero-shot."
    )
    if facts["hold_out"]:
        words += (
            f" Every mention of {', '.join(facts['hold_out'])} was removed from them: **zero-shot** for these only."
        )
    return words


def model_card(
    model: PreTrainedModel,
    encoder: PreTrainedModel | None,
    recipe: Recipe,
    facts: dict,
    progress: dict,
    num_records: int,
) -> str:
    """Model card in Markdown: what it is, on what data, by what protocol, how good on the validation folds."""
    name, data, extractor = type(model).__name__, recipe.data, recipe.processor.feature_extractor
    front = ModelCardData(library_name="transformers", tags=["ecg", "hf_ecg", model.config.model_type])
    inside = f" with the encoder `{type(encoder).__name__}` in `encoder/`" if encoder is not None else ""
    texts = f", texts from column `{facts['text_column']}`" if facts["text_column"] else ""
    chosen = "the last weights (no validation)"
    if progress["best"] is not None:
        chosen = f"the weights after step {progress['best_step']} (epoch {progress['best_epoch']}, counted from 0)"
    averaged = ", exponential moving average" if recipe.run.ema_decay is not None else ""
    loader = "AutoProcessor" if recipe.processor.tokenizer else "AutoFeatureExtractor"
    # AutoModel of a classifier would drop its head
    auto = "AutoModel" if recipe.collator.name == TEXT_COLLATOR else name
    imported = f"from hf_ecg import {auto}\n" if auto != "AutoModel" else ""
    sources = "".join(f"\n- initial weights of `{key}`: `{value}`" for key, value in recipe.model.init_from.items())
    licence = corpus_licence(data.path) or "not stated in the corpus's card"
    lines = [
        f"---\n{front.to_yaml()}\n---\n",
        f"# {name}\n",
        f"`{name}`{inside}, trained with hf_ecg by the recipe in `{RECIPE_NAME}`. For research; not a medical "
        "device.\n",
        "## Use\n",
        "`pip install hf-ecg`, then\n",
        "```python\nimport hf_ecg  # registers the classes",
        f"{imported}from transformers import {'AutoModel, ' if auto == 'AutoModel' else ''}{loader}\n",
        f'model = {auto}.from_pretrained("PATH_OR_ID")',
        f'processor = {loader}.from_pretrained("PATH_OR_ID")\n```\n',
        "## Data\n",
        f"- corpus: `{data.path}`, configuration `{data.config}`, {num_records} records to train on{texts}",
        f"- folds: train {data.folds.train}, validation {data.folds.validation}",
        f"- waveforms: {extractor.get('sampling_rate')} Hz, {extractor.get('num_samples')} samples, leads "
        f"{', '.join(extractor.get('leads') or [])}{sources}\n",
        "## Protocol\n",
        protocol_words(recipe, facts) + "\n",
        "## Validation\n",
        f"Saved: {chosen}{averaged}. Selected on the validation folds, so these figures flatter; test folds are for "
        "evaluation.\n",
        *_metric_table(progress["best_metrics"]),
        "## Licence\n",
        f"hf_ecg is Apache-2.0. Corpus: {licence}. Pretrained parts keep their own licence.\n",
        "## Versions\n",
        f"hf_ecg {__version__}, torch {torch.__version__}, transformers {transformers.__version__}, datasets "
        f"{datasets.__version__}, Python {platform.python_version()}; seed {recipe.run.seed}.\n",
    ]
    return "\n".join(lines)


def _metric_table(metrics: dict) -> list[str]:
    if not metrics:
        return []
    rows = [f"| {name} | {value:.4f} |" for name, value in sorted(metrics.items())]
    return ["| metric | validation |", "| --- | --- |", *rows, ""]
