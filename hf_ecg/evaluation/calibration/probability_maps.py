"""Maps from a model's scores to probabilities that hold: temperature, scale and shift, or isotonic.

A temperature divides logits by one number, so that the order and the side of one half stay (Guo et al., ICML 2017,
arXiv 1706.04599). "platt" adds a shift (Platt, Advances in Large Margin Classifiers, 1999), which similarities to
texts need: nothing holds their zero at one half. "isotonic" is any rising step function (Zadrozny and Elkan, KDD
2002), which needs more rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import expit, softmax

METHODS = (TEMPERATURE, PLATT, ISOTONIC) = ("temperature", "platt", "isotonic")
IDENTITY = "identity"
KINDS = (MULTI_LABEL, SINGLE_LABEL) = ("multi_label", "single_label")
# fewer say next to nothing of a probability
MINIMUM_ROWS = 20
# Perfectly separated rows would have an endless slope, and then one wrong answer an endless loss.
STEEPEST = 20.0


@dataclass(frozen=True)
class ProbabilityMap:
    """A map of one class, or "temperature" of all classes of a single-label problem.

    Args:
        method: "identity", "temperature", "platt" or "isotonic".
        slope: what a score is multiplied by, one over the temperature: 0 is an infinite temperature, one half for all.
        intercept: what is then added; 0 but for "platt".
        scores, probabilities: of "isotonic", the corners of the map, both rising; straight lines between them.
    """

    method: str = IDENTITY
    slope: float = 1.0
    intercept: float = 0.0
    scores: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()

    def __call__(self, scores) -> np.ndarray:
        """Probabilities of logits, float64 of any shape."""
        scores = np.asarray(scores, dtype=np.float64)
        if self.method == ISOTONIC:
            return np.interp(scores, self.scores, self.probabilities)
        return expit(self.slope * scores + self.intercept)


def fit_map(method: str, labels, scores) -> ProbabilityMap:
    """The map of one class that has the least log loss on these rows.

    Args:
        method: one of `METHODS`.
        labels: (rows,) of 0 and 1.
        scores: (rows,), logits: the larger, the likelier.

    Raises:
        ValueError: an unknown method, fewer than 20 rows, no positive or no negative, scores that are NaN or infinite.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.evaluation.calibration.probability_maps import fit_map
        >>> labels = np.tile([1, 1, 1, 0], 10)
        >>> found = fit_map("temperature", labels, np.full(40, 4.0))  # sure of 98 %, right in 75 %
        >>> round(float(found(4.0)), 3)
        0.75
    """
    labels, scores = checked_rows(labels, scores)
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, wanted one of {METHODS}")
    if scores.ndim != 1 or not np.isin(labels, (0, 1)).all():
        raise ValueError(f"scores have shape {scores.shape}, wanted (rows,) with labels of 0 and 1")
    positives = int(labels.sum())
    if positives in (0, len(labels)):
        raise ValueError(f"{positives} of {len(labels)} rows are positive, wanted some of both kinds")
    if method == TEMPERATURE:
        return ProbabilityMap(TEMPERATURE, _slope(lambda slope: np.mean(scores * (expit(slope * scores) - labels))))
    return _platt(labels, scores, positives) if method == PLATT else _isotonic(labels, scores)


def fit_single_label(method: str, labels, scores) -> tuple[ProbabilityMap, ...]:
    """The maps of a problem whose classes exclude each other.

    Args:
        method: "temperature": one number for all classes; "isotonic" and "platt": each class against the others.
        labels: int (rows,), the class of each row.
        scores: (rows, classes), logits or log-probabilities.

    Returns:
        A map for each class; those of a temperature are the same.

    Raises:
        ValueError: as `fit_map`, and a single class, whose probability is always 1.
    """
    labels, scores = checked_rows(labels, scores)
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise ValueError(f"scores have shape {scores.shape}, wanted (rows, classes) of at least two classes")
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    if method != TEMPERATURE:
        return tuple(
            fit_map(method, labels == number, logs[:, number])
            if 0 < (labels == number).sum() < len(labels)
            # nothing is known of a class that no row has
            else ProbabilityMap(ISOTONIC, scores=(-1.0, 0.0), probabilities=(0.0, 0.0))
            for number in range(scores.shape[1])
        )
    true = logs[np.arange(len(logs)), labels.astype(int)]

    def gradient(slope: float) -> float:
        return float(np.mean((softmax(slope * logs, axis=1) * logs).sum(axis=1) - true))

    return (ProbabilityMap(TEMPERATURE, _slope(gradient)),) * scores.shape[1]


def probabilities(kind: str, maps: Sequence[ProbabilityMap], scores) -> np.ndarray:
    """Probabilities (rows, classes) of logits (rows, classes); of a "single_label" problem each row sums to one."""
    scores = np.asarray(scores, dtype=np.float64)
    if kind == MULTI_LABEL:
        return np.stack([each(scores[:, number]) for number, each in enumerate(maps)], axis=1)
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    if maps[0].method in (IDENTITY, TEMPERATURE):
        return softmax(maps[0].slope * logs, axis=1)
    found = np.stack([each(logs[:, number]) for number, each in enumerate(maps)], axis=1)
    total = found.sum(axis=1, keepdims=True)
    return np.divide(found, total, out=np.full_like(found, 1 / found.shape[1]), where=total > 0)


def checked_rows(labels, scores) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores as float64.

    Raises:
        ValueError: fewer than `MINIMUM_ROWS`, another number of labels than of scores, NaN or infinite scores.
    """
    labels, scores = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if labels.ndim != 1 or len(labels) != len(scores):
        raise ValueError(f"labels have shape {labels.shape}, scores {scores.shape}, wanted one label for each row")
    if len(labels) < MINIMUM_ROWS:
        raise ValueError(f"there are {len(labels)} rows to calibrate on, wanted at least {MINIMUM_ROWS}")
    bad = int((~np.isfinite(scores)).reshape(len(scores), -1).any(axis=1).sum())
    if bad:
        raise ValueError(f"scores of {bad} of {len(scores)} rows are NaN or infinite")
    return labels, scores


def _slope(gradient) -> float:
    """Where the gradient of a convex loss is zero, between 0 and `STEEPEST`."""
    if gradient(0.0) >= 0:
        return 0.0
    if gradient(STEEPEST) <= 0:
        return STEEPEST
    return float(brentq(gradient, 0.0, STEEPEST, xtol=1e-10))


def _platt(labels: np.ndarray, scores: np.ndarray, positives: int) -> ProbabilityMap:
    # Platt's targets: without them separated rows have no best map
    high, low = (positives + 1) / (positives + 2), 1 / (len(labels) - positives + 2)
    target = np.where(labels > 0, high, low)
    centre, spread = scores.mean(), scores.std()
    base = float(np.log(target.mean() / (1 - target.mean())))
    if spread <= 1e-12 * max(1.0, abs(centre)):
        return ProbabilityMap(PLATT, 0.0, base)
    unit = (scores - centre) / spread

    def loss(values):
        logit = values[0] * unit + values[1]
        gap = expit(logit) - target
        return np.mean(np.logaddexp(0, logit) - target * logit), np.array([np.mean(gap * unit), gap.mean()])

    found = minimize(loss, (1.0, base), jac=True, method="L-BFGS-B", bounds=((0, None), (None, None)))
    slope, shift = found.x
    return ProbabilityMap(PLATT, float(slope / spread), float(shift - slope * centre / spread))


def _isotonic(labels: np.ndarray, scores: np.ndarray) -> ProbabilityMap:
    from sklearn.isotonic import IsotonicRegression

    # a step of 0 or 1 claims what no number of rows can show
    edge = 1 / (len(labels) + 2)
    found = IsotonicRegression(y_min=edge, y_max=1 - edge).fit(scores, labels)
    corners = tuple(found.X_thresholds_.tolist()), tuple(found.y_thresholds_.tolist())
    return ProbabilityMap(ISOTONIC, scores=corners[0], probabilities=corners[1])
