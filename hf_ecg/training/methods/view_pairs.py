"""Two random views of each record, and how ill its patient is where the corpus says so."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from datasets import Dataset
from huggingface_hub.dataclasses import strict
from transformers.utils import logging

from ...data.collators import ECGContrastiveCollator
from ...data.corpus import shuffle_across_patients, target_matrix
from .method import Feeding, Method, ViewOptions

logger = logging.get_logger(__name__)


@strict
@dataclass
class ViewPairOptions(ViewOptions):
    """Args:
    same_lead_probability: for models of a single lead, that both views show one lead; None is CLEF's 0.8.
    shuffle_risk: a control: train every record with another patient's risk.
    """

    same_lead_probability: float | None = None
    shuffle_risk: bool = False


class ViewPairs(Method):
    """Two views of each record; `data.columns.risk` and `missing_rate` go with them when they are named."""

    name = "view_pairs"
    Options = ViewPairOptions

    @property
    def columns(self) -> list[str]:
        return list(filter(None, (self.data.columns.risk, self.data.columns.missing_rate)))

    def select(self, rows: Dataset, training: bool, seed: int) -> Dataset:
        if not (training and self.options.shuffle_risk):
            return rows
        logger.warning("control: every record is trained with another patient's risk")
        return shuffle_across_patients(rows, self.columns, seed)

    def check(self, sources: Sequence[Dataset]) -> None:
        risk = self.data.columns.risk
        # without any risk the loss is InfoNCE, and nobody would know
        if risk is not None and not any(np.isfinite(target_matrix(source, [risk])).any() for source in sources):
            raise ValueError(
                f"none of the {sum(map(len, sources))} training rows knows {risk!r}, which data.columns.risk names"
            )

    def collator(self, feeding: Feeding) -> ECGContrastiveCollator:
        return ECGContrastiveCollator(
            feeding.processor,
            views=self.options.views,
            seed=feeding.seed,
            same_lead_probability=self.options.same_lead_probability,
            risk_column=self.data.columns.risk,
            missing_rate_column=self.data.columns.missing_rate,
            prepared=feeding.prepared,
        )

    def facts(self, model_config) -> dict:
        if self.data.columns.risk is None or (model_config is not None and not model_config.uses_risk):
            return {}
        return {"risk_column": self.data.columns.risk, "shuffled": self.options.shuffle_risk}
