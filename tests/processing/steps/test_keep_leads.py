import numpy as np
import pytest
from transformers import AutoFeatureExtractor

from hf_ecg import ECGFeatureExtractor
from hf_ecg.processing.describe import describe_input

SELECT = {"name": "select_leads"}
LIMB = ["I", "II", "III", "aVR", "aVL", "aVF"]


def extractor(kept, *steps):
    return ECGFeatureExtractor(100, num_samples=200, steps=[SELECT, {"name": "keep_leads", "leads": kept}, *steps])


@pytest.fixture
def signals():
    return np.random.default_rng(0).normal(0, 0.5, (3, 200))


def present(made, inputs):
    return [lead for lead, there in zip(made.leads, inputs["lead_mask"][0], strict=True) if there]


def test_two_leads_stay_two_and_six_are_derived_where_six_are_kept(signals):
    for kept, wanted in ((["ii", "I"], ["I", "II"]), (LIMB, LIMB), (["aVF"], ["aVF"])):
        made = extractor(kept)
        inputs = made(signals, 100, ["I", "II", "V1"], "mV")
        assert present(made, inputs) == wanted
        mask = inputs["lead_mask"][0]
        assert not inputs["input_values"][0, ~mask].any() and inputs["input_values"][0, mask].any(axis=-1).all()


def test_dropped_leads_reach_nothing_and_the_saved_extractor_drops_them_too(signals, tmp_path):
    made = extractor(["I"], {"name": "normalise", "method": "zscore", "over": "record"})
    made.save_pretrained(tmp_path)
    other = signals.copy()
    other[1:] *= 3
    inputs = made(signals, 100, ["I", "II", "V1"], "mV")
    saved = AutoFeatureExtractor.from_pretrained(tmp_path)
    again = ECGFeatureExtractor.from_pretrained(tmp_path)(other, 100, ["I", "II", "V1"], "mV")
    assert np.array_equal(inputs["input_values"], again["input_values"])
    assert saved.to_dict() == made.to_dict()
    assert describe_input(made)["leads"].startswith("I alone; the others of I, II")


def test_a_record_without_any_kept_lead_is_an_error(signals):
    with pytest.raises(ValueError, match=r"record 0: step keep_leads: the record has none of \['V5'\]"):
        extractor(["V5"])(signals, 100, ["I", "II", "V1"], "mV")


@pytest.mark.parametrize(
    "steps, message",
    [
        ([{"name": "keep_leads", "leads": ["I"]}, SELECT], "directly follow select_leads"),
        ([SELECT, {"name": "divide", "divisor": 2.0}, {"name": "keep_leads", "leads": ["I"]}], "directly follow"),
        ([SELECT, {"name": "keep_leads", "leads": "I"}], "wanted a list of lead names"),
        ([SELECT, {"name": "keep_leads", "leads": ["X1"]}], "unknown lead 'X1'"),
    ],
)
def test_impossible_choices_are_refused(steps, message):
    with pytest.raises(ValueError, match=message):
        ECGFeatureExtractor(100, num_samples=200, steps=steps)


def test_leads_that_the_model_does_not_have_are_refused():
    with pytest.raises(ValueError, match=r"keep_leads names \['V5'\], which are not among the model's leads"):
        ECGFeatureExtractor(100, ["I", "II"], 200, [SELECT, {"name": "keep_leads", "leads": ["I", "V5"]}])
