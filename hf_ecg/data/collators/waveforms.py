"""The part of a batch that all collators share: waveforms with random views."""

from collections.abc import Mapping, Sequence

import torch

from ..view_base import record_generator
from ..views import apply_views, validate_views

# Beyond these a feature extractor's tensors describe the waveform as it was before the views.
_FOLLOW_VIEWS = {"input_values", "lead_mask", "sample_mask", "amplitude"}


class WaveformCollator:
    """Rows to `input_values`, `lead_mask`, `sample_mask`, with random views.

    What happens to a record is a function of `(seed, row["epoch"], row["record_index"], view)`: not of the batch it is
    in, nor of the process that makes it.
    """

    def __init__(self, feature_extractor, views: Sequence[dict], seed: int):
        self.feature_extractor = feature_extractor
        self.views = validate_views(views, feature_extractor.sampling_rate)
        self.seed = seed
        outputs = set(feature_extractor.model_input_names)
        if "record_index" in outputs:
            raise ValueError(
                "the feature extractor makes several crops of a record: use the view random_crop to train"
            )
        if self.views and outputs - _FOLLOW_VIEWS:
            raise ValueError(f"views would contradict the feature extractor's {sorted(outputs - _FOLLOW_VIEWS)}")

    def waveforms(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        batch = dict(self.feature_extractor(list(rows), return_tensors="pt"))
        if not self.views:
            return batch
        generators = [
            [self.generator(row, f"{position}:{view['name']}") for row in rows]
            for position, view in enumerate(self.views)
        ]
        made = apply_views(
            batch["input_values"],
            self.views,
            generators,
            lead_mask=batch["lead_mask"],
            sample_mask=batch["sample_mask"],
            sampling_rate=self.feature_extractor.sampling_rate,
        )
        batch |= made._asdict()
        if "amplitude" in batch:
            batch["amplitude"] = batch["amplitude"] * made.lead_mask[..., None]
        return batch

    def generator(self, row: Mapping, view: str) -> torch.Generator:
        missing = [key for key in ("epoch", "record_index") if key not in row]
        if missing:
            raise ValueError(f"a row has no {' and no '.join(missing)}, which random views are a function of")
        return record_generator(self.seed, row["epoch"], row["record_index"], view)
