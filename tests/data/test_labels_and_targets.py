"""Rows of one class, rows with numbers, and the batches made of them."""

import datasets
import numpy as np
import pytest
import torch
from transformers.utils import logging

from hf_ecg import ECGFeatureExtractor
from hf_ecg.data.collators import ECGClassificationCollator, ECGRegressionCollator
from hf_ecg.data.corpus import label_names, single_class_rows, target_matrix
from hf_ecg.data.target_columns import rows_with_targets
from tests.evaluation import tiny


@pytest.fixture
def rows() -> datasets.Dataset:
    """Six records; `form` is absent, empty or PVC, `rhythm` one class, both, or none."""
    whole = tiny.dataset(6)
    for column, values in {
        "rhythm": [[0], [1], [0, 1], [], None, [1]],
        "age": [50, None, 60, 70, 80, 90],
        "fold": [1] * 6,
    }.items():
        whole = whole.remove_columns(column).add_column(column, values, feature=whole.features[column])
    return whole


@pytest.fixture
def extractor() -> ECGFeatureExtractor:
    return tiny.feature_extractor()


@pytest.fixture
def log(monkeypatch):
    lines = []
    monkeypatch.setattr(logging.get_logger("hf_ecg.data.corpus"), "warning", lambda text, *v: lines.append(text % v))
    return lines


def test_rows_without_exactly_one_class_are_left_out_and_counted(rows, log):
    assert single_class_rows(rows, "rhythm")["record_id"][:] == ["r0", "r1", "r5"]
    assert log[0].startswith("3 of 6 rows are left out") and "1 have several, 1 none, 1 are not annotated" in log[0]


def test_one_class_is_a_number(rows, extractor):
    names = {label_set: label_names(rows, label_set) for label_set in ("rhythm", "form")}
    collator = ECGClassificationCollator(extractor, ["rhythm"], names, single_label=True)
    labels = collator(list(single_class_rows(rows, "rhythm")))["labels"]
    assert labels.dtype == torch.int64 and labels.tolist() == [0, 1, 1]
    for row in (2, 3, 4):
        with pytest.raises(ValueError, match=f"record r{row}: rhythm has the classes .*, wanted exactly one"):
            collator([rows[row]])
    with pytest.raises(ValueError, match="a single-label classifier has one"):
        ECGClassificationCollator(extractor, ["rhythm", "form"], names, single_label=True)


def test_numbers_keep_their_unit_and_null_is_nan(rows, extractor, caplog):
    collator = ECGRegressionCollator(extractor, ["age", "fold"])
    labels = collator(list(rows))["labels"]
    assert labels.dtype == torch.float32 and labels.shape == (6, 2)
    assert np.array_equal(labels[:, 0].isnan().numpy(), [False, True, False, False, False, False])
    assert labels[2].tolist() == [60, 1]
    assert rows_with_targets(rows, ["age"])["age"][:] == [50, 60, 70, 80, 90]
    assert caplog.messages == ["1 of 6 rows know no age and are left out"]
    with pytest.raises(ValueError, match="no column of numbers 'sex', only .*'age'"):
        target_matrix(rows, ["sex"])
    with pytest.raises(ValueError, match="at least one column"):
        ECGRegressionCollator(extractor, [])


def test_classes_that_a_corpus_does_not_list_are_no_negatives(rows, extractor):
    collator = ECGClassificationCollator(extractor, ["rhythm"], {"rhythm": ["AFIB", "SR", "VT"]})
    some = [rows[0], rows[1] | {"unannotated": {"rhythm": [2]}}]
    labels = collator(some)["labels"]
    assert labels[0].tolist() == [1, 0, 0] and labels[1, :2].tolist() == [0, 1] and labels[1, 2].isnan()
