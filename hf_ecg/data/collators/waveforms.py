"""The part of a batch that all collators share: waveforms with random views."""

import math
from collections.abc import Mapping, Sequence

import torch

from ...processing import ECGFeatureExtractor
from ...processing.steps.step_table import build_step
from ...signals.normalisation import normalise
from ..view_base import Waveforms, record_generator
from ..views import apply_views, validate_views

# Beyond these a feature extractor's tensors describe the waveform as it was before the views.
_FOLLOW_VIEWS = {"input_values", "lead_mask", "sample_mask", "amplitude"}


class WaveformCollator:
    """Rows to `input_values`, `lead_mask`, `sample_mask`, with random views.

    What happens to a record is a function of `(seed, row["epoch"], row["record_index"], view)`: not of the batch it is
    in, nor of the process that makes it.

    Args:
        feature_extractor: the model's own.
        views: see `hf_ecg.data.views.validate_views`.
        seed: of the views.
        normalise_after_views: views act on the millivolts before the extractor's last step, `normalise`, which then
            follows them: noise in millivolts, and a model that never sees another scale, as CLEF is trained.
        lead: the lead that a single-lead model is to see.

    Raises:
        ValueError: an impossible view, or an extractor whose batches views would contradict.
    """

    def __init__(
        self,
        feature_extractor,
        views: Sequence[dict],
        seed: int,
        normalise_after_views: bool = False,
        lead: str | None = None,
    ):
        self.feature_extractor = feature_extractor
        self.views = validate_views(views, feature_extractor.sampling_rate)
        self.seed = seed
        self.lead = lead
        outputs = set(feature_extractor.model_input_names)
        if "record_index" in outputs:
            raise ValueError(
                "the feature extractor makes several crops of a record: use the view random_crop to train"
            )
        if self.views and outputs - _FOLLOW_VIEWS:
            raise ValueError(f"views would contradict the feature extractor's {sorted(outputs - _FOLLOW_VIEWS)}")
        steps, self._normalise = list(feature_extractor.steps), None
        if normalise_after_views:
            self._normalise = _last_normalisation(steps)
            steps.pop()
        self._before_views = self.extractor_before_views(steps)

    def extractor_before_views(self, steps: list[dict]) -> ECGFeatureExtractor:
        """What makes waveforms of rows before the views."""
        own = self.feature_extractor
        if steps == own.steps:
            return own
        return ECGFeatureExtractor(
            sampling_rate=own.sampling_rate, leads=own.leads, num_samples=own.num_samples, steps=steps
        )

    def waveforms(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        """Prepared, in random views, and normalised when that comes after them."""
        batch = dict(self._before_views(list(rows), lead=self.lead, return_tensors="pt"))
        if not self.views and self._normalise is None:
            return batch
        made = self.view_of(Waveforms(*(batch[name] for name in Waveforms._fields)), rows)
        batch |= made._asdict()
        if "amplitude" in batch:
            batch["amplitude"] = batch["amplitude"] * made.lead_mask[..., None]
        return batch

    def view_of(self, waveforms: Waveforms, rows: Sequence[Mapping], name: str = "") -> Waveforms:
        """A random view of each record; `name` tells several views of one record apart."""
        if self.views:
            generators = [
                [self.generator(row, f"{name}{position}:{view['name']}") for row in rows]
                for position, view in enumerate(self.views)
            ]
            values, lead_mask, sample_mask = waveforms
            waveforms = apply_views(
                values,
                self.views,
                generators,
                lead_mask=lead_mask,
                sample_mask=sample_mask,
                sampling_rate=self.feature_extractor.sampling_rate,
            )
        if self._normalise is None:
            return waveforms
        mask = waveforms.lead_mask
        values = normalise(waveforms.input_values.double().numpy(), lead_mask=mask.numpy(), **self._normalise)
        return waveforms._replace(input_values=torch.from_numpy(values).float().masked_fill(~mask[..., None], 0.0))

    def generator(self, row: Mapping, view: str) -> torch.Generator:
        """Of one random choice about a record in one epoch."""
        missing = [key for key in ("epoch", "record_index") if key not in row]
        if missing:
            raise ValueError(f"a row has no {' and no '.join(missing)}, which random views are a function of")
        return record_generator(self.seed, row["epoch"], row["record_index"], view)


def _last_normalisation(steps: list[dict]) -> dict:
    """The arguments of `normalise`, which must be the last step."""
    last = steps[-1] if steps else {}
    if last.get("name") != "normalise" or last.get("return_amplitude"):
        raise ValueError(
            f"normalise_after_views moves the last step behind the views; that is {last}, wanted normalise without"
            " return_amplitude"
        )
    build_step(last)
    return {key: value for key, value in last.items() if key not in ("name", "return_amplitude")}


def number(row: Mapping, column: str) -> float:
    """A row's value in a column of numbers; NaN where null."""
    value = row[column]
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"record {row.get('record_id')}: {column} is {value!r}, wanted a number or null")
    return float(value)
