"""Original reports: cleaning, languages, duplicates, and what is too little to train on."""

import csv

import pytest

from hf_ecg.clinical.machine_reports import clean_report_lines
from hf_ecg.clinical.reports import (
    REPORT_RULES,
    clean_report,
    count_refusals,
    duplicate_groups,
    refusal,
    report_language,
)


@pytest.mark.parametrize(
    "report, cleaned",
    [
        ("normales ekg 4.46                          unbestÄtigter bericht", "normales ekg"),
        ("leitungsstÖrung 4.46       ", "leitungsstörung"),
        ("x 4.46    unbestÄti", "x"),
        ("sinus rhythm. normal ecg. Edit: NORM 100, (NORM 100)", "sinus rhythm. normal ecg."),
        ("qrs 14.46 mv", "qrs 14.46 mv"),
        ("trace only requested.", ""),
        ("trace only requested. Edit: LVH, ISC_", ""),
        ("Övervägas consensus label derived from: {'NDT': 100.0},{'NORM': 50.0, 'SR': 0.0}", "övervägas"),
        ("kriterien f#r lvh r-s #bergang", "kriterien für lvh r-s übergang"),
        ("normal ecg. lead v4 shows artifact.", "normal ecg."),
        ("* armelektroden möglicherweise vertauscht sinusrhythmus", "sinusrhythmus"),
        ("sinusrytm  ó¿  ó¬ st-t", "sinusrytm st-t"),
        ("", ""),
    ],
)
def test_clean_report(report, cleaned):
    assert clean_report(report) == cleaned


def test_no_real_report_keeps_codes_or_the_recorders_stamp(ptb_xl_dir):
    with open(ptb_xl_dir / "ptbxl_database.csv", encoding="utf-8", newline="") as file:
        texts = [clean_report(row["report"]) for row in csv.DictReader(file)]
    marks = ("edit:", "4.46", "tigter bericht", "consensus", "{", "#", "artifact", "trace only")
    assert not [text for text in texts if any(mark in text for mark in marks)]


@pytest.mark.parametrize(
    "text, language",
    [
        ("sinusrhythmus lagetyp normal unspezifisches abnormes t", "de"),
        ("sinus rhythm. normal ecg.", "en"),
        ("sinusrytm vänster el-axel eljest normalt ekg", "sv"),
        ("schrittmacher ekg", "de"),
        ("sinus arrhythmia. normal ecg.", "en"),
        ("ekg", None),
        ("", None),
    ],
)
def test_language(text, language):
    assert report_language(text) == language


def test_duplicates_are_equal_texts():
    groups = duplicate_groups(["a b", None, "a b ", "", "a b", "  ", "c"])
    assert groups == {"a b": [0, 4], "a b ": [2], "c": [6]}
    assert list(groups) == ["a b", "a b ", "c"]


@pytest.mark.parametrize(
    "text, merl, fg_clep",
    [
        ("", "empty", "empty"),
        (None, "empty", "empty"),
        ("...", "empty", "empty"),
        ("normal ecg", "fewer than 4 words", "fewer than 3 words"),
        ("sinusrhythmus normales ekg", "fewer than 4 words", None),
        ("this is an abnormal ecg", None, "uninformative"),
        ("Abnormal ECG. Compared with tracing of 2:4:91.", None, "uninformative"),
        ("sinus rhythm. compared with tracing of 2:4:91.", None, None),
        ("no change since trace of 12.9.91.", None, "uninformative"),
        ("Sinus rhythm with PVC(s). Abnormal ECG", None, None),
    ],
)
def test_refusal(text, merl, fg_clep):
    assert refusal(text, REPORT_RULES["merl"]) == merl
    assert refusal(text, REPORT_RULES["fg_clep"]) == fg_clep


def test_a_report_that_was_not_analysed_is_refused_whatever_is_left_of_it():
    lines = ["Sinus rhythm with PAC(s)", "Lead(s) unsuitable for analysis: V1"]
    text = clean_report_lines(lines)
    assert text == "Sinus rhythm with PAC(s)"
    assert refusal(text, REPORT_RULES["fg_clep"], "\n".join(lines)) == "unexpected situation"
    assert refusal("", REPORT_RULES["fg_clep"], "Analysis error") == "unexpected situation"
    assert refusal(text, REPORT_RULES["merl"], "\n".join(lines)) is None


def test_what_the_rules_refuse_of_the_real_reports(ptb_xl_dir):
    with open(ptb_xl_dir / "ptbxl_database.csv", encoding="utf-8", newline="") as file:
        reports = [row["report"] for row in csv.DictReader(file)]
    texts = [clean_report(report) for report in reports]
    assert count_refusals(texts, REPORT_RULES["merl"]) == {"fewer than 4 words": 300, "empty": 57}
    assert count_refusals(texts, REPORT_RULES["fg_clep"], reports) == {"empty": 57, "fewer than 3 words": 39}
    with pytest.raises(ValueError, match="2833 texts and 1 reports"):
        count_refusals(texts, REPORT_RULES["merl"], ["x"])
