"""Two random views of each ECG, and how ill its patient is."""

from collections.abc import Mapping, Sequence

import torch

from ...checks import check_one_of
from ...processing import ECGFeatureExtractor
from ..row_numbers import metadata_number, number
from .second_views import (
    HALF,
    HALF_LEADS,
    OF_LEADS,
    PATIENT,
    RECORD,
    SECOND_VIEWS,
    PatientRecords,
    halves,
    patient_numbers,
)
from .waveforms import WaveformCollator

CLEF_SAME_LEAD_PROBABILITY = 0.8


class ECGContrastiveCollator(WaveformCollator):
    """Batches for `ECGForContrastivePreTraining`: two views of each record, its risk and its metadata.

    For a single-lead model (an extractor with the step `pick_lead`) each view is one lead. Two leads are drawn among
    those that the record has and the extractor accepts; with `same_lead_probability` the second one is the first one
    again (CLEF: 0.8). An extractor that accepts lead I alone makes views of lead I.

    Args:
        feature_extractor: an `ECGFeatureExtractor`.
        views: of each of the two, drawn independently; see `hf_ecg.data.views.validate_views`.
        seed: of views and leads.
        same_lead_probability: default 0.8 for single-lead models; others have none.
        risk_column: column of numbers, null where unknown, such as SCORE2's risk or the age; None hands out no risk.
        missing_rate_column: column of the share of each risk's inputs that were filled.
        metadata_columns: columns of numbers, and `sex`, null where unknown; none hand out no metadata.
        prepared: see `WaveformCollator`.
        second_view: what the second view is of: "record", the same record as the first; "half", the record's other
            half (CLOCS' CMSC: the first view is then of its first half); "patient", another record of its patient
            where `patient_records` has one. For single-lead models also "leads": every lead is a view (CMLC), the
            first one the first view and the others further ones; "half_leads": every lead of either half (CMSMLC).
        patient_records: of the training rows, for "patient".
        patient_ids: also hand out numbers that are equal where records are of one patient.
        record_seeds: also hand out `record_seeds`, see `ECGWaveformCollator`.

    Raises:
        ValueError: an impossible view or probability, or one for a model of several leads.
    """

    def __init__(
        self,
        feature_extractor,
        views: Sequence[dict] = (),
        seed: int = 0,
        same_lead_probability: float | None = None,
        risk_column: str | None = None,
        missing_rate_column: str | None = None,
        metadata_columns: Sequence[str] = (),
        prepared=None,
        second_view: str = RECORD,
        patient_records: PatientRecords | None = None,
        patient_ids: bool = False,
        record_seeds: bool = False,
    ):
        self.second_view = second_view
        super().__init__(feature_extractor, views, seed, prepared=prepared)
        check_one_of("second_view", second_view, SECOND_VIEWS)
        if (second_view == PATIENT) != (patient_records is not None):
            raise ValueError(f"second_view is {second_view!r}, patient_records are given for 'patient' and only there")
        self.patient_records, self.patient_ids, self.record_seeds = patient_records, patient_ids, record_seeds
        if second_view in OF_LEADS and (not self.single_lead or same_lead_probability is not None):
            raise ValueError(
                f"second_view {second_view!r} makes a view of every lead: it is for single-lead models (an extractor"
                " with pick_lead), and takes no same_lead_probability"
            )
        if same_lead_probability is not None and not self.single_lead:
            raise ValueError("same_lead_probability is for single-lead models, and the extractor has no pick_lead")
        if self.single_lead and same_lead_probability is None:
            same_lead_probability = CLEF_SAME_LEAD_PROBABILITY
        if same_lead_probability is not None and not 0 <= same_lead_probability <= 1:
            raise ValueError(f"same_lead_probability is {same_lead_probability}, wanted a probability")
        if missing_rate_column is not None and risk_column is None:
            raise ValueError(f"missing_rate_column is {missing_rate_column!r}, but there is no risk_column")
        self.same_lead_probability = same_lead_probability
        self.risk_column, self.missing_rate_column = risk_column, missing_rate_column
        self.metadata_columns = list(metadata_columns)

    @property
    def own_columns(self) -> list[str]:
        patient = "patient_id" if self.patient_ids else None
        named = (self.risk_column, self.missing_rate_column, patient, *self.metadata_columns)
        return list(dict.fromkeys(filter(None, named)))

    @property
    def rows_of_a_record(self) -> int:
        """Two for halves: of segments that follow each other."""
        return 2 if self.second_view in (HALF, HALF_LEADS) else 1

    def extractor_of_views(self, extractor: ECGFeatureExtractor) -> ECGFeatureExtractor:
        """With all leads of a single-lead model beside each other, from which the views' leads are drawn."""
        self.single_lead = any(step["name"] == "pick_lead" for step in extractor.steps)
        if not self.single_lead:
            return extractor
        return ECGFeatureExtractor(
            sampling_rate=extractor.sampling_rate,
            leads=extractor.leads,
            num_samples=extractor.num_samples,
            steps=[{"name": "select_leads"} if step["name"] == "pick_lead" else step for step in extractor.steps],
        )

    def __call__(self, rows: Sequence[Mapping]) -> dict:
        """Makes a batch.

        Args:
            rows: as `RowDataset` gives them.

        Returns:
            `input_values` float32 (batch, leads, samples), `lead_mask` bool (batch, leads), `sample_mask` bool (batch,
            samples) of the first view, and the same with `second_` before the names of the second, with an axis of
            views behind the batch where every lead is one; `risk` and
            `missing_rate` float32 (batch,), and `metadata` float32 (batch, columns) in their own units with the sexes
            as 0 (female) and 1 (male), NaN where unknown, when their columns are named; `patient_ids` int64 (batch,)
            and `record_seeds` int64 (batch,) when they are asked for; `return_loss` True.

        Raises:
            ValueError: a risk or a datum that is not a number, or what the feature extractor refuses.
        """
        batch = self.waveforms(rows)
        for key, column in (("risk", self.risk_column), ("missing_rate", self.missing_rate_column)):
            if column is not None:
                batch[key] = torch.tensor([number(row, column) for row in rows])
        if self.patient_ids:
            batch["patient_ids"] = patient_numbers(rows)
        if self.record_seeds:
            batch["record_seeds"] = self.seeds_of(rows)
        if self.metadata_columns:
            batch["metadata"] = torch.tensor(
                [[metadata_number(row, column) for column in self.metadata_columns] for row in rows]
            )
        batch["return_loss"] = True
        return batch

    def waveforms(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        """All views of each record."""
        if self.second_view in OF_LEADS:
            return self._views_of_leads(rows)
        pair = self._sources(rows)
        if self.single_lead:
            # a lead that both have: of another record of the patient one may be absent
            present = pair[0]["lead_mask"] & pair[1]["lead_mask"]
            if not present.any(1).all():
                row = rows[int((~present.any(1)).nonzero()[0])]
                raise ValueError(f"record {row.get('record_id')} shares no lead with its patient's other record")
            drawn = self._drawn_leads(present, rows)
            pair = tuple(_one_lead(whole, leads) for whole, leads in zip(pair, drawn, strict=True))
        batch = {}
        for name, whole in zip(("", "second_"), pair, strict=True):
            batch |= {f"{name}{key}": value for key, value in self.view_of(whole, rows, name).items()}
        return batch

    def _views_of_leads(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        whole = self.before_views(rows)
        lacking = (~whole["lead_mask"].all(1)).nonzero()
        if len(lacking):
            record = rows[int(lacking[0])].get("record_id")
            raise ValueError(f"record {record} lacks a lead, second_view {self.second_view!r} compares all of them")
        parts = halves(whole) if self.second_view == HALF_LEADS else (whole,)
        views = []
        for part in parts:
            for lead in range(whole["lead_mask"].shape[1]):
                one = _one_lead(part, torch.full((len(rows),), lead))
                views.append(self.view_of(one, rows, f"view {len(views)}, " if views else ""))
        further = {f"second_{name}": torch.stack([view[name] for view in views[1:]], dim=1) for name in views[0]}
        return views[0] | further

    def _sources(self, rows: Sequence[Mapping]) -> tuple[Mapping, Mapping]:
        """What the first and the second view of each row are made of."""
        whole = self.before_views(rows)
        if self.second_view == HALF:
            return halves(whole)
        if self.patient_records is None:
            return whole, whole
        others = [self.patient_records.another(row, self.generator(row, "patient")) for row in rows]
        return whole, self.before_views(others)

    def _drawn_leads(self, lead_mask: torch.Tensor, rows: Sequence[Mapping]) -> tuple[torch.Tensor, torch.Tensor]:
        """Two lead numbers a record, (batch,) each."""
        drawn = torch.stack(
            [torch.rand(3, generator=self.generator(row, "leads"), dtype=torch.float64) for row in rows]
        )
        counts = lead_mask.sum(1)
        # the places of the present leads come first
        present = lead_mask.int().argsort(dim=1, descending=True, stable=True)
        ranks = (drawn[:, :2] * counts[:, None]).long().clamp(max=(counts - 1)[:, None])
        first, second = present.gather(1, ranks).unbind(1)
        return first, torch.where(drawn[:, 2] < self.same_lead_probability, first, second)


def _one_lead(batch: Mapping, leads: torch.Tensor) -> dict[str, torch.Tensor]:
    rows = torch.arange(len(leads))
    chosen = {name: batch[name][rows, leads][:, None] for name in ("input_values", "lead_mask")}
    return {**batch, **chosen}
