"""Whether an input is unlike what a model learned from: a distance of its embedding, or the energy of its logits.

"mahalanobis" is the distance from the mean of the training rows in units of their spread (Lee et al., NeurIPS 2018,
arXiv 1807.03888), here of all classes together: an ECG has several. Embeddings are drawn to unit length first (Mueller
and Hein, arXiv 2505.18032): without it noise, of which a network makes little, lies near the middle of everything. The
covariance is that of probabilistic PCA (Tipping and Bishop, 1999), so that the file stays small. "energy" is of the
logits alone (Liu et al., NeurIPS 2020, arXiv 2010.03759), of several labels the sum over them (Wang et al., NeurIPS
2021, arXiv 2111.14818).
"""

from dataclasses import dataclass

import numpy as np

from ...checks import check_one_of
from .prediction_sets import check_share
from .probability_maps import MULTI_LABEL

SCORES = (MAHALANOBIS, ENERGY) = ("mahalanobis", "energy")
MOST_COMPONENTS, KEPT_VARIANCE = 64, 0.99


@dataclass(frozen=True)
class Outliers:
    """How strange an input is.

    Args:
        method: "mahalanobis" or "energy".
        threshold: of the score, above which an input counts as strange.
        expected: share of ordinary inputs above it.
        mean: (size,) of the training rows' embeddings, each of unit length.
        components: (components, size), unit length.
        variances: (components,) along these.
        rest: variance in every other direction.
    """

    method: str
    threshold: float
    expected: float
    mean: tuple[float, ...] = ()
    components: tuple[tuple[float, ...], ...] = ()
    variances: tuple[float, ...] = ()
    rest: float = 1.0

    def distance(self, embeddings) -> np.ndarray:
        """Root of the mean squared distance in standard deviations: float64 (rows,) of embeddings (rows, size).

        Raises:
            ValueError: embeddings of another size.
        """
        values = np.asarray(embeddings, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(self.mean):
            raise ValueError(f"embeddings have shape {values.shape}, wanted (rows, {len(self.mean)})")
        values = _unit(values) - np.array(self.mean)
        along = values @ np.array(self.components).T
        others = np.maximum((values**2).sum(axis=1) - (along**2).sum(axis=1), 0)
        return np.sqrt(((along**2 / np.array(self.variances)).sum(axis=1) + others / self.rest) / values.shape[1])


def fit_outliers(embeddings) -> Outliers:
    """Mean and spread of the embeddings (rows, size) of training rows; the threshold is set by `with_threshold`.

    Raises:
        ValueError: fewer than two rows, or values that are NaN or infinite.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.evaluation.calibration.outliers import fit_outliers
        >>> ordinary = np.random.default_rng(0).normal(size=(500, 8)) + 5
        >>> found = fit_outliers(ordinary)
        >>> near, far = found.distance(np.array([[5.0] * 8, [5.0] * 4 + [-5.0] * 4]))
        >>> bool(near < 1 < far)
        True
    """
    values = np.asarray(embeddings, dtype=np.float64)
    if values.ndim != 2 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"embeddings have shape {values.shape}, wanted at least two finite rows of (rows, size)")
    values = _unit(values)
    mean = values.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(values, rowvar=False).reshape(len(mean), len(mean)))
    variances, directions = np.maximum(variances[::-1], 0), directions[:, ::-1]
    total = variances.sum()
    wanted = int(np.searchsorted(np.cumsum(variances), KEPT_VARIANCE * total)) + 1
    kept = max(1, min(wanted, MOST_COMPONENTS, len(mean)))
    # embeddings that are all the same have no spread to measure by
    least = max(total, 1e-12) * 1e-6
    rest = max(float(variances[kept:].mean()) if kept < len(mean) else least, least)
    own = np.maximum(variances[:kept], least)
    components = tuple(tuple(map(_short, row)) for row in directions[:, :kept].T.tolist())
    numbers = tuple(map(_short, mean.tolist())), components, tuple(map(_short, own.tolist()))
    return Outliers(MAHALANOBIS, np.inf, 0.0, *numbers, _short(rest))


def energy(kind: str, logits) -> np.ndarray:
    """Minus how much a model finds: the higher, the stranger. float64 (rows,) of logits (rows, classes)."""
    logits = np.asarray(logits, dtype=np.float64)
    return -(np.logaddexp(0, logits).sum(axis=1) if kind == MULTI_LABEL else np.logaddexp.reduce(logits, axis=1))


def outlier_threshold(scores, expected: float) -> float:
    """The score that at most this share of ordinary inputs is above, by the rule of `set_threshold`.

    Raises:
        ValueError: fewer rows than could tell, or a share outside of 0 to 1.
    """
    check_share("expected", expected)
    scores = np.sort(np.asarray(scores, dtype=np.float64))
    place = int(np.ceil((len(scores) + 1) * (1 - expected) - 1e-9))
    if place > len(scores):
        least = int(np.ceil(1 / expected)) - 1
        raise ValueError(f"{len(scores)} rows cannot tell what {expected:.3g} of them exceed, wanted {least} or more")
    return float(scores[place - 1])


def check_method(method: str) -> None:
    """Raises ValueError for another name than those of `SCORES`."""
    check_one_of("ood", method, SCORES)


def _unit(values: np.ndarray) -> np.ndarray:
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)


def _short(value: float) -> float:
    """Seven digits, as single precision has."""
    return float(f"{value:.7g}")
