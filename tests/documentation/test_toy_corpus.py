"""The steps of docs/how_to/add_a_corpus.md, followed for a toy: WFDB records and a table of rhythms."""

import csv

import datasets
import numpy as np
import pytest

import hf_ecg
from hf_ecg import ECGFeatureExtractor
from hf_ecg.data.builder import Corpus, prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.corpus_card import CorpusCard
from hf_ecg.data.readers.columns import record_columns
from hf_ecg.data.schema import row_features
from tests.embed.made_records import write_record

RHYTHMS = {"SR": "sinus rhythm", "AFIB": "atrial fibrillation"}


def toy_corpus(data_dir) -> Corpus:
    """The reader: what would be `hf_ecg/data/readers/toy.py`."""
    with open(data_dir / "table.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))

    def read(line):
        record = hf_ecg.read(data_dir / line["record"], root=data_dir)
        return {
            "record_id": line["record"],
            "patient_id": line["patient"],
            **record_columns(record),
            "age": None,
            "sex": None,
            "fold": int(line["fold"]),
            "report": line["rhythm"],
            "text": RHYTHMS[line["rhythm"]],
            "rhythm": [line["rhythm"]],
        }

    def splits(test):
        return [line for line in lines if (line["fold"] == "10") == test]

    def card(summary):
        return CorpusCard(
            title="Toy corpus",
            source="made records",
            splits="Fold 10 is the test split.",
            texts="the statement in words",
            licence="CC BY 4.0",
            citation="None.",
        )

    return Corpus(
        config_name="toy_100hz",
        features=row_features(12, None, {"rhythm": list(RHYTHMS)}),
        splits={"train": splits(False), "test": splits(True)},
        read=read,
        facts={"text_source": "statements"},
        card=card,
        front_matter={"license": "cc-by-4.0"},
    )


@pytest.fixture
def raw(tmp_path):
    """Six records of several lengths; the last one is damaged."""
    folder = tmp_path / "raw"
    lines = []
    for index in range(6):
        write_record(folder, f"r{index}", seconds=2 + index % 2, seed=index, broken=index == 5)
        fold = 10 if index % 3 == 0 else index
        lines.append({"record": f"r{index}", "patient": f"p{index}", "fold": fold, "rhythm": list(RHYTHMS)[index % 2]})
    with open(folder / "table.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def test_plain_load_dataset_reads_it(raw, tmp_path):
    summary = prepare_corpus(toy_corpus(raw), tmp_path / "out", progress=False)
    assert summary["rows"] == {"train": 3, "test": 2} and sum(summary["skipped"].values()) == 1
    rows = datasets.load_dataset(str(tmp_path / "out"), "toy_100hz")
    assert {name: len(split) for name, split in rows.items()} == {"train": 3, "test": 2}, rows
    assert rows["test"].features["rhythm"].feature.names == ["SR", "AFIB"]


def test_its_rows_are_the_records(raw, tmp_path):
    prepare_corpus(toy_corpus(raw), tmp_path / "out", progress=False)
    rows = load_corpus(tmp_path / "out")
    extractor = ECGFeatureExtractor(sampling_rate=100, num_samples=200)
    for row in rows:
        wanted = extractor(str(raw / row["record_id"]), return_tensors="np")["input_values"]
        # rows keep gains in single precision
        np.testing.assert_allclose(extractor(row, return_tensors="np")["input_values"], wanted, rtol=1e-5, atol=1e-6)
        assert row["text"] == RHYTHMS[row["report"]]
