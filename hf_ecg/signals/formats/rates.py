"""Rates of channels: of several in one file, and of samples in a time that is written with few characters."""

import math
from collections.abc import Sequence

_CHARACTERS, _FEWEST_DIGITS, _DECIMALS = 8, 3, 3


def one_rate(names: Sequence[str], rates: Sequence[float], where: str) -> float:
    """The rate that chosen channels have in common, in hertz.

    A channel of another rate is not brought to that of the others: repeating or averaging samples would change it.

    Raises:
        ValueError: different rates, or one that is not a positive number.
    """
    found: dict[float, list[str]] = {}
    for name, rate in zip(names, rates, strict=True):
        found.setdefault(rate, []).append(name)
    if len(found) > 1:
        told = " and ".join(f"{', '.join(group)} at {rate:g} Hz" for rate, group in sorted(found.items()))
        raise ValueError(f"{where} has leads of different rates, {told}: choose leads of one rate, with leads=")
    rate = next(iter(found))
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"{where} has a sampling rate of {rate:g} Hz, wanted a positive number")
    return rate


def rate_of_duration(samples: int, seconds: float) -> float:
    """Hertz of so many samples in a time that EDF writes in eight characters.

    360 Hz are 1000 samples in 2.777777 s, which divides to 360.0001. Such a time is rounded or cut off, and the
    rate of the fewest decimals that gives the same eight characters is the one that was meant.

    Example:
        >>> from hf_ecg.signals.formats.rates import rate_of_duration
        >>> rate_of_duration(1000, 2.777777), rate_of_duration(257, 1.0)
        (360.0, 257.0)
    """
    if not seconds:
        return math.inf
    rate, (whole, _, digits) = samples / seconds, repr(seconds).partition(".")
    if len(digits) < _FEWEST_DIGITS or "e" in digits:
        return rate
    last = 10.0 ** (len(whole) + 1 - _CHARACTERS)
    for decimals in range(_DECIMALS + 1):
        meant = round(rate, decimals)
        if meant and abs(samples / meant - seconds) < last:
            return meant
    return rate
