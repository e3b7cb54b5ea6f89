import json

import numpy as np
import pytest

from hf_ecg.clinical.snomed import snomed_meanings
from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.readers.csn import csn_corpus
from hf_ecg.data.readers.merl_tables import read_merl_table
from tests.data.made_snomed import waves, write_record, write_tables

CODE_OF = {meaning.acronym: meaning.code for meaning in reversed(snomed_meanings("csn").values())}


def prepare(tmp_path, name="out", **options):
    out = tmp_path / name
    return prepare_corpus(csn_corpus(tmp_path / "raw", **options), out, progress=False), load_corpus(out)


def classes(rows, name, label_set="statements"):
    names = rows.features[label_set].feature.names
    (row,) = [row for row in rows if row["record_id"] == name]
    return None if row[label_set] is None else {names[label] for label in row[label_set]}


def test_rows_have_the_meanings_of_this_corpus(tmp_path):
    folder = tmp_path / "raw" / "WFDBRecords" / "01" / "010"
    counts = waves(seed=1)
    write_record(folder, "JS00001", "164931005,164890007", counts, age="93", sex="Female")
    write_record(folder, "JS00002", "164930006,55827005", age="-1", sex="Unknown")
    write_record(folder, "JS00003", None, age="NaN")
    summary, rows = prepare(tmp_path)
    assert sum(summary["rows"].values()) == 3 and summary["skipped"] == {}
    assert classes(rows, "JS00001") == {"STTU", "AF"}
    assert classes(rows, "JS00002") == {"STE", "LVHV"}
    assert classes(rows, "JS00003") is None
    first, second, third = sorted(rows, key=lambda row: row["record_id"])
    assert first["text"] == "ST tilt up. atrial flutter" and third["text"] == ""
    assert first["snomed_codes"] == ["164931005", "164890007"] and third["snomed_codes"] is None
    assert [first["age"], second["age"], third["age"]] == [90, None, None]
    assert [first["sex"], second["sex"], third["sex"]] == ["female", None, "male"]
    assert first["patient_id"] == "JS00001" and first["report"] is None
    np.testing.assert_array_equal(np.array(first["signal"]).reshape(12, 5000), counts)
    assert rows.features["signal"].length == 60_000


def test_released_and_exact_labels_of_the_released_tables(tmp_path, shared_data_dir):
    """Through the whole way, records as the released tables name them: wrong positives are there under merl alone."""
    splits = shared_data_dir / "merl_splits"
    table = read_merl_table(splits, "csn")
    wanted = [name for name, row in table.rows.items() if set(row.labels("merl")) - set(row.labels("exact"))][:12]
    wanted += [name for name, row in table.rows.items() if "VB" in row.written][:3]
    for name in wanted:
        write_record(tmp_path / "raw", name, ",".join(CODE_OF[token] for token in table.rows[name].written))
    released, rows = prepare(tmp_path, "released", merl_splits=splits, labels="merl")
    exact, exact_rows = prepare(tmp_path, "exact", merl_splits=splits)
    assert released["skipped"] == exact["skipped"] == {"file missing": 23_026 - 15}
    for name in wanted:
        row = table.rows[name]
        assert classes(exact_rows, name, "merl") == set(row.written) & set(table.classes)
        assert classes(rows, name, "merl") == {
            label for label in table.classes if label in ",".join(row.written)
        }  # the substring test that made them
        assert classes(rows, name) == classes(exact_rows, name) == set(row.written)
    assert released["merl_wrong_positives"]["VB"] == {"wrong": 913, "positives": 916}
    assert exact["merl_wrong_positives"] == {}
    assert "wrong in part" in (tmp_path / "released" / "README.md").read_text()
    assert {row["record_id"]: table.rows[row["record_id"]].split for row in rows} == {
        row["record_id"]: {9: "validation", 10: "test"}.get(row["fold"], "train") for row in rows
    }


def test_broken_records_are_skipped_by_reason_and_named(tmp_path):
    raw = tmp_path / "raw"
    write_record(raw, "JS00001", "426177001")
    write_record(raw, "JS00002", "426177001,999000999")
    write_record(raw, "JS00003", "426177001").with_suffix(".mat").unlink()
    header = write_record(raw, "JS00004", "426177001")
    header.write_text(header.read_text().replace(" 5000 ", " 5100 "))
    write_record(raw, "JS00005", "426177001", waves(6))
    header = write_record(raw, "JS00006", "426177001")
    header.write_text(header.read_text().replace("JS00006 12", "JS00007 12"))
    write_record(raw, "JS00008", "sinus")
    write_record(raw, "JS01052", "426177001").write_text("JS01052 12 500 5000\n")
    summary, rows = prepare(tmp_path)
    assert [row["record_id"] for row in rows] == ["JS00001"]
    assert summary["skipped"] == {
        "unknown code": 2,
        "file missing": 1,
        "truncated file": 1,
        "shorter than the window": 1,
        "header of another record": 1,
        "unreadable": 1,
    }
    reasons = {entry["record"]: entry["reason"] for entry in summary["skipped_records"]}
    assert all(name in reason for name, reason in reasons.items())
    assert "999000999" in reasons["JS00002"] and "JS00003.mat" in reasons["JS00003"]
    kept, _ = prepare(tmp_path, "kept", unknown_codes="keep")
    assert kept["skipped"]["unknown code"] == 1  # a word is not a code of another table


def merl_rows(**written):
    return {
        split: [
            {"ecg_path": f"/chapman/WFDBRecords/{name}.mat", "diagnose": text, "positives": positives}
            for name, (text, positives) in lines.items()
        ]
        for split, lines in written.items()
    }


def test_tables_of_other_records_than_these(tmp_path):
    write_tables(
        tmp_path / "splits",
        "csn",
        merl_rows(
            train={"JS00001": ("1AVB,SR", ["1AVB", "AVB", "SR"])},
            validation={"JS00002": ("ST", ["ST"])},
            test={"JS00003": ("AFIB", ["AFIB", "AF"])},
        ),
    )
    write_record(tmp_path / "raw", "JS00001", "270492004,426783006")
    write_record(tmp_path / "raw", "JS00002", "426783006")
    write_record(tmp_path / "raw", "JS00009", "426783006")
    summary, rows = prepare(tmp_path, merl_splits=tmp_path / "splits", labels="merl")
    assert summary["skipped"] == {"codes differ from MERL's tables": 1, "file missing": 1}
    assert summary["left_out"] == {"not in MERL's tables": 1}
    assert classes(rows, "JS00001", "merl") == {"1AVB", "AVB", "SR"}
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["labels"] == "merl"


def test_options(tmp_path):
    with pytest.raises(FileNotFoundError, match="raw"):
        csn_corpus(tmp_path / "raw")
    write_record(tmp_path / "raw" / "a", "JS00001", "426177001")
    with pytest.raises(ValueError, match="merl_splits"):
        csn_corpus(tmp_path / "raw", labels="merl")
    with pytest.raises(ValueError, match="substring"):
        csn_corpus(tmp_path / "raw", labels="substring")
    write_record(tmp_path / "raw" / "b", "JS00001", "426177001")
    with pytest.raises(ValueError, match="JS00001 twice"):
        csn_corpus(tmp_path / "raw")


def test_folds_by_hash_do_not_depend_on_other_records(tmp_path):
    for number in range(1, 40):
        header = tmp_path / "raw" / f"JS{number:05d}.hea"
        header.parent.mkdir(exist_ok=True)
        header.touch()
    folds = {item.record_id: item.fold for items in csn_corpus(tmp_path / "raw").splits.values() for item in items}
    assert set(folds.values()) <= set(range(1, 11)) and len(set(folds.values())) > 5
    for number in range(1, 20):
        (tmp_path / "raw" / f"JS{number:05d}.hea").unlink()
    fewer = {item.record_id: item.fold for items in csn_corpus(tmp_path / "raw").splits.values() for item in items}
    assert fewer == {name: folds[name] for name in fewer}
    assert folds != {
        item.record_id: item.fold for items in csn_corpus(tmp_path / "raw", seed=1).splits.values() for item in items
    }
