"""Missing samples (NaN): filled from the same lead."""

import numpy as np

from ._arrays import as_double

METHODS = ("linear", "neighbour_mean", "zero")


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
    if neighbours < 1:
        raise ValueError(f"neighbours is {neighbours}, wanted at least 1")
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
    for place in np.flatnonzero(gaps):
        window = before[max(0, place - neighbours) : place + neighbours + 1]
        present = window[~np.isnan(window)]
        if len(present):
            row[place] = present.mean()
