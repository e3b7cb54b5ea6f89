"""What a batch holds of a row's columns beside waveform and labels: numbers of the patient for a head."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch

from ..checks import nearest
from .row_numbers import metadata_number

COVARIATES = "covariates"


class RowInputs(Protocol):
    """Makes named tensors of rows, by columns that it names."""

    @property
    def columns(self) -> list[str]:
        """Those that it reads."""

    def __call__(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        """From rows to a tensor or several, their first axis (batch,)."""


class Covariates:
    """`covariates` of a batch: columns of numbers, or `sex` (0 female, 1 male), NaN where null.

    Args:
        names: columns, in the order of the head's `config.covariates`.

    Raises:
        ValueError: no name, or one twice.

    Example:
        >>> from hf_ecg.data.row_inputs import Covariates
        >>> Covariates(["age", "sex"])([{"age": 61, "sex": None}])["covariates"].tolist()
        [[61.0, nan]]
    """

    def __init__(self, names: Sequence[str]):
        if isinstance(names, str) or not names or len(set(names)) < len(names):
            raise ValueError(f"covariates is {names!r}, wanted a list of at least one column, each once")
        self.names = list(names)

    @property
    def columns(self) -> list[str]:
        return self.names

    def __call__(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        """Makes `covariates`, float32 (batch, covariates).

        Raises:
            ValueError: a row without a column, or with something else than a number, a sex or null in it.
        """
        return {COVARIATES: torch.tensor([[self._number(row, name) for name in self.names] for row in rows])}

    def _number(self, row: Mapping, name: str) -> float:
        if name not in row:
            raise ValueError(
                f"record {row.get('record_id')} has no column {name!r}{nearest(name, row)}, which the model takes as a"
                f" covariate: give it, None where not known"
            )
        return metadata_number(row, name)
