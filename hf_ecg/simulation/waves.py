"""Waves of a beat as sums of Gaussians of the heart vector, and where such a wave begins and ends.

The idea is McSharry et al., A dynamical model for generating synthetic electrocardiogram signals, IEEE Trans Biomed
Eng 50:289 (2003): each wave is a Gaussian of the time in the beat. Sameni et al., Multichannel ECG and noise modeling,
EURASIP J Adv Signal Process 2007:043407, and Clifford et al., Physiol Meas 31:595 (2010), made it three-dimensional:
a Gaussian for each component of the heart vector. Axes are Frank's: x to the left, y to the feet, z to the back, in
millivolts.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

# A wave begins and ends where the vector's length passes this share of its largest value in the wave: some 0.03 mV of
# QRS and 0.01 mV of P, about what a reader or a program of the CSE study can see (Willems et al., Circulation 71:523,
# 1985, on onsets and ends over all leads).
QRS_EDGE, P_EDGE = 0.02, 0.05
_GRID = np.linspace(-0.5, 1.5, 1001)


@dataclass(frozen=True)
class Wave:
    """Gaussians of the heart vector: `centers` and `widths` (standard deviations) (n,), `vectors` (n, 3) in mV.

    Times are shares of the wave's duration in a template, seconds after `placed`.
    """

    centers: np.ndarray
    widths: np.ndarray
    vectors: np.ndarray

    @classmethod
    def of(cls, *gaussians: tuple[float, float, float, float, float]) -> "Wave":
        """From (center, width, x, y, z) for each Gaussian."""
        table = np.array(gaussians, dtype=np.float64)
        return cls(table[:, 0], table[:, 1], table[:, 2:])

    def at(self, times: np.ndarray) -> np.ndarray:
        """Heart vector (3, times)."""
        shapes = np.exp(-0.5 * ((times - self.centers[:, None]) / self.widths[:, None]) ** 2)
        return self.vectors.T @ shapes

    def shape(self, times: np.ndarray) -> np.ndarray:
        """The wave's course (times,) whatever its direction; its strongest Gaussian counts one."""
        sizes = np.linalg.norm(self.vectors, axis=1)
        shapes = np.exp(-0.5 * ((times - self.centers[:, None]) / self.widths[:, None]) ** 2)
        return sizes @ shapes / max(sizes.max(), 1e-9)

    @property
    def area(self) -> np.ndarray:
        """Integral of the vector over time (3,)."""
        return np.sqrt(2 * np.pi) * self.widths @ self.vectors

    def turned(self, matrix: np.ndarray) -> "Wave":
        """Every vector multiplied by (3, 3)."""
        return Wave(self.centers, self.widths, self.vectors @ matrix.T)

    def edges(self, share: float) -> tuple[float, float]:
        """First and last time at which the vector is longer than `share` of its maximum."""
        lengths = np.linalg.norm(self.at(_GRID), axis=0)
        bound = share * lengths.max()
        above = np.flatnonzero(lengths > bound)
        first, last = above[0], above[-1]
        return (
            float(np.interp(bound, lengths[first - 1 : first + 1], _GRID[first - 1 : first + 1])),
            float(np.interp(-bound, -lengths[last : last + 2], _GRID[last : last + 2])),
        )

    def tangent_end(self) -> float:
        """Where the steepest tangent to the falling length meets zero (Lepeschkin and Surawicz 1952, for T)."""
        lengths = np.linalg.norm(self.at(_GRID), axis=0)
        slopes = np.gradient(lengths, _GRID)
        peak = int(lengths.argmax())
        steepest = peak + int(slopes[peak:].argmin())
        return float(_GRID[steepest] - lengths[steepest] / slopes[steepest])

    def placed(self, onset: float, offset: float, edges: tuple[float, float]) -> "Wave":
        """Stretched so that the template's times `edges` come to `onset` and `offset`."""
        scale = (offset - onset) / (edges[1] - edges[0])
        return Wave(onset + (self.centers - edges[0]) * scale, self.widths * scale, self.vectors)


def plateau(times: np.ndarray, begin: float, end: float, rise: float, fall: float) -> np.ndarray:
    """A level of one between two times, with Gaussian flanks (standard deviations `rise` and `fall`): an ST shift."""
    return ndtr((times - begin) / rise) - ndtr((times - end) / fall)
