"""The Challenge 2017: real files, and damaged ones."""

import json
import shutil
from collections import Counter

import numpy as np
import pytest
from scipy.io import savemat

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.readers.cinc2017 import CLASSES, cinc2017_corpus, read_reference


def write_record(folder, name, samples=3000, channel="ECG", header_name=None):
    """A record as the Challenge wrote it: CRLF in the header, MATLAB 4 with 24 bytes before the samples."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = np.rint(500 * np.sin(np.arange(samples) / 20)).astype(np.int16)[None]
    savemat(folder / f"{name}.mat", {"val": counts}, format="4")
    lines = [f"{header_name or name} 1 300 {samples} 05:05:15 1/05/2000 "]
    lines.append(f"{header_name or name}.mat 16+24 1000/mV 16 0 {counts[0, 0]} 0 0 {channel} ")
    (folder / f"{name}.hea").write_bytes("\r\n".join([*lines, ""]).encode())
    return counts[0]


def prepare(raw, tmp_path, **options):
    summary = prepare_corpus(cinc2017_corpus(raw, **options), tmp_path / "out", overwrite=True, progress=False)
    rows = load_corpus(tmp_path / "out", keep_unusable=True)
    return summary, {row["record_id"]: row for row in rows}, rows.features["rhythm_class"].feature.names


def test_real_records(shared_data_dir, tmp_path):
    source = shared_data_dir / "cinc2017" / "training2017"
    table = read_reference(source / "REFERENCE-v3.csv")
    assert len(table) == 1500 and Counter(table.values()) == {"N": 831, "O": 395, "A": 124, "~": 150}
    raw = tmp_path / "raw"
    raw.mkdir()
    names = list(table)[:25]
    for name in names:
        for ending in (".hea", ".mat"):
            shutil.copy(source / f"{name}{ending}", raw)
    (raw / "REFERENCE-v3.csv").write_text("".join(f"{name},{table[name]}\n" for name in names))
    summary, rows, classes = prepare(raw, tmp_path)
    assert sorted(rows) == names and not summary["skipped"]
    for name, row in rows.items():
        assert [classes[label] for label in row["rhythm_class"]] == [CLASSES[table[name]][0]]
        assert (row["leads"], row["sampling_rate"], row["age"], row["sex"]) == (["I"], 300, None, None)
    from scipy.io import loadmat

    np.testing.assert_array_equal(rows["A00001"]["signal"], loadmat(source / "A00001.mat")["val"][0])
    summary, rows, _ = prepare(raw, tmp_path, sampling_rate=100, window_seconds=10, short_records="skip")
    assert {row["num_samples"] for row in rows.values()} == {1000} and summary["config"] == "cinc2017_100hz"


def test_what_cannot_be_read_is_counted_and_named(tmp_path):
    raw = tmp_path / "raw"
    for name in ("A00001", "A00002", "A00227", "A01176"):
        write_record(raw / "training", name)
    write_record(raw / "training", "A00003", channel="MLII")
    write_record(raw / "training", "A00004", header_name="A00009")
    (raw / "training/A00005.hea").write_text("A00005 1 300 3000\nA00005.mat 16+24 1000/mV 16 0 0 0 0 ECG\n")
    labels = "A00001,N\nA00227,A\nA01176,A\nA00003,O\nA00004,N\nA00005,~\nA00006,~\n"
    (raw / "REFERENCE-v3.csv").write_text(labels)
    summary, rows, _ = prepare(raw, tmp_path)
    assert sorted(rows) == ["A00001", "A00227", "A01176"]
    assert summary["skipped"] == {"file missing": 3, "not in the reference": 1, "other leads": 1}
    # the same recording, published twice
    assert rows["A01176"]["fold"] == rows["A00227"]["fold"] and rows["A01176"]["patient_id"] == "A00227"
    assert rows["A00227"]["text"] == "atrial fibrillation"
    assert json.loads((tmp_path / "out/summary.json").read_text())["reference"] == "REFERENCE-v3.csv"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("A00001,N\nA00001,A\n", "line 2: the record A00001 stands there twice"),
        ("A00001,X\n", "line 1 is .*'X'.*wanted a record and one of N, A, O, ~"),
        ("A00001\n", "line 1 is"),
        ("", "lists no record"),
    ],
)
def test_tables_that_cannot_be_trusted_are_refused(tmp_path, table, message):
    write_record(tmp_path / "raw", "A00001")
    (tmp_path / "raw/REFERENCE-v3.csv").write_text(table)
    with pytest.raises(ValueError, match=message):
        cinc2017_corpus(tmp_path / "raw")


def test_the_table_of_labels_must_be_there_once(tmp_path):
    write_record(tmp_path / "raw", "A00001")
    (tmp_path / "raw/REFERENCE.csv").write_text("A00001,N\n")
    with pytest.raises(OSError, match=r"wants one table REFERENCE-v3.csv, found none; it has \['REFERENCE.csv'\]"):
        cinc2017_corpus(tmp_path / "raw")
    assert cinc2017_corpus(tmp_path / "raw", "REFERENCE.csv").facts["records_found"] == 1
