import pytest

from hf_ecg.clinical import score2_risk
from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.readers.mimic_iv_ecg import mimic_iv_ecg_corpus
from hf_ecg.data.readers.ptb_xl import ptb_xl_corpus
from hf_ecg.data.risk import with_risk
from hf_ecg.data.schema import RISK_INPUTS
from tests.data.made_mimic import MadeMimic

WHO, STUDY = 10_000_032, 40_689_238
ABOUT = {"subject_id": WHO}


@pytest.fixture
def made(tmp_path):
    """A woman of 60 in 2150, with an ECG on 1 June of 2150 and of 2160."""
    made = MadeMimic(tmp_path / "raw")
    made.add(WHO, STUDY, "2150-06-01 10:00:00")
    made.add(WHO, STUDY + 1, "2160-06-01 10:00:00")
    made.clinical["hosp/patients"].append(ABOUT | {"gender": "F", "anchor_age": 60, "anchor_year": 2150})
    return made


def rows_of(made, tmp_path, region=None, **options):
    made.save()
    corpus = mimic_iv_ecg_corpus(made.folder, tmp_path / "index", made.mimic_iv, progress=False, **options)
    corpus = with_risk(corpus, region) if region else corpus
    summary = prepare_corpus(corpus, tmp_path / "out", progress=False, overwrite=True)
    rows = load_corpus(tmp_path / "out").remove_columns("signal").sort("record_id")
    return summary, list(rows)


def pressure(date, value, name="Blood Pressure"):
    return ABOUT | {"chartdate": date, "result_name": name, "result_value": value}


def lab(time, item, value, unit="mg/dL"):
    return ABOUT | {"itemid": item, "charttime": time, "valuenum": value, "valueuom": unit}


def admit(made, number, discharged, *codes):
    made.clinical["hosp/admissions"].append(ABOUT | {"hadm_id": number, "dischtime": f"{discharged} 12:00:00"})
    for code, version in codes:
        made.clinical["hosp/diagnoses_icd"].append(
            ABOUT | {"hadm_id": number, "icd_code": code, "icd_version": version}
        )


def test_age_at_the_ecg_and_sex(made, tmp_path):
    made.add(WHO, STUDY + 2, "2190-01-01 00:00:00")
    made.add(WHO + 1, STUDY + 3)
    _, rows = rows_of(made, tmp_path)
    assert [row["age"] for row in rows] == [60, 70, 90, None]
    assert [row["sex"] for row in rows] == ["female", "female", "female", None]


def test_pressures_are_outpatient_first_latest_and_never_of_later(made, tmp_path):
    made.clinical["hosp/omr"] += [
        pressure("2149-01-01", "150/90"),
        pressure("2150-05-01", "120/80"),
        pressure("2150-05-01", "130/80", "Blood Pressure Sitting"),
        pressure("2150-05-02", "190/80", "Blood Pressure Standing (1 min)"),
        pressure("2150-05-03", "1200/80"),
        pressure("2150-05-03", "no/80"),
        pressure("2150-06-02", "170/80"),
    ]
    made.clinical["ed/edstays"].append(ABOUT | {"stay_id": 3, "intime": "2150-05-30 00:00:00"})
    made.clinical["ed/triage"].append(ABOUT | {"stay_id": 3, "sbp": "180"})
    summary, rows = rows_of(made, tmp_path)
    assert [(row["sbp_mmhg"], row["sbp_source"]) for row in rows] == [(125, "outpatient"), (None, None)]
    assert list(summary["risk_inputs"]["refused"].values()) == [2]
    made.clinical["hosp/omr"] = []
    _, rows = rows_of(made, tmp_path)
    assert (rows[0]["sbp_mmhg"], rows[0]["sbp_source"]) == (180, "emergency")
    _, rows = rows_of(made, tmp_path, risk_input_years=20)
    assert rows[1]["sbp_mmhg"] == 180


def test_cholesterol_in_mmol_per_litre(made, tmp_path):
    made.clinical["hosp/labevents"] += [
        lab("2150-05-31 00:00:00", 50907, 193.35),
        lab("2150-06-01 10:00:01", 50907, 300),
        lab("2150-05-31 00:00:00", 50904, 1.3, "mmol/L"),
        lab("2150-05-30 00:00:00", 50907, 5000),
        lab("2150-05-31 00:00:00", 50861, 1),
    ]
    summary, rows = rows_of(made, tmp_path)
    assert rows[0]["total_cholesterol_mmol_l"] == pytest.approx(5.0)
    assert rows[0]["hdl_cholesterol_mmol_l"] == pytest.approx(1.3)
    assert rows[1]["total_cholesterol_mmol_l"] is None  # ten years old
    assert summary["risk_inputs"]["refused"] == {"hosp/labevents: no usable total_cholesterol_mmol_l": 1}


def test_diagnoses_count_from_the_end_of_their_admission(made, tmp_path):
    admit(made, 1, "2150-06-02", ("E119", 10), ("I214", 10), ("F17210", 10))
    _, rows = rows_of(made, tmp_path, risk_input_years=20)
    assert [rows[0][name] for name in ("diabetes", "prior_disease", "smoker")] == [None, None, None]
    assert [rows[1][name] for name in ("diabetes", "prior_disease", "smoker")] == [True, True, True]


def test_missing_smoking_is_missing_and_other_absence_needs_an_admission(made, tmp_path):
    admit(made, 1, "2150-01-02", ("I10", 10))
    _, rows = rows_of(made, tmp_path)
    assert [rows[0][name] for name in ("diabetes", "prior_disease", "smoker")] == [False, False, None]
    admit(made, 2, "2150-01-03", ("3051", 9))
    admit(made, 3, "2150-01-04", ("Z87891", 10))
    _, rows = rows_of(made, tmp_path)
    assert rows[0]["smoker"] is False


@pytest.mark.parametrize("value, expected", [(6.4, [False, None]), (6.5, [True, True])])
def test_diabetes_by_hba1c(made, tmp_path, value, expected):
    made.clinical["hosp/labevents"].append(lab("2150-05-31 00:00:00", 50852, value, "%"))
    assert [row["diabetes"] for row in rows_of(made, tmp_path)[1]] == expected


def test_risk_and_its_missing_rate(made, tmp_path):
    made.clinical["hosp/omr"].append(pressure("2150-05-01", "140/80"))
    summary, rows = rows_of(made, tmp_path, "high")
    expected = score2_risk(60, "female", None, 140, None, None, None, region="high")
    assert rows[0]["risk"] == pytest.approx(float(expected.risk)) and rows[0]["risk_missing_rate"] == pytest.approx(
        0.8
    )
    assert rows[1]["risk_missing_rate"] == 1.0 and rows[1]["risk"] > rows[0]["risk"]
    assert summary["risk"]["region"] == "high" and "10-year risk" in (tmp_path / "out" / "README.md").read_text()
    with pytest.raises(ValueError, match="region is 'moon'"):
        rows_of(made, tmp_path, "moon")


def test_clinical_tables_that_are_not_mimics(made, tmp_path):
    made.clinical["hosp/patients"][0]["gender"] = "female"
    with pytest.raises(ValueError, match="gender holds"):
        rows_of(made, tmp_path)
    (made.mimic_iv / "hosp" / "patients.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"no hosp/patients\.csv"):
        mimic_iv_ecg_corpus(made.folder, tmp_path / "index", made.mimic_iv, progress=False)
    made.clinical["hosp/patients"][0]["gender"] = "F"
    made.save()
    (made.mimic_iv / "hosp" / "admissions.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"without hosp/admissions\.csv"):
        mimic_iv_ecg_corpus(made.folder, tmp_path / "index", made.mimic_iv, progress=False)


def test_ptb_xl_has_the_same_columns_with_what_it_knows(small, tmp_path):
    small.change(0, age="50", sex="0")
    small.change(1, age="300")
    prepare_corpus(with_risk(ptb_xl_corpus(small.folder), "low"), tmp_path / "ptb", progress=False)
    rows = load_corpus(tmp_path / "ptb").remove_columns("signal")
    assert set(RISK_INPUTS) <= set(rows.column_names)
    first, second = rows[0], rows[1]
    assert [first[name] for name in RISK_INPUTS] == [None] * 6
    expected = score2_risk(50, "male", None, None, None, None, None)
    assert first["risk"] == pytest.approx(float(expected.risk)) and first["risk_missing_rate"] == 1.0
    assert second["age"] == 90 and second["risk"] is None
