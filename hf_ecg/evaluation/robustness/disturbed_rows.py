"""Batches of a corpus under a condition."""

from collections.abc import Mapping
from contextlib import nullcontext

import numpy as np
import torch

from ...data.rows import RowDataset
from ...processing.known_units import with_known_units
from ...processing.lead_notes import absent_on_purpose
from ...processing.step_run import present_only
from ..judging.features import PreparedRows
from .conditions import MASKED, Condition

_TRIED = 3


class DisturbedRows(PreparedRows):
    """As `PreparedRows`, of recordings as a condition leaves them: removed leads are not in what the extractor gets.

    So it derives limb leads where two others are left, as it does for a user who has those leads alone. Leads that are
    masked at random are gone for good: the extractor's derived ones are masked too.

    Args:
        feature_extractor, dataset, batch_size: see `PreparedRows`.
        condition: of all rows.
    """

    def __init__(self, feature_extractor, dataset, condition: Condition, batch_size: int = 64):
        super().__init__(feature_extractor, dataset, batch_size)
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
        records = [self.condition(row) for row in rows]
        # noise makes values look like those of another unit; the clean condition tells of that
        with absent_on_purpose(), nullcontext() if self.condition.clean else with_known_units():
            batch = super()._prepare(records)
        if self.condition.leads == MASKED:
            batch = self._masked(batch, [record.leads for record in records])
        return batch

    def _masked(self, batch: Mapping, kept: list[tuple[str, ...]]) -> dict[str, torch.Tensor]:
        names = self.feature_extractor.leads
        left = torch.from_numpy(np.array([[lead in one for lead in names] for one in kept]))
        changed = dict(batch)
        if batch["lead_mask"].shape[1] == len(names):
            changed["lead_mask"] = batch["lead_mask"] & left[batch["record_index"]]
        return changed | present_only(changed, self.feature_extractor.outputs)
