"""A sample of every file format goes through extractor, pipelines, embedding, picture, corpus and retrieval."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

import hf_ecg
from hf_ecg.cli import call
from hf_ecg.data.corpus import load_corpus
from hf_ecg.embed import EmbeddingOptions, embed_records
from hf_ecg.plotting import plot_ecg
from hf_ecg.signals import STANDARD_LEADS
from tests.signals.formats.samples import SAMPLES

MODEL, SECONDS = "ecg-text-small", 10


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Format -> its file, in a folder of its own below one."""
    folder = tmp_path_factory.mktemp("formats") / "files"
    made = {}
    for name, make in SAMPLES.items():
        (folder / name).mkdir(parents=True)
        made[name] = make(folder / name)
    return made


@pytest.fixture(scope="module")
def folder(files):
    return next(iter(files.values())).parent.parent


@pytest.fixture(scope="module")
def describe():
    return hf_ecg.pipeline("zero-shot-ecg-classification", MODEL)


@pytest.fixture(scope="module")
def embedded(folder, tmp_path_factory):
    """Path -> embedding, of the whole folder at once."""
    output = tmp_path_factory.mktemp("embedded") / "embeddings.parquet"
    embed_records(folder, MODEL, output, EmbeddingOptions(on_error="skip"), progress=False)
    rows = pq.read_table(output).to_pylist()
    return {row["path"]: np.array(row["embedding"]) for row in rows}


@pytest.fixture(scope="module")
def corpus(files, folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("prepared")
    lines = [f"{path.relative_to(folder)},sinus rhythm by {name}" for name, path in files.items()]
    (output / "texts.csv").write_text("\n".join(["file,report", *lines, ""]))
    columns = ["--table", output / "texts.csv", "--record_column", "file", "--text_column", "report"]
    call("prepare folder", ["--data_dir", folder, *columns, "--folds", 3, "--output_dir", output / "corpus"])
    return output / "corpus"


@pytest.fixture(scope="module")
def found(files, corpus, tmp_path_factory):
    """Format -> the best record for its file and its likeness, of one search for all of them."""
    pytest.importorskip("faiss")
    output = tmp_path_factory.mktemp("found")
    records = [part for path in files.values() for part in ("--record", str(path))]
    options = ["--model", MODEL, "--data", str(corpus), "--no_pictures", "--top_k", "2", "--output_dir", str(output)]
    call("evaluate retrieve", [*options, *records])
    queries = json.loads((output / "results.json").read_text(encoding="utf-8"))["queries"]
    best = [query["hits"][0] for query in queries if query["to"] == "ecg"]
    return {name: (hit["record_id"], hit["cosine"]) for name, hit in zip(files, best, strict=True)}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_door_takes_every_format(name, files, folder, describe, embedded, corpus, found):
    path = files[name]
    record = hf_ecg.read(path)
    inputs = describe.feature_extractor(str(path), return_tensors="np")
    seen = [lead for lead, there in zip(STANDARD_LEADS, inputs["lead_mask"][0], strict=True) if there]
    assert set(seen) >= set(record.leads) and np.isfinite(inputs["input_values"]).all()
    (first, *_) = describe(str(path), candidate_labels=["sinus rhythm", "atrial fibrillation"])
    assert 0 <= first["score"] <= 1
    assert np.isfinite(embedded[str(path)]).all()
    assert len(plot_ecg(path, leads=record.leads[:1], seconds=1).axes)
    rows = load_corpus(corpus, keep_unusable=True)
    place = next(i for i, one in enumerate(rows["record_id"]) if one.startswith(f"{name}/"))
    assert rows[place]["num_samples"] == round(SECONDS * rows[place]["sampling_rate"])
    record_id, likeness = found[name]
    assert "/" in record_id and likeness == pytest.approx(1, abs=1e-3)


def test_what_is_in_a_file_decides_not_its_name(files, folder, tmp_path):
    for name, path in files.items():
        if name == "WFDB":
            continue
        renamed = shutil.copy(path, tmp_path / f"{path.stem}_of_a_machine.bin")
        np.testing.assert_array_equal(hf_ecg.read(renamed).to_millivolts(), hf_ecg.read(path).to_millivolts())
