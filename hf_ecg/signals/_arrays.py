"""How every function of this room takes arrays in and hands them out."""

import numpy as np


def as_double(signals) -> tuple[np.ndarray, type]:
    """The signals as float64, and the type to hand out: float64 for float64, float32 for anything else.

    Raises:
        ValueError: no real numbers, or no axis of samples.
    """
    try:
        signals = np.asarray(signals)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"signals cannot be read as an array of numbers: {error}") from error
    if signals.dtype.kind not in "iuf" or signals.ndim < 1:
        raise ValueError(f"signals are {signals.dtype} of shape {signals.shape}, wanted numbers (..., samples)")
    return signals.astype(np.float64, copy=False), np.float64 if signals.dtype == np.float64 else np.float32


def check_no_missing(signals: np.ndarray, what: str) -> None:
    """Raise when a sample is NaN or infinite: filters and resampling would spread it over the record.

    Raises:
        ValueError: naming the first lead concerned.
    """
    if not np.isfinite(signals).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(signals).all(axis=-1))[0])
        which = f"lead {place}" if place else "the lead"
        raise ValueError(f"{what} needs finite samples; {which} has NaN or infinite ones: fill them first")
