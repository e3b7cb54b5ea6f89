"""One bootstrap over patients for figures of many kinds, so that any two of them can be subtracted."""

from dataclasses import dataclass, field

import numpy as np

from .bootstrap import (
    CONFIDENCE,
    REPLICATES,
    mean_of_classes,
    metrics_of_draws,
    patient_index,
    patient_weights,
    percentile_interval,
    seed_shares,
)


@dataclass(frozen=True)
class Measured:
    """A figure on all rows, and in each replicate.

    Args:
        value: NaN where there is none.
        drawn: (replicates,).
    """

    value: float
    drawn: np.ndarray = field(repr=False)

    def __sub__(self, other: "Measured") -> "Measured":
        """The paired difference: both saw the same patients in each replicate."""
        return Measured(self.value - other.value, self.drawn - other.drawn)

    def interval(self) -> dict:
        """`value`, `low` and `high`, None where there is no value."""
        return vars(percentile_interval(self.value, self.drawn, CONFIDENCE)).copy()


class PatientDraws:
    """Replicates of the patients of a corpus; figures may be of some of its rows.

    Args:
        patients: (rows,) identifiers, of all rows.
        replicates, seed: of the bootstrap.

    Raises:
        ValueError: an absent patient, fewer than two.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.evaluation.metrics.patient_draws import PatientDraws
        >>> draws = PatientDraws(["a", "a", "b", "c"], replicates=100)
        >>> (mean,) = draws.means(np.array([[[1.0], [3.0], [5.0]]]), np.array([0, 2, 3]))  # of three of the rows
        >>> mean.value, mean.interval()["low"] >= 1.0
        (3.0, True)
    """

    def __init__(self, patients, replicates: int = REPLICATES, seed: int = 0):
        self.index, number = patient_index(patients, len(patients))
        self.weights = patient_weights(number, replicates, np.random.default_rng([seed, 0]))
        self.replicates, self.seed = replicates, seed

    def _drawn_seeds(self, stack: np.ndarray) -> np.ndarray:
        return seed_shares(len(stack), self.replicates, self.seed, stack)

    def class_aurocs(self, labels: np.ndarray, scores: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """AUROC of each class on all rows, (seeds, classes), and in each replicate, (seeds, replicates, classes).

        Args:
            labels: bool (rows, classes).
            scores: (seeds, rows, classes).
            rows: int (rows,), which of the patients' rows they are.
        """
        index = self.index[rows]
        whole = np.ones((1, self.weights.shape[1]))
        full, drawn = (metrics_of_draws(labels, scores, each, index)["auroc"] for each in (whole, self.weights))
        return full[:, 0], drawn

    def macro_auroc(self, labels: np.ndarray, scores: np.ndarray, rows: np.ndarray) -> Measured:
        """Mean AUROC over classes and seeds, see `class_aurocs`; seeds are drawn anew in each replicate."""
        return self.macro(*self.class_aurocs(labels, scores, rows), scores)

    def macro(self, full: np.ndarray, drawn: np.ndarray, stack: np.ndarray) -> Measured:
        """Of what `class_aurocs` gives; `stack` (seeds, ...) tells one model's draws of seeds from another's."""
        by_seed, by_replicate = mean_of_classes(full), mean_of_classes(drawn)
        return Measured(float(by_seed.mean()), np.einsum("rs,sr->r", self._drawn_seeds(stack), by_replicate))

    def means(self, values: np.ndarray, rows: np.ndarray) -> list[Measured]:
        """Mean over rows and seeds of each column of `values` (seeds, rows, columns); rows with NaN do not count."""
        known = np.isfinite(values).all(axis=(0, 2))
        values, weights = values[:, known], self.weights[:, self.index[rows[known]]]
        with np.errstate(invalid="ignore", divide="ignore"):
            by_replicate = np.einsum("rn,snc->src", weights, values) / weights.sum(axis=1)[None, :, None]
        drawn = np.einsum("rs,src->rc", self._drawn_seeds(values), by_replicate)
        whole = values.mean(axis=(0, 1)) if known.any() else np.full(values.shape[2], np.nan)
        return [Measured(float(value), drawn[:, column]) for column, value in enumerate(whole)]
