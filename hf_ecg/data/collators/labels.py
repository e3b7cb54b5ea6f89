"""ECGs beside their labels, or beside numbers."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ...checks import nearest
from ..row_inputs import RowInputs
from ..row_numbers import number
from .waveforms import WaveformCollator


class ECGClassificationCollator(WaveformCollator):
    """Batches for a classifier: multi-label over one or several label sets, or single-label over one.

    Args:
        feature_extractor: an `ECGFeatureExtractor`.
        label_sets: columns of the labels; their classes stand side by side in this order.
        class_names: label set -> names in the corpus's own order (`hf_ecg.data.corpus.label_names`).
        views: see `hf_ecg.data.views.validate_views`.
        seed: of the views.
        lead, prepared, beside: see `WaveformCollator`.
        single_label: every record has exactly one class, and its number is the label
            (`hf_ecg.data.corpus.single_class_rows` picks such rows).

    Raises:
        ValueError: an impossible view, no label set, one without class names, or several with `single_label`.
    """

    def __init__(
        self,
        feature_extractor,
        label_sets: Sequence[str],
        class_names: Mapping[str, Sequence[str]],
        views: Sequence[dict] = (),
        seed: int = 0,
        lead: str | None = None,
        single_label: bool = False,
        prepared=None,
        beside: Sequence[RowInputs] = (),
    ):
        super().__init__(feature_extractor, views, seed, lead, prepared, beside)
        if isinstance(label_sets, str) or not label_sets:
            raise ValueError(f"label_sets is {label_sets!r}, wanted a list of at least one column")
        if single_label and len(label_sets) > 1:
            raise ValueError(f"label_sets is {list(label_sets)}, but a single-label classifier has one")
        self.single_label = single_label
        for label_set in label_sets:
            if not class_names.get(label_set):
                raise ValueError(f"class_names has no classes of {label_set!r}, only of {sorted(class_names)}")
        self.label_sets = list(label_sets)
        self.class_names = {label_set: list(class_names[label_set]) for label_set in self.label_sets}

    @property
    def own_columns(self) -> list[str]:
        return self.label_sets

    def __call__(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        """Makes a batch.

        Args:
            rows: as `RowDataset` gives them; labels are lists of class numbers, None where not annotated.

        Returns:
            `input_values`, `lead_mask`, `sample_mask` as for `ECGTextCollator`; `labels` float32 (batch, classes), NaN
            where a record is not annotated for a label set; with `single_label` int64 (batch,).

        Raises:
            ValueError: a class number beyond the names, a record without exactly one class where one is wanted, or
                what the feature extractor refuses.
        """
        batch = self.waveforms(rows)
        parts = [self._labels(rows, label_set) for label_set in self.label_sets]
        labels = np.concatenate(parts, axis=1)
        if self.single_label:
            labels = np.nan_to_num(labels)
            wrong = np.flatnonzero(~(labels.sum(axis=1) == 1))
            if len(wrong):
                row = rows[int(wrong[0])]
                found = f"{self.label_sets[0]} has the classes {row[self.label_sets[0]]}"
                raise ValueError(f"record {row.get('record_id')}: {found}, wanted exactly one")
            labels = labels.argmax(axis=1)
        batch["labels"] = torch.from_numpy(labels)
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
            # classes that another corpus has and this one does not list
            target[row.get("unannotated", {}).get(label_set, [])] = np.nan
            numbers = np.asarray(numbers, dtype=np.int64)
            if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(names):
                raise ValueError(
                    f"record {row.get('record_id')}: {label_set} has the classes {numbers.tolist()}, but {len(names)}"
                    f" names are known"
                )
            target[numbers] = 1.0
        return labels


class ECGRegressionCollator(WaveformCollator):
    """Batches for a regression on columns of numbers, such as the age, in their own units.

    Args:
        feature_extractor: an `ECGFeatureExtractor`.
        targets: columns of the numbers, in the order of the model's outputs.
        views, seed, lead, prepared, beside: see `WaveformCollator`.
        widths: of columns that hold several numbers a row, how many (`hf_ecg.data.target_columns.target_widths`).

    Raises:
        ValueError: an impossible view, or no target.
    """

    def __init__(
        self,
        feature_extractor,
        targets: Sequence[str],
        views: Sequence[dict] = (),
        seed: int = 0,
        lead: str | None = None,
        prepared=None,
        widths: Mapping[str, int | None] | None = None,
        beside: Sequence[RowInputs] = (),
    ):
        super().__init__(feature_extractor, views, seed, lead, prepared, beside)
        if isinstance(targets, str) or not targets:
            raise ValueError(f"targets is {targets!r}, wanted a list of at least one column")
        self.targets = list(targets)
        self.widths = dict(widths or {})

    @property
    def own_columns(self) -> list[str]:
        return self.targets

    def __call__(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        """Makes a batch: waveforms as `ECGClassificationCollator`, `labels` float32 (batch, numbers), NaN where null.

        Raises:
            ValueError: a target that is not a number or as many as it should be, or what the feature extractor
                refuses.
        """
        batch = self.waveforms(rows)
        batch["labels"] = torch.tensor(
            [[n for target in self.targets for n in self._numbers(row, target)] for row in rows]
        )
        return batch

    def _numbers(self, row: Mapping, target: str) -> Sequence[float]:
        width = self.widths.get(target)
        if width is None:
            return [number(row, target)]
        values = row[target]
        if values is None:
            return [math.nan] * width
        if np.shape(values) != (width,):
            found = f"{np.size(values)} numbers"
            raise ValueError(f"record {row.get('record_id')}: {target} holds {found}, wanted {width}")
        return np.asarray(values, dtype=np.float32).tolist()
