"""Batches of a corpus under a condition."""

from collections.abc import Mapping
from typing import Protocol

import torch

from ...data.rows import RowDataset
from ...processing.on_purpose import on_purpose
from ...signals.record import Record
from ..judging.features import PreparedRows
from .conditions import MASKED

_TRIED = 3


class Disturbance(Protocol):
    """What is done to every row: `conditions.Condition`, or another that makes a recording of a row."""

    @property
    def leads(self) -> str: ...

    @property
    def clean(self) -> bool: ...

    def __call__(self, row: Mapping) -> Record: ...


class DisturbedRows(PreparedRows):
    """As `PreparedRows`, of recordings as a condition leaves them: removed leads are not in what the extractor gets.

    So it derives limb leads where two others are left, as it does for a user who has those leads alone. Leads that are
    masked at random are gone for good: none is derived.

    Args:
        feature_extractor, dataset, batch_size, lead: see `PreparedRows`.
        condition: of all rows.
    """

    def __init__(
        self, feature_extractor, dataset, condition: Disturbance, batch_size: int = 64, lead: str | None = None
    ):
        super().__init__(feature_extractor, dataset, batch_size, lead=lead)
        self.condition = condition

    def check_readable(self) -> None:
        """Raises the ValueError of the first row when none of the first few can be prepared: not a row is at fault."""
        errors = []
        for row in RowDataset(self.dataset.select(range(min(_TRIED, len(self.dataset))))):
            try:
                self._prepare([row])
            except ValueError as error:
                errors.append(error)
            else:
                return
        raise errors[0]

    def _prepare(self, rows: list[dict]) -> dict[str, torch.Tensor]:
        masked, noisy = self.condition.leads == MASKED, not self.condition.clean
        # noise makes values look like those of another unit; the clean condition tells of a wrong one
        with on_purpose(absent_leads=True, known_units=noisy, no_derivation=masked):
            return super()._prepare([self.condition(row) for row in rows])
