"""Missing samples (NaN): filled from the same lead; and zeros that were never recorded."""

import numpy as np

from ..checks import shown
from ._arrays import as_double

METHODS = ("linear", "neighbour_mean", "zero")
# Seconds. In 3,600 real exams of CODE-15, PTB-XL, CPSC2018, Georgia, Chapman-Shaoxing and Ningbo all leads are exactly
# zero together for two samples (4 ms) at most, and one (2.5 ms) at an end; the end of PTB-XL's at 500 Hz is one value
# for 0.1 s, which is not zero.
SHORTEST_PADDING_S = 0.1


def fill_missing(signals: np.ndarray, method: str = "linear", neighbours: int = 6) -> np.ndarray:
    """Replace NaN by values of the same lead; a lead without any sample stays NaN.

    Args:
        signals: (..., samples).
        method: "linear": between the nearest samples, which are repeated at the edges. "neighbour_mean": the mean of
            the samples present within `neighbours` on either side, all taken before any filling; where there are none,
            as "linear". MERL's preparation of MIMIC-IV-ECG uses 6. "zero": zero, as ECGFounder has it; a step in the
            signal wherever its level is another, so only for fidelity to an original.
        neighbours: samples on either side.

    Raises:
        ValueError: unknown method, or infinite samples.
    """
    if method not in METHODS:
        raise ValueError(f"fill method is {method!r}, wanted one of {', '.join(METHODS)}")
    if isinstance(neighbours, bool) or not isinstance(neighbours, (int, np.integer)) or neighbours < 1:
        raise ValueError(f"neighbours is {shown(neighbours)}, wanted a whole number of at least 1")
    signals, dtype = as_double(signals)
    if np.isinf(signals).any():
        raise ValueError("infinite samples are not missing ones: find out where they come from")
    filled = signals.copy()
    rows = filled.reshape(-1, filled.shape[-1])
    absent = np.isnan(rows)
    for number in np.flatnonzero(absent.any(axis=-1) & ~absent.all(axis=-1)):
        row, gaps = rows[number], absent[number]
        if method == "zero":
            row[gaps] = 0.0
            continue
        if method == "neighbour_mean":
            _fill_by_neighbours(row, gaps, neighbours)
            gaps = np.isnan(row)
        if gaps.any():
            row[gaps] = np.interp(np.flatnonzero(gaps), np.flatnonzero(~gaps), row[~gaps])
    return filled.astype(dtype, copy=False)


def _fill_by_neighbours(row: np.ndarray, gaps: np.ndarray, neighbours: int) -> None:
    before = row.copy()
    neighbours = min(neighbours, len(row))
    for place in np.flatnonzero(gaps):
        window = before[max(0, place - neighbours) : place + neighbours + 1]
        present = window[~np.isnan(window)]
        if len(present):
            row[place] = present.mean()


def recorded_stretch(
    signals: np.ndarray, sampling_rate: float, minimum_seconds: float = SHORTEST_PADDING_S
) -> tuple[int, int]:
    """First sample and end of what was recorded in an array that zeros fill up at both ends.

    Corpora store records of several lengths in arrays of one (CODE-15's HDF5: 7 or 10 s in the middle of 4,096
    samples). What fills them up was not measured: it is missing, and no flat line. It is taken for that where all
    leads are exactly zero at once, from an end on and for `minimum_seconds` at least. A flat electrode does not make
    the other leads zero, so all leads of the record must be here.

    Args:
        signals: one record, (leads, samples), in millivolts; NaN counts as neither.
        sampling_rate: hertz.
        minimum_seconds: shorter runs of zeros are measurements.

    Returns:
        `(first, end)`; `(0, samples)` for a record without such zeros, `(0, 0)` for one of nothing else.

    Raises:
        ValueError: another shape.
    """
    signals = np.asarray(signals)
    if signals.ndim != 2:
        raise ValueError(f"signals has shape {signals.shape}, wanted (leads, samples)")
    other = np.flatnonzero((signals != 0).any(axis=0))
    samples = signals.shape[1]
    if not other.size:
        return (0, 0) if samples >= minimum_seconds * sampling_rate else (0, samples)
    first, end = int(other[0]), int(other[-1]) + 1
    shortest = minimum_seconds * sampling_rate
    return first if first >= shortest else 0, end if samples - end >= shortest else samples


def zero_padding_to_missing(
    signals: np.ndarray, sampling_rate: float, minimum_seconds: float = SHORTEST_PADDING_S
) -> np.ndarray:
    """NaN in place of the zeros at both ends that fill up an array, see `recorded_stretch`.

    Args:
        signals: (..., leads, samples) in millivolts, all leads of each record.
        sampling_rate, minimum_seconds: see `recorded_stretch`.

    Raises:
        ValueError: fewer than two axes.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals import zero_padding_to_missing
        >>> signals = np.zeros((2, 500))  # two leads, 500 samples at 100 Hz, of which 300 were recorded
        >>> signals[:, 100:400] = np.cos(np.arange(300) / 9)
        >>> np.isnan(zero_padding_to_missing(signals, sampling_rate=100)).sum(axis=1).tolist()
        [200, 200]
    """
    signals, dtype = as_double(signals)
    if signals.ndim < 2:
        raise ValueError(f"signals has shape {signals.shape}, wanted (..., leads, samples)")
    marked: np.ndarray = signals.astype(dtype)
    for record, out in zip(_records(signals), _records(marked), strict=True):
        first, end = recorded_stretch(record, sampling_rate, minimum_seconds)
        out[:, :first] = np.nan
        out[:, end:] = np.nan
    return marked


def _records(signals: np.ndarray) -> np.ndarray:
    return signals.reshape(-1, *signals.shape[-2:])
