"""Waveforms with random views: a batch of its own, and the part that all collators share."""

from collections.abc import Mapping, Sequence

import torch

from ...processing import ECGFeatureExtractor
from ..row_inputs import RowInputs
from ..rows import SIGNAL_COLUMNS
from ..view_base import record_generator
from ..views import apply_views, validate_views
from .one_row import one_row_a_record


class WaveformCollator:
    """Rows to the inputs that a feature extractor makes, with random views.

    What happens to a record is a function of `(seed, row["epoch"], row["record_index"], view)`: not of the batch it is
    in, nor of the process that makes it. Views act where the extractor's steps name `views`, else after the last step.
    Of a record that the extractor makes several rows of there is one, see `one_row_a_record`.

    Args:
        feature_extractor: the model's own, or a processor that holds one.
        views: see `hf_ecg.data.views.validate_views`.
        seed: of the views.
        lead: the lead that a single-lead model is to see.
        prepared: `hf_ecg.data.prepared.PreparedInputs` of the training rows, read in place of their signals.
        beside: makes more of a row's columns, such as `hf_ecg.data.row_inputs.Covariates`.

    Raises:
        ValueError: an impossible view, or an extractor whose inputs views would contradict.
    """

    def __init__(
        self,
        feature_extractor,
        views: Sequence[dict] = (),
        seed: int = 0,
        lead: str | None = None,
        prepared=None,
        beside: Sequence[RowInputs] = (),
    ):
        extractor, views = one_row_a_record(_extractor(feature_extractor), views, self.rows_of_a_record)
        self.feature_extractor = self.extractor_of_views(extractor)
        self.views = self.possible_views(views)
        self.seed = seed
        self.lead = lead
        self.prepared = prepared
        self.beside = list(beside)

    def possible_views(self, views: Sequence[dict]) -> list[dict]:
        """The list itself, when it fits the waveforms where views act.

        Raises:
            ValueError: an impossible view, or outputs of the extractor that views would contradict.
        """
        extractor = self.feature_extractor
        fixed = [output.name for output in extractor.outputs_before_views if not output.views]
        if views and fixed:
            raise ValueError(f"views would contradict the feature extractor's {fixed}, made before them")
        return validate_views(views, extractor.views_sampling_rate, _view_leads(extractor))

    def extractor_of_views(self, extractor: ECGFeatureExtractor) -> ECGFeatureExtractor:
        """The extractor that makes the waveforms which views act on."""
        return extractor

    @property
    def rows_of_a_record(self) -> int:
        """How many of the extractor's rows a record is long, where it makes several."""
        return 1

    @property
    def own_columns(self) -> list[str]:
        """Columns that rows must have besides the signal's."""
        return []

    @property
    def columns(self) -> list[str]:
        """Columns that rows must have."""
        signal = SIGNAL_COLUMNS if self.prepared is None else ("record_id",)
        more = [column for part in self.beside for column in part.columns]
        return list(dict.fromkeys([*signal, *self.own_columns, *more]))

    def waveforms(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        """The model's inputs of each record, in random views, and what stands beside them."""
        batch = self.view_of(self.before_views(rows), rows)
        for part in self.beside:
            batch |= part(rows)
        return batch

    def before_views(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        """What the deterministic steps make."""
        if self.prepared is not None:
            return self.prepared.batch([row["record_index"] for row in rows])
        return dict(self.feature_extractor.before_views(list(rows), lead=self.lead))

    def view_of(
        self, batch: Mapping, rows: Sequence[Mapping], name: str = "", views: Sequence[dict] | None = None
    ) -> dict[str, torch.Tensor]:
        """A random view of each record; `name` tells several views of one record apart.

        Args:
            batch: of `before_views`.
            rows: as `RowDataset` gives them.
            name: of the view.
            views: how it is made, where not by the collator's own.
        """
        batch, views = dict(batch), self.views if views is None else views
        if views:
            generators = [
                [self.generator(row, f"{name}{position}:{view['name']}") for row in rows]
                for position, view in enumerate(views)
            ]
            batch = self.changed(batch, views, generators)
        return dict(self.feature_extractor.after_views(batch))

    def changed(self, batch: Mapping, views: Sequence[dict], generators) -> dict[str, torch.Tensor]:
        """What views make of a batch of `before_views`, before the steps that follow them."""
        made = apply_views(
            batch["input_values"],
            views,
            generators,
            lead_mask=batch["lead_mask"],
            sample_mask=batch["sample_mask"],
            sampling_rate=self.feature_extractor.views_sampling_rate,
            leads=_view_leads(self.feature_extractor),
        )
        batch = dict(batch) | made._asdict()
        if "amplitude" in batch:
            batch["amplitude"] = batch["amplitude"] * made.lead_mask[..., None]
        return batch

    def generator(self, row: Mapping, view: str) -> torch.Generator:
        """Of one random choice about a record in one epoch."""
        missing = [key for key in ("epoch", "record_index") if key not in row]
        if missing:
            raise ValueError(f"a row has no {' and no '.join(missing)}, which random views are a function of")
        return record_generator(self.seed, row["epoch"], row["record_index"], view)

    def seeds_of(self, rows: Sequence[Mapping]) -> torch.Tensor:
        """int64 (batch,): a number for each record and epoch, for what a model draws of it."""
        return torch.tensor([self.generator(row, "record_seeds").initial_seed() for row in rows])


class ECGWaveformCollator(WaveformCollator):
    """Batches of waveforms alone, for objectives that need neither label nor pair.

    Args:
        feature_extractor, views, seed, lead, prepared: see `WaveformCollator`.
        record_seeds: also hand out `record_seeds` int64 (batch,), a number for each record and epoch: masks drawn from
            it do not depend on the batch that a record is in.
    """

    def __init__(
        self,
        feature_extractor,
        views: Sequence[dict] = (),
        seed: int = 0,
        lead: str | None = None,
        record_seeds: bool = False,
        prepared=None,
    ):
        super().__init__(feature_extractor, views, seed, lead, prepared)
        self.record_seeds = record_seeds

    def __call__(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        """Makes a batch: the extractor's inputs, such as `input_values`, `lead_mask`, `sample_mask`.

        Raises:
            ValueError: what the feature extractor refuses.
        """
        batch = self.waveforms(rows)
        if self.record_seeds:
            batch["record_seeds"] = self.seeds_of(rows)
        return batch


def _extractor(processor) -> ECGFeatureExtractor:
    return processor if isinstance(processor, ECGFeatureExtractor) else processor.feature_extractor


def _view_leads(extractor: ECGFeatureExtractor) -> list[str] | None:
    """The leads that views meet; None where a record's own lead is picked."""
    return None if any(step["name"] == "pick_lead" for step in extractor.steps) else extractor.leads
