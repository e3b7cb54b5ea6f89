"""Lead reconstruction: each record is shown by a few of its leads, and judged by the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import isclose
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from huggingface_hub.dataclasses import strict
from transformers.utils import logging

from ...checks import check_one_of
from ...data.collators.lead_reconstruction import (
    ECGLeadReconstructionCollator,
    check_standard_leads,
    shown_leads_of,
)
from ...data.rows import RowDataset
from ...models.shared.roles import model_role
from ...processing import ECGFeatureExtractor
from ...signals.leads import CHEST_LEADS, LIMB_LEADS
from .method import Feeding, Method, TrainingStart

logger = logging.get_logger(__name__)

# the leads that do not follow from each other
INDEPENDENT_LEADS = ("I", "II", *CHEST_LEADS)
ROLE = "lead reconstruction"


@strict
@dataclass
class LeadReconstructionOptions:
    """Args:
    views: the random augmentations, see `hf_ecg.data.views.validate_views`.
    two_limb_share: how often two limb leads are shown, any two alike; else one.
    single_limb_leads: the limb leads that are shown alone.
    chest_shares: how often no chest lead is shown, one, two and so on; together 1.
    validation_leads: the leads that every record is shown by in the validation.
    """

    views: list[dict] = field(default_factory=list)
    two_limb_share: float = 0.6
    single_limb_leads: list[str] = field(default_factory=lambda: list(LIMB_LEADS))
    chest_shares: list[float] = field(default_factory=lambda: [0.5, 0.25, 0.25])
    validation_leads: list[str] = field(default_factory=lambda: ["I", "II"])

    def validate_shares(self):
        where = "method.options"
        if not 0 <= self.two_limb_share <= 1:
            raise ValueError(f"{where}.two_limb_share is {self.two_limb_share}, wanted 0 to 1")
        shares = self.chest_shares
        if not 1 <= len(shares) <= 6 or min(shares) < 0 or not isclose(sum(shares), 1, abs_tol=1e-6):
            raise ValueError(f"{where}.chest_shares is {shares}, wanted up to six shares, together 1")
        if not self.single_limb_leads:
            raise ValueError(f"{where}.single_limb_leads is empty, wanted some of {', '.join(LIMB_LEADS)}")
        for lead in self.single_limb_leads:
            check_one_of(f"{where}.single_limb_leads", lead, LIMB_LEADS)
        shown_leads_of(self.validation_leads)
        if not set(self.validation_leads) & set(LIMB_LEADS):
            raise ValueError(f"{where}.validation_leads is {self.validation_leads}, wanted a limb lead among them")


class LeadReconstruction(Method):
    """A few leads of each record, drawn from (seed, epoch, record); the others are what is learnt.

    Before the first step the leads' second moments over the training rows are measured, from which the model's
    least-squares estimate is made.
    """

    name = "lead_reconstruction"
    Options = LeadReconstructionOptions

    def collator(self, feeding: Feeding) -> ECGLeadReconstructionCollator:
        options = self.options
        return ECGLeadReconstructionCollator(
            feeding.processor,
            views=options.views,
            seed=feeding.seed,
            prepared=feeding.prepared,
            drawn={
                "two_limb_share": options.two_limb_share,
                "single_limb_leads": options.single_limb_leads,
                "chest_shares": options.chest_shares,
            },
        )

    def validation_collator(self, feeding: Feeding) -> ECGLeadReconstructionCollator:
        return ECGLeadReconstructionCollator(
            feeding.processor, seed=feeding.seed, prepared=feeding.prepared, fixed=self.options.validation_leads
        )

    def before_training(self, start: TrainingStart) -> None:
        model: Any = start.model
        if model_role(model) != ROLE:
            raise ValueError(
                f"the method {self.name} trains a model such as ECGUNetForLeadReconstruction, found"
                f" {type(model).__name__}"
            )
        if not start.measured and model.config.least_squares:
            moments = lead_moments(self._extractor(start.collator), start.sources)
            model.set_lead_moments(torch.from_numpy(moments))

    @staticmethod
    def _extractor(collator: Any) -> ECGFeatureExtractor:
        return collator.feature_extractor


def lead_moments(extractor: ECGFeatureExtractor, sources: Sequence[Dataset], batch_size: int = 64) -> np.ndarray:
    """The mean over records and samples of the product of each two of leads I, II, V1 to V6.

    Every process computes it of all rows, so that all have the same numbers.

    Args:
        extractor: of the model, with the standard leads.
        sources: data sets of the schema of `hf_ecg.data.schema`.

    Returns:
        float64 (8, 8), millivolt squared.

    Raises:
        ValueError: no record has all of the eight leads.
    """
    check_standard_leads(extractor)
    total, records = np.zeros((len(INDEPENDENT_LEADS),) * 2), 0
    wanted = shown_leads_of(INDEPENDENT_LEADS).numpy()
    for values, lead_mask, sample_mask in _measured_batches(extractor, sources, batch_size):
        for one, leads, samples in zip(values, lead_mask, sample_mask, strict=True):
            if leads[wanted].all() and samples.any():
                eight = one[wanted][:, samples].astype(np.float64)
                total += eight @ eight.T / eight.shape[1]
                records += 1
    if not records:
        raise ValueError(
            f"none of the {sum(map(len, sources))} training rows has all of {', '.join(INDEPENDENT_LEADS)}"
        )
    logger.info("second moments of the leads measured on %d training records", records)
    return total / records


def _measured_batches(extractor, sources, batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    for source in sources:
        rows = RowDataset(source)
        for start in range(0, len(rows), batch_size):
            batch = _batch(extractor, [rows[index] for index in range(start, min(start + batch_size, len(rows)))])
            for inputs in batch:
                yield tuple(np.asarray(inputs[name]) for name in ("input_values", "lead_mask", "sample_mask"))


def _batch(extractor, rows: list) -> list:
    try:
        return [extractor(rows, window="recipe")]
    except ValueError as error:
        if len(rows) == 1:
            # the training replaces such a row and lists it
            logger.info("not measured: %s", error)
            return []
        return [inputs for row in rows for inputs in _batch(extractor, [row])]
