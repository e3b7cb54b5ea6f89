"""Whole numbers as a device stores them, to what a `Record` holds: int16 counts with their scale, or millivolts."""

from typing import NamedTuple

import numpy as np

from ..units import MISSING_COUNT

_HIGHEST = np.iinfo(np.int16).max
# Above it single precision is used: it tells 24 bits apart, and a day of signal stays below twice the file's size.
_MOST_DOUBLES = 2**24


class Values(NamedTuple):
    """What a `Record` takes: (leads, samples); counts a millivolt and the count of zero, None for millivolts."""

    values: np.ndarray
    gain: np.ndarray | None
    baseline: np.ndarray | None


def stored_values(counts: np.ndarray, step: np.ndarray, zero: np.ndarray, missing: np.ndarray | None = None) -> Values:
    """Counts with the scale of each lead: mV = (count - zero) * step.

    Args:
        counts: whole numbers (leads, samples); those of 16 bits are changed in place.
        step: millivolts a count, finite and not 0; negative for an inverted amplifier, whose counts are turned over.
        zero: the count of 0 mV.
        missing: which samples were not recorded; None where -32768 is the format's code for it.

    Returns:
        int16 counts, -32768 where missing, when all others fit; else millivolts, NaN where missing.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals.formats.stored_counts import stored_values
        >>> stored_values(np.array([[3, -4]], np.int16), np.array([-0.5]), np.array([1.0]))
        Values(values=array([[-3,  4]], dtype=int16), gain=array([2.]), baseline=array([-1.]))
    """
    if counts.dtype == np.int16 and missing is None:
        gone = None
    else:
        gone = counts == MISSING_COUNT if missing is None else missing
    if not _fits(counts, gone, missing):
        dtype = np.float64 if counts.size <= _MOST_DOUBLES else np.float32
        millivolts: np.ndarray = counts.astype(dtype)
        millivolts -= zero.astype(dtype)[:, None]
        millivolts *= step.astype(dtype)[:, None]
        if gone is not None:
            millivolts[gone] = np.nan
        return Values(millivolts, None, None)
    counts = counts.astype(np.int16, copy=False)
    if gone is not None:
        counts[gone] = MISSING_COUNT
    turned = step < 0
    for row in np.flatnonzero(turned):
        # -32768 has no opposite among 16 bits: it stays what it is, the code for missing
        np.negative(counts[row], out=counts[row])
    # 0 is added to have no negative zeros
    return Values(counts, 1 / np.abs(step), np.where(turned, -zero, zero).astype(np.float64) + 0.0)


def _fits(counts: np.ndarray, gone: np.ndarray | None, missing: np.ndarray | None) -> bool:
    if counts.dtype == np.int16:
        if missing is None:
            return True
        # row by row: of a day of signal the masks of all leads would be as large as the signal
        pairs = zip(counts, missing, strict=True)
        return not any(((row == MISSING_COUNT) & ~gone_row).any() for row, gone_row in pairs)
    present = counts if gone is None or not gone.any() else counts[~gone]
    return bool(not present.size or MISSING_COUNT < present.min() <= present.max() <= _HIGHEST)


def long_runs(row: np.ndarray, value: int, shortest: int) -> np.ndarray:
    """Bool (samples,): where this value stands at least that often in a row.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals.formats.stored_counts import long_runs
        >>> long_runs(np.array([7, 0, 7, 7, 7]), 7, 2).tolist()
        [False, False, True, True, True]
    """
    same = row == value
    if not same.any():
        return same
    edges = np.flatnonzero(np.diff(same.view(np.int8), prepend=0, append=0))
    for first, end in edges.reshape(-1, 2):
        if end - first < shortest:
            same[first:end] = False
    return same
