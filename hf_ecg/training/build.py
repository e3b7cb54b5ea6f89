"""From a recipe's sections to the objects of a run: model, processor, rows, method, collator, validation."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import datasets
from accelerate import Accelerator
from torch import nn
from transformers import AutoTokenizer, PreTrainedModel

from ..data.mixing import MixedRows
from ..data.rows import rows_fingerprint
from ..evaluation.judging.asked_texts import TrainedTexts
from ..evaluation.judging.validation import LABEL_TEXT, build_validation, check_judged, over_sources, shares_the_loss
from ..files import values_digest
from ..models.ecg_text.text_tower import limit_texts
from ..models.shared.roles import ecg_config, is_dual_encoder
from ..processing import ECGFeatureExtractor, ECGTextProcessor
from ..version import __version__
from .methods import Feeding, Method, build_method
from .network import build_model, forward_inputs, freeze, network_class, resolve_pretrained
from .objective import Objective
from .recipe import Recipe
from .recipe_facts import held_out_statements, training_facts
from .recipe_sections import ProcessorSection
from .rows import load_sources, prepare_rows


@dataclass
class RunParts:
    """What a run works with; `processor` is the feature extractor itself when there is no text.

    `sources` are the training rows, a data set for each corpus, and `rows` those of all of them, for a loader.
    """

    model: PreTrainedModel
    processor: ECGFeatureExtractor | ECGTextProcessor
    method: Method
    sources: list[datasets.Dataset]
    rows: MixedRows
    collator: Callable
    validate: Callable[[nn.Module], dict[str, float]] | None
    validates_together: bool = False
    judged: Sequence[tuple[str, datasets.Dataset]] = ()
    objective: Objective | None = None

    def identity(self) -> dict:
        """What tells these rows from others."""
        return {"hf_ecg_version": __version__, "records": len(self.rows), "rows": self.rows.fingerprint()}


def build_parts(recipe: Recipe, accelerator: Accelerator | None = None) -> RunParts:
    """Everything of a recipe but optimiser and schedule.

    Args:
        recipe: what to build.
        accelerator: of the run; a validation loss is shared out over its processes. None: there is one process.

    Raises:
        ValueError: a section that does not fit the model, the corpora or another section.
    """
    method = build_method(recipe.method, recipe.data)
    processor = build_processor(recipe.processor, method)
    inputs = forward_inputs(network_class(recipe.model))
    with_validation = recipe.validation is not None
    sources, judged = load_sources(recipe.data, method, with_validation, recipe.run.seed, recipe.run.strict)
    feeding = Feeding(processor, MixedRows(sources, method.columns), sources, recipe.run.seed, inputs)
    head = method.head(feeding.rows, sources)
    if recipe.data.cache:
        feeding = dataclasses.replace(feeding, prepared=prepare_rows(method, feeding, accelerator))
    collator = method.collator(feeding)
    rows = MixedRows(sources, collator.columns)
    model = build_model(recipe.model, *head)
    check_input(model, processor)
    if is_dual_encoder(model) and isinstance(processor, ECGTextProcessor):
        limit_texts(processor.tokenizer, model.max_text_tokens)
    freeze(model, recipe.freeze)
    parts = RunParts(model, processor, method, sources, rows, collator, None, judged=judged)
    parts.objective = method.objective(model, sources)
    if with_validation:
        check_judged(recipe.validation.name, model, recipe.validation.prompts or ())
        together = accelerator is not None and validates_together(recipe, accelerator.num_processes)
        parts.validates_together = together
        parts.validate = _validation(recipe, method, feeding, judged, accelerator if together else None)
    return parts


def data_identity(recipe: Recipe, parts: RunParts | None = None) -> str:
    """Digest of the rows that a recipe trains and selects on: signals, texts, labels.

    Args:
        recipe: of the run.
        parts: of the run, whose rows are meant; None: those that lie at the recipe's paths now.
    """
    if parts is None:
        method = build_method(recipe.method, recipe.data)
        with_validation = recipe.validation is not None
        sources, judged = load_sources(recipe.data, method, with_validation, recipe.run.seed, recipe.run.strict)
    else:
        method, sources, judged = parts.method, parts.sources, parts.judged
    columns = {*method.columns, *recipe.data.label_sets, *recipe.data.targets}
    return values_digest([rows_fingerprint(rows, columns) for rows in (*sources, *(rows for _, rows in judged))])


def validates_together(recipe: Recipe, world_size: int) -> bool:
    """Whether all processes validate: a contrastive loss gathers the rows of all of them, other metrics need one."""
    return world_size > 1 and recipe.validation is not None and shares_the_loss(recipe.validation.name)


def _validation(
    recipe: Recipe,
    method: Method,
    feeding: Feeding,
    judged: Sequence[tuple[str, datasets.Dataset]],
    accelerator: Accelerator | None,
) -> Callable[[nn.Module], dict[str, float]]:
    """A validator over the selection rows of all sources."""
    given = {key: value for key, value in dataclasses.asdict(recipe.validation).items() if value is not None}
    shares = (
        {} if accelerator is None else {"rank": accelerator.process_index, "world_size": accelerator.num_processes}
    )
    # prompts are asked as they are once the model is trained
    asked = recipe.validation.name == LABEL_TEXT
    trained = TrainedTexts.of(training_facts(recipe, method, feeding.sources) if asked else None)
    # the rows that are judged are not among those that are cached
    feeding = dataclasses.replace(feeding, prepared=None)
    build = partial(
        build_validation,
        given,
        feeding.processor,
        targets=recipe.data.targets,
        make_collator=lambda: method.validation_collator(feeding),
        # labels by the numbers that the head was given
        make_rows=lambda rows, columns: MixedRows([rows], columns, like=feeding.rows),
        held_out=held_out_statements(recipe, method),
        trained=trained,
        strict=recipe.run.strict,
        **shares,
    )
    return over_sources(build, judged)


def check_input(model: PreTrainedModel, processor) -> None:
    """Raise when the waveforms are made for another input than the encoder's configuration declares.

    A convolution takes any rate and length; the saved configuration would go on saying what is not so.
    """
    extractor = feature_extractor_of(processor)
    one_lead = any(step["name"] == "pick_lead" for step in extractor.steps)
    made = {
        "num_leads": 1 if one_lead else len(extractor.leads),
        "sampling_rate": extractor.sampling_rate,
        "num_samples": extractor.num_samples,
    }
    config = ecg_config(model.config)
    for key, value in made.items():
        declared = getattr(config, key, value)
        if value is not None and value != declared:
            raise ValueError(
                f"processor.feature_extractor makes {key} {value}, the encoder's configuration says {declared}"
            )


def feature_extractor_of(processor: ECGFeatureExtractor | ECGTextProcessor) -> ECGFeatureExtractor:
    """The part of a processor that sees waveforms."""
    return processor if isinstance(processor, ECGFeatureExtractor) else processor.feature_extractor


def build_processor(section: ProcessorSection, method: Method) -> ECGFeatureExtractor | ECGTextProcessor:
    """`ECGTextProcessor` for a method that reads texts, else the `ECGFeatureExtractor` alone.

    Raises:
        ValueError: a tokenizer where none is wanted, or none where one is.
    """
    feature_extractor = ECGFeatureExtractor(**section.feature_extractor)
    if method.reads_text != (section.tokenizer is not None):
        wanted = "a tokenizer" if method.reads_text else "no tokenizer"
        raise ValueError(f"processor.tokenizer is {section.tokenizer!r}, the method {method.name} wants {wanted}")
    if section.tokenizer is None:
        return feature_extractor
    tokenizer = AutoTokenizer.from_pretrained(resolve_pretrained(section.tokenizer))
    return ECGTextProcessor(feature_extractor, tokenizer)
