"""Missing samples (NaN): filled from the same lead; zeros that were never recorded; stretches without a signal."""

import numpy as np

from ..checks import shown
from ._arrays import as_double

METHODS = ("linear", "neighbour_mean", "zero")
# Seconds. In 3,600 real exams of CODE-15, PTB-XL, CPSC2018, Georgia, Chapman-Shaoxing and Ningbo all leads are exactly
# zero together for two samples (4 ms) at most, and one (2.5 ms) at an end; the end of PTB-XL's at 500 Hz is one value
# for 0.1 s, which is not zero.
SHORTEST_PADDING_S = 0.1
# Seconds. What is shorter may be filled, for it hides a beat at most. In 1,500 records of CinC 2017 (300 Hz) a value
# is repeated for 0.30 s at most, in PTB-XL (see `signals.quality`) for 0.33 s, but in one record.
SHORTEST_GAP_S = 1.0


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


def without_signal(
    signals: np.ndarray, sampling_rate: float, lead_mask: np.ndarray | None = None, seconds: float = SHORTEST_GAP_S
) -> np.ndarray:
    """Where no lead has a signal for so long that filling it would invent beats.

    A lead has none where its samples are missing, and where one value is repeated: an electrode that is off, a rail, a
    device that writes zeros, zeros that fill up an array.

    Args:
        signals: (..., leads, samples), NaN where missing.
        sampling_rate: hertz.
        lead_mask: bool (..., leads); false leads are not asked. Default: all are.
        seconds: shorter stretches count as signal.

    Returns:
        bool (..., samples).

    Raises:
        ValueError: fewer than two axes.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals import without_signal
        >>> signals = np.cos(np.arange(1000) / 9)[None]  # one lead, 10 s at 100 Hz
        >>> signals[:, 300:450], signals[:, 600:650] = np.nan, np.nan
        >>> without_signal(signals, sampling_rate=100).nonzero()[0][[0, -1]].tolist()
        [300, 449]
    """
    signals = np.asarray(signals)
    if signals.ndim < 2:
        raise ValueError(f"signals has shape {signals.shape}, wanted (..., leads, samples)")
    found = np.zeros((*signals.shape[:-2], signals.shape[-1]), bool)
    shortest = max(2, int(np.ceil(seconds * sampling_rate)))
    if signals.shape[-1] < shortest:
        return found
    present = np.ones(signals.shape[:-1], bool) if lead_mask is None else np.asarray(lead_mask, bool)
    # Of a stretch that is long enough at least four of the samples at this distance are alike: few records have that.
    sparse = signals[..., :: max(shortest // 4, 1)]
    gone = np.isnan(sparse)
    alike = (sparse[..., 1:] == sparse[..., :-1]) | gone[..., 1:] | gone[..., :-1]
    alike = (alike | ~present[..., None]).all(-2)
    candidates = (alike[..., 2:] & alike[..., 1:-1] & alike[..., :-2]).any(-1)
    for place in np.argwhere(candidates):
        record = signals[tuple(place)][present[tuple(place)]]
        if not len(record):
            continue
        dead = np.isnan(record)
        there = ~dead
        for lead, here, row in zip(record, there, dead, strict=True):
            # samples that are missing within a repeated value do not make it a signal
            held = lead[np.maximum.accumulate(np.where(here, np.arange(len(lead)), 0))]
            for first, end in _runs(held[1:] == held[:-1], shortest - 1):
                # what stands before missing samples alone is not repeated
                row[first : end + 1] |= here[first : end + 1].sum() > 1
        for first, end in _runs(dead.all(0), shortest):
            found[tuple(place)][first:end] = True
    return found


def _runs(flags: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    """First place and end of the runs of true ones that are long enough."""
    edges = np.flatnonzero(np.diff(flags.view(np.int8), prepend=0, append=0)).reshape(-1, 2)
    return [(first, end) for first, end in edges.tolist() if end - first >= shortest]


def _records(signals: np.ndarray) -> np.ndarray:
    return signals.reshape(-1, *signals.shape[-2:])
