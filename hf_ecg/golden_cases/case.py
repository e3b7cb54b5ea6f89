"""One golden case at one seed, as the functions see it that run our side."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch

from ..strict_json import read_json_object
from .made_tensors import made_input, made_state_dict

SPEC, EXPECTED = "spec.json", re.compile(r"expected_seed(\d+)\.npz")


class _MadeInputs(Mapping):
    """The inputs that a specification gives a shape for, made when they are asked for."""

    def __init__(self, described: Mapping[str, Any], seed: int):
        self._shapes = {name: one["shape"] for name, one in described.items() if _is_made(one)}
        self._seed = seed

    def __getitem__(self, name: str) -> torch.Tensor:
        return torch.from_numpy(made_input(name, self._shapes[name], self._seed))

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)


def _is_made(described: Any) -> bool:
    """Whether an input follows from its name; others are stored, or are whole numbers."""
    if not isinstance(described, Mapping) or "shape" not in described:
        return False
    return "stored" not in described.get("how", "") and described.get("dtype", "float32").startswith("float")


class GoldenCase:
    """What a function `golden_*.py` is handed, and gives our arrays for: {name of the stored array: ours}.

    An array may be given whole where the specification says which part is stored. `NAME.stats` is compared with the
    array `NAME`, and `in.NAME` with the made input of that name, unless a function reads it.

    Args:
        folder: of the case.
        name: which case it is; the folder may have another name.
        seed: of the tensors and inputs.
        convert: (source, function that gives a state dict) -> model and extractor.

    Attributes:
        spec: the specification.
        inputs: name -> made input, float32; drawn anew at every access.
        read: names of the stored arrays that were read as inputs.

    Raises:
        ValueError, OSError: the specification or the stored arrays are not there, or cannot be read.

    Example:
        >>> from hf_ecg.golden_cases import GoldenCase
        >>> case = GoldenCase("golden/merl-resnet18", "merl-resnet18", seed=0)  # doctest: +SKIP
        >>> case.inputs["ecg"].shape  # doctest: +SKIP
        torch.Size([2, 12, 5000])
    """

    def __init__(self, folder: str | Path, name: str, seed: int, convert: Callable | None = None):
        self.folder, self.name, self.seed, self._convert = Path(folder), name, seed, convert
        self.spec: dict[str, Any] = read_json_object(self.folder / SPEC)
        self.inputs: Mapping[str, torch.Tensor] = _MadeInputs(self.spec.get("input", {}), seed)
        self.read: set[str] = set()

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that is stored. For the comparison: a function reads its inputs by `stored`."""
        path = self.folder / f"expected_seed{self.seed}.npz"
        try:
            with np.load(path, allow_pickle=False) as stored:
                return dict(stored)
        except (ValueError, EOFError, BadZipFile) as error:
            raise ValueError(f"{path} is damaged, cut off or holds more than numbers: {error}") from error

    @property
    def state_dict(self) -> dict[str, torch.Tensor]:
        """The original's checkpoint, made anew at every access."""
        made = made_state_dict(self.spec.get("tensors", {}), self.seed)
        kept = {name: np.array(values) for name, values in self.spec.get("keep_buffers_values", {}).items()}
        made |= {name: kept[name].astype(made[name].dtype).reshape(made[name].shape) for name in kept if name in made}
        return {name: torch.from_numpy(value) for name, value in made.items()}

    def stored(self, name: str, whole_numbers: bool = False) -> np.ndarray:
        """A stored array that is an input, such as a mask or noise: it counts as an input and is not compared.

        Args:
            name: of the array.
            whole_numbers: refuse others, for masks, tokens and places.

        Raises:
            ValueError: there is no such array, or it holds other numbers.
        """
        if name not in self.arrays:
            raise ValueError(f"{self.folder} stores no {name!r}, wanted as an input: it stores {sorted(self.arrays)}")
        self.read.add(name)
        values = self.arrays[name]
        if whole_numbers and not np.array_equal(values, np.round(values)):
            raise ValueError(f"{name} in {self.folder} holds numbers that are not whole")
        return values.copy()

    def convert(self, source: str, state_dict: Mapping | None = None):
        """The model and the extractor of a source, from this state dict or the case's own.

        The check runs a function twice: the second time the model comes from the folder that it was saved to.

        Raises:
            ValueError: see `hf_ecg.convert.convert_checkpoint`.
        """
        if self._convert is None:
            raise ValueError(f"nothing converts in this case, wanted the source {source!r}")
        return self._convert(source, lambda: self.state_dict if state_dict is None else state_dict)


def seeds_of(folder: str | Path) -> list[int]:
    """The seeds that a case stores arrays of.

    Raises:
        OSError: there are none, or no specification.
    """
    folder = Path(folder)
    found = sorted(int(match[1]) for path in folder.glob("*.npz") if (match := EXPECTED.fullmatch(path.name)))
    if not (folder / SPEC).is_file() or not found:
        raise FileNotFoundError(f"{folder} is not a golden case: wanted {SPEC} and expected_seed<N>.npz in it")
    return found
