import numpy as np
import pytest

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.readers.cpsc2018 import cpsc2018_corpus, read_reference
from tests.data.made_snomed import waves, write_record, write_struct, write_tables


def prepare(data_dir, tmp_path, **options):
    out = tmp_path / "out"
    summary = prepare_corpus(cpsc2018_corpus(data_dir, **options), out, overwrite=True, progress=False)
    rows = load_corpus(out)
    return summary, {row["record_id"]: row for row in rows}, rows.features["statements"].feature.names


def labels(row, names):
    return None if row["statements"] is None else {names[label] for label in row["statements"]}


def write_reference(folder, *lines):
    path = folder / "REFERENCE.csv"
    path.write_text("\n".join(["Recording,First_label,Second_label,Third_label", *lines]) + "\n")
    return path


def test_the_real_files_of_both_layouts(shared_data_dir, tmp_path):
    from scipy.io import loadmat

    folder = shared_data_dir / "cpsc2018"
    summary, rows, names = prepare(folder, tmp_path)
    number = len(list(folder.glob("*.mat")))
    assert len(rows) == number >= 20 and summary["skipped"] == {}
    assert labels(rows["A0001"], names) == {"CRBBB"} and labels(rows["A0002"], names) == {"NORM"}
    assert labels(rows["A1980"], names) is None  # neither header nor REFERENCE.csv
    struct = loadmat(folder / "A1980.mat")["ECG"][0, 0]
    row = rows["A1980"]
    counts = np.array(row["signal"]).reshape(12, -1)
    np.testing.assert_allclose(counts / 1000, struct["data"], atol=0.000501)
    assert (row["age"], row["sex"], row["sampling_rate"]) == (52, "male", 500)
    # MERL's tables name the same labels as the headers, and know those of the structs
    splits = shared_data_dir / "merl_splits"
    summary, rows, names = prepare(folder, tmp_path, merl_splits=splits)
    assert len(rows) == number and summary["skipped"] == {"file missing": 6877 - number}
    assert labels(rows["A1980"], names) == {"PAC"} and labels(rows["A1983"], names) == {"NORM"}
    assert [rows[name]["fold"] for name in ("A1982", "A1983")] == [9, 10]


def test_codes_and_short_names_mean_the_same(tmp_path):
    raw = tmp_path / "raw"
    write_record(raw, "A0001", "164931005,284470004", waves(7))
    write_record(raw, "A0002", "STE,PAC")
    write_record(raw, "A0003", "426783006", age="NaN")
    _, rows, names = prepare(raw, tmp_path)
    assert labels(rows["A0001"], names) == labels(rows["A0002"], names) == {"STE", "PAC"}
    assert rows["A0001"]["snomed_codes"] == rows["A0002"]["snomed_codes"]
    assert rows["A0003"]["text"] == "normal ECG" and rows["A0003"]["age"] is None
    assert rows["A0001"]["num_samples"] == 3500 and rows["A0001"]["recorded_seconds"] == 7


def test_the_original_layout_with_its_reference(tmp_path):
    raw = tmp_path / "raw"
    for number, name in enumerate(("A0001", "A0002", "A0003")):
        write_struct(raw / f"TrainingSet{number + 1}", name, waves(6 + number) / 1000, age=[95, np.nan, 7][number])
    write_reference(raw, "A0001,5,,", "A0002,2,7,9", "A0004,1,,")
    summary, rows, names = prepare(raw, tmp_path)
    assert labels(rows["A0001"], names) == {"CRBBB"} and labels(rows["A0002"], names) == {"AFIB", "VPC", "STE"}
    assert summary["skipped"] == {"not in REFERENCE.csv": 1, "file missing": 1}
    assert [rows[name]["age"] for name in rows] == [90, None] and rows["A0002"]["num_samples"] == 3500
    np.testing.assert_array_equal(np.array(rows["A0002"]["signal"]).reshape(12, -1), waves(7))


def test_windows_of_a_minute_at_400_hz(tmp_path):
    raw = tmp_path / "raw"
    write_record(raw, "A0001", "STD", waves(60, 400), rate=400)
    write_record(raw, "A0002", "STD", waves(6))
    summary, rows, _ = prepare(raw, tmp_path, window_seconds=10)
    assert sorted(rows) == [f"A0001_{number}" for number in range(6)] + ["A0002"]
    assert {row["patient_id"] for row in rows.values()} == {"A0001", "A0002"}
    assert len({rows[f"A0001_{number}"]["fold"] for number in range(6)}) == 1
    assert [rows[f"A0001_{number}"]["window_start"] for number in range(6)] == [0, 10, 20, 30, 40, 50]
    last = rows["A0001_5"]
    assert (last["num_samples"], last["recorded_sampling_rate"], last["recorded_seconds"]) == (5000, 400, 60)
    assert "side by side" in summary["window_rule"] and rows["A0002"]["num_samples"] == 3000


def test_broken_files_name_themselves(tmp_path):
    raw = tmp_path / "raw"
    write_record(raw, "A0001", "STD")
    write_record(raw, "A0002", "STD").unlink()  # its .mat is not a struct
    write_struct(raw, "A0003", waves() / 1000, sex="unclear")
    write_struct(raw, "A0004", waves()[:8] / 1000)
    write_struct(raw, "A0005", waves() * 1.0)  # microvolts
    (raw / "A0006.mat").write_bytes(b"no MATLAB file" * 20)
    write_record(raw, "A0007", "164865005")
    summary, rows, _ = prepare(raw, tmp_path)
    assert list(rows) == ["A0001"] and sum(summary["skipped"].values()) == 6
    reasons = {entry["record"]: entry["reason"] for entry in summary["skipped_records"]}
    assert all(name in reason for name, reason in reasons.items())
    assert "no A0002.hea" in reasons["A0002"] and "(8, 5000)" in reasons["A0004"]
    assert "164865005" in reasons["A0007"]


def test_labels_that_differ_from_merls(tmp_path):
    raw = tmp_path / "raw"
    for name in ("A0001", "A0002", "A0003"):
        write_record(raw, name, "STD")
    lines = {
        split: [{"filename": name, "positives": positives}]
        for split, name, positives in (
            ("train", "A0001", ["STD"]),
            ("validation", "A0002", ["STD", "PAC"]),
            ("test", "A0003", ["STD"]),
        )
    }
    splits = write_tables(tmp_path / "splits", "cpsc2018", lines)
    summary, rows, names = prepare(raw, tmp_path, merl_splits=splits)
    assert list(rows) == ["A0001", "A0003"] and summary["skipped"] == {"codes differ from MERL's tables": 1}
    _, rows, names = prepare(raw, tmp_path, merl_splits=splits, labels="merl")
    assert labels(rows["A0002"], names) == {"STD", "PAC"}
    with pytest.raises(ValueError, match="merl_splits"):
        cpsc2018_corpus(raw, labels="merl")


@pytest.mark.parametrize("line", ["A0001,10,,", "A0001,,,", "A0001,x,,", "A0001,1,,\nA0001,2,,"])
def test_a_reference_that_cannot_be_trusted(tmp_path, line):
    with pytest.raises(ValueError, match="REFERENCE.csv, line [23] .*A0001"):
        read_reference(write_reference(tmp_path, line))
