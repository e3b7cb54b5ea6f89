"""Checks of arguments: they raise ValueError with what was found and what was wanted."""

import difflib
import math
from collections.abc import Iterable

# Similarity from which a name may be a slip for another one; below it a suggestion would mislead.
NEAR = 0.6


def nearest(name: str, known: Iterable[str]) -> str:
    """ " (did you mean x?)", or nothing when no known name is near enough to be meant."""
    match = difflib.get_close_matches(str(name), list(known), n=1, cutoff=NEAR)
    return f" (did you mean {match[0]!r}?)" if match else ""


def check_one_of(name: str, value, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}, wanted one of {', '.join(allowed)}{nearest(value, allowed)}")


def check_positive(name: str, value, or_zero: bool = False) -> None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not good or value < 0 or (value == 0 and not or_zero):
        raise ValueError(f"{name} is {value!r}, wanted a {'number of at least 0' if or_zero else 'positive number'}")


def check_positive_integer(name: str, value) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}, wanted a positive integer")


def check_optional_length(value) -> None:
    if value is not None:
        check_positive_integer("num_samples", value)
