"""Numbers: a regression on columns such as the age, or on a column of many numbers such as the measurements."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasets import Dataset
from huggingface_hub.dataclasses import strict

from ...checks import check_one_of
from ...data.collators import ECGRegressionCollator
from ...data.corpus import require_columns
from ...data.mixing import MixedRows
from ...data.target_columns import rows_with_targets, target_names, target_values, target_widths
from ...models.shared.configuration_ecg import REGRESSION_LOSSES
from .head import HeadMethod, HeadOptions
from .method import Feeding
from .target_units import target_units

REGRESSION = "regression"


@strict
@dataclass
class TargetOptions(HeadOptions):
    """Args:
    robust: measure the targets by median and quartiles, not by mean and standard deviation.
    loss: "squared", or "smooth_l1", which an outlier does not rule; null is "squared".
    limit: targets further from the middle than so many scales are drawn in to it; null draws none in.
    """

    robust: bool = False
    loss: str | None = None
    limit: float | int | None = None

    def validate_options(self):
        if self.loss is not None:
            check_one_of("method.options.loss", self.loss, REGRESSION_LOSSES)
        if self.limit is not None and not self.limit > 0:
            raise ValueError(f"method.options.limit is {self.limit}, wanted above 0")


class Targets(HeadMethod):
    """ECGs beside the numbers of `data.targets`, in their own units.

    A column may hold as many numbers in every row, NaN where one is not known: `measurements`, which
    `hf-ecg prepare measurements` makes of the signals without any label. Each is an output of the model.
    """

    name = "targets"
    Options = TargetOptions

    def __init__(self, options, data):
        super().__init__(options, data)
        if not data.targets:
            raise ValueError("data.targets is empty: the method targets wants at least one column of numbers")

    def reads(self) -> tuple[str, ...]:
        return ("targets",)

    @property
    def target_columns(self) -> list[str]:
        return self.data.targets

    def select(self, rows: Dataset, training: bool, seed: int) -> Dataset:
        present = [target for target in self.data.targets if target in rows.column_names]
        if not present:
            require_columns(rows, self.data.targets, "the corpus")
        return rows_with_targets(rows, present)

    def outputs(self, rows: MixedRows, sources: Sequence[Dataset]) -> tuple[list[str], dict]:
        targets = self.data.targets
        names = target_names(sources, [source.path for source in self.data.sources], targets)
        values = target_values(sources, targets)
        # of many numbers some may be the same in all rows; of a few that were named, none
        several = any(width is not None for width in target_widths(sources, targets).values())
        units = target_units(values, names, robust=self.options.robust, constant=several)
        told = {"regression_loss": self.options.loss, "target_limit": self.options.limit}
        told = {key: value for key, value in told.items() if value is not None}
        return names, {"problem_type": REGRESSION, **units, **told}

    def collator(self, feeding: Feeding) -> ECGRegressionCollator:
        return self._collator(feeding, self.options.views, training=True)

    def validation_collator(self, feeding: Feeding) -> ECGRegressionCollator:
        return self._collator(feeding, [], training=False)

    def _collator(self, feeding: Feeding, views: list[dict], training: bool) -> ECGRegressionCollator:
        return ECGRegressionCollator(
            feeding.processor,
            self.data.targets,
            views=views,
            seed=feeding.seed,
            lead=self.options.lead,
            prepared=feeding.prepared,
            widths=target_widths(feeding.sources, self.data.targets),
            beside=self.beside(feeding, training),
        )

    def facts(self, model_config) -> dict:
        return {"targets": self.data.targets}
