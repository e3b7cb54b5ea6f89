"""Validators that a training run calls each epoch: from a recipe's section to a function of the model."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from torch import nn
from transformers.utils import logging

from ...data.rows import RowDataset
from ...models.shared.roles import model_role
from ..metrics.classification import (
    METRICS,
    MINIMUM_COUNT,
    NothingToJudge,
    macro_metrics,
    per_class_metrics,
    require_counted_classes,
)
from ..metrics.figures import REGRESSION_METRICS, SINGLE_LABEL_METRICS, regression_figures, single_label_figures
from ..metrics.survival import SURVIVAL_METRICS
from ..options import NAMES
from .asked_texts import UNKNOWN, TrainedTexts, asked_texts, log_dropped
from .features import PreparedRows, classifier_logits, ecg_embeddings
from .held_out import prompts_to_choose_by
from .label_text import TextEmbeddings, check_aggregates, match_labels, scores_by_text
from .loss_validation import loss_validator
from .refused import skipping_validator
from .survival import survival_validator

logger = logging.get_logger(__name__)

LOSS, REGRESSION, LABEL_TEXT, SURVIVAL = "loss", "regression", "label_text", "survival"
UNANNOTATED = (LEAVE_OUT, NEGATIVE, LABELLED) = ("leave_out", "negative", "labelled")

# Read by the training loop, not by the validators.
CHOICE_KEYS = {"name", "metric", "greater_is_better"}


def build_validation(
    spec: dict,
    processor,
    dataset,
    targets: Sequence[str] = (),
    make_collator: Callable[[], Callable] | None = None,
    make_rows: Callable = RowDataset,
    rank: int = 0,
    world_size: int = 1,
    held_out: Sequence[str] = (),
    trained: TrainedTexts = UNKNOWN,
    strict: bool = False,
) -> Callable[[nn.Module], dict[str, float]]:
    """Builds a validator from a recipe's `validation` section.

    Args:
        spec: `name` and that validator's keys, None where left out; `metric`, `greater_is_better` are the loop's.

            * "label_text": `prompts` (list of prompt sets), `batch_size`, `minimum`, `cache`.
            * "classification": `label_sets`, `batch_size`, `minimum`, `cache`.
            * "single_label": `label_sets` (one), `batch_size`, `minimum`, `cache`; rows without exactly one class
              are left out.
            * "regression": `batch_size`, `cache`; figures are in the targets' units.
            * "survival": `batch_size`, `cache`; rows that know both time and event.
            * "loss": `batch_size`.
        processor: the model's processor or feature extractor.
        dataset: the validation rows.
        targets: columns of a regression; time and event of a survival.
        make_collator: of a loss: gives the collator that makes whole batches.
        make_rows: of a loss: from the rows and the collator's columns to the data set that it takes batches of.
        rank, world_size: of a process that takes its share of every batch of a loss.
        held_out: codes of statements that the training texts do not mention: of "label_text", classes that tell of
            them are left out, and the log names them.
        trained: texts that the model is trained on: of "label_text", prompts that none of them holds are left out of
            a class that has others, as where the model is judged, and the log names them.
        strict: raise at a row that the extractor refuses, instead of leaving it out.

    Returns:
        A function of the model that returns metrics such as `{"macro_auroc": ..., "macro_auroc/ptb_xl_form": ...}`,
        `{"accuracy": ..., "macro_f1": ..., "macro_auroc": ...}`, `{"mae": ..., "mae/age": ...}` or `{"c_index": ...}`;
        the figure without a task is the mean over tasks. It leaves the modes of the model's parts as they were.

    Raises:
        ValueError: unknown name or key, a metric that is not measured or in the wrong direction, no rows, a class that
            the rows do not have, no class with enough positives, all classes held out.
    """
    spec = {key: value for key, value in spec.items() if value is not None}
    name = spec.get("name")
    if name not in VALIDATORS:
        raise ValueError(f"validation name is {name!r}, wanted one of {sorted(VALIDATORS)}")
    build, known = VALIDATORS[name]
    unknown = sorted(set(spec) - CHOICE_KEYS - known)
    if unknown:
        raise ValueError(f"validation {name!r} does not know {unknown}; it knows {sorted(known)}")
    if len(dataset) == 0:
        raise ValueError(f"validation {name!r} has no rows")
    _check_choice(spec | {"targets": list(targets)})
    options = {key: value for key, value in spec.items() if key in known}
    if name in (REGRESSION, SURVIVAL):
        options["targets"] = list(targets)
    if name == LABEL_TEXT:
        options |= {"held_out": list(held_out), "trained": trained, "metric": spec.get("metric")}
    if name == LOSS:
        if make_collator is None:
            raise ValueError("validation 'loss' needs a collator that makes whole batches")
        collator = make_collator()
        rows = make_rows(dataset, collator.columns)
        options |= {"collator": collator, "rows": rows, "rank": rank, "world_size": world_size, "strict": strict}
        return build(options, processor, dataset)
    return skipping_validator(partial(build, options, processor), dataset, strict)


def check_judged(name: str, model: nn.Module, prompts: Sequence[str] = ()) -> None:
    """Refuses a validation that a model has no answers for, before it is trained for an epoch.

    Raises:
        ValueError: prompts for a model without a text tower or, of some `prompts`, without probabilities; labels for
            one without a head.
    """
    wanted = {LABEL_TEXT: "dual encoder", SURVIVAL: "survival model", LOSS: None}.get(name, "classifier")
    role = model_role(model)
    if wanted is not None and role not in (wanted, "other"):
        raise ValueError(f"validation {name!r} wants a {wanted}, but {type(model).__name__} is of the kind {role}")
    if name == LABEL_TEXT and role == wanted:
        check_aggregates(model, prompts)


def shares_the_loss(name: str) -> bool:
    """Whether several processes share the batches of this validation: a contrastive loss gathers all their rows."""
    return name == LOSS


def over_sources(build: Callable, judged: Sequence[tuple[str, object]]) -> Callable[[nn.Module], dict[str, float]]:
    """One validator over the rows of several corpora: each metric is the mean over the corpora that measure it.

    Args:
        build: from rows to their validator; it raises a ValueError for a corpus without the labels.
        judged: name and rows of each corpus.

    Returns:
        A function of the model; with several corpora it also gives `metric@name` of each.

    Raises:
        ValueError: no corpus can be judged.
    """
    if len(judged) == 1:
        return build(judged[0][1])
    validators, reasons = {}, []
    for name, rows in judged:
        try:
            validators[name] = build(rows)
        except ValueError as error:
            reasons.append(f"{name}: {error}")
            logger.warning("the validation leaves %s out: %s", name, error)
    if not validators:
        raise ValueError(f"no corpus of the recipe can be judged: {'; '.join(reasons)}")

    def validate(model) -> dict[str, float]:
        figures = {name: own(model) for name, own in validators.items()}
        metrics = dict.fromkeys(metric for values in figures.values() for metric in values)
        means = {m: float(np.mean([values[m] for values in figures.values() if m in values])) for m in metrics}
        return means | {f"{m}@{name}": value for name, values in figures.items() for m, value in values.items()}

    return validate


def _check_choice(spec: dict) -> None:
    """A misspelt metric would be noticed after an epoch only, and a wrong direction never: the worst weights stay."""
    known = _measured(spec)
    metric = spec.get("metric", next(iter(known)))
    if metric not in known:
        raise ValueError(f"validation.metric is {metric!r}, validation {spec['name']!r} measures {list(known)}")
    greater = spec.get("greater_is_better", known[metric])
    if greater != known[metric]:
        raise ValueError(f"validation.greater_is_better is {greater}, but of {metric} the other direction is better")


def _measured(spec: dict) -> dict[str, bool]:
    """Metrics of a validator, and whether more of each is better."""
    ranking = dict.fromkeys((f"macro_{metric}" for metric in METRICS), True)
    if spec["name"] == "loss":
        return {"loss": False}
    if spec["name"] == SURVIVAL:
        return SURVIVAL_METRICS
    if spec["name"] == "single_label":
        return SINGLE_LABEL_METRICS | ranking
    if spec["name"] == "regression":
        metrics, tasks = REGRESSION_METRICS, spec.get("targets", [])
    else:
        metrics, tasks = ranking, [*(Path(task).stem for task in spec.get("prompts", [])), *spec.get("label_sets", [])]
    return {f"{name}{task}": more for task in ("", *(f"/{task}" for task in tasks)) for name, more in metrics.items()}


def task_labels(
    dataset, label_set: str, class_names, minimum: int, where: str, unannotated: str = LEAVE_OUT
) -> tuple[np.ndarray, np.ndarray]:
    """Labels (judged rows, classes) for `class_names` by name, and the numbers of the judged rows.

    Args:
        unannotated: rows without any statement of the label set are not judged ("leave_out", PTB-XL's own benchmark),
            or have none of its classes ("negative", as everybody has who is screened). "labelled" keeps the rows with
            at least one of `class_names` alone (MERL's benchmark).

    Raises:
        ValueError: a class that the corpus does not have.
        NothingToJudge: no annotated row, no class with enough positives; a ValueError too.
    """
    from ...data.corpus import label_matrix, label_names

    names = label_names(dataset, label_set)
    absent = [name for name in class_names if name not in names]
    if absent:
        raise ValueError(f"{where}: the label set {label_set} of the corpus has no {absent}; it has {list(names)}")
    matrix, annotated = label_matrix(dataset, label_set)
    if not annotated.any():
        raise NothingToJudge(f"{where}: none of {len(dataset)} rows is annotated for {label_set}")
    matrix = matrix[:, [list(names).index(name) for name in class_names]]
    kept = {LEAVE_OUT: annotated, NEGATIVE: np.ones(len(matrix), dtype=bool), LABELLED: matrix.any(axis=1)}[
        unannotated
    ]
    rows = np.flatnonzero(kept)
    labels = matrix[rows]
    require_counted_classes(labels, class_names, minimum, where)
    return labels, rows


def _label_text(options: dict, processor, dataset):
    from ...clinical.prompts import load_prompts

    minimum = options.get("minimum", MINIMUM_COUNT)
    if not options.get("prompts"):
        raise ValueError("validation 'label_text' needs prompts, a list of prompt sets")
    prompt_sets = [load_prompts(name) for name in options["prompts"]]
    prompt_sets = prompts_to_choose_by(dataset, prompt_sets, options["held_out"])
    metric = options["metric"]
    if metric and "/" in metric and metric.partition("/")[2] not in [prompt_set.name for prompt_set in prompt_sets]:
        raise ValueError(f"validation.metric is {metric!r}, all of whose classes the training texts hold out")
    tasks = [task_labels(dataset, p.label_set, list(p.classes), minimum, p.name) for p in prompt_sets]
    rows = PreparedRows(processor, dataset, options.get("batch_size", 64), options.get("cache", True))
    asked = [asked_texts(prompt_set, options["trained"]) for prompt_set in prompt_sets]
    log_dropped(asked)

    def validate(model) -> dict[str, float]:
        embeddings, texts = ecg_embeddings(model, processor, rows), TextEmbeddings(model, processor)
        figures = {}
        for prompt_set, one, (labels, numbers) in zip(prompt_sets, asked, tasks, strict=True):
            scores = scores_by_text(texts, embeddings[numbers], one, [NAMES])[NAMES]
            figures[prompt_set.name] = _macro(labels, scores, list(prompt_set.classes), minimum)
        return _with_mean(figures)

    return validate


def _classification(options: dict, processor, dataset):
    from ...data.corpus import label_names

    minimum = options.get("minimum", MINIMUM_COUNT)
    if not options.get("label_sets"):
        raise ValueError("validation 'classification' needs label_sets")
    names = {label_set: list(label_names(dataset, label_set)) for label_set in options["label_sets"]}
    tasks = {s: task_labels(dataset, s, names[s], minimum, f"validation rows, {s}") for s in names}
    rows = PreparedRows(processor, dataset, options.get("batch_size", 64), options.get("cache", True))

    def validate(model) -> dict[str, float]:
        logits = classifier_logits(model, processor, rows)
        figures = {}
        for label_set, (labels, numbers) in tasks.items():
            columns = match_labels(model.config.id2label, names[label_set], label_set)
            figures[label_set] = _macro(labels, logits[numbers][:, columns], names[label_set], minimum)
        return _with_mean(figures)

    return validate


def _single_label(options: dict, processor, dataset):
    from ...data.corpus import label_matrix, label_names, single_class_rows

    minimum = options.get("minimum", MINIMUM_COUNT)
    if len(options.get("label_sets") or []) != 1:
        raise ValueError(f"validation 'single_label' needs one of label_sets, found {options.get('label_sets')}")
    (label_set,) = options["label_sets"]
    names = list(label_names(dataset, label_set))
    dataset = single_class_rows(dataset, label_set)
    labels, _ = label_matrix(dataset, label_set)
    counted = require_counted_classes(labels, names, minimum, f"validation rows, {label_set}")
    numbers = [names.index(name) for name in counted]
    rows = PreparedRows(processor, dataset, options.get("batch_size", 64), options.get("cache", True))

    def validate(model) -> dict[str, float]:
        columns = match_labels(model.config.id2label, names, label_set)
        scores = classifier_logits(model, processor, rows)[:, columns]
        figures = single_label_figures(labels.argmax(axis=1), scores, counted=numbers)
        return {name: float(value[0]) for name, value in figures.items()} | _macro(labels, scores, names, minimum)

    return validate


def _regression(options: dict, processor, dataset):
    from ...data.corpus import target_matrix

    targets = list(options.get("targets") or [])
    if not targets:
        raise ValueError("validation 'regression' needs targets")
    values = target_matrix(dataset, targets)
    known = np.isfinite(values)
    if not known.any(axis=0).all():
        raise ValueError(
            f"none of {len(dataset)} validation rows knows {np.array(targets)[~known.any(axis=0)].tolist()}"
        )
    rows = PreparedRows(processor, dataset, options.get("batch_size", 64), options.get("cache", True))

    def validate(model) -> dict[str, float]:
        predicted = classifier_logits(model, processor, rows)[
            :, match_labels(model.config.id2label, targets, "targets")
        ]
        figures = {}
        for target, kept, true, found in zip(targets, known.T, values.T, predicted.T, strict=True):
            measured = regression_figures(true[kept], found[kept])
            figures[target] = {name: float(value[0]) for name, value in measured.items()}
        return _with_mean(figures)

    return validate


def _macro(labels, scores, class_names, minimum: int) -> dict[str, float]:
    return macro_metrics(per_class_metrics(labels, scores, class_names, minimum))


def _with_mean(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """Mean over tasks under the bare name, then each task under `metric/task`."""
    metrics = next(iter(figures.values()))
    result = {metric: float(np.mean([values[metric] for values in figures.values()])) for metric in metrics}
    return result | {f"{metric}/{task}": value for task, values in figures.items() for metric, value in values.items()}


VALIDATORS = {
    LABEL_TEXT: (_label_text, {"prompts", "batch_size", "minimum", "cache"}),
    "classification": (_classification, {"label_sets", "batch_size", "minimum", "cache"}),
    "single_label": (_single_label, {"label_sets", "batch_size", "minimum", "cache"}),
    REGRESSION: (_regression, {"batch_size", "cache"}),
    SURVIVAL: (survival_validator, {"batch_size", "cache"}),
    LOSS: (loss_validator, {"batch_size"}),
}
