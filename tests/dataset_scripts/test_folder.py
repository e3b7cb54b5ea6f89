"""`hf-ecg prepare folder`, what it tells, and the command that it names at the end."""

import csv
import shlex

import numpy as np
import pytest

from hf_ecg.cli import call
from hf_ecg.signals import STANDARD_LEADS

PATIENTS = 12


@pytest.fixture(scope="module")
def array(tmp_path_factory):
    """Twenty-four records of twelve patients, half of them with a class."""
    folder = tmp_path_factory.mktemp("own data")
    signals = np.random.default_rng(0).normal(0, 0.3, (2 * PATIENTS, 12, 500)).astype(np.float32)
    np.savez(folder / "x.npz", signals=signals, leads=STANDARD_LEADS, sampling_rate=100, units="mV")
    with open(folder / "labels.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["who", "AF", "ef"])
        writer.writerows([place // 2, place // 2 % 2, f"{place},5"] for place in range(2 * PATIENTS))
    return folder


def test_the_command_that_it_names_trains_on_the_rows(array, capsys):
    out = array / "rows"
    words = ["--data_dir", array / "x.npz", "--table", array / "labels.csv", "--patient_column", "who", "--folds", 4]
    summary = call("prepare folder", [*words, "--labels", "AF", "--targets", "ef", "--output_dir", out])
    assert summary["rows"] == {"train": 12, "validation": 6, "test": 6}
    told = capsys.readouterr().out.splitlines()
    assert (
        told[0].startswith("note: of a class, or without it, validation or test holds 2 records at most")
        and "--minimum 2" in told[0]
    )
    program, command, *line = shlex.split(told[-1].removeprefix("next: "))
    assert (program, command) == ("hf-ecg", "finetune")
    fast = ["--bootstrap", "10", "--frozen", "run.max_steps=1", "run.num_workers=0", "run.num_threads=1"]
    report = call(command, [*line, *fast])
    assert report["tasks"][0]["label_set"] == "labels" and report["tasks"][0]["records"] == 6
    assert (array / "rows_model" / "config.json").is_file()


def test_two_patients_or_one_class_cannot_be_trained_on(array, tmp_path, capsys):
    words = ["--data_dir", array / "x.npz", "--labels", "AF", "--output_dir", tmp_path / "out", "--overwrite"]
    for patients, flags, note in (
        (2, 2, "there are no rows for validation"),
        (12, 1, "none of the 24 annotated rows"),
    ):
        lines = [f"p{place % patients},{place % flags}\n" for place in range(2 * PATIENTS)]
        (tmp_path / "t.csv").write_text("".join(["who,AF\n", *lines]))
        call("prepare folder", [*words, "--table", tmp_path / "t.csv", "--patient_column", "who"])
        told = capsys.readouterr().out.splitlines()
        assert told[0].startswith(f"note: {note}") and told[-1].startswith("next: hf-ecg embed")


def test_what_cannot_be_read_is_told_with_its_reason(array, tmp_path, capsys):
    raw = tmp_path / "raw"
    raw.mkdir()
    with np.load(array / "x.npz") as whole:
        for place in range(5):
            np.savez(raw / f"r{place}.npz", **{**whole, "signals": whole["signals"][place]})
    (raw / "r5.npz").write_bytes((raw / "r0.npz").read_bytes()[:100])
    rows = [{"file": f"r{place}", "who": place} for place in range(1, 8)]
    with open(tmp_path / "t.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["file", "who"])
        writer.writeheader()
        writer.writerows(rows)
    words = ["--data_dir", raw, "--table", tmp_path / "t.csv", "--record_column", "file", "--patient_column", "who"]
    call("prepare folder", [*words, "--output_dir", tmp_path / "out"])
    told = capsys.readouterr().out
    assert "skipped: row without a file" in told and "t.csv, line 7: " in told and "holds no record 'r6'" in told
    assert "skipped: unreadable" in told and "r5.npz" in told
    assert f"made: {tmp_path / 'out' / 'not_read.csv'} (the 4 that were not read)" in told
    assert told.splitlines()[-1].startswith(f"next: hf-ecg embed {tmp_path / 'out'} --model ecg-text-small")
