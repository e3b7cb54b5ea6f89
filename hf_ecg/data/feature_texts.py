"""Texts of which a corpus says, record by record, whether they are true: waveform features as texts of their own."""

from collections.abc import Mapping, Sequence

import datasets
import numpy as np
from transformers.utils import logging

from .corpus import label_names
from .mixing import MixedRows
from .text_ids import text_id

logger = logging.get_logger(__name__)

# Shares beyond these count as these: a feature that all training rows have is not for ever certain.
RAREST, MOST_COMMON = 0.005, 0.995


class FeatureTexts:
    """Waveform features whose truth stands in two label-set columns, of which the class names are the texts.

    A feature is true of a record, or false, or it stands in neither column and nobody knows.

    Args:
        true_column, false_column: names of the columns. Rows hold numbers of classes as `MixedRows` of the sources
            gives them.
        sources: the training rows of every corpus, which decide what is asked and how often it is true; a corpus may
            lack both columns.

    Attributes:
        texts: the features that some training row decides, in the order of the classes.
        ids: int64 (texts,), see `text_id`.
        log_odds: float32 (texts,), log(p / (1 - p)) of the share p of the decided training rows that have a feature,
            of at least 0.5 and at most 99.5 percent.

    Raises:
        ValueError: the training rows decide no feature, or one of them has a feature in both columns; a corpus has one
            column without the other.
    """

    def __init__(
        self,
        true_column: str,
        false_column: str,
        sources: Sequence[datasets.Dataset],
    ):
        self.columns = [true_column, false_column]
        classes = [MixedRows(sources, [column]).label_classes(column) for column in self.columns]
        names = list(dict.fromkeys(name for one in classes for name in one))
        counts = np.zeros((2, len(names)), dtype=np.int64)
        for source in sources:
            present = [column for column in self.columns if column in source.column_names]
            if len(present) == 1:
                raise ValueError(f"a corpus has the column {present[0]!r} alone, wanted {self.columns} or neither")
            if present:
                counts += _counts(source, self.columns, names)
        decided = counts.sum(axis=0) > 0
        if not decided.any():
            raise ValueError(f"no training row has a feature in the columns {true_column!r} and {false_column!r}")
        if not decided.all():
            logger.warning_once(
                "%d of %d features are not asked: no training row decides them", sum(~decided), len(names)
            )
        self.texts = [name for name, here in zip(names, decided, strict=True) if here]
        self.ids = np.array([text_id(text) for text in self.texts], dtype=np.int64)
        true, false = counts[:, decided]
        share = np.clip(true / (true + false), RAREST, MOST_COMMON)
        self.log_odds = np.log(share / (1 - share)).astype(np.float32)
        place = {text: number for number, text in enumerate(self.texts)}
        self._places = [np.array([place.get(name, -1) for name in one], dtype=int) for one in classes]

    def truth(self, row: Mapping) -> tuple[list[int], list[int]]:
        """Ids of the features that are true of a record, and of those of which nobody knows.

        Args:
            row: with the two columns: numbers of classes, or None where the record was not looked at.
        """
        state = np.zeros(len(self.texts), dtype=np.int8)
        for column, places, value in zip(self.columns, self._places, (1, -1), strict=True):
            if row[column] is not None and len(row[column]):
                found = places[row[column]]
                state[found[found >= 0]] = value
        return self.ids[state == 1].tolist(), self.ids[state == 0].tolist()


def _counts(source: datasets.Dataset, columns: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """int64 (2, names): training rows that say true, and false."""
    places = {name: number for number, name in enumerate(names)}
    matrices = []
    for column in columns:
        numbers = [places[name] for name in label_names(source, column)]
        matrix = np.zeros((len(source), len(names)), dtype=bool)
        for row, found in enumerate(source.select_columns([column]).with_format(None)[column][:]):
            matrix[row, [numbers[one] for one in found or ()]] = True
        matrices.append(matrix)
    both = np.argwhere(matrices[0] & matrices[1])
    if len(both):
        row, feature = both[0]
        record = source.select_columns(["record_id"])[int(row)]["record_id"]
        raise ValueError(f"record {record}: {names[feature]!r} is in {columns[0]} and in {columns[1]}")
    return np.stack([matrix.sum(axis=0) for matrix in matrices])
