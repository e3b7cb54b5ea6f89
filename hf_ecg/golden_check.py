"""Conversions held against what the original code computes: the same weights, the same input, the same numbers.

What a golden case is stands in `hf_ecg.golden_cases`. Families say in `Family.golden` how theirs are run; cases that
need no model stand beside the room they test, which is listed here.
"""

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from transformers import AutoFeatureExtractor

from .auto import FAMILIES
from .convert import convert_checkpoint
from .golden_cases import Agreement, CaseReport, GoldenCase
from .golden_cases.agreement import Rough, agreement, summary_agreement
from .golden_cases.case import seeds_of
from .golden_cases.slices import stored_part

# modules with GOLDEN and NOT_COMPARED, as a family's `golden` and `not_compared`
ROOMS = (
    "hf_ecg.data.golden_data",
    "hf_ecg.losses.golden_dino",
    "hf_ecg.losses.golden_losses",
    "hf_ecg.losses.golden_self_supervised",
    "hf_ecg.processing.golden_beats",
    "hf_ecg.processing.golden_processing",
)
STATISTICS, INPUT = ".stats", "in."


@dataclass
class _Known:
    functions: list[Callable[[GoldenCase], Mapping]] = field(default_factory=list)
    not_compared: dict[str, str] = field(default_factory=dict)


def known_cases() -> dict[str, _Known]:
    """Name of a case -> the functions that run it, and the arrays that none of them gives."""
    known: dict[str, _Known] = {}
    rooms = map(importlib.import_module, ROOMS)
    told = [(family.golden, family.not_compared) for family in FAMILIES.values()]
    told += [(room.GOLDEN, room.NOT_COMPARED) for room in rooms]
    for golden, not_compared in told:
        for name, function in golden.items():
            known.setdefault(name, _Known()).functions.append(function)
        for name, reasons in not_compared.items():
            known.setdefault(name, _Known()).not_compared.update(reasons)
    return known


def check_case(folder: str | Path, name: str | None = None) -> list[CaseReport]:
    """Holds a golden case against our numbers, at every seed that it stores arrays of.

    Args:
        folder: of the case.
        name: which case it is, when the folder has another name.

    Raises:
        ValueError: no such case is known.
        OSError: the folder is not a golden case.

    Example:
        >>> from hf_ecg.golden_check import check_case
        >>> (report,) = check_case("golden/merl-resnet18")  # doctest: +SKIP
        >>> report.passes  # doctest: +SKIP
        True
    """
    (seeds, name), known = seeds_and_name(folder, name), known_cases()
    return [_checked(Path(folder), name, seed, known[name]) for seed in seeds]


def seeds_and_name(folder: str | Path, name: str | None = None) -> tuple[list[int], str]:
    """What a folder holds, and which case it is.

    Raises:
        ValueError, OSError: see `check_case`.
    """
    seeds, known = seeds_of(folder), known_cases()
    name = case_name(folder, known) if name is None else name
    if name not in known:
        raise ValueError(f"case is {name!r}, wanted one of {', '.join(sorted(known))}")
    return seeds, name


def case_name(folder: str | Path, known: Mapping[str, object]) -> str:
    """The case that a folder is named after: `clef-small`, or `clef-small` and something more, as `clef-small.copy`.

    Hyphens are part of names: `clef-small-2` is another case than `clef-small`, or none.

    Raises:
        ValueError: it is named after none.
    """
    found = Path(folder).resolve().name
    begins = [name for name in known if re.fullmatch(rf"{re.escape(name)}([^\w-].*|_.*)?", found, re.DOTALL)]
    if not begins:
        raise ValueError(f"{folder} has the name of no known case, say which it is: one of {', '.join(sorted(known))}")
    return max(begins, key=len)


def _checked(folder: Path, name: str, seed: int, known: _Known) -> CaseReport:
    try:
        with TemporaryDirectory() as saved:
            conversion = _Conversion(Path(saved))
            case = GoldenCase(folder, name, seed, conversion)
            first, read = _run(case, known)
            again: tuple[Agreement, ...] = ()
            if conversion.kinds:
                again, _ = _run(GoldenCase(folder, name, seed, conversion.reloaded()), known)
    except (ValueError, OSError) as error:
        return CaseReport(folder, name, seed, problem=str(error))
    except KeyError as error:
        return CaseReport(folder, name, seed, problem=f"the specification does not say {error}")
    compared = {one.name for one in first}
    left = set(case.arrays) - compared - read
    reasons = {array: reason for array, reason in known.not_compared.items() if array in left}
    return CaseReport(
        folder, name, seed, first, again, tuple(sorted(read)), reasons, tuple(sorted(left - set(reasons)))
    )


class _Conversion:
    """Converts, and saves what was made; `reloaded` gives the same models again, from their folders."""

    def __init__(self, folder: Path):
        self.folder, self.kinds = folder, []

    def __call__(self, source: str, state_dict: Callable[[], Mapping]):
        model, extractor = convert_checkpoint(source, state_dict())
        folder = self.folder / str(len(self.kinds))
        self.kinds.append(type(model))
        model.save_pretrained(folder)
        extractor.save_pretrained(folder)
        return model, extractor

    def reloaded(self) -> Callable:
        calls = iter(enumerate(self.kinds))

        def load(source: str, state_dict: Callable[[], Mapping]):
            number, kind = next(calls)
            folder = self.folder / str(number)
            return kind.from_pretrained(folder).eval(), AutoFeatureExtractor.from_pretrained(folder)

        return load


def _run(case: GoldenCase, known: _Known) -> tuple[tuple[Agreement, ...], set[str]]:
    """What the functions give, compared; and what they read as inputs."""
    found: list[Agreement] = []
    for function in known.functions:
        for array, value in function(case).items():
            if isinstance(value, torch.Tensor):
                value = value.detach().cpu().numpy()
            found += _compared(case, array, value if isinstance(value, Rough) else np.asarray(value))
    for array in set(case.arrays) - case.read - {one.name for one in found}:
        made = array.removeprefix(INPUT)
        if array.startswith(INPUT) and made in case.inputs:
            found.append(agreement(array, case.inputs[made].numpy(), case.arrays[array]))
    twice = case.read & {one.name for one in found}
    if twice:
        raise ValueError(f"{sorted(twice)} were read as inputs, so they cannot be compared as outputs")
    return tuple(found), set(case.read)


def _compared(case: GoldenCase, name: str, value: np.ndarray | Rough) -> Iterator[Agreement]:
    stored = case.arrays.get(name)
    if stored is None:
        raise ValueError(f"{name!r} was given, wanted one of the stored arrays {sorted(case.arrays)}")
    if isinstance(value, Rough) or value.shape == stored.shape:
        yield agreement(name, value, stored)
    else:
        yield agreement(name, stored_part(value, name, case.spec.get("slices", {})), stored)
    if name + STATISTICS in case.arrays and isinstance(value, np.ndarray):
        yield summary_agreement(name + STATISTICS, value, case.arrays[name + STATISTICS])
