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
from ...data.metadata import metadata_matrix
from ...data.mixing import MixedRows
from .method import Feeding, Method, ViewOptions

logger = logging.get_logger(__name__)


@strict
@dataclass
class ViewPairOptions(ViewOptions):
    """Args:
    same_lead_probability: for models of a single lead, that both views show one lead; None is CLEF's 0.8.
    shuffle_risk: a control: train every record with another patient's risk.
    shuffle_metadata: the same with the metadata, all columns of one other patient.
    second_view: one of `hf_ecg.data.collators.second_views.SECOND_VIEWS`, see `ECGContrastiveCollator`.
    patient_ids: batches say which records are of one patient, for losses that ask.
    """

    same_lead_probability: float | None = None
    shuffle_risk: bool = False
    shuffle_metadata: bool = False
    second_view: str = RECORD
    patient_ids: bool = False

    def validate_second_view(self):
        check_one_of("method.options.second_view", self.second_view, SECOND_VIEWS)


class ViewPairs(Method):
    """Two views of each record; `risk`, `missing_rate` and `metadata` of `data.columns` go with them, where named."""

    name = "view_pairs"
    Options = ViewPairOptions

    @property
    def columns(self) -> list[str]:
        patient = ["patient_id"] if self.options.patient_ids else []
        return list(dict.fromkeys([*self._risk_columns, *patient, *self.data.columns.metadata]))

    @property
    def optional_columns(self) -> list[str]:
        return list(self.data.columns.metadata)

    @property
    def _risk_columns(self) -> list[str]:
        return list(filter(None, (self.data.columns.risk, self.data.columns.missing_rate)))

    def select(self, rows: Dataset, training: bool, seed: int) -> Dataset:
        options = self.options
        if not training or not (options.shuffle_risk or options.shuffle_metadata):
            return rows
        dealt = [*(self._risk_columns if options.shuffle_risk else ())]
        dealt += self.data.columns.metadata if options.shuffle_metadata else ()
        logger.warning("control: every record is trained with another patient's %s", " and ".join(dealt) or "nothing")
        present = [column for column in dict.fromkeys(dealt) if column in rows.column_names]
        return shuffle_across_patients(rows, present, seed)

    def check(self, sources: Sequence[Dataset]) -> None:
        risk = self.data.columns.risk
        # without any risk the loss is InfoNCE, and nobody would know
        if risk is not None and not any(np.isfinite(target_matrix(source, [risk])).any() for source in sources):
            raise ValueError(
                f"none of the {sum(map(len, sources))} training rows knows {risk!r}, which data.columns.risk names"
            )

    def head(self, rows: MixedRows, sources: Sequence[Dataset]) -> tuple[list[str], dict]:
        names = self.data.columns.metadata
        if not names:
            return [], {}
        return [], metadata_units(np.concatenate([metadata_matrix(source, names) for source in sources]), names)

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
            metadata_columns=self.data.columns.metadata,
            prepared=feeding.prepared,
            second_view=second_view,
            patient_records=patients,
            patient_ids=self.options.patient_ids,
            record_seeds="record_seeds" in feeding.inputs,
        )

    def facts(self, model_config) -> dict:
        columns, told = self.data.columns, {}
        if columns.risk is not None and (model_config is None or model_config.uses_risk):
            told |= {"risk_column": columns.risk, "shuffled": self.options.shuffle_risk}
        if columns.metadata and (model_config is None or model_config.uses_metadata):
            told |= {"metadata": columns.metadata, "metadata_shuffled": self.options.shuffle_metadata}
        return told


def metadata_units(values: np.ndarray, names: Sequence[str]) -> dict:
    """Mean and standard deviation of each column over the rows that know it, and which columns hold 0 and 1 alone.

    Args:
        values: (rows, columns), NaN where unknown.
        names: of the columns.

    Raises:
        ValueError: a column that no row knows, or that is the same in all.
    """
    mean, scale, binary = [], [], []
    for name, column in zip(names, values.T, strict=True):
        known = column[np.isfinite(column)]
        if len(set(known)) < 2:
            raise ValueError(f"the training rows have {len(set(known))} different values of {name}, wanted several")
        is_binary = set(known) == {0.0, 1.0}
        binary += [name] if is_binary else []
        mean.append(0.0 if is_binary else float(known.mean()))
        scale.append(1.0 if is_binary else float(known.std()))
    return {
        "metadata_columns": list(names),
        "metadata_mean": mean,
        "metadata_scale": scale,
        "metadata_binary": binary,
    }
