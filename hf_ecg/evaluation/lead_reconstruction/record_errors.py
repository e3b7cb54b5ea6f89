"""What a reconstruction is off by, record by record and lead by lead, and what of it an interval is made from."""

from dataclasses import dataclass

import numpy as np
import torch

from ..metrics.bootstrap import Interval, patient_index, patient_weights, percentile_interval

# square microvolts in a square millivolt
SQUARE_UV = 1e6


def record_errors(prediction: torch.Tensor, target: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    """Of each lead of each record the mean squared error, the variance and Pearson's correlation.

    Args:
        prediction, target: (batch, leads, samples), millivolts.
        counted: bool (batch, samples), the samples that count.

    Returns:
        float64 (batch, 3, leads): square microvolts, square microvolts (about the record's own mean), and the
        correlation, NaN where one of both does not move.
    """
    weight = counted.double().unsqueeze(1)
    weight = weight / weight.sum(dim=2, keepdim=True).clamp(min=1)
    prediction, target = prediction.double(), target.double()

    def mean(values):
        return (values * weight).sum(dim=2)

    error = mean((prediction - target).square())
    found, truth = (values - mean(values).unsqueeze(2) for values in (prediction, target))
    variance, spread = mean(truth.square()), mean(found.square())
    moves = (variance > 0) & (spread > 0)
    correlation = mean(found * truth) / (variance * spread).clamp(min=1e-30).sqrt()
    correlation = torch.where(moves, correlation, torch.nan)
    return torch.stack([error * SQUARE_UV, variance * SQUARE_UV, correlation], dim=1)


@dataclass(frozen=True)
class LeadFigures:
    """How well one lead is reconstructed.

    Args:
        records: that the lead is known of.
        mse, rmse: square microvolts and microvolts.
        information: the mean squared error over the lead's variance: what of the lead the shown ones do not tell.
        r2: one minus that.
        r: mean over records of Pearson's correlation.
    """

    records: int
    mse: Interval
    rmse: Interval
    information: Interval
    r2: Interval
    r: Interval


class PatientBootstrap:
    """Means over records with percentile intervals over patients; the same resampled patients for all.

    Args:
        patients: one a record.
        replicates, seed: of the bootstrap.
    """

    def __init__(self, patients, replicates: int, seed: int):
        if len(set(patients)) == 1:
            # nothing to resample: figures without intervals
            replicates, index, number = 0, np.zeros(len(patients), dtype=int), 1
        else:
            index, number = patient_index(patients, len(patients))
        drawn = patient_weights(number, replicates, np.random.default_rng([seed, 0]))
        # the first row is all records as they are
        self._weights = np.concatenate([np.ones((1, number)), drawn])[:, index]

    def means(self, values: np.ndarray) -> np.ndarray:
        """(replicates + 1,): of all records, then of each replicate; records with NaN are left out."""
        known = np.isfinite(values)
        total = self._weights[:, known].sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return self._weights[:, known] @ values[known] / total

    @staticmethod
    def interval(drawn: np.ndarray) -> Interval:
        if len(drawn) == 1 and np.isfinite(drawn[0]):
            return Interval(float(drawn[0]), None, None)
        return percentile_interval(float(drawn[0]), drawn[1:])

    def figures(self, errors: np.ndarray) -> LeadFigures:
        """Of one lead.

        Args:
            errors: (records, 3), see `record_errors`.
        """
        mse, variance, r = (self.means(column) for column in errors.T)
        with np.errstate(invalid="ignore", divide="ignore"):
            information = mse / variance
        return LeadFigures(
            int(np.isfinite(errors[:, 0]).sum()),
            *(self.interval(drawn) for drawn in (mse, np.sqrt(mse), information, 1 - information, r)),
        )

    def difference(self, first: np.ndarray, second: np.ndarray) -> dict[str, Interval]:
        """Paired, first minus second, and by which part the second's error is less or more in the first.

        Args:
            first, second: (records,), mean squared errors of the same records.
        """
        one, other = self.means(first), self.means(second)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {"mse": self.interval(one - other), "part": self.interval(one / other - 1)}


def first_half(sample_mask: torch.Tensor) -> torch.Tensor:
    """bool (batch, samples): the first half of each record's own samples."""
    place = sample_mask.long().cumsum(dim=1)
    return sample_mask & (place <= place[:, -1:] // 2)


def stack_batches(parts: list[dict[tuple[str, str, str], torch.Tensor]]) -> dict[tuple[str, str, str], np.ndarray]:
    """The records of all batches, by the same keys."""
    return {key: torch.cat([part[key] for part in parts]).numpy() for key in parts[0]}
