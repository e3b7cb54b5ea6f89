"""Targets from another table, by patient and date. The table is made; no real echocardiogram is here."""

import json
import re
from datetime import datetime, timedelta

import datasets
import numpy as np
import pytest

from hf_ecg.cli import script
from hf_ecg.data import study_match
from hf_ecg.data.builder import Corpus, prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.corpus_card import CorpusCard
from hf_ecg.data.joined_targets import DAYS, JOINED, OtherTable, prepare_joined
from hf_ecg.data.schema import row_features
from hf_ecg.data.study_match import Dated, Window, nearest_studies, parse_times
from hf_ecg.data.survival_columns import rows_with_survival

# record -> patient, date of the ECG
ECGS = {
    "r0": ("007", "2020-03-10 08:00:00"),
    "r1": ("007", "2020-06-01 08:00:00"),
    "r2": ("7", "2020-03-10 08:00:00"),
    "r3": ("b", None),
    "r4": ("c", "2020-03-10 08:00:00"),
    "r5": ("e", "2020-03-10 08:00:00"),
}
ECHO = """subject,when,lvef,severe_as,regurgitation
007,2020-03-01,55,0,mild
007,2020-03-15,40,1,none
007,2020-03-11,,,
7,2020-01-01,30,1,mild
c,2020-03-30,62,0,mild
c,,10,1,none
,2020-03-10,20,1,none
z,2020-03-10,25,1,none
"""


def corpus():
    features = row_features(1, 100, {"all": ["A", "B"]}, {"recording_date": datasets.Value("string")})

    def read(item):
        name, (patient, date) = list(ECGS.items())[item]
        given = {
            "record_id": name,
            "patient_id": patient,
            "signal": np.arange(100, dtype=np.int16),
            "num_samples": 100,
            "sampling_rate": 100,
            "leads": ["I"],
            "gain": [1000.0],
            "baseline": [0.0],
            "fold": 1,
            "text": "",
            "all": ["A"],
            "recording_date": date,
        }
        return dict.fromkeys(features) | given

    def card(summary):
        return CorpusCard("Made", "nothing", "By fold.", "empty", "CC0", "Cite nobody.")

    return Corpus(
        "made_100hz", features, {"train": [0, 1, 2, 3], "test": [4, 5]}, read, {}, card, {"license": "cc0-1.0"}
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "corpus"
    prepare_corpus(corpus(), folder, progress=False)
    return folder


@pytest.fixture
def echo(tmp_path):
    (tmp_path / "echo.csv").write_text(ECHO)
    return tmp_path / "echo.csv"


def joined(made, echo, output, **options):
    window = {key: options.pop(key) for key in ("days", "when", "ties") if key in options}
    options = {"targets": ["lvef"], "window": Window(**window)} | options
    other = OtherTable(echo, patient="subject", date="when", **options)
    return prepare_joined(made, other, output, num_proc=1, progress=False)


def column(folder, name="lvef"):
    rows = load_corpus(folder, keep_unusable=True)
    return dict(zip(rows["record_id"][:], rows[name][:], strict=True))


def test_the_nearest_study_that_knows_something_is_taken(made, echo, tmp_path):
    summary = joined(made, echo, tmp_path / "out", labels=["valves=severe_as"], label_columns=["mr=regurgitation"])
    # the study of 11 March knows nothing; 15 March is nearer than 1 March; "7" is another patient than "007"
    assert column(tmp_path / "out") == {"r0": 40, "r1": None, "r2": None, "r3": None, "r4": 62, "r5": None}
    assert column(tmp_path / "out", DAYS) | {"r0": 5, "r4": 20} == column(tmp_path / "out", DAYS)
    rows = load_corpus(tmp_path / "out", keep_unusable=True)
    assert rows.features["valves"].feature.names == ["severe_as"]
    assert column(tmp_path / "out", "valves")["r0"] == [0] and column(tmp_path / "out", "valves")["r4"] == []
    classes = rows.features["mr"].feature.names
    assert [classes[place] for place in column(tmp_path / "out", "mr")["r4"]] == ["mild"]
    counts = summary[JOINED]
    wanted = {
        "records without a patient": 0,
        "records without a date": 1,
        "studies without a patient": 1,
        "studies without a date": 1,
        "studies that know no target": 1,
        "records of patients without a study": 1,
        "records without a study in the window": 2,
        "records with a study": 2,
        "records with several studies equally near": 0,
    }
    assert {key: counts[key] for key in wanted} == wanted and counts["median_days"] == 12.5
    old = load_corpus(made, keep_unusable=True)
    assert rows.select_columns(old.column_names).to_list() == old.to_list()
    card = (tmp_path / "out" / "README.md").read_text()
    assert (
        "`lvef`, `valves`, `mr`: of the patient's study in echo.csv that is nearest to the ECG, at most 30 days"
        in card
    )


@pytest.mark.parametrize(
    "options, r0, r4",
    [
        ({"when": "before"}, 55, None),
        ({"when": "after"}, 40, 62),
        ({"days": 4}, None, None),
        ({"days": 5}, 40, None),
        ({"days": 100}, 40, 62),
    ],
)
def test_the_window_and_its_side(made, echo, tmp_path, options, r0, r4):
    if options == {"days": 4}:
        with pytest.raises(ValueError, match=r"no record has a study within 4 days .both.: .* in the window"):
            joined(made, echo, tmp_path / "out", **options)
        return
    joined(made, echo, tmp_path / "out", **options)
    found = column(tmp_path / "out")
    assert (found["r0"], found["r4"]) == (r0, r4)


def test_ties_are_an_error_and_two_ways_out_of_it(made, echo, tmp_path):
    echo.write_text(ECHO.replace("2020-03-15", "2020-03-19"))
    with pytest.raises(ValueError, match=r"1 records have several .* such as record r0 .line 2 and line 3.: ties"):
        joined(made, echo, tmp_path / "out")
    summary = joined(made, echo, tmp_path / "left", ties="leave_out")
    assert column(tmp_path / "left")["r0"] is None
    assert summary[JOINED]["records with several studies equally near"] == 1
    joined(made, echo, tmp_path / "first", ties="first")
    assert column(tmp_path / "first")["r0"] == 55 and column(tmp_path / "first", DAYS)["r0"] == -9
    # the same said twice is no tie
    echo.write_text(ECHO.replace("2020-03-15,40,1,none", "2020-03-19,55,0,mild"))
    joined(made, echo, tmp_path / "same")
    assert column(tmp_path / "same")["r0"] == 55


def test_what_does_not_fit_is_refused(made, echo, tmp_path):
    for change, options, message in (
        (("2020-03-15", "15.03.2020"), {}, "line 3: when is '15.03.2020', wanted a date such as 2024-03-31"),
        (("2020-03-15", "2020-03-15T10:00+02:00"), {}, "wanted a date"),
        (("", ""), {"date_format": "%d.%m.%Y"}, "wanted a date such as %d.%m.%Y"),
        (("lvef", "ef"), {}, "no column 'lvef'.*'ef'"),
        (("55", "good"), {}, "line 2: the column 'lvef' has 'good', wanted a number"),
        (("", ""), {"targets": []}, "no column is asked for"),
        (("", ""), {"targets": ["age=lvef"]}, "every row has a column 'age' of its own: write NAME="),
        (("", ""), {"targets": ["all=lvef"]}, r"has the columns \['all'\] already"),
        (("", ""), {"record_date": "recorded"}, "no column 'recorded' with the date of the ECG"),
        (("subject", "subjects"), {}, "no column 'subject'"),
    ):
        echo.write_text(ECHO.replace(*change) if change[0] else ECHO)
        with pytest.raises(ValueError, match=message):
            joined(made, echo, tmp_path / "out", **options)
    echo.write_text("subject,when,lvef\n0007,2020-03-10,50\n")
    with pytest.raises(ValueError, match="no patient of the table is in the corpus: it has 1 such as .'0007'.*'007'"):
        joined(made, echo, tmp_path / "out")
    for options in ({"days": -1}, {"when": "near"}, {"ties": "last"}):
        with pytest.raises(ValueError, match=next(iter(options))):
            Window(**options)


def test_true_and_false_are_events(made, tmp_path):
    table = tmp_path / "deaths.csv"
    table.write_text("subject,when,died\n007,2020-03-11,True\n7,2020-03-09,false\nc,2020-03-09,\n")
    prepare_joined(made, OtherTable(table, "subject", "when", targets=["died"]), tmp_path / "out", progress=False)
    rows = load_corpus(tmp_path / "out", keep_unusable=True)
    assert dict(zip(rows["record_id"], rows["died"], strict=True)) == dict.fromkeys(ECGS) | {"r0": 1.0, "r2": 0.0}


def test_the_days_are_no_target(made, echo, tmp_path):
    other = OtherTable(echo, "subject", "when", targets=[f"{DAYS}=lvef"])
    with pytest.raises(ValueError, match=f"'{DAYS}' is how many days after the ECG the study was"):
        prepare_joined(made, other, tmp_path / "out", progress=False)


def test_the_command_reads_other_dates_and_its_targets_are_those_of_a_regression(made, echo, tmp_path, capsys):
    echo.write_text("subject\twhen\tlvef\n007\t09.03.2020\t48\n")
    arguments = ["--data", str(made), "--table", str(echo), "--patient_column", "subject", "--date_column", "when"]
    arguments += ["--targets", "ef=lvef", "--date_format", "%d.%m.%Y", "--num_proc", "1"]
    summary = script("prepare targets")([*arguments, "--output_dir", str(tmp_path / "out")])
    assert json.loads((tmp_path / "out" / "summary.json").read_text())[JOINED]["targets"] == ["ef"]
    assert summary[JOINED]["records with a study"] == 1
    assert re.search("next: hf-ecg finetune --model .* --target ef ", capsys.readouterr().out)
    assert column(tmp_path / "out", "ef")["r0"] == 48
    assert rows_with_survival(load_corpus(tmp_path / "out"), [DAYS, "ef"])["record_id"][:] == ["r0"]


def plainly(records, studies, days, when):
    """The number of the nearest study of each record, by a loop."""
    found = []
    for patient, time in records:
        best = None
        for number, (other, then) in enumerate(studies):
            after = (then - time).total_seconds() / 86_400
            side = {"both": True, "before": after <= 0, "after": after >= 0}[when]
            if patient == other and side and abs(after) <= days and (best is None or abs(after) < best[0]):
                best = (abs(after), number)
        found.append(-1 if best is None else best[1])
    return found


@pytest.mark.parametrize("when", study_match.WHEN)
def test_with_times_of_day_it_is_what_a_loop_finds(when):
    generator, start = np.random.default_rng(0), datetime(2020, 1, 1, 7, 30)

    def dated(number):
        patients = generator.choice(["a", "b", "c"], number).tolist()
        return [
            (one, start + timedelta(minutes=int(m)))
            for one, m in zip(patients, generator.permutation(50_000), strict=False)
        ]

    records, studies = dated(60), dated(40)
    sides = []
    for side in (records, studies):
        times, wrong = parse_times([str(time) for _, time in side])
        assert not wrong
        sides.append(Dated([str(n) for n in range(len(side))], [patient for patient, _ in side], times))
    found = nearest_studies(*sides, list(range(40)), Window(0.5, when))
    assert found.studies.tolist() == plainly(records, studies, 0.5, when)
    exact = [(studies[s][1] - records[r][1]).total_seconds() / 86_400 for r, s in enumerate(found.studies) if s >= 0]
    np.testing.assert_allclose(found.days[found.studies >= 0], exact)
