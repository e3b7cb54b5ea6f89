"""MixedRows: corpora with other rates, columns and classes as one data set."""

import pickle

import datasets
import numpy as np
import pytest
import torch
from datasets import ClassLabel, List, Value
from torch.utils.data import DataLoader

from hf_ecg.data.corpus import label_names
from hf_ecg.data.mixing import MixedRows
from hf_ecg.data.rows import SIGNAL_COLUMNS, RowDataset
from hf_ecg.data.samplers import RecordBatchSampler
from hf_ecg.data.target_columns import target_values
from tests.data import made_rows

COLUMNS = (*SIGNAL_COLUMNS, "text", "rhythm", "form", "age")
FIRST = ["AFIB", "SR"]
SECOND = ["SR", "VF", "AFIB", "SVT"]


def with_labels(rows, column, names, values):
    rows = rows.remove_columns(column) if column in rows.column_names else rows
    return rows.add_column(column, values, feature=List(ClassLabel(names=names)))


def first(number=20):
    rows = made_rows.dataset(number, texts=[f"first {row}" for row in range(number)])
    return rows.add_column("patient_id", [f"p{row // 2}" for row in range(number)])


def second(number=12):
    """Other samples and rate, no texts, no form, rhythm with other classes in another order, and ages."""
    rows = made_rows.dataset(number, samples=300, seed=1).remove_columns(["text", "form", "sampling_rate"])
    rows = rows.add_column("sampling_rate", [500.0] * number, feature=Value("float32"))
    labels = [None if row == 3 else [] if row == 4 else [row % 4, 2] for row in range(number)]
    rows = with_labels(rows, "rhythm", SECOND, labels).add_column("age", [float(row) for row in range(number)])
    return rows.add_column("patient_id", [f"p{row // 3}" for row in range(number)])


def same(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        np.testing.assert_array_equal(np.asarray(value), np.asarray(other[key]))


def test_one_corpus_gives_the_rows_of_a_row_dataset():
    columns = (*SIGNAL_COLUMNS, "text", "rhythm", "form")
    mixed, plain = MixedRows([first()], columns), RowDataset(first(), columns)
    keys = [(2, 4), (0, 0), (2, 19), (2, 4)]
    for one, other in zip(mixed.__getitems__(keys), plain.__getitems__(keys), strict=True):
        assert one.pop("source") == 0
        same(one, other)
    assert len(mixed) == 20 and mixed[3]["epoch"] == 0


def test_records_are_numbered_through():
    mixed = MixedRows([first(), second()], COLUMNS)
    rows = mixed.__getitems__([(1, 31), (1, 19), (0, 20), (1, 0)])
    assert [(row["epoch"], row["record_index"], row["source"]) for row in rows] == [
        (1, 31, 1),
        (1, 19, 0),
        (0, 20, 1),
        (1, 0, 0),
    ]
    assert [row["record_id"] for row in rows] == ["r11", "r19", "r0", "r0"]
    assert [(row["sampling_rate"], row["num_samples"]) for row in rows[:2]] == [(500.0, 300), (100.0, 200)]
    np.testing.assert_array_equal(rows[0]["signal"], made_rows.counts(12, 300, 1)[11])
    for index in (32, -1):
        with pytest.raises(IndexError, match="there are 32"):
            mixed[index]


def test_what_a_corpus_does_not_have_is_none():
    mixed = MixedRows([first(), second()], COLUMNS)
    ours, theirs = mixed[1], mixed[21]
    assert (ours["text"], ours["age"]) == ("first 1", None)
    assert (theirs["text"], theirs["form"], theirs["age"]) == (None, None, 1.0)
    ages = target_values([first(), second()], ["age"])
    assert np.isnan(ages[:20]).all() and ages[20:, 0].tolist() == list(range(12))


def test_classes_go_by_name_and_unlisted_ones_are_not_annotated():
    mixed = MixedRows([first(), second()], COLUMNS)
    union = mixed.label_classes("rhythm")
    assert union == ["AFIB", "SR", "VF", "SVT"] and mixed.label_classes("form") == ["LOWT", "NDT", "PVC"]
    for index in range(len(mixed)):
        row = mixed[index]
        source, names = (first(), FIRST) if index < 20 else (second(), SECOND)
        own = source[index if index < 20 else index - 20]["rhythm"]
        assert label_names(source, "rhythm") == names
        if own is None:
            assert row["rhythm"] is None
        else:
            assert [union[number] for number in row["rhythm"]] == [names[number] for number in own]
            assert row["rhythm"].dtype == np.int64
        unlisted = row.get("unannotated", {})
        assert unlisted == ({"rhythm": [2, 3]} if index < 20 else {})


def test_the_order_of_corpora_decides_numbers_and_nothing_else():
    mixed = MixedRows([second(), first()], COLUMNS)
    assert mixed.label_classes("rhythm") == SECOND
    assert mixed[12 + 1]["rhythm"].tolist() == [0]  # SR
    assert mixed[12]["rhythm"].tolist() == [2] and mixed[12]["unannotated"] == {"rhythm": [1, 3]}
    # a label set that only one of them has
    assert mixed[0]["form"] is None and mixed[12 + 1]["form"].tolist() == [0, 2]


def test_columns_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="'txt'.*'text'"):
        MixedRows([first(), second()], [*SIGNAL_COLUMNS, "txt"])
    with pytest.raises(ValueError, match="no column 'gain'"):
        MixedRows([first(), second().remove_columns("gain")], SIGNAL_COLUMNS)
    plain = second().remove_columns("rhythm").add_column("rhythm", ["SR"] * 12)
    with pytest.raises(ValueError, match="no label set 'rhythm'"):
        MixedRows([first(), plain], COLUMNS)
    with pytest.raises(ValueError, match="no corpus"):
        MixedRows([])
    mixed = MixedRows([first(), second()])
    with pytest.raises(ValueError, match="no corpus has a column 'agee'"):
        target_values([first(), second()], ["agee"])
    with pytest.raises(ValueError, match="no label set 'rythm'.*'rhythm'"):
        mixed.label_classes("rythm")


def test_the_fingerprint_follows_rows_order_and_classes():
    print_of = MixedRows([first(), second()], COLUMNS).fingerprint()
    assert print_of == MixedRows([first(), second()], COLUMNS).fingerprint()
    renamed = with_labels(second(), "rhythm", ["SR", "VF", "AFIB", "AT"], second()["rhythm"][:])
    others = [[second(), first()], [first()], [first(), second().select([1, 0, *range(2, 12)])], [first(), renamed]]
    assert len({print_of, *(MixedRows(sources, COLUMNS[:-1]).fingerprint() for sources in others)}) == 5


def keep(rows):
    return [(row["source"], row["record_index"], torch.tensor(row["signal"])) for row in rows]


def test_worker_processes_read_the_same_rows_and_get_them_cheaply(tmp_path):
    made_rows.dataset(64, samples=1000).save_to_disk(tmp_path / "one")
    second(40).save_to_disk(tmp_path / "two")
    rows = MixedRows([datasets.load_from_disk(tmp_path / name) for name in ("one", "two")], SIGNAL_COLUMNS)
    assert len(pickle.dumps(rows)) < 100_000 < rows[0]["signal"].nbytes * 64
    sampler = RecordBatchSampler(len(rows), 8, seed=1, sizes=rows.sizes, weights=[1, 1])
    alone = [batch for batch in DataLoader(rows, batch_sampler=sampler, collate_fn=keep)]
    loader = DataLoader(rows, batch_sampler=sampler, collate_fn=keep, num_workers=2)
    for one, other in zip(alone, loader, strict=True):
        assert [item[:2] for item in one] == [item[:2] for item in other]
        assert all(torch.equal(a[2], b[2]) for a, b in zip(one, other, strict=True))


def test_rows_to_select_on_have_the_numbers_of_those_to_train_on():
    training = MixedRows([first(), second()], COLUMNS)
    union = training.label_classes("rhythm")
    judged = MixedRows([second().select([5, 2])], COLUMNS, like=training)
    row = judged[0]
    assert judged.label_classes("rhythm") == union and [union[number] for number in row["rhythm"]] == ["VF", "AFIB"]
    assert (row["form"], row["text"], row["age"], row["source"]) == (None, None, 5.0, 0)
    assert MixedRows([first()], COLUMNS[:-1], like=training)[1]["unannotated"] == {"rhythm": [2, 3]}
    alone = MixedRows([first()], COLUMNS[:-1])
    with pytest.raises(ValueError, match=r"rhythm has the classes \['SVT', 'VF'\], wanted some of \['AFIB', 'SR'\]"):
        MixedRows([second()], COLUMNS[:-1], like=alone)
