import csv

import pytest

from hf_ecg.clinical.report_statements import codes_of_report, mentions
from hf_ecg.clinical.scp import compose_text, parse_scp_codes, read_statements


def test_composed_texts_are_read_back(ptb_xl_dir):
    statements = read_statements(ptb_xl_dir / "scp_statements.csv")
    assert [code for code in statements if codes_of_report(statements[code].sentence) != [code]] == []
    with open(ptb_xl_dir / "ptbxl_database.csv", encoding="utf-8", newline="") as file:
        written = {row["scp_codes"] for row in csv.DictReader(file)}
    records = [parse_scp_codes(codes) for codes in written]
    wrong = [codes for codes in records if set(codes_of_report(compose_text(codes, statements))) != set(codes)]
    assert len(records) > 500 and wrong == []


@pytest.mark.parametrize(
    "report, codes",
    [
        ("Sinus rhythm with 1st degree A-V block. Inferior infarct - age undetermined", ["SR", "1AVB", "IMI"]),
        ("RBBB with left anterior fascicular block", ["CRBBB", "LAFB"]),
        ("Incomplete RBBB", ["IRBBB"]),
        ("Atrial fibrillation with rapid ventricular response. PVC(s)", ["AFIB", "PVC"]),
        ("Inferior/lateral ST-T changes may be due to myocardial ischemia", ["ISCIL"]),
        ("Lateral ST-T changes are nonspecific", ["NST_", "NT_"]),
        ("Possible Left atrial abnormality. Consider left ventricular hypertrophy", ["LAO/LAE", "LVH"]),
        ("Low QRS voltages in limb leads. Prolonged QT interval", ["LVOLT", "LNGQT"]),
        ("A-V dual-paced rhythm", ["PACE"]),
        ("Otherwise normal ECG", ["NORM"]),
        ("Abnormal ECG. Borderline ECG. Left axis deviation", []),
        ("", []),
        ("sinusrhythmus linkstyp qrs(t) abnorm inferiorer infarkt alter unbest.", ["SR", "ABQRS", "IMI"]),
        ("sinusrytm vänster kammarhypertrofi ospecifik t-förändring", ["SR", "LVH", "NDT"]),
        ("sinus rhythm. q waves in ii, iii, avf consistent with old inferior myocardial infarction.",
         ["SR", "QWAVE", "IMI"]),
    ],
)  # fmt: skip
def test_reports(report, codes):
    assert codes_of_report(report) == codes


@pytest.mark.parametrize(
    "report, codes",
    [
        ("No ST elevation", []),
        ("No evidence of LVH, RVH or ischemia", []),
        ("Sinus rhythm without ST depression but with inverted T waves", ["SR", "INVT"]),
        ("No ST elevation, T wave inversion in V5 or V6", ["INVT"]),
        ("No ST elevation. Sinus rhythm", ["SR"]),
        ("Atrial fibrillation no longer present", []),
        ("Q waves in II, III, aVF are not present", []),
        ("Sinus rhythm has replaced atrial fibrillation", ["SR"]),
        ("Absence of P waves consistent with atrial fibrillation", ["AFIB"]),
        ("sinusrhythmus kein inferiorer infarkt linksschenkelblock", ["SR", "CLBBB"]),
        ("sinusrytm inga ventrikulära extrasystolier", ["SR"]),
    ],
)
def test_what_is_denied_is_no_statement(report, codes):
    assert codes_of_report(report) == codes


@pytest.mark.parametrize(
    "report, codes",
    [
        ("Cannot rule out anterior infarct - age undetermined", ["AMI"]),
        ("No significant change in inferior infarct", ["IMI"]),
        ("inferiorer myokardschaden nicht auszuschliessen", ["IMI"]),
        ("lateral myokardskada kan ej uteslutas", ["LMI"]),
    ],
)
def test_what_is_uncertain_is_a_statement(report, codes):
    assert codes_of_report(report) == codes


@pytest.mark.parametrize(
    "text",
    [
        "no atrial fibrillation",
        "A. fib.",
        "AF with a rapid rate",
        "atrial fibrilation",
        "rhythm is not Atrial\u00a0Fibrillations",
        "atrial flutter or fibrillation",
        "atrial\u200b fibril\u00adlation",
        "auricular fibrillation",
    ],
)
def test_what_names_a_statement_at_all_is_found(text):
    assert mentions(text, ["AFIB"]) and not mentions(text, ["CLBBB", "PAC"]) and not mentions(text, [])


def test_what_names_a_statement_inside_another_is_found():
    assert mentions("voltage criteria for left ventricular hypertrophy", ["LVH"])
    assert mentions("no VPBs", ["PVC"])
    for text in ("irregular RR intervals", "absent P waves", "inverted T waves in lateral leads", "atrial ectopic"):
        assert not mentions(text, ["AFIB"])
