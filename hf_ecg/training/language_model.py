"""A causal language model on reports: what a model that writes reports begins with (MELP's stage 0).

The loop of `pretrain` reads waveforms; texts alone need nothing of it, so here is transformers' own Trainer.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import yaml
from huggingface_hub.dataclasses import strict
from transformers import (
    CONFIG_MAPPING,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from ..cards import CARD_NAME, TAGS, render_card
from ..data.corpus import find_config
from ..data.corpus_card import read_summary
from ..data.text_corpus import load_texts
from ..evaluation.protocol import FACTS_FILE, SourceFacts, TrainingFacts
from ..evaluation.reports.evaluation_report import command_line, machine_facts, version_facts
from ..files import atomic_file
from ..input_files import read_input
from ..processing.tokens import tokenize
from ..progress import progress_bar
from ..strict_yaml import load_yaml
from .network import check_config_keys, resolve_pretrained
from .perplexity import language_figures, padded
from .recipe import apply_override
from .run_card import licences
from .run_folder import RECIPE_NAME
from .saving import save_model
from .sections import parse_section, to_plain

FIGURES = "language_model.json"


@strict
@dataclass
class LanguageModelSection:
    """The network.

    Args:
        config: arguments of its configuration, `model_type` among them; one that is no decoder by itself, such as
            `bert`, needs `is_decoder: true`.
        init_from: a causal or masked language model to begin with (Hub id or folder), whose configuration is taken;
            `config` may change what has no weights.
        tokenizer: Hub id, folder, or `package:NAME/FOLDER`.
    """

    tokenizer: str
    config: dict = field(default_factory=dict)
    init_from: str | None = None


@strict
@dataclass
class TextFoldsSection:
    """Folds of a prepared corpus; no two share one."""

    train: list[int] = field(default_factory=list)
    validation: list[int] = field(default_factory=list)
    test: list[int] = field(default_factory=list)

    def validate_folds(self):
        named = [*self.train, *self.validation, *self.test]
        if len(set(named)) < len(named):
            raise ValueError(f"sources: folds {named} name one twice")


@strict
@dataclass
class TextSourceSection:
    """A corpus of texts, see `hf_ecg.data.text_corpus.load_texts`."""

    path: str | None = None
    config: str | None = None
    column: str = "text"
    folds: TextFoldsSection = field(default_factory=TextFoldsSection)


@strict
@dataclass
class LanguageRunSection:
    """How long and how fast; the learning rate warms up over `warmup_ratio` of the steps and falls as a cosine."""

    epochs: int = 10
    batch_size: int = 32
    lr: float = 5e-4
    weight_decay: float = 0.01
    warmup_ratio: float = 0.1
    max_length: int = 128
    seed: int = 0

    def validate_sizes(self):
        for name in ("epochs", "batch_size", "max_length", "lr"):
            if getattr(self, name) <= 0:
                raise ValueError(f"run.{name} is {getattr(self, name)}, wanted above 0")


@strict
@dataclass
class LanguageModelRecipe:
    """Everything that a language model on reports needs."""

    model: LanguageModelSection
    sources: list[TextSourceSection]
    run: LanguageRunSection = field(default_factory=LanguageRunSection)

    def validate_sources(self):
        if not self.sources:
            raise ValueError("sources is empty, wanted at least one corpus of texts")


def load_language_recipe(path, overrides: Sequence[str] = ()) -> LanguageModelRecipe:
    """Read a recipe and apply overrides, as `load_recipe` does.

    Raises:
        ValueError: unknown, missing or doubled key, wrong type, value out of range.
        OSError: the file cannot be read.
    """
    content = load_yaml(read_input(path), str(path))
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds {type(content).__name__}, a recipe is a mapping of sections")
    for override in overrides:
        apply_override(content, override)
    return parse_section(LanguageModelRecipe, content, "", str(path))


def train_language_model(recipe: LanguageModelRecipe, output_dir, resume: bool = False) -> dict:
    """Train by a recipe, keep the epoch with the lowest validation loss, and tell the perplexity of held-out texts.

    Args:
        recipe: what to do.
        output_dir: folder of model, tokenizer, recipe.yaml, card and `language_model.json` with the figures. It can be
            `model.init_from.text_model` of a model of ECGs and texts.
        resume: go on from the last checkpoint.

    Returns:
        For "validation" and "test", see `language_figures`.

    Raises:
        ValueError: a configuration that is not of a causal language model, or no texts.
        OSError: `output_dir` holds something and `resume` is not given; a corpus is not there.
    """
    output_dir = Path(output_dir)
    if output_dir.exists() and any(output_dir.iterdir()) and not resume:
        raise FileExistsError(f"{output_dir} holds something: choose another folder, or --resume latest goes on")
    set_seed(recipe.run.seed)
    texts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for place, source in enumerate(recipe.sources):
        if not source.path:
            raise ValueError(f"sources.{place}.path is not given: a recipe names it, or --data does")
        folds = {name: numbers for name, numbers in to_plain(source.folds).items() if numbers}
        for split, found in load_texts(source.path, source.column, source.config, folds).items():
            texts[split] += found
    tokenizer = AutoTokenizer.from_pretrained(resolve_pretrained(recipe.model.tokenizer))
    model = _network(recipe.model, tokenizer)
    rows = {split: _tokens(tokenizer, found, recipe.run.max_length) for split, found in texts.items()}
    _train(model, rows, recipe, output_dir, tokenizer.pad_token_id, resume)
    figures = {
        split: language_figures(model, rows["train"], rows[split], len(tokenizer), recipe.run.batch_size)
        for split in ("validation", "test")
        if rows[split]
    }
    _save(model, tokenizer, recipe, figures, len(rows["train"]), output_dir)
    return figures


def _network(section: LanguageModelSection, tokenizer) -> PreTrainedModel:
    config = dict(section.config)
    if section.init_from is not None:
        source = resolve_pretrained(section.init_from)
        return AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, **({"is_decoder": True} | config))
    kind = config.pop("model_type", None)
    if kind not in CONFIG_MAPPING:
        raise ValueError(f"model.config.model_type is {kind!r}, wanted one that transformers knows, such as bert")
    config_class = CONFIG_MAPPING[kind]
    check_config_keys(config_class, config, "model.config")
    made = config_class(**{"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id} | config)
    if getattr(made, "is_decoder", True) is False:
        raise ValueError(f"model.config.is_decoder is false: a {kind} would see the words that it is to foretell")
    return AutoModelForCausalLM.from_config(made)


def _tokens(tokenizer, texts: Sequence[str], max_length: int) -> list[list[int]]:
    if not texts:
        return []
    found = tokenize(tokenizer, list(texts), max_length=max_length, truncation=True, padding=False)["input_ids"]
    return [row for row in found if len(row) > 1]


def _train(model, rows, recipe: LanguageModelRecipe, output_dir: Path, pad: int, resume: bool) -> None:
    run, judged = recipe.run, bool(rows["validation"])
    steps = -(-len(rows["train"]) // run.batch_size) * run.epochs
    arguments = TrainingArguments(
        output_dir=str(output_dir / "checkpoints"),
        num_train_epochs=run.epochs,
        per_device_train_batch_size=run.batch_size,
        per_device_eval_batch_size=run.batch_size,
        learning_rate=run.lr,
        weight_decay=run.weight_decay,
        warmup_steps=int(run.warmup_ratio * steps),
        lr_scheduler_type="cosine",
        eval_strategy="epoch" if judged else "no",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=judged,
        metric_for_best_model="eval_loss" if judged else None,
        greater_is_better=False if judged else None,
        seed=run.seed,
        report_to=[],
        disable_tqdm=True,
        logging_strategy="epoch",
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        use_cpu=not torch.cuda.is_available(),
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=rows["train"],
        eval_dataset=rows["validation"] or None,
        data_collator=lambda batch: padded(batch, pad),
        callbacks=[_Bar(steps)],
    )
    # it would print each line of its log
    trainer.remove_callback(_printer())
    started = resume and any((output_dir / "checkpoints").glob("checkpoint-*"))
    trainer.train(resume_from_checkpoint=started)


def _printer():
    from transformers import PrinterCallback

    return PrinterCallback


class _Bar(TrainerCallback):
    """The package's own progress bar."""

    def __init__(self, steps: int):
        self.bar = progress_bar(total=steps, desc="training", unit="step")

    def on_step_end(self, args, state, control, **kwargs):
        self.bar.update(state.global_step - self.bar.n)

    def on_train_end(self, args, state, control, **kwargs):
        self.bar.close()


def _save(model, tokenizer, recipe: LanguageModelRecipe, figures: dict, texts: int, output_dir: Path) -> None:
    device = next(model.parameters()).device
    # Trainer has switched it off
    model.config.use_cache = True
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    save_model(model.eval(), output_dir)
    tokenizer.save_pretrained(output_dir)
    paths = [source.path for source in recipe.sources]
    summaries = [read_summary(path) if os.path.isdir(path) else {} for path in paths]
    sources = tuple(
        SourceFacts(
            corpus=source.path,
            config=(source.config or find_config(source.path)) if os.path.isdir(source.path) else None,
            text_column=source.column,
            text_source=summary.get("text_source"),
            hold_out=tuple(summary.get("hold_out") or ()),
            train_folds=tuple(sorted(source.folds.train)),
            validation_folds=tuple(sorted(source.folds.validation)),
        )
        for source, summary in zip(recipe.sources, summaries, strict=True)
    )
    facts = TrainingFacts("language_model", recipe.run.seed, sources).to_dict()
    report = {"figures": figures, "training_texts": texts, "parameters": model.num_parameters()}
    report |= {"command": command_line(), "machine": machine_facts(device), "versions": version_facts()}
    licence = licences(paths)
    card = render_card(
        "language_model.md.jinja",
        {"license": licence, "library_name": "transformers", "tags": list(TAGS)},
        model_class=type(model).__name__,
        sources=sources,
        texts=texts,
        figures=figures,
        tokenizer=recipe.model.tokenizer,
        begun_from=recipe.model.init_from,
        report=report,
    )
    plain = yaml.safe_dump(to_plain(recipe), sort_keys=False, allow_unicode=True, width=119)
    contents = {RECIPE_NAME: plain, CARD_NAME: card, FACTS_FILE: json.dumps(facts, indent=2) + "\n"}
    for name, content in (contents | {FIGURES: json.dumps(report, indent=2) + "\n"}).items():
        with atomic_file(output_dir / name) as file:
            file.write(content)
