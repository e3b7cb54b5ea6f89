"""The part of an output that a case stores, as its specification writes it: `[:, :8, ::2]`."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

import numpy as np

# `::max(1, T//32)`: as many samples as 32 at most, of T along the last axis
_STEP = re.compile(r"max\(1,\s*T//(\d+)\)")
_ALTERNATIVES = re.compile(r"\{[^{}]*\}")


def stored_part(values: np.ndarray, name: str, slices: Mapping) -> np.ndarray:
    """What the specification says is stored of an array; the array itself where it says nothing.

    Args:
        values: the whole array.
        name: of the stored array.
        slices: the specification's `slices`: a name or a pattern of names (`block*_slice`, `layer{i}_slice`, several
            with commas) -> `[:, ::5]`, or {"slice": ..., "full_shape": ...}.

    Raises:
        ValueError: the part is described in words that cannot be read; then the function cuts it out itself.
    """
    described = _described(name, slices)
    if described is None:
        return values
    match = re.search(r"\[([^\[\]]*)\]", described)
    if match is None or described.count("[") > 1:
        raise ValueError(f"{name} is stored as {described!r}, which is not a slice: return that part of it")
    text = _STEP.sub(lambda step: str(max(1, values.shape[-1] // int(step[1]))), match[1])
    return values[tuple(_one(part, described) for part in text.split(","))]


def _described(name: str, slices: Mapping) -> str | None:
    for patterns, described in slices.items():
        for pattern in re.split(r",\s*(?![^{]*\})", patterns):
            if fnmatchcase(name, _ALTERNATIVES.sub("*", pattern)):
                return described["slice"] if isinstance(described, Mapping) else described
    return None


def _one(part: str, described: str) -> slice | int:
    numbers = part.strip().split(":")
    if len(numbers) > 3 or not all(re.fullmatch(r"-?\d*", number.strip()) for number in numbers):
        raise ValueError(f"{described!r} is not a slice that can be read")
    found = [int(number) if number.strip() else None for number in numbers]
    return slice(*found) if len(found) > 1 else int(numbers[0])
