"""MUSIC, Icentia11k, MC-MED and Aurora-BP: made folders in their layouts, and broken ones."""

import numpy as np
import pytest

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import corpus_name, load_corpus
from hf_ecg.data.readers.aurora_bp import aurora_bp_corpus
from hf_ecg.data.readers.columns import RowLeads
from hf_ecg.data.readers.icentia11k import icentia11k_corpus
from hf_ecg.data.readers.mc_med import mc_med_corpus
from hf_ecg.data.readers.mc_med_visits import discharge_group
from hf_ecg.data.readers.music import music_corpus
from hf_ecg.evaluation.clef_tasks.task_table import CORPORA, TASKS
from hf_ecg.signals.annotations import read_annotations
from tests.data import made_clef


def prepared(corpus, folder):
    summary = prepare_corpus(corpus, folder / "out", overwrite=True, progress=False)
    rows = load_corpus(folder / "out", keep_unusable=True)
    return summary, {row["record_id"]: row for row in rows}, rows.features


def label(row, features, name):
    return None if row[name] is None else [features[name].feature.names[number] for number in row[name]]


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clef")
    for name in ("music", "icentia", "mc_med", "aurora"):
        getattr(made_clef, name)(folder / name)
    return folder


def test_music(raw, tmp_path):
    summary, rows, features = prepared(music_corpus(raw / "music", max_windows=2), tmp_path)
    assert summary["config"] == "music_200hz" and summary["left_out"] == {"outcome not known": 1}
    assert summary["skipped"] == {"file missing": 1}
    first = rows["P0001_0"]
    assert (first["leads"], first["num_samples"], first["age"], first["sex"]) == (["X"], 2000, 90, "male")
    assert label(first, features, "outcome") == ["non_cardiac_death"] and first["lvef"] == 35.5
    # 6 and 7 are failures of the pump
    assert {label(rows[f"P{n:04}_0"], features, "outcome")[0] for n in (3, 4)} == {"pump_failure_death"}
    # the flat window of patient 0 is passed over
    assert (rows["P0000_0"]["window_start"], rows["P0000_1"]["window_start"]) == (10, 20)
    assert (rows["P0001_0"]["window_start"], rows["P0001_1"]["window_start"]) == (0, 10)
    wanted = made_clef.wave(35, 200, 3, 1)[2000:4000, 0]
    np.testing.assert_allclose(np.array(rows["P0001_1"]["signal"]) / 1000, wanted, atol=6e-4)
    assert rows["P0001_0"]["fold"] == rows["P0001_1"]["fold"] and rows["P0001_0"]["patient_id"] == "P0001"


def test_music_under_other_names(raw, tmp_path):
    channels = RowLeads(("I",), {"X": "I"})
    corpus = music_corpus(raw / "music", sampling_rate=100, channels=channels, columns={"age": "LVEF (%)"})
    assert corpus.facts["leads"] == ["I"] and corpus.config_name == "music_100hz"
    (row,) = corpus.read(next(items[0] for items in corpus.splits.values() if items))
    assert row["leads"] == ["I"] and row["num_samples"] == 1000 and row["age"] == 35.5
    with pytest.raises(ValueError, match="columns names 'aeg' .did you mean 'age'"):
        music_corpus(raw / "music", columns={"aeg": "Age"})
    with pytest.raises(ValueError, match="has no column 'Outcome', which is the cause; it has Patient ID.*--columns"):
        music_corpus(raw / "music", columns={"cause": "Outcome"})
    with pytest.raises(OSError, match="subject-info.csv is not there: looked for"):
        music_corpus(raw / "aurora")


def test_icentia(raw, tmp_path):
    summary, rows, features = prepared(icentia11k_corpus(raw / "icentia"), tmp_path)
    assert summary["patients_found"] == 3 and not summary["skipped"]
    of_one = [row for row in rows.values() if row["patient_id"] == "p00000"]
    found = sorted(str(label(row, features, name)) for row in of_one for name in ("beat", "rhythm") if row[name])
    # AFL lasts shorter than a window
    assert found == sorted(["['N']", "['S']", "['V']", "['AFIB']", "['N']"])
    assert all((row["beat"] is None) != (row["rhythm"] is None) for row in of_one)
    assert {(row["num_samples"], row["sampling_rate"], *row["leads"]) for row in of_one} == {(2500, 250.0, "MLI")}
    assert len({row["fold"] for row in of_one}) == 1
    for row in of_one:
        segment, first, _ = row["record_id"].rsplit("_", 2)
        marks = read_annotations(raw / "icentia/p00/p00000" / segment)
        if row["beat"]:
            middle = marks.beats.symbols[marks.beats.samples == int(first) + 1250]
            assert middle.tolist() == label(row, features, "beat")
        elif label(row, features, "rhythm") == ["AFIB"]:
            assert int(first) + 2500 <= 5000  # before the bracket that ends it


def test_icentia_takes_more_and_fewer(raw):
    corpus = icentia11k_corpus(raw / "icentia", per_class=3, max_patients=1)
    (patient,) = [item for items in corpus.splits.values() for item in items]
    rows = corpus.read(patient)
    assert [sum(row["beat"] == [name] for row in rows) for name in "NSV"] == [3, 3, 3]
    assert len({row["record_id"] for row in rows}) == len(rows)
    assert [row["record_id"] for row in corpus.read(patient)] == [row["record_id"] for row in rows]
    other = icentia11k_corpus(raw / "icentia", max_patients=1, seed=5)
    assert {row["record_id"] for row in other.read(patient)} != {row["record_id"] for row in rows}
    with pytest.raises(OSError, match="holds no segment such as p00/p00000/p00000_s00.hea"):
        icentia11k_corpus(raw / "music")
    with pytest.raises(ValueError, match="per_class is 0"):
        icentia11k_corpus(raw / "icentia", per_class=0)


def test_mc_med(raw, tmp_path):
    summary, rows, features = prepared(mc_med_corpus(raw / "mc_med"), tmp_path)
    assert summary["rows"] == {"train": 5, "validation": 2, "test": 2} and summary["left_out"] == {
        "without lead II": 1
    }
    by_visit = sorted(rows.values(), key=lambda row: row["record_id"])
    labels = [[label(row, features, name) for row in by_visit] for name in ("ed_disposition", "discharge_disposition")]
    # of visits 0, 1, 3, 4: "Left" is none of the classes, an empty cell is not known
    assert labels[0][:4] == [["discharge"], ["inpatient"], ["icu"], None]
    assert labels[1][:4] == [["home"], ["care_facility"], ["other"], None]
    assert [label(row, features, "acuity") for row in by_visit[:4]] == [["1"], ["2"], None, ["5"]]
    assert [row["triage_sbp"] for row in by_visit[:4]] == [120, None, 123, 124]
    assert (by_visit[0]["age"], by_visit[0]["sex"], by_visit[0]["leads"]) == (90, "female", ["II"])
    assert by_visit[0]["patient_id"] == by_visit[1]["patient_id"] and by_visit[0]["fold"] == by_visit[1]["fold"]


def test_mc_med_splits(raw, tmp_path):
    corpus = mc_med_corpus(raw / "mc_med/data", splitting="hash")
    folds = {item.visit.patient: item.fold for items in corpus.splits.values() for item in items}
    assert len(folds) == 5
    with pytest.raises(OSError, match="split_random_train.csv is not there: .*splitting='hash' draws folds"):
        mc_med_corpus(raw / "mc_med", splitting="random")
    made_clef.mc_med(tmp_path)
    visits = (tmp_path / "data/split_chrono_train.csv").read_text().split()
    (tmp_path / "data/split_chrono_test.csv").write_text(f"CSN\n{visits[0]}\n")
    with pytest.raises(ValueError, match="has the patient 0, who is in train too"):
        mc_med_corpus(tmp_path)


@pytest.mark.parametrize(
    ("cell", "group"),
    [
        ("Home Health Services", "care_facility"),
        ("Hospice/Home", "end_of_life"),
        ("Psychiatric Hospital", "psychiatric_or_rehabilitation"),
        ("Acute Care Hospital", "hospital_transfer"),
        ("Jail", "other"),
    ],
)
def test_groups_of_dispositions(cell, group):
    assert discharge_group(cell) == group


def test_aurora(raw, tmp_path):
    summary, rows, _ = prepared(aurora_bp_corpus(raw / "aurora"), tmp_path)
    assert summary["measurements_found"] == 11 and summary["skipped"] == {"shorter than the window": 1}
    row = rows["a000.initial.Calibration_start_1"]
    assert (row["sbp"], row["dbp"], row["baseline_sbp"], row["age"], row["sex"]) == (110, 70, 118, 50, "male")
    assert (row["leads"], row["num_samples"]) == (["ECG"], 5000)
    np.testing.assert_allclose(np.array(row["signal"]) / 1000, made_clef.wave(10.5, 500)[:5000, 0], atol=6e-4)
    # a gap stays one: nothing behind it moves
    gap = np.array(rows["a002.initial.Calibration_start_1"]["signal"])
    assert gap[7] == -32768 and (gap != -32768).sum() == 4999
    assert len(aurora_bp_corpus(raw / "aurora", measurement="all").splits["train"]) > len(rows)
    with pytest.raises(ValueError, match="has no measurement 'Standing'"):
        aurora_bp_corpus(raw / "aurora", measurement="Standing")
    with pytest.raises(OSError, match="measurements_oscillometric.tsv is not there"):
        aurora_bp_corpus(raw / "aurora", protocols=("oscillometric",))


def test_aurora_at_another_rate_is_left_out(raw, tmp_path):
    made_clef.aurora(tmp_path, people=3)
    file = tmp_path / "measurements_auscultatory/a000/a000.initial.Calibration_start_1.tsv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], *lines[1::2]]) + "\n")
    other = tmp_path / "measurements_auscultatory/a002/a002.initial.Calibration_start_1.tsv"
    other.write_text(other.read_text().replace("ekg", "ecg"))
    corpus = aurora_bp_corpus(tmp_path)
    items = {item.patient_id: item for part in corpus.splits.values() for item in part}
    with pytest.raises(ValueError, match=r"a step of 0.004 s, wanted 0.002 \(500 Hz\)"):
        corpus.read(items["a000"])
    with pytest.raises(ValueError, match="lacks a column: .*ekg.*; wanted t and ekg"):
        corpus.read(items["a002"])


def test_every_task_finds_its_corpus_its_column_and_its_lead(raw):
    made = [
        music_corpus(raw / "music"),
        icentia11k_corpus(raw / "icentia"),
        mc_med_corpus(raw / "mc_med"),
        aurora_bp_corpus(raw / "aurora"),
    ]
    for corpus in made:
        name = corpus_name(corpus.config_name)
        tasks = [task for task in TASKS if task.corpus == name]
        assert tasks and [task.column for task in tasks if task.column not in corpus.features] == []
        assert corpus.facts["leads"] == [CORPORA[name].lead]
        classes = {task.column: corpus.features[task.column] for task in tasks if task.problem != "regression"}
        assert all(hasattr(kind.feature, "names") for kind in classes.values())
