"""SHDB-AF: made records in its layout, whose odd annotations, table and duplicates are read as they are."""

import shutil

import numpy as np
import pytest

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import label_matrix, load_corpus
from hf_ecg.data.readers.shdb_af import shdb_af_corpus
from hf_ecg.signals import read
from hf_ecg.signals.annotations import read_annotations
from tests.data.made_shdb_af import write_annotations, write_record, write_table


@pytest.fixture(scope="module")
def raw(shared_data_dir, tmp_path_factory):
    """001 with two stretches of AF, 002 of the same man without annotations, 005 and 020 twice the same, 016."""
    folder = tmp_path_factory.mktemp("shdb")
    mitdb = shared_data_dir / "mitdb"
    # of record 202: sinus rhythm to 1143 s, AF to 1158, sinus rhythm to 1176, AF to 1292
    write_record(folder, "001", mitdb / "202", (1100, 1225))
    write_record(folder, "002", mitdb / "202", (1200, 1235), annotated=False)
    write_record(folder, "005", mitdb / "222", (575, 640))
    for ending in ("hea", "dat", "qrs", "atr"):
        (folder / f"020.{ending}").write_bytes((folder / f"005.{ending}").read_bytes())
    (folder / "020.hea").write_text((folder / "005.hea").read_text().replace("005", "020"))
    write_record(folder, "016", mitdb / "100", (0, 31))
    (folder / "RECORDS.txt").write_text("001\n002\n005\n020\n133\n")
    man = {"Subject_ID": "2043771", "Age_at_Holter": "93", "Sex": "M", "AF_Type": "PAF", "HTN": "True", "CHF": "0.0"}
    woman = {
        "Subject_ID": "77",
        "Age_at_Holter": "47",
        "Sex": "F",
        "AF_Type": "non-AF",
        "DM": "1.0",
        "Annotated": "1.0",
    }
    table = [
        {"Data_ID": "001", "Annotated": "True"} | man,
        {"Data_ID": "2", "Annotated": "False"} | man,
        {"Data_ID": "005", "Annotated": "1.0"} | woman,
        {"Data_ID": "020"} | woman,
    ]
    write_table(folder, table)
    return folder


@pytest.fixture(scope="module")
def prepared(raw, tmp_path_factory):
    output = tmp_path_factory.mktemp("out") / "shdb"
    summary = prepare_corpus(shdb_af_corpus(raw), output, progress=False)
    return summary, load_corpus(output, keep_unusable=True)


def by_recording(rows, name, column):
    return [value for value, of in zip(rows[column], rows["recording"], strict=True) if of == name]


def test_windows_have_the_samples_and_the_share_of_af(raw, prepared, shared_data_dir):
    summary, rows = prepared
    assert summary["config"] == "shdb_af_30s_200hz" and summary["records_annotated"] == 2
    assert by_recording(rows, "001", "window_start") == [0, 30, 60, 90] and rows[0]["leads"] == ["CC5", "NASA"]
    af = [rhythm for rhythm in read_annotations(shared_data_dir / "mitdb/202").rhythms if rhythm.code == "AFIB"]
    for place, share in enumerate(by_recording(rows, "001", "af_share")):
        first, end = (round((1100 + 30 * number) * 360) for number in (place, place + 1))
        inside = sum(max(min(stop, end) - max(start, first), 0) for start, stop, _ in af)
        # a mark stands at the beat behind it
        assert abs(share - inside / (end - first)) < 0.03
    assert by_recording(rows, "001", "af") == [[], [0], [], [0]]
    row = rows[by_place(rows, "001_1")]
    stored = read(raw / "001", rename={"ECG1": "CC5", "ECG2": "NASA"}).cut(6000, 12000)
    assert (np.array(row["signal"]).reshape(2, -1) == stored.counts).all()
    assert np.allclose(row["gain"], stored.gain) and row["sampling_rate"] == 200
    assert row["age"] == 90 and row["sex"] == "male" and row["hypertension"] is True and row["heart_failure"] is False
    assert row["diabetes"] is None and row["af_type"] == "PAF"
    assert rows[by_place(rows, "005_0")]["diabetes"] is True


def by_place(rows, record):
    return rows["record_id"][:].index(record)


def test_labels_are_null_where_nobody_annotated_and_never_sinus_rhythm(prepared):
    _, rows = prepared
    assert by_recording(rows, "002", "af") == by_recording(rows, "002", "rhythm") == [None]
    matrix, annotated = label_matrix(rows, "af")
    assert annotated.sum() == 6 and matrix[annotated][:, 0].sum() == by_recording(rows, "001", "af").count([0])
    first = rows[by_place(rows, "001_0")]
    assert first["af"] == [] and first["rhythm"] == [] and first["text"] == ""
    # flutter is a rhythm of its own, and AF by option alone
    assert any(1 in rhythm for rhythm in by_recording(rows, "005", "rhythm"))


def test_one_recording_is_there_once_and_what_is_out_is_told(prepared):
    summary, rows = prepared
    assert set(rows["recording"]) == {"001", "002", "005"}
    assert summary["left_out"] == {
        "the recording of 005 under another number, annotated a second time": 1,
        "withdrawn by the publishers in 1.0.1": 1,
    }
    assert [entry["record"] for entry in summary["skipped_records"]] == ["133"]
    folds = {(patient, fold) for patient, fold in zip(rows["patient_id"], rows["fold"], strict=True)}
    assert len(folds) == 2  # both records of the man are in one fold


def test_flutter_counts_when_asked_for(raw):
    with_flutter = shdb_af_corpus(raw, af_rhythms=["AFIB", "AFL"])
    assert with_flutter.config_name == "shdb_af_30s_with_flutter_200hz"
    window = next(item for items in with_flutter.splits.values() for item in items if item.record_id == "005")
    assert with_flutter.read(window)["af_share"] > shdb_af_corpus(raw).read(window)["af_share"] + 0.2


def test_an_undocumented_code_is_not_annotated_time(raw, tmp_path):
    folder = tmp_path / "raw"
    shutil.copytree(raw, folder)
    write_annotations(folder, "005", np.arange(100, 13_000, 150), [(0, "(N"), (6000, "(AB")])
    corpus = shdb_af_corpus(folder)
    found = [corpus.read(item) for items in corpus.splits.values() for item in items if item.record_id == "005"]
    assert [row["af"] for row in found] == [[], None] and [row["rhythm"] for row in found] == [[], None]


def test_a_damaged_record_gives_no_window(raw, tmp_path):
    folder = tmp_path / "raw"
    shutil.copytree(raw, folder)
    content = bytearray((folder / "001.dat").read_bytes())
    content[-20] ^= 1
    (folder / "001.dat").write_bytes(content)
    (folder / "005.atr").write_bytes((folder / "005.atr").read_bytes()[:-1])
    summary = prepare_corpus(shdb_af_corpus(folder), tmp_path / "out", progress=False)
    assert sum(summary["rows"].values()) == 1  # of 002
    reasons = {entry["record"]: entry["reason"] for entry in summary["skipped_records"]}
    assert len(reasons) >= 3 and any("damaged" in reason for reason in reasons.values())


def test_tables_that_cannot_be_trusted_are_refused(raw, tmp_path):
    folder = tmp_path / "raw"
    shutil.copytree(raw, folder)
    table = folder / "AdditionalData.csv"
    written = table.read_text()
    for old, new, message in (
        ("Subject_ID", "Study ID", "README names the columns of an older table"),
        ("001,2043771", "002,2043771", "stands there twice"),
        ("001,2043771", "001,", "no Subject_ID"),
        ("77,1.0", "77,maybe", "Annotated is 'maybe'"),
        ("non-AF", "none", "AF_Type is 'none'"),
    ):
        table.write_text(written.replace(old, new))
        with pytest.raises(ValueError, match=message):
            shdb_af_corpus(folder)
    table.write_text(written)
    (folder / "RECORDS.txt").unlink()
    with pytest.raises(OSError, match="wants one RECORDS.txt, found none"):
        shdb_af_corpus(folder)
    with pytest.raises(ValueError, match="least_share is 0"):
        shdb_af_corpus(folder, least_share=0)
    with pytest.raises(ValueError, match="af_rhythms is"):
        shdb_af_corpus(folder, af_rhythms=[])
