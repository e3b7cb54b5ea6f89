"""Ranking metrics on arrays: AUROC and AUPRC per class, weighted rows, a macro that leaves rare classes out."""

from dataclasses import dataclass

import numpy as np

MINIMUM_COUNT = 10  # positives and negatives that a class needs to enter the macro (the package's evaluation protocol)
METRICS = ("auroc", "auprc")


class NothingToJudge(ValueError):
    """No class of a task has enough positives and negatives among the rows, or no row is annotated for it."""


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one class; `auroc` and `auprc` are None where there are no positives or no negatives.

    Args:
        positives, negatives: numbers of rows.
        prevalence: share of positives, which is the AUPRC of random scores.
        counted: whether the class enters the macro.
    """

    name: str
    positives: int
    negatives: int
    prevalence: float
    auroc: float | None
    auprc: float | None
    counted: bool


def check_task(labels, scores, class_names) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Returns `(labels bool (rows, classes), scores float64 (..., rows, classes), class_names)` or says what is wrong.

    Args:
        labels: (rows, classes) of 0 and 1.
        scores: (rows, classes), or (seeds, rows, classes).

    Raises:
        ValueError: shapes that do not fit, labels other than 0 and 1, a repeated class, NaN or infinite scores.
    """
    labels, scores, class_names = np.asarray(labels), np.asarray(scores, dtype=np.float64), list(class_names)
    if labels.ndim != 2 or labels.shape[1] != len(class_names):
        raise ValueError(f"labels have shape {labels.shape}, wanted (rows, {len(class_names)}) for {class_names}")
    if len(set(class_names)) != len(class_names):
        raise ValueError(f"class names are repeated: {class_names}")
    if scores.ndim not in (2, 3) or scores.shape[-2:] != labels.shape:
        raise ValueError(f"scores have shape {scores.shape}, wanted (rows, classes) {labels.shape} or seeds before it")
    if len(labels) == 0 or (scores.ndim == 3 and len(scores) == 0):
        raise ValueError("there are no rows to evaluate")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("labels hold values other than 0 and 1; leave rows that are not annotated out of the task")
    finite = np.isfinite(scores)
    if not finite.all():
        where = sorted({class_names[index] for index in np.nonzero(~finite)[-1]})
        raise ValueError(f"{int((~finite).sum())} scores are NaN or infinite, in classes {where}")
    return labels.astype(bool), scores, class_names


def weighted_ranking_metrics(labels, scores, weights) -> tuple[np.ndarray, np.ndarray]:
    """AUROC and AUPRC of one class for many weightings of the same rows, sorting once.

    Tied scores count half in the AUROC and share one threshold in the AUPRC, which is the average precision
    (sum over thresholds of the gain in recall times the precision).

    Args:
        labels: bool (rows,).
        scores: (rows,).
        weights: (replicates, rows), not negative; a replicate is a row drawn that many times.

    Returns:
        Two float64 arrays (replicates,), NaN where a replicate has no positives or no negatives.
    """
    order = np.argsort(scores, kind="stable")
    ordered_scores = scores[order]
    weights = np.asarray(weights, dtype=np.float64)[:, order]
    positive = weights * labels[order]
    negative = weights - positive
    starts = np.flatnonzero(np.concatenate(([True], ordered_scores[1:] != ordered_scores[:-1])))
    if len(starts) < len(order):
        positive = np.add.reduceat(positive, starts, axis=1)
        negative = np.add.reduceat(negative, starts, axis=1)
    up_to_positive, up_to_negative = np.cumsum(positive, axis=1), np.cumsum(negative, axis=1)
    positives, negatives = up_to_positive[:, -1:], up_to_negative[:, -1:]
    pairs = (positives * negatives)[:, 0]
    wins = np.einsum("rk,rk->r", positive, up_to_negative - 0.5 * negative)
    true_positives = positives - up_to_positive + positive
    selected = true_positives + negatives - up_to_negative + negative
    precision = np.divide(true_positives, selected, out=np.zeros_like(selected), where=selected > 0)
    gained = np.einsum("rk,rk->r", positive, precision)
    with np.errstate(invalid="ignore", divide="ignore"):
        auroc = np.where(pairs > 0, wins / pairs, np.nan)
        auprc = np.where(pairs > 0, gained / positives[:, 0], np.nan)
    return auroc, auprc


def per_class_metrics(labels, scores, class_names, minimum: int = MINIMUM_COUNT) -> dict[str, ClassMetrics]:
    """AUROC and AUPRC of each class, in the order of `class_names`.

    Args:
        labels: (rows, classes) of 0 and 1.
        scores: (rows, classes), any scale, higher for positives.
        minimum: positives and negatives that a class needs to be counted in the macro.

    Raises:
        ValueError: see `check_task`.

    Example:
        >>> from hf_ecg.evaluation import macro_metrics, per_class_metrics
        >>> labels, scores = [[1, 0], [0, 1], [0, 0], [0, 0]], [[0.9, 0.3], [0.2, 0.8], [0.6, 0.1], [0.1, 0.4]]
        >>> classes = per_class_metrics(labels, scores, ["AFIB", "PVC"], minimum=1)
        >>> classes["AFIB"].auroc, classes["AFIB"].prevalence
        (1.0, 0.25)
        >>> macro_metrics(classes)
        {'macro_auroc': 1.0, 'macro_auprc': 1.0}
    """
    labels, scores, class_names = check_task(labels, scores, class_names)
    if scores.ndim != 2:
        raise ValueError(
            f"scores have shape {scores.shape}, wanted (rows, classes); see bootstrap.py for several seeds"
        )
    ones = np.ones((1, len(labels)))
    results = {}
    for index, name in enumerate(class_names):
        positives = int(labels[:, index].sum())
        negatives = len(labels) - positives
        auroc = auprc = None
        if positives and negatives:
            auroc, auprc = (float(v[0]) for v in weighted_ranking_metrics(labels[:, index], scores[:, index], ones))
        counted = min(positives, negatives) >= max(minimum, 1)
        results[name] = ClassMetrics(name, positives, negatives, positives / len(labels), auroc, auprc, counted)
    return results


def counted_classes(labels, class_names, minimum: int = MINIMUM_COUNT) -> list[str]:
    """Names of the classes with at least `minimum` positives and negatives among the rows of `labels`."""
    positives = np.asarray(labels).astype(bool).sum(axis=0)
    enough = np.minimum(positives, len(labels) - positives) >= max(minimum, 1)
    return [name for name, keep in zip(class_names, enough, strict=True) if keep]


def require_counted_classes(labels, class_names, minimum: int = MINIMUM_COUNT, where: str = "the rows") -> list[str]:
    """As `counted_classes`, but an empty list is an error that shows the counts.

    Raises:
        NothingToJudge: no class reaches `minimum` positives and negatives.
    """
    counted = counted_classes(labels, class_names, minimum)
    if not counted:
        positives = np.asarray(labels).astype(bool).sum(axis=0)
        counts = {name: int(number) for name, number in zip(class_names, positives, strict=True)}
        raise NothingToJudge(
            f"no class has at least {minimum} positives and {minimum} negatives in {where}: positives {counts} "
            f"of {len(labels)} rows"
        )
    return counted


def macro_metrics(per_class: dict[str, ClassMetrics]) -> dict[str, float]:
    """`{"macro_auroc", "macro_auprc"}` over the counted classes.

    Raises:
        ValueError: no class is counted.
    """
    counted = [metrics for metrics in per_class.values() if metrics.counted]
    if not counted:
        counts = {name: (metrics.positives, metrics.negatives) for name, metrics in per_class.items()}
        raise ValueError(f"no class has enough positives and negatives for a macro: (positives, negatives) {counts}")
    return {f"macro_{key}": float(np.mean([getattr(metrics, key) for metrics in counted])) for key in METRICS}
