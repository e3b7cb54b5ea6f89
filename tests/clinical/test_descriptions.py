import pytest

from hf_ecg.clinical.descriptions import describe
from hf_ecg.clinical.prompts import load_prompts, prompt_set_names
from hf_ecg.clinical.scp import label_sets, read_statements
from hf_ecg.clinical.waveform_features import STRENGTH_WEIGHTS, WAVEFORM_FEATURES


def test_features_weigh_by_their_strength():
    (one,) = describe(["AFIB"])
    assert one.code == "AFIB"
    assert one.features == (
        ("absent P waves", 1.0),
        ("irregular RR intervals", 1.0),
        ("fibrillatory waves in lead V1", 0.5),
    )
    assert one.only(["irregular RR intervals"]).features == (("irregular RR intervals", 1.0),)
    assert STRENGTH_WEIGHTS == {"required": 1.0, "supportive": 0.5, "possible": 0.0}
    assert {row.strength for row in WAVEFORM_FEATURES} == set(STRENGTH_WEIGHTS)


def test_statements_of_which_the_table_says_nothing_are_left_out():
    assert [one.code for one in describe(["SEHYP", "LPR", "LPR", "NST_"])] == ["LPR"]
    with pytest.raises(ValueError, match="XYZ"):
        describe(["XYZ"])


def test_the_statements_of_gathering_classes_are_those_of_the_corpus(ptb_xl_dir):
    statements = read_statements(ptb_xl_dir / "scp_statements.csv")
    for label_set in ("superdiagnostic", "subdiagnostic"):
        wanted = label_sets(statements)[label_set]
        for name in prompt_set_names():
            prompts = load_prompts(name)
            if prompts.label_set == label_set:
                for one in prompts.classes:
                    assert set(prompts.codes(one)) == set(wanted[one]), (name, one)
