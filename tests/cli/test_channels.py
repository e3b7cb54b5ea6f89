"""`--leads` and `--rename` of the commands that read files, and of those that prepare corpora."""

import json

import click
import numpy as np
import pyarrow.parquet as pq
import pytest

from hf_ecg.cli import call
from tests.data.made_snomed import waves, write_record
from tests.evaluation import tiny
from tests.made_channels import beats, write_channels


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("channels") / "model"
    tiny.dual_encoder().save_pretrained(folder)
    tiny.processor().save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def watch(tmp_path_factory):
    return str(write_channels(tmp_path_factory.mktemp("watch"), ["ECG"], counts=beats(1, tiny.SAMPLES)))


def test_embed(model, watch, tmp_path):
    command = [watch, "--model", model, "--output"]
    with pytest.raises(ValueError, match='rename={"ECG": "I"}'):
        call("embed", [*command, str(tmp_path / "no.parquet")])
    call("embed", [*command, str(tmp_path / "i.parquet"), "--rename", "ECG=I", "--leads", "I"])
    call("embed", [*command, str(tmp_path / "v1.parquet"), "--rename", "0=v1"])
    one, other = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("i", "v1"))
    assert [table["lead_mask"].to_pylist()[0].index(True) for table in (one, other)] == [0, 6]
    job = json.loads(one.schema.metadata[b"hf_ecg"])
    assert job["leads"] == ["I"] and job["rename"] == [["ECG", "I"]]
    with pytest.raises(click.UsageError, match="'ECG' is not CHANNEL=LEAD"):
        call("embed", [*command, str(tmp_path / "no.parquet"), "--rename", "ECG"])
    with pytest.raises(click.UsageError, match="'ECG' is named twice, as I and II"):
        call("embed", [*command, str(tmp_path / "no.parquet"), "--rename", "ECG=I", "--rename", "ECG=II"])


def test_leads_are_of_files_alone(model, tmp_path):
    corpus = str(tiny.write_corpus(tmp_path / "corpus", 20))
    with pytest.raises(ValueError, match="choose channels of files, and .* is a prepared corpus"):
        call("embed", [corpus, "--model", model, "--output", str(tmp_path / "no.parquet"), "--leads", "I"])


def test_classify(model, watch):
    command = [watch, "--model", model, "--prompts", "sinus rhythm"]
    with pytest.raises(ValueError, match='rename={"ECG": "I"}'):
        call("evaluate classify", command)
    assert call("evaluate classify", [*command, "--rename", "ECG=I"])[0]["class"] == "sinus rhythm"


def test_retrieve(model, watch, tmp_path):
    corpus = str(tiny.write_corpus(tmp_path / "corpus", 20))
    command = ["--model", model, "--data", corpus, "--record", watch, "--output_dir", str(tmp_path / "found")]
    report = call("evaluate retrieve", [*command, "--rename", "ECG=II", "--no_pictures"])
    assert report["queries"][0]["query"] == "rec" and report["queries"][0]["hits"]


def test_plot_and_info(watch, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    names, gains = ["II", "Resp, sum", "ECG"], ["1000/mV", "20/pm", "1000/mV"]
    path = str(write_channels(tmp_path, names, gains))
    picture = tmp_path / "ecg.png"
    call("plot", [path, "--output", str(picture), "--leads", "V1", "--rename", "ECG=V1"])
    assert picture.stat().st_size
    with pytest.raises(ValueError, match="leads wants V1"):
        call("plot", [path, "--output", str(picture), "--leads", "V1"])
    facts = call("info", [path, "--rename", "ECG=V1"])
    assert facts["kind"] == "record" and facts["leads"] == ["II", "V1"] and facts["channels"] == ["II", "ECG"]
    assert call("info", [path, "--leads", "II"])["leads"] == ["II"]
    with pytest.raises(ValueError, match="none of its channels|name of an ECG lead"):
        call("info", [str(write_channels(tmp_path, ["chan 1"], name="other"))])
    with pytest.raises(ValueError, match="for the file of a record"):
        call("info", [str(tmp_path), "--leads", "II"])


def test_a_corpus_of_some_leads_under_other_names(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    counts = waves(10)
    header = write_record(tmp_path / "raw", "JS00001", "426177001", counts)
    header.write_text(header.read_text().replace(" V1\n", " chest 1\n"))
    command = ["--data_dir", str(tmp_path / "raw"), "--num_proc", "1", "--output_dir"]
    with pytest.raises(ValueError, match="no record could be read: {'other leads': 1}"):
        call("prepare csn", [*command, str(tmp_path / "none")])
    with pytest.raises(ValueError, match="leads is empty"):
        call("prepare csn", [*command, str(tmp_path / "none"), "--leads", ","])
    chosen = ["--leads", "V1,II", "--rename", "chest 1=V1"]
    summary = call("prepare csn", [*command, str(tmp_path / "two"), *chosen])
    assert summary["leads"] == ["V1", "II"] and summary["rename"] == [["chest 1", "V1"]]
    (split,) = [split for split, rows in summary["rows"].items() if rows]
    (row,) = datasets.load_dataset(str(tmp_path / "two"), split=split)
    assert row["leads"] == ["V1", "II"]
    np.testing.assert_array_equal(np.array(row["signal"]).reshape(2, -1), counts[[6, 1]])
    card = (tmp_path / "two" / "README.md").read_text()
    assert "ECGs of the leads V1, II (chest 1 taken as V1)" in card
