"""Whether probabilities are right, not only their order: log loss and calibration error beside the AUROC."""

from collections.abc import Sequence

import numpy as np

from .classification import weighted_ranking_metrics

BINS = 10


def probability_figures(labels, logits, weights=None, counted: Sequence[int] | None = None) -> dict[str, np.ndarray]:
    r"""Log loss, AUROC and calibration error of a multi-label classifier, each the mean over classes.

    The calibration error of a class is $\sum_b\frac{n_b}{n}|\bar y_b-\bar p_b|$ over ten bins of as many rows each,
    cut by the probabilities of all rows (Guo et al., arXiv 1706.04599, whose bins are of equal width). Of few rows it
    is too large: a perfect model's is not 0.

    Args:
        labels: (rows, classes) of 0 and 1.
        logits: (rows, classes).
        weights: (replicates, rows), how often each row counts; None counts each once.
        counted: classes of the means; None takes all. One without positives or negatives in a replicate leaves its
            AUROC.

    Returns:
        "log_loss", "auroc" and "calibration_error", float64 (replicates,).

    Raises:
        ValueError: shapes that do not fit, labels that are not 0 and 1, or values that are not finite.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.evaluation.metrics.calibration import probability_figures
        >>> labels = np.array([[0.0], [1.0], [0.0], [1.0]])
        >>> found = probability_figures(labels, np.zeros((4, 1)))  # one half for everybody
        >>> round(found["log_loss"].item(), 4), found["auroc"].item()
        (0.6931, 0.5)
    """
    labels, logits = np.asarray(labels, dtype=np.float64), np.asarray(logits, dtype=np.float64)
    if labels.ndim != 2 or labels.shape != logits.shape or len(labels) == 0:
        raise ValueError(f"labels have shape {labels.shape}, logits {logits.shape}, wanted (rows, classes) twice")
    if not np.isin(labels, (0, 1)).all() or not np.isfinite(logits).all():
        raise ValueError("labels are not 0 and 1 alone, or logits are NaN or infinite; leave unannotated rows out")
    weights = np.ones((1, len(labels))) if weights is None else np.asarray(weights, dtype=np.float64)
    classes = range(labels.shape[1]) if counted is None else counted
    rows = weights.sum(axis=1)
    losses, areas, errors = [], [], []
    for number in classes:
        true, logit = labels[:, number], logits[:, number]
        losses.append(weights @ (np.logaddexp(0, logit) - true * logit) / rows)
        areas.append(weighted_ranking_metrics(true.astype(bool), logit, weights)[0])
        errors.append(_calibration_error(true, 1 / (1 + np.exp(-np.clip(logit, -700, 700))), weights) / rows)
    known = np.isfinite(areas)
    area = np.where(known, areas, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return {
        "log_loss": np.mean(losses, axis=0),
        "auroc": np.where(known.any(axis=0), area, np.nan),
        "calibration_error": np.mean(errors, axis=0),
    }


def _calibration_error(true: np.ndarray, probability: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum over bins of |weighted sum of (label - probability)|: (replicates,)."""
    order = np.argsort(probability, kind="stable")
    gaps = true - probability
    return sum(np.abs(weights[:, part] @ gaps[part]) for part in np.array_split(order, min(BINS, len(order))))
