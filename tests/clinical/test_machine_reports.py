import pytest

from hf_ecg.clinical.machine_reports import clean_report_lines


@pytest.mark.parametrize(
    "lines, text",
    [
        (["Sinus rhythm.", None, "", "*** Consider acute MI ***"], "Sinus rhythm. Consider acute MI"),
        (["Borderline EKG", "borderline ecg", "Summary: Abnormal ECG"], "Borderline ECG. Abnormal ECG"),
        (["--- Warning: Data quality may affect interpretation ---", "Sinus  bradycardia"], "Sinus bradycardia"),
        (["Age not entered, assumed to be 50 years old for purpose of ECG interpretation"], ""),
        (["*** report made without knowing patient's sex ***", "--- Pediatric criteria used ---"], ""),
        (["Lead(s) unsuitable for analysis: V1", "All 12 leads are missing", "Analysis error", "***"], ""),
        (["--- Suspect limb lead reversal - only V1-V6 analyzed ---", "LBBB"], "LBBB"),
        (["Poor R wave progression - probable normal variant"], "Poor R wave progression - probable normal variant"),
        ([], ""),
    ],
)  # fmt: skip
def test_sentences(lines, text):
    assert clean_report_lines(lines) == text


def test_as_merl_has_it():
    lines = ["*** Sinus rhythm", None, "Normal EKG ***", "Normal EKG="]
    assert clean_report_lines(lines, "merl") == "*** sinus rhythm. normal ecg ***. normal ecg.".lstrip("* ")
    assert clean_report_lines(["", None], "merl") == ""


def test_unknown_style():
    with pytest.raises(ValueError, match="style is 'haiku'"):
        clean_report_lines(["Sinus rhythm"], "haiku")
