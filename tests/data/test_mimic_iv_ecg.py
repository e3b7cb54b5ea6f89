import numpy as np
import pytest

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.readers.mimic_iv_ecg import mimic_iv_ecg_corpus
from hf_ecg.data.readers.splits import fold_of
from hf_ecg.signals import STANDARD_LEADS
from tests.data.made_mimic import FILE_LEADS, MadeMimic, waves

PATIENT, STUDY = 10_000_032, 40_689_238


@pytest.fixture
def made(tmp_path):
    return MadeMimic(tmp_path / "raw")


def prepare(made, tmp_path, name="out", **options):
    made.save()
    corpus = mimic_iv_ecg_corpus(made.folder, tmp_path / "index", progress=False, **options)
    summary = prepare_corpus(corpus, tmp_path / name, progress=False)
    return summary, {row["record_id"]: row for row in load_corpus(tmp_path / name).with_format(None)}


def signal(row):
    """millivolts, lead -> samples"""
    counts = np.array(row["signal"], float).reshape(12, -1)
    gain, baseline = (np.array(row[name])[:, None] for name in ("gain", "baseline"))
    return dict(zip(row["leads"], (counts - baseline) / gain, strict=True))


def test_a_row(made, tmp_path):
    made.add(PATIENT, STUDY, "2180-07-23 08:44:00", ["Sinus rhythm.", None, "*** Normal ECG ***"])
    summary, rows = prepare(made, tmp_path)
    (row,) = rows.values()
    assert summary["config"] == "mimic_iv_ecg_500hz" and sum(summary["rows"].values()) == 1
    assert row["record_id"] == str(STUDY) and row["patient_id"] == str(PATIENT)
    assert row["recording_date"] == "2180-07-23 08:44:00" and row["device"] == "6848296"
    assert row["report"] == "Sinus rhythm.\n*** Normal ECG ***" and row["text"] == "Sinus rhythm. Normal ECG"
    assert row["sampling_rate"] == 500 and row["num_samples"] == 5000 and row["leads"] == list(STANDARD_LEADS)
    assert (row["rr_interval"], row["qrs_axis"], row["t_end"]) == (800, -12, 560)
    assert row["age"] is None and row["smoker"] is None and row["diabetes"] is None and row["sbp_mmhg"] is None
    assert row["missing_samples"] == 0 and row["flat_leads"] == row["out_of_range_leads"] == []
    # the files have aVF before aVL
    millivolts, stored = signal(row), waves(np.random.default_rng(STUDY)) / 200
    for lead, samples in zip(FILE_LEADS, stored, strict=True):
        np.testing.assert_allclose(millivolts[lead], samples, atol=1e-6)
    np.testing.assert_allclose(millivolts["aVL"], millivolts["I"] - millivolts["II"] / 2, atol=0.006)


def test_what_is_wrong_with_a_signal_is_told_or_leaves_it_out(made, tmp_path):
    lines = [made.add(PATIENT, STUDY + number) for number in range(5)]
    counts = waves(np.random.default_rng(0))
    gap, flat, wide = counts.copy(), counts.copy(), counts.copy()
    gap[3, 100:110] = -32768
    flat[5] = 0
    wide[11, 7] = 2500
    silent = (np.zeros_like(counts), np.full_like(counts, -32768))
    for line, damaged in zip(lines, (gap, flat, wide, *silent), strict=True):
        made.write(line, damaged)
    summary, rows = prepare(made, tmp_path)
    first, second, third = (rows[str(STUDY + number)] for number in range(3))
    assert first["missing_samples"] == 10 and not first["flat_leads"]
    assert second["flat_leads"] == ["aVL"] and not second["missing_samples"]
    assert third["out_of_range_leads"] == ["V6"]
    assert summary["skipped"] == {"no signal on any lead": 2}
    drop = ["missing_samples", "flat_lead", "out_of_range_lead"]
    with pytest.raises(ValueError, match="no record could be read"):
        prepare(made, tmp_path, "strict", drop=drop)
    summary, rows = prepare(made, tmp_path, "some", drop=drop[:2])
    assert list(rows) == [str(STUDY + 2)]
    assert summary["skipped"] == {"missing samples": 1, "flat lead": 1, "no signal on any lead": 2}


def test_broken_records_are_counted_by_reason(made, tmp_path):
    kinds = ("good", "truncated", "checksum", "gone", "short", "slow", "leads", "record", "patient", "header")
    lines = {kind: made.add(PATIENT, STUDY + number) for number, kind in enumerate(kinds)}
    counts = waves(np.random.default_rng(0))
    samples = {kind: made.folder / f"{line['path']}.dat" for kind, line in lines.items()}
    samples["truncated"].write_bytes(samples["truncated"].read_bytes()[:-10])
    damaged = bytearray(samples["checksum"].read_bytes())
    damaged[1000] ^= 1
    samples["checksum"].write_bytes(damaged)
    samples["gone"].unlink()
    made.write(lines["short"], counts[:, :4000])
    made.write(lines["slow"], counts, rate=250)
    made.write(lines["leads"], counts, leads=(*FILE_LEADS[:-1], "V9"))
    made.write(lines["record"], counts, name="40000000")
    made.write(lines["patient"], counts, patient=10_000_033)
    samples["header"].with_suffix(".hea").write_text("nonsense\n")
    summary, rows = prepare(made, tmp_path)
    assert list(rows) == [str(STUDY)]
    assert summary["skipped"] == {
        "truncated file": 1,
        "wrong checksum": 1,
        "file missing": 1,
        "other length or rate": 2,
        "other leads": 1,
        "header of another record": 1,
        "header of another patient": 1,
        "unreadable": 1,
    }
    assert {entry["record"] for entry in summary["skipped_records"]} == {
        str(STUDY + number) for number in range(1, 10)
    }
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| skipped: other length or rate | 2 |" in card and "label sets" not in card


def test_sentinels_and_impossible_measurements_are_null_and_counted(made, tmp_path):
    made.add(PATIENT, STUDY, rr_interval=65535, p_onset=29999, p_axis=32767, t_axis=-32768, qrs_onset=29999)
    made.add(PATIENT, STUDY + 1, rr_interval=0, t_end=20000, qrs_axis=-91, p_end="")
    summary, rows = prepare(made, tmp_path)
    first, second = rows.values()
    assert [first[name] for name in ("rr_interval", "p_onset", "p_axis", "t_axis", "qrs_onset")] == [None] * 5
    assert (first["p_end"], second["qrs_axis"], second["p_end"]) == (150, -91, None)
    assert second["rr_interval"] is None and second["t_end"] is None
    nulls = summary["measurements_set_null"]
    assert nulls["rr_interval"] == {"not measurable": 1, "out of range": 1} and nulls["p_axis"] == {
        "not measurable": 1
    }
    assert nulls["t_end"] == {"out of range": 1} and "p_end" not in nulls


def test_records_without_report_and_measurements_without_record(made, tmp_path):
    made.add(PATIENT, STUDY, report=["", "  ", None])
    made.add(PATIENT, STUDY + 1)
    made.add(PATIENT, STUDY + 2)
    del made.measurements[1]
    del made.records[2]
    summary, rows = prepare(made, tmp_path)
    assert [(row["report"], row["text"]) for row in rows.values()] == [(None, ""), (None, "")]
    assert summary["records_without_report"] == 2 and summary["measurements_without_record"] == 1
    made.add(PATIENT, STUDY + 3, report=["Sinus rhythm"])
    summary, rows = prepare(made, tmp_path, "dropped", drop=["no_text"])
    assert list(rows) == [str(STUDY + 3)] and summary["skipped"] == {"no text": 2}
    with pytest.raises(ValueError, match="no record could be read"):
        prepare(made, tmp_path, "long", drop=["no_text"], min_words=3)
    summary, rows = prepare(made, tmp_path, "ruled", report_rules="fg_clep")
    assert not any(row["text"] for row in rows.values()) and summary["report_rules"] == "fg_clep"
    with pytest.raises(ValueError, match="report_rules is 'x'"):
        prepare(made, tmp_path, "no", report_rules="x")


def test_folds_are_by_patient_and_do_not_move_when_records_come(made, tmp_path):
    for number in range(24):
        made.add(PATIENT + number % 12, STUDY + number)
    summary, rows = prepare(made, tmp_path, seed=3)
    folds = {row["patient_id"]: row["fold"] for row in rows.values()}
    assert all(row["fold"] == folds[row["patient_id"]] for row in rows.values())
    assert sum(summary["patients"].values()) == 12
    for number in range(24, 30):
        made.add(PATIENT + number, STUDY + number)
    _, more = prepare(made, tmp_path, "more", seed=3)
    assert len(more) == 30 and all(more[name]["fold"] == row["fold"] for name, row in rows.items())
    drawn = [fold_of(patient, 0) for patient in range(10_000)]
    assert {900 < drawn.count(fold) < 1100 for fold in range(1, 11)} == {True}
    assert drawn != [fold_of(patient, 1) for patient in range(10_000)]


@pytest.mark.parametrize("which, wanted", [("first", {2, 3}), ("last", {1, 3}), ("random", None)])
def test_one_record_a_patient_and_a_limit(made, tmp_path, which, wanted):
    for number, (patient, year) in enumerate([(0, 2152), (0, 2153), (0, 2151), (1, 2150)]):
        made.add(PATIENT + patient, STUDY + number, f"{year}-01-01 00:00:00")
    summary, rows = prepare(made, tmp_path, one_record_per_patient=which)
    assert len(rows) == 2 and summary["left_out"] == {f"not the {which} record of its patient": 2}
    assert wanted is None or set(rows) == {str(STUDY + number) for number in wanted}
    assert prepare(made, tmp_path, "again", one_record_per_patient=which)[1].keys() == rows.keys()
    summary, rows = prepare(made, tmp_path, "limited", one_record_per_patient=which, limit=1)
    assert len(rows) == 1 and summary["left_out"]["beyond the limit"] == 1
    assert f"| not asked for: not the {which} record of its patient | 2 |" in (tmp_path / "out/README.md").read_text()


def _twice(made):
    made.records.append(made.records[0])


def _outside(made):
    made.records[0]["path"] = "files/../../secret"


def _no_time(made):
    made.records[0]["ecg_time"] = ""


def _no_date(made):
    made.records[0]["ecg_time"] = "yesterday"


def _stranger(made):
    made.measurements[0]["subject_id"] = 1


def _no_column(made):
    for line in made.measurements:
        del line["p_axis"]


@pytest.mark.parametrize(
    "damage, message",
    [
        (_twice, "study_id stands there twice"),
        (_outside, "leaves the folder"),
        (_no_time, "empty field"),
        (_no_date, "record_list.csv is not such a table"),
        (_stranger, "other patients"),
        (_no_column, "p_axis"),
    ],
)
def test_tables_that_are_not_the_corpus_are_refused(made, tmp_path, damage, message):
    made.add(PATIENT, STUDY)
    damage(made)
    with pytest.raises(ValueError, match=message):
        prepare(made, tmp_path)


def test_cut_off_and_absent_tables(made, tmp_path):
    made.add(PATIENT, STUDY)
    made.save()
    table = made.folder / "machine_measurements.csv"
    table.write_bytes(table.read_bytes()[:-60])
    with pytest.raises(ValueError, match="machine_measurements.csv is not such a table"):
        mimic_iv_ecg_corpus(made.folder, tmp_path / "index", progress=False)
    table.unlink()
    with pytest.raises(FileNotFoundError, match="has no machine_measurements.csv"):
        mimic_iv_ecg_corpus(made.folder, tmp_path / "index", progress=False)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"text_style": "loud"}, "text_style is 'loud'"),
        ({"drop": ["noise"]}, r"drop holds \['noise'\]"),
        ({"one_record_per_patient": "best"}, "'best'"),
        ({"limit": 0}, "limit is 0"),
    ],
)
def test_unknown_options(made, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        mimic_iv_ecg_corpus(made.folder, tmp_path / "index", **options)
