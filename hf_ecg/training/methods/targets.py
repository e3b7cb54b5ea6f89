"""Numbers: a regression on columns such as the age."""

from collections.abc import Sequence

import numpy as np
from datasets import Dataset

from ...data.collators import ECGRegressionCollator
from ...data.corpus import require_columns, rows_with_targets
from ...data.mixing import MixedRows
from .method import Feeding, Method

REGRESSION = "regression"


class Targets(Method):
    """ECGs beside the numbers of `data.targets`, in their own units."""

    name = "targets"

    def __init__(self, options, data):
        super().__init__(options, data)
        if not data.targets:
            raise ValueError("data.targets is empty: the method targets wants at least one column of numbers")

    def reads(self) -> tuple[str, ...]:
        return ("targets",)

    @property
    def columns(self) -> list[str]:
        return self.data.targets

    @property
    def optional_columns(self) -> list[str]:
        return self.data.targets

    def select(self, rows: Dataset, training: bool, seed: int) -> Dataset:
        present = [target for target in self.data.targets if target in rows.column_names]
        if not present:
            require_columns(rows, self.data.targets, "the corpus")
        return rows_with_targets(rows, present)

    def head(self, rows: MixedRows, sources: Sequence[Dataset]) -> tuple[list[str], dict]:
        units = target_units(rows.target_matrix(self.data.targets), self.data.targets)
        return self.data.targets, {"problem_type": REGRESSION, **units}

    def collator(self, feeding: Feeding) -> ECGRegressionCollator:
        return self._collator(feeding, self.options.views)

    def validation_collator(self, feeding: Feeding) -> ECGRegressionCollator:
        return self._collator(feeding, [])

    def _collator(self, feeding: Feeding, views: list[dict]) -> ECGRegressionCollator:
        return ECGRegressionCollator(
            feeding.processor,
            self.data.targets,
            views=views,
            seed=feeding.seed,
            lead=self.options.lead,
            prepared=feeding.prepared,
        )

    def facts(self, model_config) -> dict:
        return {"targets": self.data.targets}


def target_units(values: np.ndarray, targets: Sequence[str]) -> dict[str, list[float]]:
    """Mean and standard deviation of each target over the rows that know it, as a configuration holds them.

    Args:
        values: (rows, targets), NaN where not known.
        targets: their names.

    Raises:
        ValueError: a target that no row knows, or that is the same in all.
    """
    for target, column in zip(targets, values.T, strict=True):
        known = column[np.isfinite(column)]
        if len(known) == 0 or known.std() == 0:
            raise ValueError(f"the training rows have {len(set(known))} different values of {target}, wanted several")
    return {"target_mean": np.nanmean(values, 0).tolist(), "target_scale": np.nanstd(values, 0).tolist()}
