"""Where a score is cut, and what comes of it: sensitivity, predictive value at a prevalence, and a fixed capacity."""

import numpy as np

from .prediction_sets import check_share


def sensitivity_threshold(labels, scores, sensitivity: float) -> float:
    """The highest score at which at least this share of the positives is found (a score at the threshold counts).

    Args:
        labels: (rows,) of 0 and 1.
        scores: (rows,).
        sensitivity: such as 0.9.

    Raises:
        ValueError: no positive, or a share outside of 0 to 1.

    Example:
        >>> from hf_ecg.evaluation.calibration.operating_points import sensitivity_threshold
        >>> sensitivity_threshold([0, 1, 0, 1], [0.1, 0.4, 0.6, 0.9], 0.9)
        0.4
    """
    check_share("sensitivity", sensitivity)
    positive = np.sort(np.asarray(scores, dtype=np.float64)[np.asarray(labels) > 0])[::-1]
    if not len(positive):
        raise ValueError("there is no positive row, and a sensitivity is of positives")
    return float(positive[int(np.ceil(sensitivity * len(positive) - 1e-9)) - 1])


def threshold_figures(labels, positive, weights, prevalence: float | None = None) -> dict[str, np.ndarray]:
    """Sensitivity, specificity and predictive value of a decision.

    Args:
        labels: (rows,) of 0 and 1.
        positive: bool (rows,), what the threshold says.
        weights: (replicates, rows), how often each row counts.
        prevalence: for which the predictive value is told, by Bayes' rule; None takes that of the rows.

    Returns:
        "sensitivity", "specificity" and "ppv", float64 (replicates,), NaN where nothing is divided.
    """
    labels, positive = np.asarray(labels) > 0, np.asarray(positive, dtype=bool)
    found, all_positive = weights @ (labels & positive), weights @ labels
    right, all_negative = weights @ (~labels & ~positive), weights @ ~labels
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivity, specificity = found / all_positive, right / all_negative
        share = all_positive / weights.sum(axis=1) if prevalence is None else prevalence
        hits = sensitivity * share
        ppv = hits / (hits + (1 - specificity) * (1 - share))
    return {"sensitivity": sensitivity, "specificity": specificity, "ppv": ppv}


def capacity_figures(labels, scores, weights, capacity: float) -> dict[str, np.ndarray]:
    """What is found when only the highest scores can be looked at: the top 5 %, say.

    Args:
        labels: (rows,) of 0 and 1.
        scores: (rows,).
        weights: (replicates, rows).
        capacity: share of the rows that can be looked at.

    Returns:
        "true_positive_rate", the share of all positives that is found, and "ppv", that of positives among those looked
        at. Of rows with the score at the edge each counts in part.

    Raises:
        ValueError: a share outside of 0 to 1.
    """
    check_share("capacity", capacity)
    labels, scores = np.asarray(labels) > 0, np.asarray(scores, dtype=np.float64)
    _, groups = np.unique(-scores, return_inverse=True)
    size = int(groups.max()) + 1
    rows, hits = (np.stack([np.bincount(groups, each, size) for each in part]) for part in (weights, weights * labels))
    places = capacity * weights.sum(axis=1, keepdims=True)
    before = np.cumsum(rows, axis=1) - rows
    taken = np.clip(places - before, 0, rows)
    found = (hits * np.divide(taken, rows, out=np.zeros_like(rows), where=rows > 0)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {"true_positive_rate": found / (weights @ labels), "ppv": found / places[:, 0]}
