"""When our numbers are the original's."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

TOLERANCE = 2e-5  # of the largest stored value
NOISE = 1e-8  # where everything stored is zero


@dataclass(frozen=True)
class Agreement:
    """How far one of our arrays is from the one that the original computed.

    Whole numbers and booleans are to be the same. Of other numbers the largest difference is at most `TOLERANCE` of
    the largest stored value: an array of small values, such as a gradient, has a small tolerance. On outputs of order
    one that is 2e-5, where the ceiling for a conversion is 1e-4.

    Args:
        name: of the stored array.
        absolute: the largest difference.
        relative: that, by the largest stored value.
        agrees: whether this is close enough.
        note: why the two cannot be compared, such as another shape; or why another tolerance holds.
    """

    name: str
    absolute: float
    relative: float
    agrees: bool
    note: str = ""


@dataclass(frozen=True)
class Rough:
    """An array of an original whose own arithmetic is not determined to the last digits.

    Args:
        value: ours.
        through: what is compared closely: a function of an array, of ours and the stored one, that leaves this out.
        closely: the tolerance of that, of its largest value; under 1e-3, so that no such change goes unseen.
        roughly: the tolerance of the array itself, of its largest value.
        reason: why.
    """

    value: np.ndarray
    through: Callable[[np.ndarray], np.ndarray]
    closely: float
    roughly: float
    reason: str


def agreement(name: str, ours: np.ndarray | Rough, stored: np.ndarray, tolerance: float = TOLERANCE) -> Agreement:
    """Compares two arrays of one shape."""
    if isinstance(ours, Rough):
        whole = agreement(name, ours.value, stored, ours.roughly)
        if not whole.agrees:
            return whole
        close = agreement(name, ours.through(ours.value), ours.through(stored), ours.closely)
        return replace(whole, agrees=close.agrees, note=f"{ours.reason}; compared closely: {close.relative:.1e} off")
    if ours.shape != stored.shape:
        return _none(name, f"ours has the shape {ours.shape}, the stored one {stored.shape}")
    mine, theirs = ours.astype(np.float64), stored.astype(np.float64)
    if not np.array_equal(np.isnan(mine), np.isnan(theirs)) or np.isinf(mine).any() or np.isinf(theirs).any():
        return _none(name, "numbers that are not finite")
    absolute = float(np.nanmax(np.abs(mine - theirs), initial=0.0))
    size = float(np.nanmax(np.abs(theirs), initial=0.0))
    limit = 0.0 if ours.dtype.kind in "iub" else tolerance * size or NOISE
    return Agreement(name, absolute, absolute / size if size else absolute, absolute <= limit)


def summary_agreement(name: str, ours: np.ndarray, stored: np.ndarray) -> Agreement:
    """Mean, standard deviation, least and largest value of the whole array, stored where only a part of it is."""
    return agreement(name, np.array([ours.mean(), ours.std(), ours.min(), ours.max()]), stored)


def _none(name: str, problem: str) -> Agreement:
    return Agreement(name, float("nan"), float("nan"), False, problem)
