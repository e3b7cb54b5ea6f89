"""Beats of real MIT-BIH records as rows: the same at both rates, by lead name, and who is not there is named."""

import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import label_matrix, load_corpus
from hf_ecg.data.readers.mit_bih_beats import AAMI, CLASS_OF, COVARIATES, mit_bih_beats_corpus
from hf_ecg.signals.annotations import read_annotations


@pytest.fixture(scope="module")
def raw(shared_data_dir, tmp_path_factory):
    """102 has no MLII, 114 has it second, 124 is of the validation, 201 and 202 are one man."""
    folder = tmp_path_factory.mktemp("mitdb")
    for name in ("102", "114", "124", "201", "202"):
        for ending in (".hea", ".dat", ".atr"):
            shutil.copy(shared_data_dir / "mitdb" / f"{name}{ending}", folder)
    return folder


@pytest.fixture(scope="module")
def reader(shared_data_dir):
    return {rate: mit_bih_beats_corpus(shared_data_dir / "mitdb", sampling_rate=rate) for rate in (360, 125)}


def rows_of(corpus, name):
    (item,) = (item for items in corpus.splits.values() for item in items if item.record_id == name)
    return corpus.read(item)


def test_rows_are_the_annotated_beats_in_the_lead_that_is_named(reader, shared_data_dir):
    import wfdb

    rows, beats = rows_of(reader[360], "114"), read_annotations(shared_data_dir / "mitdb" / "114").beats
    assert [row["beat_sample"] for row in rows] == beats.samples.tolist()
    assert [row["symbol"][0] for row in rows] == beats.symbols.tolist()
    assert all(row["aami"] == [CLASS_OF[row["symbol"][0]]] for row in rows)
    record = wfdb.rdrecord(str(shared_data_dir / "mitdb" / "114"), physical=False)
    stored = record.d_signal[:, record.sig_name.index("MLII")]
    assert record.sig_name[0] == "V5" and rows[0]["leads"] == ["II"]
    for row in rows[:200:50]:
        inside = np.flatnonzero(row["signal"] != -32768)
        assert row["signal"][180] == stored[row["beat_sample"]]
        np.testing.assert_array_equal(row["signal"][inside], stored[row["beat_sample"] - 180 + inside])
    assert {row["rhythm"] for row in rows} == {"N", "SVTA"}
    assert np.median([row["amplitude_ratio"] for row in rows]) == pytest.approx(1)


def test_the_down_sampled_beats_are_the_same_beats(reader):
    full, small = (rows_of(reader[rate], "201") for rate in (360, 125))
    assert [row["record_id"] for row in full] == [row["record_id"] for row in small]
    assert {row["num_samples"] for row in small} == {125}
    heights = []
    for one, other in zip(full, small, strict=True):
        filled = [np.mean(row["signal"] != -32768) for row in (one, other)]
        assert abs(filled[0] - filled[1]) < 0.03
        assert all(one[name] == other[name] for name in COVARIATES if name != "amplitude_ratio")
        heights.append(int(one["signal"][180]) - int(other["signal"][62]))
    # the peak may lie between two samples
    assert len(heights) > 1900 and np.median(np.abs(heights)) < 10


def test_plain_rows_by_patient_and_what_is_left_out_is_named(raw, tmp_path):
    summary = prepare_corpus(mit_bih_beats_corpus(raw, sampling_rate=125), tmp_path / "out", progress=False)
    assert summary["config"] == "mit_bih_beats_inter_patient_125hz"
    assert summary["left_out"] == {"of a paced heart": 1, "of a patient who is on the other side": 1}
    absent = [entry["record"] for entry in summary["skipped_records"]]
    assert len(absent) == 22 - 3 + 21 == len(set(absent)) and "202" not in absent and "102" not in absent
    assert {"record": "101", "kind": "file missing", "reason": "DS1 has the record 101, which the folder lacks"} in (
        summary["skipped_records"]
    )
    rows = load_corpus(tmp_path / "out")
    assert set(rows["patient_id"]) == {"114", "124", "201"} and rows.features["aami"].feature.names == list(AAMI)
    labels, known = label_matrix(rows, "aami")
    assert known.all() and (labels.sum(axis=1) == 1).all() and labels[:, 2].sum() > 200


def test_a_leaky_record_without_the_lead_is_skipped_once(raw, tmp_path):
    corpus = mit_bih_beats_corpus(raw, "leaky", sampling_rate=125)
    corpus.splits = {
        split: [one for one in items if one.record_id in ("102", "124")] for split, items in corpus.splits.items()
    }
    summary = prepare_corpus(corpus, tmp_path / "out", progress=False)
    (found,) = [entry for entry in summary["skipped_records"] if entry["kind"] == "other leads"]
    assert found["record"] == "102" and "V5 and V2" in found["reason"]
    assert all(count > 50 for count in summary["rows"].values()) and sum(summary["rows"].values()) > 1600
    assert "LEAKY" in (tmp_path / "out/README.md").read_text()
    without = mit_bih_beats_corpus(raw, "leaky", paced=False)
    assert "102" not in {one.record_id for one in without.splits["train"]}
    assert without.left_out == {"of a paced heart": 1}


def test_the_command_tells_options_of_beats_apart(raw, tmp_path):
    from hf_ecg.cli.commands.prepare.mit_bih import command

    given = ["--data_dir", str(raw), "--output_dir", str(tmp_path / "out"), "--lead", "V5"]
    assert "are for --beats" in CliRunner().invoke(command, given).output
    with pytest.raises(ValueError, match="beat_seconds is 0"):
        mit_bih_beats_corpus(raw, beat_seconds=0)
