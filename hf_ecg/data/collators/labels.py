"""ECGs beside their labels."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ...processing.step_base import nearest
from ..rows import SIGNAL_COLUMNS
from .waveforms import WaveformCollator


class ECGClassificationCollator(WaveformCollator):
    """Batches for a multi-label classifier over one or several label sets.

    Args:
        feature_extractor: an `ECGFeatureExtractor`.
        label_sets: columns of the labels; their classes stand side by side in this order.
        class_names: label set -> names in the corpus's own order (`hf_ecg.data.corpus.label_names`).
        views: see `hf_ecg.data.views.validate_views`.
        seed: of the views.
        normalise_after_views, lead: see `WaveformCollator`.

    Raises:
        ValueError: an impossible view, no label set, or one without class names.
    """

    def __init__(
        self,
        feature_extractor,
        label_sets: Sequence[str],
        class_names: Mapping[str, Sequence[str]],
        views: Sequence[dict] = (),
        seed: int = 0,
        normalise_after_views: bool = False,
        lead: str | None = None,
    ):
        super().__init__(feature_extractor, views, seed, normalise_after_views, lead)
        if isinstance(label_sets, str) or not label_sets:
            raise ValueError(f"label_sets is {label_sets!r}, wanted a list of at least one column")
        for label_set in label_sets:
            if not class_names.get(label_set):
                raise ValueError(f"class_names has no classes of {label_set!r}, only of {sorted(class_names)}")
        self.label_sets = list(label_sets)
        self.class_names = {label_set: list(class_names[label_set]) for label_set in self.label_sets}

    @property
    def columns(self) -> list[str]:
        """Columns that rows must have."""
        return [*SIGNAL_COLUMNS, *self.label_sets]

    def __call__(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        """Makes a batch.

        Args:
            rows: as `RowDataset` gives them; labels are lists of class numbers, None where not annotated.

        Returns:
            `input_values`, `lead_mask`, `sample_mask` as for `ECGTextCollator`; `labels` float32 (batch, classes), NaN
            where a record is not annotated for a label set.

        Raises:
            ValueError: a class number beyond the names, or what the feature extractor refuses.
        """
        batch = self.waveforms(rows)
        parts = [self._labels(rows, label_set) for label_set in self.label_sets]
        batch["labels"] = torch.from_numpy(np.concatenate(parts, axis=1))
        return batch

    def _labels(self, rows: Sequence[Mapping], label_set: str) -> np.ndarray:
        names = self.class_names[label_set]
        labels = np.zeros((len(rows), len(names)), np.float32)
        for target, row in zip(labels, rows, strict=True):
            if label_set not in row:
                raise ValueError(f"a row has no column {label_set!r}{nearest(label_set, row)}")
            numbers = row[label_set]
            if numbers is None:
                target[:] = np.nan
                continue
            numbers = np.asarray(numbers, dtype=np.int64)
            if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(names):
                raise ValueError(
                    f"record {row.get('record_id')}: {label_set} has the classes {numbers.tolist()}, but {len(names)}"
                    f" names are known"
                )
            target[numbers] = 1.0
        return labels
