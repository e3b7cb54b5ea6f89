"""Which records show a waveform feature, as far as their statements tell."""

from collections.abc import Sequence

import datasets
import numpy as np

from ...clinical.waveform_features import WAVEFORM_FEATURES
from ...data.corpus import label_matrix, label_names

ALL_STATEMENTS, WITHHELD = "all", "withheld"
REQUIRED = "required"


def implied_features(
    dataset: datasets.Dataset,
    features: Sequence[str],
    label_set: str = ALL_STATEMENTS,
    held_out: Sequence[str] = (),
) -> np.ndarray:
    """Validation positives of the learned verifier.

    A record is a positive of a feature when one of its statements requires it (`clinical/waveform_features.csv`), or
    when a reader stated it: by a statement that the table's `stated_as` names and, where the feature names leads,
    beside a statement that points to these. A feature that the table does not have has no positives.

    Statements are not exhaustive. A record that shows a feature which nobody stated is a negative here, so precisions
    on these labels are lower bounds.

    Args:
        dataset: rows of a corpus.
        features: texts.
        label_set: column with all statements.
        held_out: codes that count as never stated: what is chosen here must not depend on them.

    Returns:
        bool (rows, features).

    Raises:
        ValueError: the corpus has no such label set.
    """
    has, codes = _statements(dataset, label_set)
    has[:, np.isin(codes, list(held_out))] = False
    positive = np.zeros((len(dataset), len(features)), dtype=bool)
    for column, feature in enumerate(features):
        rows = [row for row in WAVEFORM_FEATURES if row.feature == feature]
        required = [row.code for row in rows if row.strength == REQUIRED]
        positive[:, column] = _any(has, codes, required) | (
            _any(has, codes, _stated_as(rows)) & _pointed_to(has, codes, rows)
        )
    return positive


def stated_features(
    dataset: datasets.Dataset, features: Sequence[str], label_set: str
) -> tuple[np.ndarray, np.ndarray]:
    """What a reader stated, for judging a verifier that never saw these statements.

    Args:
        dataset: rows of a corpus.
        features: texts.
        label_set: the statements to judge by, such as "form"; diagnoses do not count here.

    Returns:
        bool (rows, features): a statement of the label set is one of the feature's `stated_as`; and bool
        (rows, features): whether the feature can be judged in this record: always, but where the table gives it, with
        leads, for statements of other label sets: then in records with one of these.

    Raises:
        ValueError: the corpus has no such label set, or none with all statements.
    """
    has, codes = _statements(dataset, label_set)
    has_any, all_codes = _statements(dataset, ALL_STATEMENTS)
    stated, judged = (np.zeros((len(dataset), len(features)), dtype=bool) for _ in range(2))
    for column, feature in enumerate(features):
        rows = [row for row in WAVEFORM_FEATURES if row.feature == feature]
        others = [row for row in rows if row.code not in codes]
        stated[:, column] = _any(has, codes, _stated_as(rows))
        judged[:, column] = _pointed_to(has_any, all_codes, others) if _names_leads(rows) else True
    return stated, judged


def stated_by(label_set_classes: Sequence[str]) -> list[str]:
    """The table's features that one of these statements states, in its order."""
    classes = set(label_set_classes)
    found = [row.feature for row in WAVEFORM_FEATURES if classes & set(row.stated_as)]
    return list(dict.fromkeys(found))


def known_rows(dataset: datasets.Dataset) -> np.ndarray:
    """bool (rows,): the text has all statements of the record; false where an experiment withheld some of them."""
    if WITHHELD not in dataset.column_names:
        return np.ones(len(dataset), dtype=bool)
    return ~np.asarray(dataset.select_columns([WITHHELD]).with_format(None)[WITHHELD][:], dtype=bool)


def _statements(dataset: datasets.Dataset, label_set: str) -> tuple[np.ndarray, list[str]]:
    return label_matrix(dataset, label_set)[0].astype(bool), label_names(dataset, label_set)


def _stated_as(rows) -> list[str]:
    return [code for row in rows for code in row.stated_as]


def _names_leads(rows) -> bool:
    return any(row.leads for row in rows)


def _pointed_to(has: np.ndarray, codes: list[str], rows) -> np.ndarray:
    """bool (rows,): no leads are named, or a statement of the record is one that the table gives the feature for."""
    return _any(has, codes, [row.code for row in rows]) if _names_leads(rows) else np.ones(len(has), dtype=bool)


def _any(has: np.ndarray, codes: list[str], wanted: Sequence[str]) -> np.ndarray:
    return has[:, [codes.index(code) for code in set(wanted) if code in codes]].any(axis=1)
