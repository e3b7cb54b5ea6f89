"""Survival models on rows of a corpus: what they are compared with, and the validation of a training run."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ..metrics.survival import risk_of_logits, survival_figures
from .features import PreparedRows, classifier_logits


def known_survival(dataset, columns: Sequence[str], where: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time and event of the rows that know both, and the numbers of these rows.

    Raises:
        ValueError: another number of columns than two, columns without numbers, no row that knows both, times and
            events that cannot be, no event.
    """
    from ...data.corpus import target_matrix
    from ...data.survival_columns import check_survival

    if len(columns) != 2:
        raise ValueError(f"survival wants two columns, time and event, found {list(columns)}")
    values = target_matrix(dataset, columns)
    rows = np.flatnonzero(np.isfinite(values).all(axis=1))
    time, event = values[rows].T
    check_survival(time, event, columns, where)
    return time, event, rows


def survival_measure(time: np.ndarray, event: np.ndarray, logits: np.ndarray) -> Callable:
    """From weights (replicates, rows) to the figures of a model's logits (rows, intervals)."""
    return partial(survival_figures, time, event, risk_of_logits(logits))


def survival_validator(options: dict, processor, dataset) -> Callable:
    """The validation "survival", see `validation.build_validation`."""
    time, event, numbers = known_survival(dataset, list(options.get("targets") or []), "the validation rows")
    rows = PreparedRows(processor, dataset.select(numbers), options.get("batch_size", 64), options.get("cache", True))

    def validate(model) -> dict[str, float]:
        measured = survival_measure(time, event, classifier_logits(model, processor, rows))
        return {name: float(value[0]) for name, value in measured().items()}

    return validate
