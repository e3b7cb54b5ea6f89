"""How every function of this room takes arrays in and hands them out."""

import math

import numpy as np

from ..checks import shown


def as_numbers(values, name: str = "signals", axes: int = 1) -> np.ndarray:
    """The array as it is.

    Args:
        values: numbers, or something that numpy reads as an array of them.
        name: of the argument, for errors.
        axes: that it has at least.

    Raises:
        ValueError: no real numbers, or fewer axes.
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} cannot be read as an array of numbers: {error}") from error
    if array.dtype.kind not in "iuf" or array.ndim < axes:
        wanted = "(..., samples)" if axes == 1 else "(..., leads, samples)" if axes else "of any shape"
        raise ValueError(f"{name} are {array.dtype} of shape {array.shape}, wanted numbers {wanted}")
    if np.ma.is_masked(values):
        # a masked sample is a missing one, not whatever lies under the mask
        array = np.where(np.ma.getmaskarray(values), np.nan, array)
    return array


def as_double(signals) -> tuple[np.ndarray, type]:
    """The signals as float64, and the type to hand out: float64 for float64, float32 for anything else.

    Raises:
        ValueError: no real numbers, or no axis of samples.
    """
    signals = as_numbers(signals)
    return signals.astype(np.float64, copy=False), np.float64 if signals.dtype == np.float64 else np.float32


def check_number(name: str, value, positive: bool = False, or_zero: bool = False) -> None:
    """Nothing for a finite number, Python's or numpy's.

    Raises:
        ValueError: anything else; where it is wanted `positive`, less than zero, or zero without `or_zero`.
    """
    known = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not known or not -math.inf < value < math.inf or (positive and (value < 0 or (value == 0 and not or_zero))):
        wanted = "zero or a positive number" if or_zero else "a positive number" if positive else "a finite number"
        raise ValueError(f"{name} is {shown(value)}, wanted {wanted}")


def check_no_missing(signals: np.ndarray, what: str) -> None:
    """Raise when a sample is NaN or infinite: filters and resampling would spread it over the record.

    Raises:
        ValueError: naming the first lead concerned.
    """
    if not np.isfinite(signals).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(signals).all(axis=-1))[0])
        which = f"lead {place}" if place else "the lead"
        raise ValueError(f"{what} needs finite samples; {which} has NaN or infinite ones: fill them first")
