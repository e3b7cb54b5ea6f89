"""Environments: the populations that rows come from, by columns such as age, sex, site, device or the corpus."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from datasets import Dataset
from huggingface_hub.dataclasses import strict

from ..checks import check_one_of, nearest
from .corpus import require_columns

# in place of a column: the corpus itself, by its place among the sources
CORPUS = "corpus"
MISSING = (OWN, REFUSE) = ("own", "refuse")
ENVIRONMENTS = "environments"
# more is a column of measurements, not of populations
_MOST = 64


@strict
@dataclass
class Division:
    """One column that environments differ by.

    Args:
        column: of the corpus; "corpus" is the place of the corpus among the sources, from 0.
        cuts: rising numbers, which cut a column of numbers into bands: `[50, 70]` into below 50, 50 to below 70, and
            70 or more. Empty: each value is an environment.

    Raises:
        ValueError: cuts that do not rise, or cuts of the corpus.
    """

    column: str
    cuts: list[float | int] = field(default_factory=list)

    def validate_cuts(self):
        rising = all(low < high for low, high in zip(self.cuts, self.cuts[1:], strict=False))
        if not rising or not all(map(math.isfinite, self.cuts)) or (self.cuts and self.column == CORPUS):
            raise ValueError(f"environments: the cuts of {self.column} are {self.cuts}, wanted numbers that rise")

    def place(self, value) -> tuple[int, str]:
        """Where a row's value stands among the others, and its name; what is not known stands last.

        Raises:
            ValueError: cuts of what is not a number.
        """
        if value is None or value != value:
            return (len(self.cuts) + 1, f"{self.column} not known")
        if not self.cuts:
            shown = int(value) if isinstance(value, float) and value.is_integer() else value
            return (0, f"{self.column} {shown}")
        if isinstance(value, str):
            raise ValueError(f"environments: {self.column} is {value!r}, which the cuts {self.cuts} do not cut")
        band = int(np.searchsorted(self.cuts, value, side="right"))
        return (band, self._band(band))

    def _band(self, band: int) -> str:
        cuts = [f"{cut:g}" for cut in self.cuts]
        if band == 0:
            return f"{self.column} < {cuts[0]}"
        if band == len(cuts):
            return f"{self.column} >= {cuts[-1]}"
        return f"{self.column} {cuts[band - 1]} to < {cuts[band]}"


@strict
@dataclass
class Environments:
    """How rows are told apart, and which are used.

    Args:
        by: columns; several are crossed.
        missing: rows that do not know a column are an environment of their own ("own"), or an error ("refuse").
        kept: names of the environments whose rows are used, such as `["age < 50"]`; None uses all.

    Raises:
        ValueError: no column or one twice, or no environment kept.

    Example:
        >>> from hf_ecg.data.environments import Division, Environments
        >>> bands = Environments([Division("age", [50, 70]), Division("sex")])
        >>> bands.name({"age": 61, "sex": None})
        'age 50 to < 70, sex not known'
    """

    by: list[Division]
    missing: str = OWN
    kept: list[str] | None = None

    def validate_columns(self):
        check_one_of("environments.missing", self.missing, MISSING)
        names = [division.column for division in self.by]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"environments.by names the columns {names}, wanted at least one, each once")
        if self.kept is not None and not self.kept:
            raise ValueError("environments.kept is empty, wanted at least one name, or null for all")

    @property
    def columns(self) -> list[str]:
        """Columns of the corpora that tell environments apart."""
        return [division.column for division in self.by if division.column != CORPUS]

    def places(self, row: Mapping, source: int = 0) -> tuple[tuple[int, str], ...]:
        """Of a row, for each column its place and name."""
        told = {CORPUS: row.get("source", source)} | {column: row[column] for column in self.columns}
        return tuple(division.place(told[division.column]) for division in self.by)

    def name(self, row: Mapping, source: int = 0) -> str:
        """The environment of a row.

        Args:
            row: with the columns; a row of `MixedRows` knows its corpus.
            source: the corpus of any other row.

        Raises:
            ValueError: cuts of what is not a number.
        """
        return ", ".join(name for _, name in self.places(row, source))

    def names(self, dataset: Dataset, source: int = 0) -> list[str]:
        """The environment of each row of a corpus.

        Raises:
            ValueError: no such column, cuts of what is not a number, rows that do not know a column where these are
                refused, or more than 64 environments.
        """
        return [", ".join(name for _, name in places) for places in self._all(dataset, source)]

    def order(self, sources: Sequence[Dataset]) -> list[str]:
        """All environments of corpora: bands from the lowest, other values by the alphabet, the unknown last."""
        found = {places for source, rows in enumerate(sources) for places in self._all(rows, source)}
        return [", ".join(name for _, name in places) for places in sorted(found)]

    def select(self, dataset: Dataset, source: int = 0) -> Dataset:
        """The rows of the environments that are kept.

        Raises:
            ValueError: see `names`; a kept name that no row has.
        """
        if self.kept is None:
            return dataset
        names = np.array(self.names(dataset, source))
        known = sorted(set(names.tolist()))
        for name in self.kept:
            if name not in known:
                raise ValueError(f"environments.kept names {name!r}{nearest(name, known)}; the rows are of {known}")
        return dataset.select(np.flatnonzero(np.isin(names, self.kept)))

    def _all(self, dataset: Dataset, source: int) -> list[tuple[tuple[int, str], ...]]:
        require_columns(dataset, self.columns, "the corpus, whose environments are asked for,")
        values = {column: dataset.select_columns([column]).with_format(None)[column][:] for column in self.columns}
        told = [values.get(division.column, [source] * len(dataset)) for division in self.by]
        found = [
            tuple(division.place(value) for division, value in zip(self.by, row, strict=True))
            for row in zip(*told, strict=True)
        ]
        self._check(found)
        return found

    def _check(self, found: list) -> None:
        unknown = sum(any(name.endswith(" not known") for _, name in places) for places in found)
        if unknown and self.missing == REFUSE:
            raise ValueError(
                f"environments: {unknown} of {len(found)} rows do not know {' or '.join(self.columns)}; missing: own"
                " makes an environment of them"
            )
        if len(set(found)) > _MOST:
            raise ValueError(
                f"environments: {', '.join(self.columns)} make {len(set(found))} environments, wanted {_MOST} at most:"
                " give cuts"
            )


class EnvironmentNumbers:
    """`environments` of a batch: int64 (batch,), the place of each row's environment in `known`.

    Args:
        environments: how rows are told apart.
        known: names, in the order of their numbers.
    """

    def __init__(self, environments: Environments, known: Sequence[str]):
        self.environments, self.known = environments, list(known)

    @property
    def columns(self) -> list[str]:
        return self.environments.columns

    def __call__(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        """Makes `environments`.

        Raises:
            ValueError: a row of an environment that is not known.
        """
        names = [self.environments.name(row) for row in rows]
        strange = sorted(set(names) - set(self.known))
        if strange:
            raise ValueError(f"a row is of the environment {strange[0]!r}, known are {self.known}")
        return {ENVIRONMENTS: torch.tensor([self.known.index(name) for name in names])}
