"""What the measurements of many records say of many features, as arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ...signals.delineation import Measurements
from .measured import feature_margin

UNDECIDED, REJECTED, KEPT = 0, 1, 2


@dataclass(frozen=True)
class FeatureAnswers:
    """Answers of the rules.

    Args:
        margins: float64 (records, features): how far a record's number lies on the feature's side of the bound, in the
            number's own unit; NaN where the rules cannot decide. Comparable between records of one feature.
        states: int8 (records, features): `UNDECIDED`, `REJECTED` or `KEPT`. On the bound itself the rule says which.
    """

    margins: np.ndarray
    states: np.ndarray


def feature_answers(measurements: Iterable[Measurements], features: Sequence[str]) -> FeatureAnswers:
    """What measurements say of each feature; see `measured_verdicts` for how.

    Args:
        measurements: of each record, such as `measurements_of` or `data.measured_rows.measured_rows` gives them.
        features: texts, such as "prolonged PR interval" or "ST elevation >= 1 mm in leads II, III and aVF".

    Raises:
        ValueError: features is one string.
    """
    if isinstance(features, str):
        raise ValueError(f"features is the string {features!r}, wanted a sequence of texts")
    found = [[feature_margin(record, feature) for feature in features] for record in measurements]
    margins = np.array([[margin for margin, _ in row] for row in found], dtype=np.float64)
    kept = np.array([[keep for _, keep in row] for row in found], dtype=bool)
    shape = len(found), len(features)
    margins, kept = margins.reshape(shape), kept.reshape(shape)
    states = np.where(np.isnan(margins), UNDECIDED, np.where(kept, KEPT, REJECTED)).astype(np.int8)
    return FeatureAnswers(margins, states)


def feature_margins(measurements: Iterable[Measurements], features: Sequence[str]) -> np.ndarray:
    """The margins of `feature_answers`: float64 (records, features), NaN where undecided.

    Example:
        >>> from hf_ecg.clinical.feature_rules import feature_margins
        >>> from hf_ecg.signals.delineation import Measurements
        >>> feature_margins([Measurements("machine", pr_ms=230.0)], ["prolonged PR interval", "delta wave"])
        array([[30., nan]])
    """
    return feature_answers(measurements, features).margins
