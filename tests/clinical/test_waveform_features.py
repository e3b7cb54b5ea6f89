import re

import pytest

from hf_ecg.clinical.scp import CODES
from hf_ecg.clinical.waveform_features import (
    TABLE,
    WAVEFORM_FEATURES,
    features_of_codes,
    features_of_report,
    is_evaluated_prompt,
    read_waveform_features,
)
from hf_ecg.signals.leads import STANDARD_LEADS


def test_every_statement_with_criteria_has_rows():
    assert {row.code for row in WAVEFORM_FEATURES} == CODES - {"SEHYP"}


def test_no_feature_is_an_evaluated_prompt_unless_flagged():
    assert [row.feature for row in WAVEFORM_FEATURES if is_evaluated_prompt(row.feature) != row.equals_prompt] == []


@pytest.mark.parametrize("text", ["inverted T-waves", "Inverted T waves.", "prolonged  PR-interval", "VORHOFFLIMMERN"])
def test_spelling_does_not_hide_a_prompt(text):
    assert is_evaluated_prompt(text)


def test_a_feature_in_some_leads_is_no_prompt():
    assert not is_evaluated_prompt("inverted T waves in leads V1 to V3")


def test_leads_are_those_of_the_text():
    for row in WAVEFORM_FEATURES:
        named = set(re.findall(r"\b(?:aV[RLF]|V[1-6]|I{1,3})\b", row.feature))
        if span := re.search(r"V(\d) to V(\d)", row.feature):
            named |= {f"V{number}" for number in range(int(span[1]), int(span[2]) + 1)}
        for kind, leads in (("limb", STANDARD_LEADS[:6]), ("chest", STANDARD_LEADS[6:])):
            named |= set(leads) if f"all {kind} leads" in row.feature else set()
        assert tuple(lead for lead in STANDARD_LEADS if lead in named) == row.leads, row


def test_a_feature_is_stated_by_the_same_statements_everywhere():
    stated = {}
    for row in WAVEFORM_FEATURES:
        assert stated.setdefault(row.feature, set(row.stated_as)) == set(row.stated_as), row
        assert not row.feature.endswith(".") and ". " not in row.feature


def test_rows_of_codes():
    rows = features_of_codes(["LPR", "IMI", "LPR"])
    assert [row.code for row in rows] == ["LPR"] + ["IMI"] * 5
    assert rows[1].feature == "pathological Q waves in leads II, III and aVF"
    assert (rows[1].leads, rows[1].strength, rows[1].stated_as) == (("II", "III", "aVF"), "required", ("QWAVE",))
    assert "Table 3" in rows[1].source
    assert features_of_codes(["SEHYP"]) == []
    with pytest.raises(ValueError, match="XYZ"):
        features_of_codes(["XYZ"])


def test_features_of_a_report():
    assert features_of_report("long QT-interval. possible prolonged PR interval") == [
        "prolonged QT interval (QTc over 460 ms)",
        "prolonged PR interval (over 200 ms)",
    ]
    both = features_of_report("first degree AV block. sinus rhythm")
    assert both == list(dict.fromkeys(row.feature for row in features_of_codes(["1AVB", "SR"])))
    assert both.count("P wave before every QRS complex") == 1
    assert features_of_report("No ST elevation") == features_of_report("") == []


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("\nLPR,", "\nLPX,", "LPX.*not SCP"),
        ("required,LPR", "needed,LPR", "strength 'needed'"),
        ("\nLPR,prolonged PR interval (over 200 ms),", "\nLPR,,", "without text"),
        ("\nLPR,", "\n1AVB,", "stands twice for 1AVB"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path, old, new, message):
    text = TABLE.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "t.csv").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=f"line .*{message}"):
        read_waveform_features(tmp_path / "t.csv")
