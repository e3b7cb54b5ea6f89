"""RowDataset: what the corpus holds, as arrays, in any order, through loaders with worker processes."""

import pickle

import datasets
import numpy as np
import pyarrow as pa
import pytest
import torch
from torch.utils.data import DataLoader

from hf_ecg.data.rows import SIGNAL_COLUMNS, RowDataset, column_values, rows_fingerprint
from hf_ecg.data.samplers import RecordBatchSampler
from tests.data import made_rows

COLUMNS = (*SIGNAL_COLUMNS, "text", "rhythm", "form")


@pytest.mark.parametrize("fixed", [True, False])
def test_rows_are_what_the_corpus_holds(fixed):
    dataset = made_rows.dataset(fixed=fixed)
    wanted = made_rows.counts(20, 200)
    kept = [11, 3, 17, 5, 8]  # an indices mapping, as filtering by fold makes
    rows = RowDataset(dataset.select(kept), COLUMNS).__getitems__([(2, 4), (2, 0), (2, 1), (2, 4)])
    assert [row["record_id"] for row in rows] == ["r8", "r11", "r3", "r8"]
    assert [(row["epoch"], row["record_index"]) for row in rows] == [(2, 4), (2, 0), (2, 1), (2, 4)]
    for row in rows:
        number = int(row["record_id"][1:])
        assert row["signal"].dtype == np.int16
        np.testing.assert_array_equal(row["signal"], wanted[number])
        assert row["leads"] == made_rows.LEADS and row["num_samples"] == 200
        assert row["gain"].tolist() == [1000.0] * 12
        assert row["text"] == dataset[number]["text"]
        assert row["rhythm"].tolist() == [number % 2]
    assert rows[0]["form"] is None  # not annotated
    assert rows[1]["form"].tolist() == [] and rows[1]["form"].dtype == np.int64  # none of them


def test_one_row_at_a_time_too():
    rows = RowDataset(made_rows.dataset(), COLUMNS)
    one, batch = rows[(3, 7)], rows.__getitems__([(3, 7)])[0]
    assert one["epoch"] == 3 and rows[7]["epoch"] == 0
    assert one.keys() == batch.keys()
    np.testing.assert_array_equal(one["signal"], rows[7]["signal"])


def test_records_of_different_lengths():
    long = made_rows.dataset(4, samples=300, fixed=False, seed=1)
    both = datasets.concatenate_datasets([made_rows.dataset(4, fixed=False), long])
    rows = RowDataset(both).__getitems__([(0, 5), (0, 1), (0, 7)])
    assert [len(row["signal"]) for row in rows] == [3600, 2400, 3600]
    np.testing.assert_array_equal(rows[2]["signal"], made_rows.counts(4, 300, 1)[3])


def test_records_of_a_file_with_several_groups(tmp_path):
    made_rows.dataset(23).to_parquet(tmp_path / "rows.parquet", batch_size=5)
    dataset = datasets.load_dataset("parquet", data_files=str(tmp_path / "rows.parquet"), cache_dir=str(tmp_path))
    rows = RowDataset(dataset["train"]).__getitems__(list(range(22, -1, -1)))
    np.testing.assert_array_equal([row["signal"] for row in rows], made_rows.counts(23, 200)[::-1])


def test_a_null_in_a_list_of_integers_is_an_error_and_a_null_list_is_none():
    table = pa.table({"signal": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int16(), 2))})
    values = column_values(table.slice(1).column("signal"), "signal")
    assert values[0] is None and values[1].tolist() == [3, 4] and values[1].dtype == np.int16
    with pytest.raises(ValueError, match="signal.*-32768"):
        column_values(pa.chunked_array([pa.array([[1, 2], [3, None]], pa.list_(pa.int16()))]), "signal")
    floats = column_values(pa.chunked_array([pa.array([[1.0, None], []], pa.list_(pa.float32()))]), "gain")
    assert np.isnan(floats[0][1]) and floats[1].size == 0


def test_an_absent_column_names_the_nearest():
    with pytest.raises(ValueError, match="'txt'.*'text'"):
        RowDataset(made_rows.dataset(), [*SIGNAL_COLUMNS, "txt"])


def test_an_index_beyond_the_corpus_is_an_error():
    with pytest.raises(IndexError):
        RowDataset(made_rows.dataset())[20]


def keep(rows):
    return [(row["epoch"], row["record_index"], torch.tensor(row["signal"])) for row in rows]


@pytest.mark.parametrize("workers", [0, 2])
def test_worker_processes_read_the_same_rows_and_get_them_cheaply(tmp_path, workers):
    """Forked, or as started ones get them: pickled, here read back in this process."""
    made_rows.dataset(64, samples=1000).save_to_disk(tmp_path / "corpus")
    rows = RowDataset(datasets.load_from_disk(tmp_path / "corpus"), SIGNAL_COLUMNS)
    sent = pickle.dumps(rows)
    assert len(sent) < 50_000 < rows[0]["signal"].nbytes * 64
    sampler = RecordBatchSampler(len(rows), 8, seed=1)
    sampler.set_epoch(1)
    alone = [batch for batch in DataLoader(rows, batch_sampler=sampler, collate_fn=keep)]
    theirs = rows if workers else pickle.loads(sent)
    options = {"num_workers": workers, "multiprocessing_context": "fork" if workers else None}
    loader = DataLoader(theirs, batch_sampler=sampler, collate_fn=keep, **options)
    for one, other in zip(alone, loader, strict=True):
        assert [item[:2] for item in one] == [item[:2] for item in other]
        assert all(torch.equal(a[2], b[2]) for a, b in zip(one, other, strict=True))


def test_the_fingerprint_follows_order_texts_and_labels_but_not_the_files():
    dataset = made_rows.dataset()
    print_of = rows_fingerprint(dataset, COLUMNS)
    assert print_of == rows_fingerprint(made_rows.dataset(), reversed(COLUMNS))
    assert print_of != rows_fingerprint(dataset.select([1, 0, *range(2, len(dataset))]), COLUMNS)
    assert print_of != rows_fingerprint(dataset.map(lambda row: {"text": row["text"] + "!"}), COLUMNS)
    assert print_of != rows_fingerprint(dataset.map(lambda row: {"rhythm": None}), COLUMNS)
