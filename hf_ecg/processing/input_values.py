"""Numbers and arrays as callers and rows have them (Python's, numpy's, torch's), checked before they are used."""

import math

import numpy as np

from ..checks import shown
from ..signals.resampling import check_rate

# Hertz. No ECG is sampled so slowly; 0.5 is somebody's 500, in kilohertz.
LOWEST_RATE = 10


def array_of_numbers(values, name: str) -> np.ndarray:
    """A real array; what a masked array masks is NaN.

    Raises:
        ValueError: no array, or one of something else than real numbers.
    """
    try:
        if hasattr(values, "detach"):
            values = values.detach().cpu()
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} cannot be read as an array of numbers: {error}") from error
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} holds values of type {array.dtype}, wanted real numbers")
    if np.ma.is_masked(values):
        # what is masked is missing: asarray uncovers the numbers underneath
        array = np.where(np.ma.getmaskarray(values), np.nan, array)
    return array


def whole_number(value, name: str) -> int:
    """A whole number from 1 on.

    Raises:
        ValueError: anything else.
    """
    found = _number(value, name)
    whole = int(found) if math.isfinite(found) else 0
    if whole < 1 or whole != found:
        raise ValueError(f"{name} is {found}, wanted a whole number of at least 1")
    return whole


def checked_rate(rate, name: str, of_file: bool = False) -> float:
    """A sampling rate in hertz; `of_file` when no caller has written it.

    Raises:
        ValueError: no number, or none that an ECG is sampled at.
    """
    value = check_rate(f"{name}: the sampling rate", _number(rate, f"{name}: the sampling rate"))
    if value < LOWEST_RATE:
        # people confuse the two; a file's rate is in hertz
        meant = "too slow for an ECG" if of_file else "in kilohertz?"
        raise ValueError(f"{name}: the sampling rate is {value:g} Hz, wanted {LOWEST_RATE} or more: {meant}")
    return value


def length_of(values) -> int | None:
    """Of a list, an array with axes or the like; None where there is none."""
    if isinstance(values, str):
        return None
    try:
        return len(values)
    except TypeError:
        return None


def _number(value, name: str) -> int | float:
    array = array_of_numbers(value, name)
    if array.ndim:
        raise ValueError(f"{name} is {shown(value)}, wanted one number")
    return array.item()
