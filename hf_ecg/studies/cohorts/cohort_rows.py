"""Rows of a cohort: what its records are, whose, and which of them are positive for a task."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from datasets import Dataset

from ...checks import nearest
from ...data.corpus import label_matrix, label_names, require_columns
from ...data.rows import rows_fingerprint
from ...evaluation.judging.features import PreparedRows
from .cohorts_spec import TruthSection


class CohortRows:
    """All rows of a cohort.

    Args:
        name: of the cohort; patients are called by it, since two corpora may number theirs alike.
        dataset: its rows.
        train, test: folds.

    Raises:
        ValueError: folds without rows.
    """

    def __init__(self, name: str, dataset: Dataset, train: Sequence[int], test: Sequence[int]):
        self.name, self.dataset = name, dataset
        columns = dataset.select_columns(["fold", "patient_id"]).with_format(None)
        folds = np.array(columns["fold"][:])
        self.patients = np.array([f"{name} {patient}" for patient in columns["patient_id"][:]])
        self.train, self.test = np.isin(folds, list(train)), np.isin(folds, list(test))
        for words, rows, wanted in (("train", self.train, train), ("judge", self.test, test)):
            if not rows.any():
                found = sorted(set(folds.tolist()))
                raise ValueError(f"{name} has no rows to {words} on: its folds are {found}, not {list(wanted)}")
        self._prepared: tuple[str, PreparedRows] | None = None

    def __len__(self) -> int:
        return len(self.dataset)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all rows, signals and labels."""
        return rows_fingerprint(self.dataset, self.dataset.column_names)

    def prepared(self, extractor) -> PreparedRows:
        """Inputs of all rows, made once while the extractor stays the same."""
        key = extractor.to_json_string()
        if self._prepared is None or self._prepared[0] != key:
            self._prepared = key, PreparedRows(extractor, self.dataset, cache=True)
        return self._prepared[1]

    def truth(self, section: TruthSection) -> tuple[np.ndarray, np.ndarray]:
        """Who is positive, int (rows,), and of whom it is known, bool (rows,).

        Raises:
            ValueError: no such label set, class or column.
        """
        if section.label_set is not None:
            names = label_names(self.dataset, section.label_set)
            for name in section.positive:
                if name not in names:
                    raise ValueError(f"{self.name}: {section.label_set} has no class {name!r}{nearest(name, names)}")
            matrix, known = label_matrix(self.dataset, section.label_set)
            return matrix[:, [names.index(name) for name in section.positive]].any(axis=1).astype(np.int64), known
        require_columns(self.dataset, [section.column], self.name)
        values = self._column(section.column)
        positive = np.array([value in section.positive for value in values], dtype=np.int64)
        return positive, np.array([value is not None for value in values])

    def demographics(self) -> dict:
        """Who the patients are, over all rows: counts, ages, sexes, lengths and rates of the records as they came."""
        _, records = np.unique(self.patients, return_counts=True)
        ages = np.array([np.nan if age is None else age for age in self._column("age")], dtype=np.float64)
        sexes = [sex for sex in self._column("sex") if sex is not None]
        seconds = np.array(self._column("num_samples")) / np.array(self._column("sampling_rate"))
        known = ages[np.isfinite(ages)]
        return {
            "records": len(self),
            "train": int(self.train.sum()),
            "test": int(self.test.sum()),
            "patients": len(records),
            "patients_of_several": int((records > 1).sum()),
            "ages_known": len(known),
            "age": _quartiles(known),
            "sexes_known": len(sexes),
            "female": float(np.mean([sex == "female" for sex in sexes])) if sexes else None,
            "seconds": _quartiles(seconds),
            "shortest": float(seconds.min()),
            "rates": sorted({float(rate) for rate in self._column("sampling_rate")}),
        }

    def _column(self, name: str) -> list:
        if name not in self.dataset.column_names:
            return [None] * len(self)
        return self.dataset.select_columns([name]).with_format(None)[name][:]


def _quartiles(values: np.ndarray) -> list[float] | None:
    """Lower quartile, median, upper quartile."""
    return [float(value) for value in np.quantile(values, (0.25, 0.5, 0.75))] if len(values) else None
