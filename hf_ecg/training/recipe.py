"""Training recipes: strict YAML, one dataclass a section, overrides `section.key=value` on the command line."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ..strict_yaml import load_yaml
from .recipe_checks import check_values
from .sections import parse_section, to_plain

TEXT_COLLATOR, CONTRASTIVE_COLLATOR, REGRESSION_COLLATOR = "ecg_text", "ecg_contrastive", "ecg_regression"


@dataclass
class ModelSection:
    """The network.

    Args:
        class_: name of a class in hf_ecg's public namespace, or of a transformers Auto class (key `class`).
        config: arguments of its configuration class; nested configurations as nested mappings.
        init_from: submodule name to pretrained weights (Hub id, folder, or `package:NAME/FOLDER`). The
            configuration of such a submodule comes from there. `model` alone: the whole model of an earlier run, with
            its configuration and what it measured of its training texts.
    """

    class_: str
    config: dict = field(default_factory=dict)
    init_from: dict[str, str] = field(default_factory=dict)


@dataclass
class ProcessorSection:
    """From waveforms and text to a batch: arguments of `ECGFeatureExtractor`, and the tokenizer's source if any."""

    feature_extractor: dict
    tokenizer: str | None = None


@dataclass
class FoldsSection:
    """Folds to train on and folds to select on; they may not overlap."""

    train: list[int] = field(default_factory=lambda: [1, 2, 3, 4, 5, 6, 7, 8])
    validation: list[int] = field(default_factory=lambda: [9])


@dataclass
class ColumnsSection:
    """Which column of the corpus plays which part; `risk` and `missing_rate` are for `ecg_contrastive`."""

    text: str = "text"
    risk: str | None = None
    missing_rate: str | None = None


@dataclass
class DataSection:
    """The corpus.

    Args:
        path: prepared corpus, a local folder or a Hub id. May be left out of a recipe and given as `data.path=...`.
        config: configuration of the corpus, such as `ptb_xl_100hz`.
        label_sets: label-set columns a classifier is trained on.
        targets: columns of numbers that a regression is trained on, such as `age`.
        shuffle_texts: a control: train every record on another patient's text.
        shuffle_risk: a control: train every record with another patient's risk.
        leads: leads every record must carry; None accepts any (the feature extractor still checks its own).
    """

    path: str | None = None
    config: str | None = None
    folds: FoldsSection = field(default_factory=FoldsSection)
    columns: ColumnsSection = field(default_factory=ColumnsSection)
    label_sets: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    leads: list[str] | None = None
    shuffle_texts: bool = False
    shuffle_risk: bool = False


@dataclass
class CollatorSection:
    """How rows become a batch. `name` is `ecg_text`, `ecg_classification`, `ecg_regression` or `ecg_contrastive`;
    views are the random augmentations. The keys after them are the collator's own (see `data.collators`); null leaves
    its default."""

    name: str
    views: list[dict] = field(default_factory=list)
    single_sentence_probability: float | None = None
    rare_sentence_power: float | None = None
    true_texts: bool | None = None
    extra_texts: int | None = None
    max_length: int | None = None
    normalise_after_views: bool | None = None
    lead: str | None = None
    same_lead_probability: float | None = None
    single_label: bool | None = None


@dataclass
class ValidationSection:
    """Measured after every epoch; `metric` decides which weights are the best. The keys after `greater_is_better`
    are the validator's own (see `evaluation.validation.build_validation`); null leaves its default."""

    name: str
    metric: str
    greater_is_better: bool
    prompts: list[str] | None = None
    label_sets: list[str] | None = None
    batch_size: int | None = None
    minimum: int | None = None
    cache: bool | None = None


@dataclass
class OptimizerSection:
    """AdamW. Norms, biases, logit scale and logit bias are never decayed. `max_grad_norm` null = no clipping.

    `lr_factors`: parameter or submodule name -> factor on the learning rate, such as `{logit_bias: 10}`.
    """

    lr: float
    lr_factors: dict[str, float] = field(default_factory=dict)
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    max_grad_norm: float | None = 1.0


@dataclass
class ScheduleSection:
    """Learning rate over the run: linear warm-up over `warmup_ratio` of all steps, then `cosine`, `linear` or
    `constant` down to `final_ratio` of the peak. `cosine_restarts` begins again at the peak after
    `first_cycle_ratio` of the rest, and after each cycle, which is `cycle_growth` times as long as the one before
    (arXiv 1608.03983)."""

    name: str = "cosine"
    warmup_ratio: float = 0.1
    final_ratio: float = 0.0
    first_cycle_ratio: float = 0.1
    cycle_growth: float = 2.0


@dataclass
class RunSection:
    """How the run goes.

    Args:
        epochs: passes over the training records.
        batch_size: records a step over all processes together, so a recipe means the same on any number of them.
        max_steps: stop after so many steps; the schedule is stretched over them. None = all of `epochs`.
        seed: drives initial weights, order of records, views and dropout.
        num_workers: loader processes of each training process; None = one for every two cores that it has, at most
            eight (none on a single core). Which one makes a batch changes nothing in it.
        num_threads: torch threads of the training process; None leaves torch's choice.
        num_processes: processes the recipe must run on; None accepts any.
        mixed_precision: `no`, `bf16` or `fp16`.
        deterministic: only algorithms that repeat bit for bit (needed on CUDA, where some do not).
        checkpoint_every_steps: resume point within an epoch; one is written after every epoch anyway.
        log_every_steps: steps between two writes of the log (it holds a line for every step) and looks at the loss.
        ema_decay: validate and save an exponential moving average of the weights; None = the weights themselves.
        tensorboard: also write TensorBoard events.
    """

    epochs: int
    batch_size: int
    max_steps: int | None = None
    seed: int = 0
    num_workers: int | None = None
    num_threads: int | None = None
    num_processes: int | None = None
    mixed_precision: str = "no"
    deterministic: bool = False
    checkpoint_every_steps: int | None = None
    log_every_steps: int = 10
    ema_decay: float | None = None
    tensorboard: bool = False


@dataclass
class Recipe:
    """Everything a pretraining run needs; see the sections."""

    model: ModelSection
    processor: ProcessorSection
    data: DataSection
    collator: CollatorSection
    optimizer: OptimizerSection
    run: RunSection
    schedule: ScheduleSection = field(default_factory=ScheduleSection)
    validation: ValidationSection | None = None
    freeze: list[str] = field(default_factory=list)

    def to_dict(self) -> dict:
        """Plain mapping with every default filled in, keys as in the YAML."""
        return to_plain(self)

    def save(self, path) -> None:
        """Write the resolved recipe as YAML."""
        Path(path).write_text(yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True, width=119))


def load_recipe(path, overrides=()) -> Recipe:
    """Read a recipe and apply overrides.

    Args:
        path: YAML file.
        overrides: strings `section.key=value`; the value is YAML (`data.folds.train=[1,2]`).

    Raises:
        ValueError: unknown, missing or doubled key, wrong type, YAML tag, value out of range.
        OSError: the file cannot be read.
    """
    content = load_yaml(Path(path).read_bytes(), str(path))
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds {type(content).__name__}, a recipe is a mapping of sections")
    for override in overrides:
        apply_override(content, override)
    return parse_recipe(content, source=str(path))


def as_override(key: str, value) -> str:
    """`section.key=value` with the value as YAML reads it back, whatever a path holds."""
    return f"{key}={json.dumps(value)}"


def apply_override(content: dict, override: str) -> None:
    """Set one value of a recipe's mapping, in place; the key is checked when the recipe is parsed."""
    key, separator, value = override.partition("=")
    parts = key.strip().split(".")
    if not separator or not all(parts):
        raise ValueError(f"override {override!r} is not of the form section.key=value")
    value = load_yaml(value, f"the value of override {override!r}")
    for depth, part in enumerate(parts[:-1], start=1):
        if content.get(part) is None:
            content[part] = {}
        content = content[part]
        if not isinstance(content, dict):
            raise ValueError(f"override {override!r}: {'.'.join(parts[:depth])} is a value, not a section")
    content[parts[-1]] = value


def parse_recipe(content: dict, source: str = "recipe") -> Recipe:
    """Check a mapping against the sections and return the recipe."""
    recipe = parse_section(Recipe, content, "", source)
    check_values(recipe, source)
    return recipe
