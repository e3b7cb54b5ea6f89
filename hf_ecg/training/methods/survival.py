"""Times of events: a survival head on two columns, the time and whether there was an event."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from datasets import Dataset
from huggingface_hub.dataclasses import strict
from transformers.utils import logging

from ...checks import check_one_of
from ...data.collators import ECGRegressionCollator
from ...data.corpus import require_columns, target_matrix
from ...data.mixing import MixedRows
from ...data.survival_columns import check_survival, rows_with_survival
from ...losses.survival import REDUCTIONS, check_breaks
from ...models.shared.modeling_survival import EIGHTHS_OF_A_YEAR, interval_names
from .head import HeadMethod
from .method import Feeding, ViewOptions

logger = logging.get_logger(__name__)


@strict
@dataclass
class SurvivalOptions(ViewOptions):
    """Args:
    breaks: where intervals begin and end, rising from 0, in the unit of the times; null takes ECG-CLIP's, 39
        intervals of 45.625 days.
    reduction: of the likelihood over the rows of a batch, "mean", or "sum" as in the released code.
    """

    breaks: list[float | int] | None = None
    reduction: str = "mean"

    def validate_options(self):
        check_one_of("method.options.reduction", self.reduction, REDUCTIONS)
        if self.breaks is not None:
            check_breaks(self.breaks)


class Survival(HeadMethod):
    """ECGs beside a time and an event: `data.targets` names the two columns, in this order.

    The time is that of the event, or that at which the record was last seen without one; the event is 1 or 0. Rows
    that do not know both are left out.
    """

    name = "survival"
    Options = SurvivalOptions

    def __init__(self, options, data):
        super().__init__(options, data)
        if len(data.targets) != 2:
            raise ValueError(f"data.targets is {data.targets}: the method survival wants two columns, time and event")

    def reads(self) -> tuple[str, ...]:
        return ("targets",)

    @property
    def target_columns(self) -> list[str]:
        return self.data.targets

    @property
    def optional_targets(self) -> list[str]:
        return []

    @property
    def breaks(self) -> list[float | int]:
        return list(EIGHTHS_OF_A_YEAR if self.options.breaks is None else self.options.breaks)

    def select(self, rows: Dataset, training: bool, seed: int) -> Dataset:
        require_columns(rows, self.data.targets, "the corpus")
        return rows_with_survival(rows, self.data.targets)

    def check(self, sources: Sequence[Dataset]) -> None:
        time, event = np.concatenate([target_matrix(rows, self.data.targets) for rows in sources]).T
        check_survival(time, event, self.data.targets, "the training rows")
        last = self.breaks[-1]
        if not (event[time < last] == 1).any():
            raise ValueError(f"all events of the training rows are after the last break, {last:g}: nothing is learned")
        logger.info("%d of %d training rows have an event before %g", (event[time < last] == 1).sum(), len(time), last)

    def outputs(self, rows: MixedRows, sources: Sequence[Dataset]) -> tuple[list[str], dict]:
        told = {"survival_breaks": self.breaks, "survival_reduction": self.options.reduction}
        return interval_names(self.breaks), told

    def collator(self, feeding: Feeding) -> ECGRegressionCollator:
        return self._collator(feeding, self.options.views, training=True)

    def validation_collator(self, feeding: Feeding) -> ECGRegressionCollator:
        return self._collator(feeding, [], training=False)

    def _collator(self, feeding: Feeding, views: list[dict], training: bool) -> ECGRegressionCollator:
        return ECGRegressionCollator(
            feeding.processor,
            self.data.targets,
            views,
            feeding.seed,
            self.options.lead,
            feeding.prepared,
            beside=self.beside(feeding, training),
        )

    def facts(self, model_config) -> dict:
        return {"targets": self.data.targets}
