"""Linear probe: logistic regression on the features of a frozen encoder, its strength chosen on validation only."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from transformers.utils import logging

from ...checks import check_one_of
from ..metrics.classification import METRICS, MINIMUM_COUNT, macro_metrics, per_class_metrics, require_counted_classes

logger = logging.get_logger(__name__)

STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
MAXIMUM_ITERATIONS = 1000


@dataclass(frozen=True)
class ProbeRows:
    """Rows of one split that are annotated for the task.

    Args:
        features: float (rows, hidden_size).
        labels: (rows, classes) of 0 and 1.
        patients: (rows,) identifiers.
    """

    features: np.ndarray
    labels: np.ndarray
    patients: Sequence

    def __post_init__(self):
        lengths = len(self.features), len(self.labels), len(self.patients)
        if len(set(lengths)) != 1 or not lengths[0]:
            raise ValueError(f"features, labels and patients have {lengths} rows, wanted equal numbers above zero")
        if not np.isfinite(self.features).all():
            raise ValueError("features hold NaN or infinite values")


@dataclass(frozen=True)
class ProbeResult:
    """A fitted probe.

    Args:
        scores: float64 (test rows, classes), decision values.
        weights: float64 (classes, hidden_size), of the features as they are; zero of an untrained class.
        offsets: float64 (classes,).
        strength: the chosen C of scikit-learn's `LogisticRegression` (larger is weaker regularisation).
        validation: validation macro of each C tried, by the metric that chose.
        untrained: classes without positives or without negatives in the training rows; their scores are constant.
    """

    scores: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    strength: float
    validation: dict[float, float]
    records: int
    patients: int
    untrained: list[str]

    def score(self, features) -> np.ndarray:
        """Decision values of further rows: features (rows, hidden_size) to float64 (rows, classes)."""
        return np.asarray(features, dtype=np.float64) @ self.weights.T + self.offsets


def patient_fraction(patients: Sequence, fraction: float, seed: int) -> np.ndarray:
    """Chooses rows of a share of the patients; smaller shares of one seed lie inside larger ones.

    Args:
        patients: (rows,) identifiers.
        fraction: above 0, at most 1; the number of patients is rounded up.

    Returns:
        bool (rows,).

    Raises:
        ValueError: fraction outside (0, 1], or an absent patient.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction is {fraction}, wanted above 0 and at most 1")
    names = [str(patient) for patient in patients]
    if any(patient is None or patient != patient for patient in patients):
        raise ValueError("rows without patient_id cannot be drawn by patient")
    # Sorted first: which patients are drawn must not depend on the order of the rows.
    unique = np.array(sorted(set(names)))
    shuffled = np.random.default_rng(seed).permutation(unique)
    chosen = set(shuffled[: int(np.ceil(fraction * len(unique) - 1e-9))].tolist())
    return np.array([name in chosen for name in names])


def parse_percentages(text: str) -> list[float]:
    """`"1,10,100"` -> [1.0, 10.0, 100.0].

    Raises:
        ValueError: anything else, or a percentage that is not above 0 and at most 100.
    """
    try:
        percentages = sorted({float(part) for part in text.split(",")})
    except ValueError as error:
        raise ValueError(f"fractions are {text!r}, wanted percentages such as 1,10,100") from error
    if not all(0 < percentage <= 100 for percentage in percentages):
        raise ValueError(f"fractions are {text!r}, wanted percentages above 0 and at most 100")
    return percentages


def linear_probe(
    train: ProbeRows,
    validation: ProbeRows,
    test_features: np.ndarray,
    class_names: Sequence[str],
    fraction: float = 1.0,
    seed: int = 0,
    strengths: Sequence[float] = STRENGTHS,
    minimum: int = MINIMUM_COUNT,
    metric: str = METRICS[0],
    shared_patients: bool = False,
) -> ProbeResult:
    """Fits one logistic regression a class on standardised features and scores the test rows.

    Mean and scale come from the training rows used. One C for all classes is chosen by the validation macro of
    `metric`; of equal ones the smallest, which regularises most. Test labels are not seen.

    Args:
        fraction: share of the training patients.
        strengths: values of C tried.
        minimum: positives and negatives that a class needs in the validation rows to count for the choice.
        metric: "auroc" or "auprc", which weighs rare classes' few positives more.
        shared_patients: patients may be in both, as in published splits that leak.

    Raises:
        ValueError: a patient in both train and validation, no class that counts in the validation rows.
    """
    from sklearn.linear_model import LogisticRegression

    class_names = list(class_names)
    check_one_of("metric", metric, METRICS)
    if not strengths or min(strengths) <= 0:
        raise ValueError(f"strengths are {list(strengths)}, wanted values above 0")
    if not shared_patients:
        require_disjoint({"train": train.patients, "validation": validation.patients})
    require_counted_classes(validation.labels, class_names, minimum, "the validation rows")
    rows = patient_fraction(train.patients, fraction, seed)
    features, labels = train.features[rows].astype(np.float64), np.asarray(train.labels)[rows].astype(bool)
    mean, deviation = standardisation(features)
    features, validation_features, test_features = standardised(features, validation.features, test_features)
    strengths = sorted(set(strengths))
    validation_scores = np.zeros((len(strengths), len(validation_features), len(class_names)))
    test_scores = np.zeros((len(strengths), len(test_features), len(class_names)))
    fitted = np.zeros((len(strengths), len(class_names), features.shape[1] + 1))
    untrained = []
    for c, name in enumerate(class_names):
        if labels[:, c].all() or not labels[:, c].any():
            untrained.append(name)
            continue
        classifier = LogisticRegression(max_iter=MAXIMUM_ITERATIONS, warm_start=True)
        for s, strength in enumerate(strengths):
            classifier.set_params(C=strength)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                classifier.fit(features, labels[:, c])
            for warning in caught:
                logger.warning(f"linear probe of {name}, C={strength:g}: {str(warning.message).splitlines()[0]}")
            fitted[s, c, :-1], fitted[s, c, -1] = classifier.coef_[0], classifier.intercept_[0]
            validation_scores[s, :, c] = classifier.decision_function(validation_features)
            test_scores[s, :, c] = classifier.decision_function(test_features)
    if untrained:
        logger.warning(f"{fraction:.0%} of the training patients hold one kind of label only for {untrained}")
    tried = {}
    for strength, scores in zip(strengths, validation_scores, strict=True):
        per_class = per_class_metrics(validation.labels, scores, class_names, minimum)
        tried[strength] = macro_metrics(per_class)[f"macro_{metric}"]
    best = max(strengths, key=lambda strength: (tried[strength], -strength))
    patients = {str(p) for p, keep in zip(train.patients, rows, strict=True) if keep}
    place = strengths.index(best)
    weights = fitted[place, :, :-1] / deviation
    offsets = fitted[place, :, -1] - weights @ mean
    number = int(rows.sum())
    return ProbeResult(test_scores[place], weights, offsets, best, tried, number, len(patients), untrained)


def standardisation(train) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale of features, float64 (hidden_size,) each."""
    train = np.asarray(train, dtype=np.float64)
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    # A feature that never varies in training says nothing: its scale of one keeps it at zero there.
    deviation[deviation < 1e-12 * np.maximum(np.abs(mean), 1.0)] = 1.0
    return mean, deviation


def standardised(train, *others) -> list[np.ndarray]:
    """Features by the mean and scale of the training rows, float64: those of the training rows, then `others`."""
    mean, deviation = standardisation(train)
    return [(np.asarray(rows, dtype=np.float64) - mean) / deviation for rows in (train, *others)]


def require_disjoint(splits: dict[str, Sequence], what: str = "patients") -> None:
    """Raises ValueError when a patient (or what `what` says) is in two of the named splits."""
    names = list(splits)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            shared = {str(one) for one in splits[first]} & {str(one) for one in splits[second]}
            if shared:
                raise ValueError(f"{first} and {second} share {len(shared)} {what}, such as {sorted(shared)[:5]}")
