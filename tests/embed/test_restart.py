"""Records that cannot be embedded, and runs that are stopped."""

import csv
import os
import shutil

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModel

from hf_ecg.embed import EmbeddingOptions, embed_records, embedding_batches
from hf_ecg.embed.__main__ import SOME_REFUSED, main
from hf_ecg.embed.encoder import Encoder
from hf_ecg.embed.table_parts import Parts, table_schema
from hf_ecg.locks import OutputLock
from tests.embed.made_records import direct, embeddings, table, write_record
from tests.evaluation import tiny


def broken_folder(folder):
    write_record(folder, "a")
    write_record(folder, "b", broken=True)
    write_record(folder, "c", leads=["X", "Y"], seed=1)
    (folder / "d.hea").write_text("nothing of a header\n")
    write_record(folder, "e", seed=2)
    return folder


def test_a_record_that_cannot_be_embedded_stops_the_run(encoder, tmp_path):
    with pytest.raises(ValueError, match=r"b\.hea: .*truncated.*--on_error skip"):
        embed_records(broken_folder(tmp_path / "records"), encoder, tmp_path / "emb.parquet", progress=False)
    assert not (tmp_path / "emb.parquet").exists()


def test_or_is_listed_with_its_reason(encoder, tmp_path, capsys):
    folder, output = broken_folder(tmp_path / "records"), tmp_path / "emb.parquet"
    with pytest.raises(SystemExit) as status:
        main([str(folder), "--model", encoder, "--output", str(output), "--on_error", "skip"])
    assert status.value.code == SOME_REFUSED
    printed = capsys.readouterr()
    assert "2 windows of 5 records" in printed.out and "3 refused" in printed.err
    assert table(output)["record_id"].tolist() == ["a", "e"]
    with open(tmp_path / "emb.refused.csv", newline="") as file:
        refused = {row["record_id"]: row for row in csv.DictReader(file)}
    assert list(refused) == ["b", "c", "d"]
    assert "truncated" in refused["b"]["reason"] and "none of the model's leads" in refused["c"]["reason"]
    np.testing.assert_allclose(embeddings(output)[1], direct(encoder, str(folder / "e"))[0], atol=1e-5)


def test_nothing_left_is_an_error(encoder, tmp_path):
    write_record(tmp_path / "records", "x", leads=["X"])
    with pytest.raises(ValueError, match="none of 1 records could be embedded.*none of the model's leads"):
        embed_records(
            tmp_path / "records", encoder, tmp_path / "emb.parquet", EmbeddingOptions(on_error="skip"), progress=False
        )


@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_windows_without_a_sample_are_left_out_of_a_record_with_others(batch_size, encoder, tmp_path, caplog):
    folder, output = tmp_path / "records", tmp_path / "emb.parquet"
    write_record(folder, "a", seconds=4, missing=[(0, 1), (2, 3)])
    write_record(folder, "b", seconds=3, missing=[(1.9, 3)])
    given = [str(folder), "--model", encoder, "--batch_size", str(batch_size), "--output"]
    main([*given, str(output)])  # every record is in the file: no failure
    assert "3 of the records or windows were refused" in caplog.text
    assert list(zip(table(output)["record_id"], table(output)["window"], strict=True)) == [
        *(("a", 1), ("a", 3), ("b", 0), ("b", 1))
    ]
    with open(tmp_path / "emb.refused.csv", newline="") as file:
        assert [(row["record_id"], row["window"]) for row in csv.DictReader(file)] == [
            ("a", "0"),
            ("a", "2"),
            ("b", "2"),
        ]
    write_record(folder, "c", seconds=3, leads=["X"])
    with pytest.raises(ValueError, match=r"c\.hea, 0 to 1 s: .*none of the model's leads.*on_error"):
        embed_records(
            folder, encoder, tmp_path / "no.parquet", EmbeddingOptions(batch_size=batch_size), progress=False
        )


class Stopped(Exception):
    """Stands for a kill: nothing of the package catches it."""


@pytest.fixture
def stopping(monkeypatch):
    """Parts of two rows, and an encoder that dies at a given call."""
    monkeypatch.setattr(embedding_batches, "ROWS_PER_PART", 2)
    calls = []

    def stop_at(number):
        original = Encoder.__call__

        def call(self, inputs, count):
            calls.append(count)
            if len(calls) == number:
                raise Stopped
            return original(self, inputs, count)

        monkeypatch.setattr(Encoder, "__call__", call)
        return calls

    return stop_at


def test_an_interrupted_run_goes_on(encoder, tmp_path, stopping):
    folder = tmp_path / "records"
    for index in range(7):
        write_record(folder, f"r{index}", seed=index, broken=index == 1)
    embed_records(folder, encoder, tmp_path / "whole.parquet", EmbeddingOptions(on_error="skip"), progress=False)
    calls = stopping(3)
    output = tmp_path / "emb.parquet"
    options = EmbeddingOptions(batch_size=2, on_error="skip")
    with pytest.raises(Stopped):
        embed_records(folder, encoder, output, options, progress=False)
    assert not output.exists() and len(list((tmp_path / "emb.parquet.parts").glob("0*.parquet"))) == 2
    calls.clear()
    calls += [0] * 100  # it dies no more
    result = embed_records(folder, encoder, output, options, progress=False)
    assert sum(calls[100:]) == 3, "what was done is not done again"
    assert (result.windows, result.refused) == (6, 1)
    assert pq.read_table(output).equals(pq.read_table(tmp_path / "whole.parquet"))
    assert not (tmp_path / "emb.parquet.parts").exists()
    assert (tmp_path / "emb.refused.csv").read_text() == (tmp_path / "whole.refused.csv").read_text()


def test_but_not_as_another_job(records, encoder, tmp_path, stopping):
    records = shutil.copytree(records, tmp_path / "records")
    stopping(2)
    with pytest.raises(Stopped):
        embed_records(records, encoder, tmp_path / "emb.parquet", EmbeddingOptions(batch_size=1), progress=False)
    with pytest.raises(ValueError, match="another job .*stride_seconds: then None, now 0.5"):
        embed_records(records, encoder, tmp_path / "emb.parquet", EmbeddingOptions(stride=0.5), progress=False)
    write_record(records, "new")
    with pytest.raises(ValueError, match="another job .*records: then 6, now 7"):
        embed_records(records, encoder, tmp_path / "emb.parquet", progress=False)
    result = embed_records(records, encoder, tmp_path / "emb.parquet", overwrite=True, progress=False)
    assert result.records == 7


def test_a_finished_file_is_not_lost(records, encoder, tmp_path):
    embed_records(records, encoder, tmp_path / "emb.parquet", progress=False)
    with pytest.raises(FileExistsError, match="--overwrite"):
        embed_records(records, encoder, tmp_path / "emb.parquet", progress=False)


def test_nan_from_the_model_is_refused(records, encoder, tmp_path):
    model, extractor = AutoModel.from_pretrained(encoder), AutoFeatureExtractor.from_pretrained(encoder)
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(ValueError, match="a.hea, 0 to 1 s: the model gives NaN"):
        embed_records(records, model, tmp_path / "emb.parquet", feature_extractor=extractor, progress=False)


def test_two_processes_do_not_write_one_table(records, encoder, tmp_path):
    lock = OutputLock(tmp_path / "emb.parquet")
    lock.acquire()
    for overwrite in (False, True):
        with pytest.raises(OSError, match="emb.parquet is being written by process"):
            embed_records(records, encoder, tmp_path / "emb.parquet", overwrite=overwrite, progress=False)
    lock.release()
    first = Parts(tmp_path / "emb.parquet", {}, table_schema(2))
    with pytest.raises(OSError, match="is being written by process"):
        Parts(tmp_path / "emb.parquet", {}, table_schema(2))
    first.discard()


def larger(times: int) -> datasets.Dataset:
    """Rows of the same records, a number of times as large."""
    features = tiny.dataset(40).features
    made = [row | {"signal": times * row["signal"]} for row in tiny.rows(40)]
    return datasets.Dataset.from_dict({key: [row.get(key) for row in made] for key in features}, features=features)


def test_another_corpus_of_the_same_records_is_another_job(encoder, tmp_path, stopping):
    one, two = (tiny.write_corpus(tmp_path / name, whole=larger(times)) for name, times in (("a", 1), ("b", 2)))
    stopping(2)
    with pytest.raises(Stopped):
        embed_records(one, encoder, tmp_path / "emb.parquet", EmbeddingOptions(batch_size=1), progress=False)
    shutil.rmtree(one)
    shutil.move(two, one)  # at the same place
    with pytest.raises(ValueError, match="another job .*records_fingerprint"):
        embed_records(one, encoder, tmp_path / "emb.parquet", progress=False)


def test_other_samples_beside_the_same_headers_are_another_job(records, encoder, tmp_path, stopping):
    records = shutil.copytree(records, tmp_path / "records")
    stopping(2)
    with pytest.raises(Stopped):
        embed_records(records, encoder, tmp_path / "emb.parquet", EmbeddingOptions(batch_size=1), progress=False)
    os.utime(records / "a.dat", (1, 1))
    with pytest.raises(ValueError, match="another job .*records_fingerprint"):
        embed_records(records, encoder, tmp_path / "emb.parquet", progress=False)


@pytest.mark.parametrize("torn", ["00000000-00000002.parquet", "00000002-00000004.parquet", "job.json"])
@pytest.mark.parametrize("size", [0, 100])
def test_torn_files_of_a_stopped_run_are_made_again(encoder, tmp_path, stopping, torn, size):
    folder, output = tmp_path / "records", tmp_path / "emb.parquet"
    for index in range(6):
        write_record(folder, f"r{index}", seed=index)
    calls = stopping(3)
    with pytest.raises(Stopped):
        embed_records(folder, encoder, output, EmbeddingOptions(batch_size=2), progress=False)
    calls += [0] * 100
    path = tmp_path / "emb.parquet.parts" / torn
    path.write_bytes(path.read_bytes()[:size])
    assert embed_records(folder, encoder, output, EmbeddingOptions(batch_size=2), progress=False).windows == 6
    assert table(output)["record_id"].tolist() == [f"r{index}" for index in range(6)]


def test_parts_of_another_job_are_noticed_without_their_job_file(encoder, tmp_path, stopping):
    folder, output = tmp_path / "records", tmp_path / "emb.parquet"
    for index in range(4):
        write_record(folder, f"r{index}", seed=index)
    stopping(2)
    with pytest.raises(Stopped):
        embed_records(folder, encoder, output, EmbeddingOptions(batch_size=2), progress=False)
    (tmp_path / "emb.parquet.parts" / "job.json").write_text("")
    with pytest.raises(ValueError, match="another job"):
        embed_records(folder, encoder, output, EmbeddingOptions(lead="I"), progress=False)


@pytest.mark.parametrize("place", ["emb.parquet", "emb.parquet.parts", "emb.refused.csv"])
@pytest.mark.parametrize("link", [False, True])
def test_files_of_somebody_in_the_way_stay(records, encoder, tmp_path, place, link):
    victim = tmp_path / "victim"
    place = tmp_path / place
    if place.suffix == ".parts":
        victim.mkdir()
        place.symlink_to(victim) if link else place.mkdir()
        diary = place / "diary.txt"
    else:
        place.symlink_to(victim) if link else None
        diary = place
    diary.write_text("precious")
    with pytest.raises(OSError, match=place.name):
        embed_records(records, encoder, tmp_path / "emb.parquet", overwrite=True, progress=False)
    assert diary.read_text() == "precious" and place.is_symlink() == link
