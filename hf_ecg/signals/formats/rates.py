"""Channels of one file that have different rates."""

import math
from collections.abc import Sequence


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
