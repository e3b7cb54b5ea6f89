"""The MIT-BIH Arrhythmia Database: real records, both splits, and what is left out."""

import shutil

import numpy as np
import pytest

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import label_matrix, load_corpus
from hf_ecg.data.readers.mit_bih import BEATS, mit_bih_corpus
from hf_ecg.data.readers.mit_bih_records import DS1, DS2, VALIDATION
from hf_ecg.signals.annotations import read_annotations


@pytest.fixture(scope="module")
def raw(shared_data_dir, tmp_path_factory):
    """A record of every part of the splits."""
    folder = tmp_path_factory.mktemp("mitdb")
    for name in ("102", "109", "124", "201", "202", "232"):
        for ending in (".hea", ".dat", ".atr"):
            shutil.copy(shared_data_dir / "mitdb" / f"{name}{ending}", folder)
    return folder


def prepare(raw, output, **options):
    summary = prepare_corpus(mit_bih_corpus(raw, **options), output, progress=False)
    return summary, load_corpus(output, keep_unusable=True)


def test_patients_are_on_one_side_and_beats_are_those_of_the_window(raw, tmp_path):
    summary, rows = prepare(raw, tmp_path / "out")
    assert summary["config"] == "mit_bih_inter_patient_360hz"
    assert summary["rows"] == {"train": 2 * 180, "validation": 180, "test": 180}
    absent = {entry["record"]: entry["reason"] for entry in summary["skipped_records"]}
    assert len(absent) == summary["skipped"]["file missing"] == 43 - 4 and "202" not in absent
    assert absent["100"] == "DS2 has the record 100, which the folder lacks"
    assert summary["left_out"] == {"of a paced heart": 1, "of a patient who is on the other side": 1}
    folds = dict(zip(rows["patient_id"], rows["fold"], strict=True))
    assert folds["124"] == 9 and folds["232"] == 10 and {folds["109"], folds["201"]} <= set(range(1, 9))
    row = rows[0]
    assert row["leads"] == ["II", "V1"] and row["num_samples"] == 3600 and row["sampling_rate"] == 360
    import wfdb

    name, number = row["record_id"].split("_")
    stored = wfdb.rdrecord(str(raw / name), sampto=3600, physical=False).d_signal.T
    assert number == "0" and (np.array(row["signal"]).reshape(2, -1) == stored).all()
    ages = {one["patient_id"]: (one["age"], one["sex"]) for one in rows.select_columns(["patient_id", "age", "sex"])}
    assert ages["124"] == (77, "male") and ages["232"] == (76, "female")
    labels, annotated = label_matrix(rows.select(np.flatnonzero(np.array(rows["fold"]) == 10)), "beats")
    found = read_annotations(raw / "232").beats
    seconds, symbols = found.samples / 360, found.symbols
    wanted = [len({int(place // 10) for place in seconds[(symbols == beat) & (seconds < 1800)]}) for beat in BEATS]
    assert annotated.all() and labels.sum(axis=0).tolist() == wanted and wanted[2] > 170
    row = rows.select(np.flatnonzero(np.array(rows["fold"]) == 10))[4]
    inside = (seconds >= 40) & (seconds < 50)
    np.testing.assert_allclose(row["beat_seconds"], seconds[inside] - 40, atol=1e-5)
    assert row["beat_symbols"] == symbols[inside].tolist()
    rhythms, _ = label_matrix(rows, "rhythm")
    names = rows.features["rhythm"].feature.names
    told = {
        (p, names[number])
        for p, one in zip(rows["patient_id"], rhythms, strict=True)
        for number in np.flatnonzero(one)
    }
    assert ("232", "SBR") in told and ("201", "AFIB") in told and ("109", "AFIB") not in told
    assert rows[0]["text"] == "left bundle branch block beats"


def test_the_leaky_split_is_by_window_and_is_called_so(raw, tmp_path):
    for name in ("102", "109", "201"):
        for ending in (".hea", ".dat", ".atr"):
            shutil.copy(raw / f"{name}{ending}", tmp_path)
    summary, rows = prepare(tmp_path, tmp_path / "out", splitting="leaky", sampling_rate=100)
    assert summary["config"] == "mit_bih_leaky_100hz" and summary["rows"]["train"] > 350
    for fold in (1, 9, 10):
        patients = {p for p, f in zip(rows["patient_id"], rows["fold"], strict=True) if f == fold}
        assert patients == {"102", "109", "201"}
    assert len(set(rows["record_id"])) == len(rows) == 3 * 180
    assert set(rows["num_samples"]) == {1000}
    assert "LEAKY" in (tmp_path / "out/README.md").read_text()


def test_as_published_one_patient_is_on_both_sides(raw):
    splits = mit_bih_corpus(raw, "compat_ds1_ds2").splits
    assert {item.record_id for item in splits["test"]} == {"202", "232"}


def test_the_published_sets_are_whole():
    assert len(set(DS1)) == len(set(DS2)) == 22
    assert not set(DS1) & set(DS2) and set(VALIDATION) < set(DS1)


def test_annotations_that_are_cut_off_are_no_windows_without_beats(raw, tmp_path):
    for ending in (".hea", ".dat", ".atr"):
        shutil.copy(raw / f"232{ending}", tmp_path)
    annotations = tmp_path / "232.atr"
    annotations.chmod(0o644)
    annotations.write_bytes(annotations.read_bytes()[:1000])
    for options in ({}, {"splitting": "leaky"}):
        with pytest.raises(ValueError, match=r"'truncated file': 1\}; the first one: .*232.atr .* truncated"):
            prepare(tmp_path, tmp_path / "out", **options)


def test_what_cannot_be_read_is_told(raw):
    with pytest.raises(ValueError, match="splitting is 'random'"):
        mit_bih_corpus(raw, "random")
