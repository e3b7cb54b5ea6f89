"""The command on minutes of real records: the annotated burden is met, memory stays small, and nothing is silent."""

import csv
import json
import tracemalloc

import click
import numpy as np
import pytest

from hf_ecg.cli import call
from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.readers.shdb_af import shdb_af_corpus
from hf_ecg.evaluation.af_burden.burden_run import BurdenOptions
from hf_ecg.evaluation.af_burden.recordings import FileRecording, find_recordings
from hf_ecg.evaluation.af_burden.rr_detector import RRDetector
from hf_ecg.locks import OutputLock
from tests.data.made_shdb_af import write_values


@pytest.fixture(scope="module")
def report(raw, tmp_path_factory):
    output = tmp_path_factory.mktemp("report")
    call("evaluate af-burden", [str(raw), "--output_dir", str(output), "--block_seconds", "60", "--picture"])
    return output, json.loads((output / "af_burden.json").read_text())


def test_the_burden_of_records_with_and_without_annotations(report):
    output, found = report
    annotated, other = found["recordings"]
    truth = annotated["truth"]
    assert annotated["record"] == "001" and annotated["seconds"] == 240 and annotated["windows"] == 8
    assert truth["burden"] == pytest.approx(0.96, abs=0.02)
    assert abs(truth["error_points"]) < 12 and truth["sensitivity"] > 0.85
    assert annotated["burden"]["value"] == pytest.approx(truth["burden"] + truth["error_points"] / 100)
    assert truth["longest_seconds"] > 100 and annotated["episodes"]["longest_seconds"] >= 120
    assert other["truth"] is None and other["windows"] == 3
    assert found["summary"]["recordings_with_truth"] == 1
    assert "chosen when it was fitted" in (output / "af_burden.md").read_text()
    with open(output / "001.csv") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 8 and {line["af"] for line in lines} <= {"0", "1"}
    assert (output / "001.png").stat().st_size > 5000


def test_windows_of_a_prepared_corpus_give_the_same(raw, report, tmp_path):
    corpus = tmp_path / "corpus"
    prepare_corpus(shdb_af_corpus(raw), corpus, progress=False)
    call("evaluate af-burden", [str(corpus), "--output_dir", str(tmp_path / "out"), "--block_seconds", "60"])
    found = json.loads((tmp_path / "out" / "af_burden.json").read_text())["recordings"]
    wanted = {entry["record"]: entry for entry in report[1]["recordings"]}
    for entry in found:
        assert entry["burden"] == wanted[entry["record"]]["burden"]
    with pytest.raises(ValueError, match="choose channels of files"):
        call("evaluate af-burden", [str(corpus), "--leads", "I", "--output_dir", str(tmp_path / "out")])


def test_noise_is_counted_apart_and_what_is_unread_is_told(raw, tmp_path):
    values = np.random.default_rng(0).normal(0, 0.3, (24_000, 2))
    write_values(tmp_path, "001", values)
    (tmp_path / "bad.hea").write_text("bad 1 200 6000\nbad.dat 16 200 16 0 0 0 0 ECG1\n")
    out = tmp_path / "out"
    call("evaluate af-burden", [str(tmp_path), "--output_dir", str(out)])
    noisy, unread = json.loads((out / "af_burden.json").read_text())["recordings"]
    assert noisy["burden"]["value"] is None and noisy["judged_seconds"] == 0
    assert sum(noisy["not_judged_seconds"].values()) == 120 and noisy["burden_bounds"] == {"low": 0, "high": 1}
    assert unread["record"] == "bad" and "bad.dat is not there" in unread["reason"]
    with pytest.raises(ValueError, match="bad.dat is not there"):
        call("evaluate af-burden", [str(tmp_path), "--output_dir", str(out), "--strict"])
    with pytest.raises(ValueError, match="no recording could be read"):
        call("evaluate af-burden", [str(tmp_path / "bad.hea"), "--output_dir", str(out)])


def test_a_classifier_and_a_threshold_of_ones_own(raw, classifier, tmp_path):
    arguments = [str(raw / "001.hea"), "--leads", "I", "--rename", "ECG1=I", "--model", classifier]
    call("evaluate af-burden", [*arguments, "--threshold", "0", "--output_dir", str(tmp_path)])
    found = json.loads((tmp_path / "af_burden.json").read_text())
    assert found["detector"]["threshold_source"] == "as given" and found["recordings"][0]["leads"] == ["I"]
    assert found["recordings"][0]["burden"]["value"] in (1.0, None)


def test_a_long_record_is_never_in_memory(tmp_path):
    beats = np.zeros(200 * 3600)
    beats[::160] = 1.0
    write_values(tmp_path, "001", np.stack([beats, beats], axis=1))
    recording = FileRecording(str(tmp_path / "001.hea"), 300.0, ("AFIB",))

    next(recording.windows())  # what is imported on first use
    tracemalloc.start()
    windows = sum(1 for _ in recording.windows())
    streamed = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert windows == 12 and streamed < 1.5e6 < 2 * 2 * len(beats)


def test_records_of_one_name_have_tables_of_their_own(raw, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for ending in ("hea", "dat"):
        (other / f"002.{ending}").write_bytes((raw / f"002.{ending}").read_bytes())
    call("evaluate af-burden", [str(raw / "002.hea"), str(other), "--output_dir", str(tmp_path / "out")])
    assert sorted(path.name for path in (tmp_path / "out").glob("*.csv")) == ["002.csv", "002_2.csv"]


def test_a_folder_that_another_process_writes_is_left_alone(raw, tmp_path):
    first = OutputLock(tmp_path / "out")
    first.acquire()
    try:
        with pytest.raises(OSError, match="out is being written by process"):
            call("evaluate af-burden", [str(raw / "002.hea"), "--output_dir", str(tmp_path / "out")])
    finally:
        first.release()
    assert not list((tmp_path / "out").glob("*.csv"))


def test_mistakes(raw, tmp_path):
    for options, message in (
        ({"window_seconds": 5}, "wanted at least 10"),
        ({"rhythms": ()}, "rhythms is empty"),
        ({"block_seconds": 0}, "block_seconds is 0"),
        ({"block_seconds": float("inf")}, "block_seconds is inf"),
        ({"window_seconds": float("inf")}, "window_seconds is inf"),
        ({"replicates": 0}, "replicates"),
    ):
        with pytest.raises(ValueError, match=message):
            BurdenOptions(**options)
    with pytest.raises(OSError, match="is not there"):
        find_recordings([str(tmp_path / "absent")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(OSError, match="holds no record"):
        find_recordings([str(tmp_path / "empty")])
    assert RRDetector.load().with_threshold(0.2).threshold == 0.2
    with pytest.raises(click.UsageError, match="--label is of a classifier's class"):
        call("evaluate af-burden", [str(raw / "002.hea"), "--label", "AFIB", "--output_dir", str(tmp_path / "out")])
