"""From a recipe's sections to the objects of a run: model, processor, rows, collator, validation."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import datasets
from torch import nn
from transformers import AutoTokenizer, PreTrainedModel

from ..data.collators import build_collator
from ..data.corpus import label_names
from ..data.rows import RowDataset
from ..evaluation.judging.validation import build_validation
from ..processing import ECGFeatureExtractor, ECGTextProcessor
from .network import build_model, freeze, resolve_pretrained
from .recipe import CONTRASTIVE_COLLATOR, REGRESSION_COLLATOR, TEXT_COLLATOR, ProcessorSection, Recipe
from .rows import class_labels, collator_spec, load_data, target_units

MULTI_LABEL, SINGLE_LABEL, REGRESSION = "multi_label_classification", "single_label_classification", "regression"


@dataclass
class Parts:
    """What a run works with; `processor` is the feature extractor itself when there is no text."""

    model: PreTrainedModel
    processor: object
    train_data: datasets.Dataset
    train_rows: RowDataset
    collator: Callable
    validate: Callable[[nn.Module], dict[str, float]] | None


def build_parts(recipe: Recipe, rank: int = 0, world_size: int = 1) -> Parts:
    """Everything of a recipe but optimiser and schedule.

    Args:
        recipe: what to build.
        rank, world_size: of this process; a validation loss is shared out over them.

    Raises:
        ValueError: a section that does not fit the model, the corpus or another section.
    """
    processor = build_processor(recipe.processor)
    train_data, validation_data = load_data(
        recipe.data, recipe.collator, recipe.validation is not None, recipe.run.seed
    )
    model = build_model(recipe.model, *head_of(recipe, train_data))
    check_input(model, processor)
    freeze(model, recipe.freeze)
    spec = collator_spec(recipe.collator, recipe.data)
    collator = build_collator(spec, processor, train_data, recipe.run.seed)
    without_views = spec | {"views": []}
    validate = None
    if recipe.validation is not None:
        spec = {key: value for key, value in dataclasses.asdict(recipe.validation).items() if value is not None}
        if recipe.validation.name == "regression":
            spec["targets"] = recipe.data.targets
        if recipe.validation.name == "loss" and recipe.collator.name == TEXT_COLLATOR:
            spec["text_column"] = recipe.data.columns.text
        if recipe.validation.name == "loss" and recipe.collator.name == CONTRASTIVE_COLLATOR:
            spec["collator"] = collator
        if recipe.validation.name == "loss" and problem_type(recipe) in (SINGLE_LABEL, REGRESSION):
            spec["collator"] = build_collator(without_views, processor, train_data, recipe.run.seed)
        if validates_together(recipe, world_size):
            spec |= {"rank": rank, "world_size": world_size}
        validate = build_validation(spec, processor, validation_data)
    return Parts(model, processor, train_data, RowDataset(train_data, collator.columns), collator, validate)


def problem_type(recipe: Recipe) -> str:
    """What a classifier of this recipe learns, as transformers calls it."""
    if recipe.collator.name == REGRESSION_COLLATOR:
        return REGRESSION
    return SINGLE_LABEL if recipe.collator.single_label else MULTI_LABEL


def head_of(recipe: Recipe, train_data: datasets.Dataset) -> tuple[list[str], dict]:
    """Names of a head's outputs, and what its configuration says besides; none for a model without labels."""
    data, head = recipe.data, {"problem_type": problem_type(recipe)}
    if data.targets:
        return data.targets, head | target_units(train_data, data.targets)
    return class_labels({label_set: label_names(train_data, label_set) for label_set in data.label_sets}), head


def validates_together(recipe: Recipe, world_size: int) -> bool:
    """Whether all processes validate: a contrastive loss gathers the rows of all of them, other metrics need one."""
    return world_size > 1 and recipe.validation is not None and recipe.validation.name == "loss"


def check_input(model: PreTrainedModel, processor) -> None:
    """Raise when the waveforms are made for another input than the encoder's configuration declares.

    A convolution takes any rate and length; the saved configuration would go on saying what is not so.
    """
    extractor = getattr(processor, "feature_extractor", processor)
    one_lead = any(step["name"] == "pick_lead" for step in extractor.steps)
    made = {
        "num_leads": 1 if one_lead else len(extractor.leads),
        "sampling_rate": extractor.sampling_rate,
        "num_samples": extractor.num_samples,
    }
    config = getattr(model.config, "ecg_config", model.config)
    for key, value in made.items():
        declared = getattr(config, key, value)
        if value is not None and value != declared:
            raise ValueError(
                f"processor.feature_extractor makes {key} {value}, the encoder's configuration says {declared}"
            )


def build_processor(section: ProcessorSection):
    """`ECGTextProcessor` when a tokenizer is named, else the `ECGFeatureExtractor` alone."""
    feature_extractor = ECGFeatureExtractor(**section.feature_extractor)
    if section.tokenizer is None:
        return feature_extractor
    tokenizer = AutoTokenizer.from_pretrained(resolve_pretrained(section.tokenizer))
    return ECGTextProcessor(feature_extractor, tokenizer)
