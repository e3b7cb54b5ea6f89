"""Records that cannot be embedded, and runs that are stopped."""

import csv
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModel

from hf_ecg.embed import EmbeddingOptions, embed_records
from hf_ecg.embed import embedding_run as run
from hf_ecg.embed.__main__ import SOME_REFUSED, main
from hf_ecg.embed.encoder import Encoder
from tests.embed.made_records import direct, embeddings, table, write_record


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


class Stopped(Exception):
    """Stands for a kill: nothing of the package catches it."""


@pytest.fixture
def stopping(monkeypatch):
    """Parts of two rows, and an encoder that dies at a given call."""
    monkeypatch.setattr(run, "ROWS_PER_PART", 2)
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
