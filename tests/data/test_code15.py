"""CODE-15% in both layouts: real WFDB records, made HDF5 files, and damaged ones."""

import csv
import shutil

import numpy as np
import pytest

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.readers.code15 import DIAGNOSES, code15_corpus, truth

COLUMNS = ["exam_id", "age", "is_male", "patient_id", "trace_file", *DIAGNOSES]


def prepare(raw, tmp_path, **options):
    summary = prepare_corpus(code15_corpus(raw, **options), tmp_path / "out", overwrite=True, progress=False)
    rows = load_corpus(tmp_path / "out", keep_unusable=True)
    return summary, {row["record_id"]: row for row in rows}, rows.features


def write_exams(raw, *exams):
    raw.mkdir(parents=True, exist_ok=True)
    with (raw / "exams.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        plain = dict.fromkeys(DIAGNOSES, "False") | {"age": "50", "is_male": "True", "trace_file": "exams_part0.hdf5"}
        writer.writerows(plain | exam for exam in exams)


def write_hdf5(path, exam_ids, samples=2934, padded=4096):
    h5py = pytest.importorskip("h5py")
    tracings = np.zeros((len(exam_ids), padded, 12), np.float32)
    start = (padded - samples) // 2
    waves = np.random.default_rng(0).normal(0, 0.5, (len(exam_ids), samples, 12))
    for row, exam in enumerate(exam_ids):
        tracings[row, start : start + samples] = waves[row] * bool(exam)
    with h5py.File(path, "w") as file:
        file["tracings"], file["exam_id"] = tracings, np.array(exam_ids)
    return waves


def test_real_wfdb_records(shared_data_dir, tmp_path):
    source = shared_data_dir / "code15-chagas" / "records"
    raw = tmp_path / "raw"
    raw.mkdir()
    names = sorted(path.stem for path in source.glob("*.hea"))
    some = [*names[:12], *(name for name in names if name.startswith("9190"))]
    for name in some:
        for path in source.glob(f"{name}.*"):
            shutil.copy(path, raw)
    summary, rows, features = prepare(raw, tmp_path)
    assert set(names[:12]) <= set(rows) and not {name for name in rows if name.startswith("9190_")}
    assert summary["layout"] == "wfdb" and features["chagas"].feature.names == ["chagas"]
    with (shared_data_dir / "code15-chagas" / "metadata.csv").open() as file:
        table = {line["record"]: line for line in csv.DictReader(file)}
    for name, row in rows.items():
        told = table[name]
        assert (row["patient_id"], row["sex"]) == (told["patient_id"], told["sex"].lower())
        assert row["age"] == min(float(told["age"]), 90) and len(row["chagas"]) == (told["chagas"] == "True")
        assert row["diagnoses"] is None and row["num_samples"] == int(told["n_samples"])


def test_exams_are_found_by_their_number_and_lose_their_zeros(tmp_path):
    raw = tmp_path / "raw"
    write_exams(
        raw,
        {"exam_id": "11", "patient_id": "7", "AF": "True", "age": "93"},
        {"exam_id": "12", "patient_id": "7", "normal_ecg": "True", "is_male": "False"},
        {"exam_id": "13", "patient_id": "8"},
        {"exam_id": "14", "patient_id": "9", "trace_file": "exams_part1.hdf5"},
    )
    waves = write_hdf5(raw / "exams_part0.hdf5", [12, 11, 0])
    summary, rows, features = prepare(raw, tmp_path)
    assert sorted(rows) == ["11", "12"] and summary["layout"] == "hdf5"
    assert summary["skipped"] == {"exam missing": 1} and summary["left_out"] == {"HDF5 file not in the folder": 1}
    names = features["diagnoses"].feature.names
    assert [[names[label] for label in rows[name]["diagnoses"]] for name in ("11", "12")] == [["AF"], ["normal"]]
    assert rows["11"]["fold"] == rows["12"]["fold"] and rows["11"]["text"] == "atrial fibrillation"
    assert (rows["11"]["age"], rows["12"]["sex"], rows["12"]["num_samples"]) == (90, "female", 2934)
    assert rows["11"]["chagas"] is None
    signal = np.array(rows["11"]["signal"]).reshape(12, -1)
    np.testing.assert_allclose(signal / 1000, waves[1].T, atol=0.00051)


def test_damaged_tables_and_files_are_refused(tmp_path):
    raw = tmp_path / "raw"
    write_exams(raw, {"exam_id": "11", "patient_id": "7", "AF": "perhaps"})
    write_hdf5(raw / "exams_part0.hdf5", [11])
    with pytest.raises(ValueError, match="exam 11: AF is 'perhaps', wanted True or False"):
        code15_corpus(raw)
    write_exams(raw, {"exam_id": "11", "patient_id": "7"})
    (raw / "exams_part0.hdf5").write_bytes(b"not HDF5")
    with pytest.raises(ValueError, match="exams_part0.hdf5 is not an HDF5 file with tracings and exam_id"):
        code15_corpus(raw)


@pytest.mark.parametrize(
    "exams, held, message",
    [
        ([("11", "7", "exams_part0.hdf5")] * 2, [11], "exams.csv has 1 exams twice, such as 11"),
        ([("11", "7", "exams_part0.hdf5")], [11, 11], "exams_part0.hdf5 has 1 exams twice, such as 11"),
        ([("11", "7", "../exams_part0.hdf5")], [11], "exam 11: '../exams_part0.hdf5' is not a file beside the table"),
    ],
)
def test_what_could_be_counted_twice_or_lies_elsewhere_is_refused(tmp_path, exams, held, message):
    keys = ("exam_id", "patient_id", "trace_file")
    write_exams(tmp_path / "raw", *(dict(zip(keys, exam, strict=True)) for exam in exams))
    write_hdf5(tmp_path / "raw" / "exams_part0.hdf5", held)
    with pytest.raises(ValueError, match=message):
        code15_corpus(tmp_path / "raw")


def test_an_exam_without_a_patient_is_left_out(tmp_path):
    write_exams(tmp_path, {"exam_id": "11", "patient_id": ""}, {"exam_id": "12", "patient_id": "7"})
    write_hdf5(tmp_path / "exams_part0.hdf5", [11, 12])
    corpus = code15_corpus(tmp_path)
    assert [(entry["record"], entry["kind"]) for entry in corpus.skipped] == [("11", "no patient")]
    assert [exam.record_id for exams in corpus.splits.values() for exam in exams] == ["12"]


def test_a_header_without_a_patient_is_left_out(shared_data_dir, tmp_path):
    source = shared_data_dir / "code15-chagas" / "records"
    name = "1111009"
    raw = tmp_path / "raw"
    raw.mkdir()
    shutil.copy(source / f"{name}.dat", raw)
    text = (source / f"{name}.hea").read_text()
    (raw / f"{name}.hea").write_text(text.replace("# Patient ID: 81113\n", ""))
    corpus = code15_corpus(raw)
    assert [entry["kind"] for entry in corpus.skipped] == ["no patient"] and not any(corpus.splits.values())


def test_truth_is_said_or_not_known():
    assert [truth(word, "x") for word in ("True", "0", "", "nan")] == [True, False, None, None]
