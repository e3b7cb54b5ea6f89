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


def shown(value, longest: int = 200) -> str:
    """`repr`, of a long value its beginning and its end: what was found, for one sentence."""
    text = repr(value)
    return text if len(text) <= longest else f"{text[: longest // 2]} ... {text[-longest // 4 :]}"


def check_one_of(name: str, value, allowed: tuple[str, ...]) -> None:
    # a list has no hash, an array no single answer to whether it is among them
    if not isinstance(value, str) or value not in allowed:
        near = nearest(value, allowed) if isinstance(value, str) else ""
        raise ValueError(f"{name} is {shown(value)}, wanted one of {', '.join(allowed)}{near}")


def is_finite_number(value) -> bool:
    """Whether it is a number, no truth value, that a float can hold and that is neither infinite nor NaN."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def check_number(name: str, value) -> None:
    if not is_finite_number(value):
        raise ValueError(f"{name} is {shown(value)}, wanted a finite number")


def check_bool(name: str, value) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {shown(value)}, wanted true or false")


def check_positive(name: str, value, or_zero: bool = False) -> None:
    if not is_finite_number(value) or value < 0 or (value == 0 and not or_zero):
        wanted = "number of at least 0" if or_zero else "positive number"
        raise ValueError(f"{name} is {shown(value)}, wanted a {wanted}")


def check_positive_integer(name: str, value) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {shown(value)}, wanted a positive integer")


def check_plain(name: str, value) -> None:
    """Raises ValueError for what JSON cannot hold: anything but null, truth values, numbers, text, lists and dicts."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{name} has the key {shown(key)}, wanted text")
            check_plain(f"{name}: {key}", item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            check_plain(name, item)
    elif value is not None and not isinstance(value, (bool, int, float, str)):
        raise ValueError(
            f"{name} is {shown(value)} of type {type(value).__name__}, wanted null, a truth value, a number, text,"
            " a list or a dict"
        )


def check_optional_length(value) -> None:
    if value is not None:
        check_positive_integer("num_samples", value)
