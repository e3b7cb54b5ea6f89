import pytest

from hf_ecg.clinical.feature_rules.verdict import Verdict, undecided


def test_a_verdict_is_kept_rejected_or_undecided():
    assert Verdict("wide QRS complex", "measured", 1.4, True, "QRS 140 ms").verdict == "kept"
    assert Verdict("wide QRS complex", "clep", 0.2, False, "below 0.7").verdict == "rejected"
    assert undecided("delta wave", "no measurement").verdict == "undecided"
    assert undecided("delta wave", "too few positives", 0.4).score == 0.4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x", "expert", 1.0, True, ""), "verifier is 'expert'"),
        (("x", "none", 1.0, True, ""), "kept by none"),
        (("x", "clep", None, True, ""), "with score None"),
        (("x", "measured", float("nan"), False, ""), "score is nan"),
    ],
)
def test_what_nothing_decided_is_not_kept(arguments, message):
    with pytest.raises(ValueError, match=message):
        Verdict(*arguments)
