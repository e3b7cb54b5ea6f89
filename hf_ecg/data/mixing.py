"""Rows of several corpora in one data set: records are numbered through, label sets go by the names of classes."""

import hashlib
import json
from collections.abc import Iterable, Sequence

import datasets
import numpy as np
from torch.utils.data import Dataset

from ..checks import nearest
from .corpus import has_label_set, label_names
from .rows import SIGNAL_COLUMNS, RowDataset, rows_fingerprint


class MixedRows(Dataset):
    """Corpora as one data set of torch: `rows[(epoch, index)]`, the index counted through corpus by corpus.

    A row is as a `RowDataset` gives it, with `source`, the number of its corpus. Rates, leads and lengths may differ.
    A column that a corpus does not have is None in its rows: for a label set, not annotated.

    Classes of a label set are matched by name, and their numbers are those of `label_classes`. What a corpus's label
    set does not list, its records were not asked about: `row["unannotated"]` holds the numbers of these classes, label
    set -> list, where there are any.

    Args:
        sources: rows of each corpus as `load_corpus` gives them, selected and filtered as you like.
        columns: those to read; `SIGNAL_COLUMNS` and what the collator wants.
        like: rows whose class numbers these have too, such as those a model is trained on; a column that one of their
            corpora has may be absent here.

    Raises:
        ValueError: no corpus, a column that none of them has (the nearest is named), one that is a label set in one
            corpus and something else in another, signal columns that one does not have, or a class that `like` does
            not know.

    Example:
        >>> from hf_ecg.data.corpus import load_corpus
        >>> from hf_ecg.data.mixing import MixedRows
        >>> rows = MixedRows([load_corpus("corpus", folds=[1]), load_corpus("corpus", folds=[2])])
        >>> rows[len(rows) - 1]["source"]
        1
    """

    def __init__(
        self,
        sources: Sequence[datasets.Dataset],
        columns: Iterable[str] = SIGNAL_COLUMNS,
        like: "MixedRows | None" = None,
    ):
        if not sources:
            raise ValueError("there is no corpus, wanted at least one")
        self.columns = list(dict.fromkeys(columns))
        self.sources = list(sources)
        self.sizes = [len(source) for source in self.sources]
        self._first = np.concatenate([[0], np.cumsum(self.sizes)])
        models = self.sources if like is None else [*like.sources, *self.sources]
        known = list(dict.fromkeys(name for source in models for name in source.column_names))
        for column in self.columns:
            if column not in known:
                raise ValueError(f"no corpus has a column {column!r}{nearest(column, known)}; they have {known}")
        self._rows = [RowDataset(source, self._columns_of(source)) for source in self.sources]
        label_sets = [name for name in self.columns if any(has_label_set(source, name) for source in models)]
        self._classes = {name: self._union(name) if like is None else like.label_classes(name) for name in label_sets}
        self._numbers = [self._translation(source) for source in self.sources]
        self._unannotated = [self._unlisted(source) for source in self.sources]

    def __len__(self) -> int:
        return int(self._first[-1])

    def __getitem__(self, key: tuple[int, int] | int) -> dict:
        return self.__getitems__([key])[0]

    def __getitems__(self, keys: Sequence[tuple[int, int] | int]) -> list[dict]:
        pairs = [key if isinstance(key, tuple) else (0, key) for key in keys]
        indices = np.array([index for _, index in pairs], dtype=np.int64)
        if len(indices) and not 0 <= indices.min() <= indices.max() < len(self):
            raise IndexError(f"record {indices.tolist()} is asked for, but there are {len(self)}")
        owners = np.searchsorted(self._first, indices, side="right") - 1
        rows: list[dict] = [{}] * len(pairs)
        for source in np.unique(owners).tolist():
            places = np.flatnonzero(owners == source).tolist()
            first = int(self._first[source])
            found = self._rows[source].__getitems__([(pairs[place][0], pairs[place][1] - first) for place in places])
            for place, row in zip(places, found, strict=True):
                rows[place] = self._finished(row, source, first)
        return rows

    def next_record(self, index: int) -> int:
        """The record behind this one in its corpus; behind the last one comes the first."""
        source = int(np.searchsorted(self._first, index, side="right")) - 1
        first = int(self._first[source])
        return first + self._rows[source].next_record(index - first)

    def label_classes(self, label_set: str) -> list[str]:
        """Class names of a label set over all corpora, in the order of their numbers: those of the first corpus that
        has it as they are there, behind them what the next ones add.

        Raises:
            ValueError: no corpus has such a label set.
        """
        return list(self._classes[label_set]) if label_set in self._classes else self._union(label_set)

    def fingerprint(self) -> str:
        """Digest of all corpora's rows and classes: tells whether a run goes on with the rows it began with."""
        digest = hashlib.blake2b(digest_size=16)
        for source in self.sources:
            columns = self._columns_of(source)
            classes = {name: label_names(source, name) for name in columns if has_label_set(source, name)}
            digest.update(json.dumps([rows_fingerprint(source, columns), classes]).encode())
        return digest.hexdigest()

    def _columns_of(self, source: datasets.Dataset) -> list[str]:
        # signal columns are left in, so that their absence is an error
        return [name for name in self.columns if name in source.column_names or name in SIGNAL_COLUMNS]

    def _union(self, label_set: str) -> list[str]:
        having = [source for source in self.sources if label_set in source.column_names] or self.sources
        return list(dict.fromkeys(name for source in having for name in label_names(source, label_set)))

    def _translation(self, source: datasets.Dataset) -> dict[str, np.ndarray]:
        """Label set -> number in the union of each of the corpus's numbers; left out where they are the same."""
        found = {}
        for label_set, union in self._classes.items():
            if label_set in source.column_names:
                names = label_names(source, label_set)
                strange = sorted(set(names) - set(union))
                if strange:
                    raise ValueError(f"{label_set} has the classes {strange}, wanted some of {union}")
                numbers = np.array([union.index(name) for name in names], dtype=np.int64)
                if (numbers != np.arange(len(numbers))).any():
                    found[label_set] = numbers
        return found

    def _unlisted(self, source: datasets.Dataset) -> dict[str, list[int]]:
        """Label set -> numbers of the classes that the corpus's own does not list; left out where it lists all."""
        found = {}
        for label_set, union in self._classes.items():
            if label_set in source.column_names:
                listed = set(label_names(source, label_set))
                absent = [number for number, name in enumerate(union) if name not in listed]
                if absent:
                    found[label_set] = absent
        return found

    def _finished(self, row: dict, source: int, first: int) -> dict:
        row["source"] = source
        row["record_index"] += first
        if len(row) < len(self.columns) + 3:  # epoch, record_index and source are added
            row = dict.fromkeys(self.columns) | row
        for label_set, numbers in self._numbers[source].items():
            if row[label_set] is not None:
                row[label_set] = numbers[row[label_set]]
        if self._unannotated[source]:
            row["unannotated"] = dict(self._unannotated[source])
        return row
