import pytest

from hf_ecg.clinical.icd import risk_statements

DIABETES, SMOKES, SMOKED, PRIOR = {"diabetes": True}, {"smoker": True}, {"smoker": False}, {"prior_disease": True}


@pytest.mark.parametrize(
    "code, version, said",
    [
        ("25000", 9, DIABETES), ("E11.9", 10, DIABETES), ("E139", 10, DIABETES), ("E149", 10, {}), ("2500", 10, {}),
        ("3051", 9, SMOKES), ("F17210", 10, SMOKES), ("z72.0", 10, SMOKES), ("F17220", 10, {}),
        ("V1582", 9, SMOKED), ("Z87891", 10, SMOKED), ("F17211", 10, SMOKED),
        ("41001", 9, PRIOR), ("43491", 9, PRIOR), ("V4582", 9, PRIOR), ("431", 9, {}),
        ("I252", 10, PRIOR), ("I639", 10, PRIOR), ("Z951", 10, PRIOR), ("G459", 10, PRIOR), ("G454", 10, {}),
        ("I619", 10, {}), ("I10", 10, {}), ("I480", 10, {}), ("R739", 10, {}), ("", 9, {}),
    ],
)  # fmt: skip
def test_what_codes_say(code, version, said):
    assert risk_statements(code, version) == said


def test_unknown_version():
    with pytest.raises(ValueError, match="version is 11"):
        risk_statements("BA41", 11)
