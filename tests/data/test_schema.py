import numpy as np
import pytest
from datasets import LargeList, List

from hf_ecg.data.schema import row_features
from hf_ecg.data.shards import rows_to_table

SETS = {"rhythm": ["AFIB", "SR"]}


def row(samples: int, **changes) -> dict:
    values = dict.fromkeys(row_features(2, None, SETS))
    signal = np.arange(2 * samples, dtype=np.int16)
    return values | {"record_id": "1", "signal": signal, "leads": ["I", "II"], "num_samples": samples} | changes


def test_signal_has_a_length_only_when_all_records_share_it():
    assert row_features(2, 10, SETS)["signal"] == List(row_features(2, 10, SETS)["signal"].feature, length=20)
    assert isinstance(row_features(2, None, SETS)["signal"], LargeList)


def test_label_sets_tell_null_from_none_of_them():
    rows = [row(3, rhythm=["SR"]), row(3, rhythm=[]), row(3, rhythm=None)]
    table = rows_to_table(rows, row_features(2, 3, SETS))
    assert table["rhythm"].to_pylist() == [[1], [], None]


def test_records_of_different_lengths():
    table = rows_to_table([row(3), row(5)], row_features(2, None, SETS))
    assert [len(signal) for signal in table["signal"].to_pylist()] == [6, 10]
    with pytest.raises(ValueError, match="10"):
        rows_to_table([row(3), row(5)], row_features(2, 3, SETS))


def test_a_name_that_is_taken():
    with pytest.raises(ValueError, match="text"):
        row_features(2, 3, {"text": ["a"]})


def test_a_row_with_other_columns():
    with pytest.raises(ValueError, match="colour"):
        rows_to_table([row(3, colour="red")], row_features(2, 3, SETS))
