"""Columns of one number and of several: their widths, values and names, over several corpora."""

import json

import datasets
import numpy as np
import pytest
import torch
from datasets import List, Value

from hf_ecg.data.collators import ECGRegressionCollator
from hf_ecg.data.mixing import MixedRows
from hf_ecg.data.rows import SIGNAL_COLUMNS
from hf_ecg.data.target_columns import column_width, rows_with_targets, target_names, target_values
from tests.data import made_rows

MEASURED = [[1.0, 2.0, float("nan")], None, [float("nan")] * 3, [4.0, 5.0, 6.0]]


def measured(values=MEASURED, width=3):
    features = datasets.Features({"measurements": List(Value("float32"), length=width)})
    column = datasets.Dataset.from_dict({"measurements": values}, features=features)
    rows = made_rows.dataset(len(values)).add_column("age", [float(60 + row) for row in range(len(values))])
    return datasets.concatenate_datasets([rows, column], axis=1)


@pytest.fixture
def folder(tmp_path):
    def write(name, **summary):
        (tmp_path / name).mkdir()
        (tmp_path / name / "summary.json").write_text(json.dumps(summary))
        return str(tmp_path / name)

    return write


def test_numbers_of_a_row_stand_beside_each_other(caplog):
    rows = measured()
    assert column_width(rows, "measurements") == 3 and column_width(rows, "age") is None
    values = target_values([rows, rows.remove_columns("measurements")], ["age", "measurements"])
    assert values.shape == (8, 4) and values[:4, 0].tolist() == [60, 61, 62, 63]
    np.testing.assert_array_equal(values[[0, 3], 1:], np.array(MEASURED, dtype=object)[[0, 3]].tolist())
    assert np.isnan(values[[1, 2], 1:]).all() and np.isnan(values[4:, 1:]).all()
    assert rows_with_targets(rows, ["measurements"])["record_id"][:] == ["r0", "r3"]
    assert caplog.messages == ["2 of 4 rows know no measurements and are left out"]


def test_a_batch_holds_all_numbers_and_nan_where_none_is_known():
    rows, extractor = measured(), made_rows.processor().feature_extractor
    collator = ECGRegressionCollator(extractor, ["measurements", "age"], widths={"measurements": 3, "age": None})
    read = MixedRows([rows], [*SIGNAL_COLUMNS, "measurements", "age"])
    labels = collator(read.__getitems__([(0, row) for row in range(4)]))["labels"]
    torch.testing.assert_close(
        labels, torch.tensor(target_values([rows], ["measurements", "age"])).float(), equal_nan=True
    )
    collator.widths["measurements"] = 4
    with pytest.raises(ValueError, match="record r0: measurements holds 3 numbers, wanted 4"):
        collator([read[0, 0]])


def test_names_are_those_of_the_summary(folder, caplog):
    rows = measured()
    named = folder("named", measurement_names=["rate", "qrs", "qt"])
    assert target_names([rows, rows], [named, named], ["age", "measurements"]) == ["age", "rate", "qrs", "qt"]
    assert target_names([rows], [folder("bare")], ["measurements"]) == [f"measurements {n}" for n in range(3)]
    assert caplog.messages == [
        "no corpus's summary has measurement_names: the numbers of measurements go by their places"
    ]
    other = folder("other", measurement_names=["rate", "qt", "qrs"])
    with pytest.raises(ValueError, match="give other measurement_names"):
        target_names([rows, rows], [named, other], ["measurements"])
    short = folder("short", measurement_names=["rate", "qrs"])
    with pytest.raises(ValueError, match="measurement_names names 2 numbers, but column 'measurements' holds 3"):
        target_names([rows], [short], ["measurements"])


def test_corpora_of_other_widths_are_refused():
    with pytest.raises(ValueError, match=r"'measurements' holds \['2', '3'\] numbers a row by corpus"):
        target_values([measured(), measured([[1.0, 2.0]], 2)], ["measurements"])
    with pytest.raises(ValueError, match="no corpus has a column 'measurement'.*'measurements'"):
        target_values([measured()], ["measurement"])
