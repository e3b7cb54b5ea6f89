"""Own folders to corpora: every record is read, or its reason is told."""

import json
import os
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from datasets import load_dataset

from hf_ecg.data.corpus import label_matrix, load_corpus
from hf_ecg.data.readers.folder import ColumnChoice, OwnData, own_corpus
from hf_ecg.data.readers.folder.patient_folds import deal_folds
from hf_ecg.embed.records import find_records
from tests.data.folder.made_data import LEADS, archive, prepare, write_table
from tests.embed.made_records import write_record
from tests.signals.formats.samples import SAMPLES


def test_a_folder_with_a_table(tmp_path):
    raw = tmp_path / "My ECGs"
    signals = {
        name: archive(raw / f"{name}.npz", seed=place) for place, name in enumerate(["a", "sub/b", "sub/ü", "d"])
    }
    write_record(raw / "sub", "w", seconds=2)
    write_record(raw, "broken", seconds=2, broken=True)
    archive(raw / "extra.npz")
    cells = ["C:\\ecgs\\a.npz", "sub\\b", "u\u0308", "D", "sub/w.dat", "broken", "absent", ""]
    lines = [
        {"file": cell, "patient": f"p{place // 2}", "AF": place % 2, "age": 50 + place}
        for place, cell in enumerate(cells)
    ]
    table = write_table(raw / "labels.csv", lines)
    choice = ColumnChoice(record="file", patient="patient", labels=["AF"], targets=["age"])
    own, summary, rows, not_read = prepare(tmp_path, OwnData(raw, table, choice))
    assert sorted(rows) == ["a", "d", "sub/b", "sub/w", "sub/ü"] and summary["config"] == "my_ecgs_100hz"
    assert {name: row["patient_id"] for name, row in rows.items()} == {
        "a": "p0",
        "sub/b": "p0",
        "sub/ü": "p1",
        "d": "p1",
        "sub/w": "p2",
    }
    for name, wanted in signals.items():
        found = np.array(rows[name]["signal"]).reshape(3, 200) / np.array(rows[name]["gain"])[:, None]
        np.testing.assert_allclose(found, wanted, atol=6e-4)
    assert rows["d"]["labels"] == [0] and rows["a"]["labels"] == [] and rows["d"]["age"] == 53
    assert rows["a"]["fold"] == rows["sub/b"]["fold"]
    assert {name: line["kind"] for name, line in not_read.items()} == {
        "absent": "row without a file",
        "": "row without a file",
        "broken": "truncated file",
        "extra.npz": "file without a row",
    }
    assert any("line 5: written in other capitals" in sentence for sentence in own.told)
    assert any("line 2: a path of another folder, taken by its end" in sentence for sentence in own.told)
    assert any("several sets of leads" in sentence for sentence in own.told)
    plain = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert sum(map(len, plain.values())) == 5


def test_without_a_table_every_record_is_its_own_patient(tmp_path):
    for place in range(3):
        archive(tmp_path / "raw" / f"r{place}.npz", seed=place)
    own, _, rows, not_read = prepare(tmp_path, OwnData(tmp_path / "raw"))
    assert sorted(row["patient_id"] for row in rows.values()) == ["r0", "r1", "r2"] and not not_read
    assert sorted(row["fold"] for row in rows.values()) == [1, 2, 3]
    assert any("patients are not known" in sentence for sentence in own.told)
    with pytest.raises(ValueError, match="columns are named and no table"):
        own_corpus(OwnData(tmp_path / "raw", columns=ColumnChoice(record="file")))


def test_statements_of_devices_become_texts(tmp_path):
    texts = {
        "DICOM": "Sinus rhythm",
        "GE MUSE XML": "Normal sinus rhythm; Inferior infarct, age undetermined",
        "HL7 aECG": "Sinus rhythm",
        "Philips Sierra XML": "NORMAL ECG",
        "CSV of a watch": "Sinus Rhythm",
        "Mortara XML": "",  # its statement names the patient
    }
    for place, name in enumerate(texts):
        folder = tmp_path / "raw" / str(place)
        folder.mkdir(parents=True)
        SAMPLES[name](folder)
    data = OwnData(tmp_path / "raw", leads=["I"], sampling_rate=100)
    own = own_corpus(data)
    assert any("5 of 6 records that were looked at hold statements" in sentence for sentence in own.told)
    own, summary, rows, _ = prepare(tmp_path, replace(data, device_texts=True))
    assert [rows[name]["text"] for name in sorted(rows)] == list(texts.values())
    assert [rows[name]["report"] for name in sorted(rows)] == [text or None for text in texts.values()]
    assert summary["text_source"] == "device statements"
    assert any("1 of 6 records" in sentence and "no text either" in sentence for sentence in own.told)
    with pytest.raises(ValueError, match="texts are of the column 'x' and of the devices"):
        write_table(tmp_path / "t.csv", [{"file": "a", "x": "b"}])
        own_corpus(OwnData(tmp_path / "raw", tmp_path / "t.csv", ColumnChoice(text="x"), device_texts=True))


def test_rates_leads_and_lengths(tmp_path):
    raw = tmp_path / "raw"
    archive(raw / "a.npz", rate=100)
    archive(raw / "b.npz", rate=200)
    with pytest.raises(ValueError, match=r"several rates, 100 Hz \(1\), 200 Hz \(1\).*--sampling_rate 100"):
        own_corpus(OwnData(raw))
    own, _, rows, _ = prepare(tmp_path, OwnData(raw, sampling_rate=100))
    assert {row["num_samples"] for row in rows.values()} == {200}
    assert rows["b"]["recorded_sampling_rate"] == 200
    assert "records of 200 Hz are resampled to 100 Hz" in own.told
    archive(raw / "b.npz", rate=100, leads=["ECG"])
    archive(raw / "long.npz", seconds=125)
    own, _, rows, not_read = prepare(tmp_path, OwnData(raw))
    assert rows["a"]["leads"] == LEADS and rows["b"]["leads"] == ["ECG"]
    assert any("--rename ECG=LEAD" in sentence for sentence in own.told)
    assert "lasts 125 s: --window_seconds 10" in not_read["long"]["reason"]
    _, _, rows, not_read = prepare(tmp_path, OwnData(raw, leads=["II", "I"], window_seconds=50, max_windows=2))
    assert sorted(rows) == ["a", "long_0", "long_1"] and rows["a"]["leads"] == ["II", "I"]
    assert not_read["b"]["kind"] == "other leads"
    _, _, rows, _ = prepare(tmp_path, OwnData(raw, leads=["I"], rename={"ECG": "I"}, window_seconds=50))
    assert {tuple(row["leads"]) for row in rows.values()} == {("I",)} and "b" in rows


def test_rates_of_a_watch_are_one(tmp_path):
    for place, rate in enumerate((511.2, 512.508, 513.9)):
        archive(tmp_path / "raw" / f"r{place}.npz", rate=rate, leads=["I"])
    own = own_corpus(OwnData(tmp_path / "raw"))
    assert own.corpus.facts["sampling_rate"] == 500 and own.corpus.facts["single_lead"]
    assert "records of 511.2 Hz, 512.508 Hz, 513.9 Hz are resampled to 500 Hz" in own.told


def test_tables_of_another_folder(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    with pytest.raises(FileNotFoundError, match="raw holds no record .* it has no file"):
        own_corpus(OwnData(raw))
    with pytest.raises(FileNotFoundError, match="none is not there"):
        own_corpus(OwnData(tmp_path / "none"))
    archive(raw / "a.npz")
    archive(raw / "x" / "b.npz")
    archive(raw / "y" / "b.npz")

    def message(rows, match, error=ValueError, **choice):
        with pytest.raises(error, match=match):
            own_corpus(OwnData(raw, write_table(tmp_path / "t.csv", rows), ColumnChoice(**choice)))

    message(
        [{"file": "1"}],
        "no row of .*t.csv names a record of .*the column 'file' holds '1', the folder 'a.npz'",
        record="file",
    )
    message([{"file": "a"}], "which column of .*t.csv names the file. It has file: say by --record_column")
    message([{"file": "a"}, {"file": "A.npz"}], "lines 2, 3: all are of the record a; wanted one row", record="file")
    message([{"file": "a"}], "no column 'fil' .did you mean 'file'", record="fil")
    message([{"file": "a", "p": ""}], "no row of .* names a patient", record="file", patient="p")
    message(
        [{"file": "a", "p": 1, "f": 1}, {"file": "x/b", "p": 1, "f": 2}],
        "patient 1 is in the folds 1 and 2",
        record="file",
        patient="p",
        fold="f",
    )
    table = write_table(tmp_path / "t.csv", [{"file": "a"}, {"file": "b"}])
    _, _, rows, not_read = prepare(tmp_path, OwnData(raw, table, ColumnChoice("file")))
    assert list(rows) == ["a"] and "'b' may be 'x/b.npz', 'y/b.npz': name the folder too" in not_read["b"]["reason"]


def test_folds_are_dealt_by_patient_and_class():
    kinds = {f"p{place}": ["rare"] if place < 3 else ["usual", ""] if place < 53 else [""] for place in range(103)}
    folds = deal_folds(kinds, 10, seed=0)
    assert Counter(folds.values()).most_common()[0][1] - min(Counter(folds.values()).values()) == 1
    assert {folds[f"p{place}"] for place in range(3)} == {1, 9, 10}
    usual = Counter(folds[f"p{place}"] for place in range(3, 53))
    assert set(usual.values()) == {5}
    assert folds == deal_folds(dict(reversed(kinds.items())), 10, seed=0) != deal_folds(kinds, 10, seed=1)


def test_two_patients_and_given_folds(tmp_path):
    raw = tmp_path / "raw"
    for place in range(4):
        archive(raw / f"r{place}.npz", seed=place)
    rows = [{"file": f"r{place}", "p": place % 2, "f": ("train", "test")[place % 2]} for place in range(4)]
    table = write_table(tmp_path / "t.csv", rows)
    own = own_corpus(OwnData(raw, table, ColumnChoice("file", "p")))
    assert own.splits == {"train": [1], "validation": [], "test": [3]}
    assert any("no rows for validation" in sentence for sentence in own.told)
    own, _, found, _ = prepare(tmp_path, OwnData(raw, table, ColumnChoice("file", "p", fold="f")))
    assert {row["fold"] for row in found.values()} == {1, 10}
    assert own.splits == {"train": [1], "validation": [], "test": [10]}


def test_rows_for_tests_are_not_trained_on(tmp_path):
    for place in range(2):
        archive(tmp_path / "raw" / f"r{place}.npz", seed=place)
    for words in (["test", "test"], ["val", "test"]):
        table = write_table(tmp_path / "t.csv", [{"file": f"r{place}", "f": word} for place, word in enumerate(words)])
        own, summary, rows, _ = prepare(
            tmp_path, OwnData(tmp_path / "raw", table, ColumnChoice("file", fold="f", targets=()))
        )
        assert own.splits == {"train": [], "validation": [9] * words.count("val"), "test": [10]}
        assert {row["fold"] for row in rows.values()} == {10} | {9} & set(own.splits["validation"])
        assert any("no rows for train" in sentence for sentence in own.told) and "train" not in summary["rows"]


def test_resuming_takes_up_the_same_rows_only(tmp_path):
    raw = tmp_path / "raw"
    for place in range(4):
        archive(raw / f"r{place}.npz", seed=place)
    first = write_table(tmp_path / "t.csv", [{"file": f"r{place}", "AF": 0} for place in range(4)])
    _, summary, _, _ = prepare(tmp_path, OwnData(raw, first, ColumnChoice("file", labels=["AF"])))
    assert summary["classes"] == {"labels": {"AF": 0}}
    again = write_table(tmp_path / "t.csv", [{"file": f"r{place}", "AF": 1} for place in range(4)])
    prepare(tmp_path, OwnData(raw, again, ColumnChoice("file", labels=["AF"])))
    matrix, annotated = label_matrix(load_corpus(tmp_path / "out"), "labels")
    assert annotated.all() and matrix.sum() == 4
    assert json.loads((tmp_path / "out/summary.json").read_text())["columns"] == {"record": "file", "labels": ["AF"]}


def test_files_that_no_reader_takes_are_listed(tmp_path):
    raw = tmp_path / "raw"
    write_record(raw / "sub", "w", seconds=2)
    header = (raw / "sub" / "w.hea").read_text().replace("w.dat", "samples.d16")
    (raw / "sub" / "w.hea").write_text(header)
    (raw / "sub" / "w.dat").rename(raw / "sub" / "samples.d16")
    archive(raw / "a.npz")
    belonging = ["sub/w.atr", "a.txt", "README.md", "RECORDS", ".hidden", ".folder/x.dat"]
    for name in ["b.mat", "sub/scan.pdf", *belonging]:
        (raw / name).parent.mkdir(exist_ok=True)
        (raw / name).write_bytes(b"x")
    own, summary, rows, not_read = prepare(tmp_path, OwnData(raw))
    assert sorted(rows) == ["a", "sub/w"] and summary["skipped"] == {"not a record": 2}
    assert sorted(not_read) == ["b.mat", "sub/scan.pdf"]
    assert "no header" in not_read["b.mat"]["reason"]
    assert "not a kind of file that is read" in not_read["sub/scan.pdf"]["reason"]


def test_a_file_whose_name_is_not_utf_8(tmp_path, caplog):
    raw = tmp_path / "raw"
    archive(raw / "a.npz")
    odd = os.path.join(raw, os.fsdecode(b"\xff\xfeb.npz"))
    try:
        shutil.copy(raw / "a.npz", odd)
    except OSError:
        pytest.skip("this disk takes names in UTF-8 alone")
    own, summary, rows, not_read = prepare(tmp_path, OwnData(raw))
    assert list(rows) == ["a"] and "1 files are left out, as their names are not UTF-8" in caplog.text
    assert not_read["\\xff\\xfeb.npz"]["reason"].endswith("its name is not UTF-8: rename it")
    with pytest.raises(ValueError, match="is not UTF-8, and no table can hold it: rename the file"):
        find_records([odd])
    assert len(find_records([raw])) == 1
