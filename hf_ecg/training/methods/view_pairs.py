"""Two random views of each record, and how ill its patient is where the corpus says so."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from datasets import Dataset
from huggingface_hub.dataclasses import strict
from transformers.utils import logging

from ...checks import check_one_of
from ...data.collators import ECGContrastiveCollator
from ...data.collators.second_views import PATIENT, RECORD, SECOND_VIEWS, PatientRecords
from ...data.corpus import shuffle_across_patients, target_matrix
from .method import Feeding, Method, ViewOptions

logger = logging.get_logger(__name__)


@strict
@dataclass
class ViewPairOptions(ViewOptions):
    """Args:
    same_lead_probability: for models of a single lead, that both views show one lead; None is CLEF's 0.8.
    shuffle_risk: a control: train every record with another patient's risk.
    second_view: "record", "half" or "patient", see `hf_ecg.data.collators.ECGContrastiveCollator`.
    patient_ids: batches say which records are of one patient, for losses that ask.
    """

    same_lead_probability: float | None = None
    shuffle_risk: bool = False
    second_view: str = RECORD
    patient_ids: bool = False

    def validate_second_view(self):
        check_one_of("method.options.second_view", self.second_view, SECOND_VIEWS)


class ViewPairs(Method):
    """Two views of each record; `data.columns.risk` and `missing_rate` go with them when they are named."""

    name = "view_pairs"
    Options = ViewPairOptions

    @property
    def columns(self) -> list[str]:
        patient = "patient_id" if self.options.patient_ids else None
        return list(filter(None, (self.data.columns.risk, self.data.columns.missing_rate, patient)))

    def select(self, rows: Dataset, training: bool, seed: int) -> Dataset:
        if not (training and self.options.shuffle_risk):
            return rows
        logger.warning("control: every record is trained with another patient's risk")
        risks = list(filter(None, (self.data.columns.risk, self.data.columns.missing_rate)))
        return shuffle_across_patients(rows, risks, seed)

    def check(self, sources: Sequence[Dataset]) -> None:
        risk = self.data.columns.risk
        # without any risk the loss is InfoNCE, and nobody would know
        if risk is not None and not any(np.isfinite(target_matrix(source, [risk])).any() for source in sources):
            raise ValueError(
                f"none of the {sum(map(len, sources))} training rows knows {risk!r}, which data.columns.risk names"
            )

    def collator(self, feeding: Feeding) -> ECGContrastiveCollator:
        patients = PatientRecords(feeding.sources) if self.options.second_view == PATIENT else None
        if patients is not None:
            logger.info("%d of %d records have another one of their patient", len(patients), len(feeding.rows))
        return self._collator(feeding, patients)

    def validation_collator(self, feeding: Feeding) -> ECGContrastiveCollator:
        return self._collator(feeding, None)

    def _collator(self, feeding: Feeding, patients: PatientRecords | None) -> ECGContrastiveCollator:
        # the rows that are judged are not among those whose patients are known: their views are of one record
        second_view = RECORD if patients is None and self.options.second_view == PATIENT else self.options.second_view
        return ECGContrastiveCollator(
            feeding.processor,
            views=self.options.views,
            seed=feeding.seed,
            same_lead_probability=self.options.same_lead_probability,
            risk_column=self.data.columns.risk,
            missing_rate_column=self.data.columns.missing_rate,
            prepared=feeding.prepared,
            second_view=second_view,
            patient_records=patients,
            patient_ids=self.options.patient_ids,
        )

    def facts(self, model_config) -> dict:
        if self.data.columns.risk is None or (model_config is not None and not model_config.uses_risk):
            return {}
        return {"risk_column": self.data.columns.risk, "shuffled": self.options.shuffle_risk}
