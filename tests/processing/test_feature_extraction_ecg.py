import json

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoFeatureExtractor, PreTrainedConfig

from hf_ecg import __version__
from hf_ecg.processing import ECGFeatureExtractor
from hf_ecg.signals import read
from hf_ecg.signals.leads import STANDARD_LEADS

BAND = {"name": "bandpass", "low_hz": 0.67, "high_hz": 40.0, "order": 5, "form": "ba", "zero_phase": True}
SOS = {"name": "highpass", "low_hz": 0.5, "order": 3, "form": "sos", "zero_phase": True}
# Every step of the package once, in an order that gives each something to do.
RECIPES = {
    "default": None,
    "filtered": [
        {"name": "fill_missing", "method": "neighbour_mean", "neighbours": 6},
        {"name": "resample", "method": "fft"},
        {"name": "filter", "filter": BAND},
        {"name": "normalise", "method": "zscore", "over": "record", "return_amplitude": True},
        {"name": "crop", "position": "center"},
        {"name": "pad", "position": "both"},
    ],
    "statistics before the leads are selected": [
        {"name": "normalise", "method": "minmax", "over": "record", "minimum": -3.0, "maximum": 3.0},
        {"name": "mask_flat_leads", "maximum_range": 0.01},
        {"name": "select_leads"},
        {"name": "fill_missing"},
        {"name": "resample", "method": "linear"},
        {"name": "filter", "filter": SOS},
        {"name": "divide", "divisor": 5.0},
        {"name": "pad"},
        {"name": "crop"},
    ],
    "per lead": [
        {"name": "resample"},
        {"name": "normalise", "method": "zscore", "over": "lead"},
        {"name": "multi_crop", "num_samples": 700, "count": 3},
        {"name": "pad"},
    ],
    "one lead": [{"name": "pick_lead"}, {"name": "resample"}, {"name": "crop"}, {"name": "pad"}],
}


def same(first, second):
    assert set(first) == set(second)
    for key in first:
        assert np.array_equal(first[key], second[key]), key


@pytest.fixture(scope="module")
def real(ptb_xl_records):
    """`(ten records, 12 leads, 1000 samples)` in millivolts, float32."""
    return np.stack([read(path).to_millivolts() for path in ptb_xl_records]).astype(np.float32)


@pytest.mark.parametrize("name", RECIPES)
def test_order_and_case_of_the_leads_change_no_bit(real, name):
    extractor = ECGFeatureExtractor(sampling_rate=250, num_samples=1250, steps=RECIPES[name])
    lead = "II" if name == "one lead" else None
    generator = np.random.default_rng(0)
    for count in (12, 9):
        # Without III, aVR and aVL: they are derived, whichever place their sources have.
        kept = [i for i in range(12) if count == 12 or i not in (2, 3, 4)]
        signals, leads = real[:, kept], [STANDARD_LEADS[i] for i in kept]
        wanted = extractor(signals, 100, leads, "mV", lead)
        assert wanted["lead_mask"].all()
        for change in (str.lower, str.upper):
            order = generator.permutation(count)
            same(wanted, extractor(signals[:, order], 100, [change(leads[i]) for i in order], "mV", lead))


@pytest.mark.parametrize("name", RECIPES)
def test_a_batch_is_its_records_one_by_one(real, name):
    extractor = ECGFeatureExtractor(sampling_rate=250, num_samples=1250, steps=RECIPES[name])
    arguments = (100, STANDARD_LEADS, "mV", "II" if name == "one lead" else None)
    together = extractor(real, *arguments)
    alone = [extractor(record, *arguments) for record in real]
    for key in together:
        if key != "record_index":
            assert np.array_equal(together[key], np.concatenate([batch[key] for batch in alone])), key


def test_derived_limb_leads_err_by_at_most_five_microvolts(real):
    extractor = ECGFeatureExtractor(sampling_rate=100, num_samples=1000)
    kept = [0, 1, 6, 7, 8, 9, 10, 11]
    batch = extractor(real[:, kept], 100, [STANDARD_LEADS[i] for i in kept], "mV")
    assert np.abs(batch["input_values"] - real).max() <= 0.005


def test_real_records_pass_the_default_recipe(ptb_xl_records):
    batch = ECGFeatureExtractor(sampling_rate=500)(ptb_xl_records, return_tensors="pt")
    assert batch["input_values"].shape == (10, 12, 5000) and batch["input_values"].dtype == torch.float32
    assert batch["lead_mask"].dtype == batch["sample_mask"].dtype == torch.bool
    assert batch["lead_mask"].shape == (10, 12) and batch["sample_mask"].shape == (10, 5000)
    assert list(batch) == ECGFeatureExtractor().model_input_names


def test_absent_leads_are_zero_and_false(ecg):
    extractor = ECGFeatureExtractor(
        sampling_rate=100,
        num_samples=1000,
        steps=[{"name": "normalise", "method": "minmax", "minimum": 1, "maximum": 2}],
    )
    batch = extractor(ecg(3), 100, ["V4", "I", "V1"], "mV")
    present = [lead in ("V4", "I", "V1") for lead in STANDARD_LEADS]
    assert batch["lead_mask"].tolist() == [present]
    assert not batch["input_values"][0][~np.array(present)].any()
    assert batch["input_values"][0][present].min() >= 1


def test_a_lead_of_nothing_but_nan_is_absent(ecg):
    signals = np.stack([ecg(seed=0), ecg(seed=1), ecg(seed=2)])
    signals[1, 8] = np.nan
    signals[2, 2] = np.nan
    batch = ECGFeatureExtractor(sampling_rate=100, num_samples=1000, steps=[])(signals, 100, STANDARD_LEADS, "mV")
    assert np.argwhere(~batch["lead_mask"]).tolist() == [[1, 8]]
    assert not batch["input_values"][1, 8].any()
    # III is a limb lead: it comes back from I and II.
    np.testing.assert_allclose(batch["input_values"][2, 2], signals[2, 1] - signals[2, 0], atol=1e-6)


def test_a_record_with_none_of_the_models_leads(ecg):
    with pytest.raises(ValueError, match="record 0.*V7"):
        ECGFeatureExtractor(sampling_rate=100, num_samples=1000)(ecg(1), 100, ["V7"], "mV")


def test_length_is_checked_and_any_length_is_padded(ecg):
    records = [ecg(num_samples=900, seed=1), ecg(num_samples=1000, seed=2), ecg(num_samples=900, seed=3)]
    strict = ECGFeatureExtractor(sampling_rate=100, num_samples=1000, steps=[])
    with pytest.raises(ValueError, match="record 0.*900 samples.*1000"):
        strict(records, 100, STANDARD_LEADS, "mV")
    free = ECGFeatureExtractor(sampling_rate=100, num_samples=None)
    batch = free(records, 100, STANDARD_LEADS, "mV")
    assert batch["sample_mask"].sum(1).tolist() == [900, 1000, 900]
    for row, record in enumerate(records):
        length = record.shape[1]
        assert np.array_equal(batch["input_values"][row, :, :length], record.astype(np.float32))
        assert not batch["input_values"][row, :, length:].any() and not batch["sample_mask"][row, length:].any()


class TestSingleLead:
    extractor = ECGFeatureExtractor(
        sampling_rate=100, leads=["I", "II", "III"], num_samples=1000, steps=[{"name": "pick_lead"}]
    )

    def test_the_lead_asked_for(self, ecg):
        signals = ecg(4)
        for row, lead in enumerate(("i", "II")):
            batch = self.extractor(signals, 100, ["I", "II", "V1", "V2"], "mV", lead=lead)
            assert np.array_equal(batch["input_values"][0], signals[row : row + 1].astype(np.float32))
            assert batch["lead_mask"].tolist() == [[True]]

    def test_derived_when_asked_for(self, ecg):
        signals = ecg(2)
        batch = self.extractor(signals, 100, ["I", "II"], "mV", lead="III")
        np.testing.assert_allclose(batch["input_values"][0, 0], signals[1] - signals[0], atol=1e-6)

    def test_the_only_one_needs_no_name(self, ecg):
        signals = ecg(2)
        batch = self.extractor(signals, 100, ["V1", "II"], "mV")
        assert np.array_equal(batch["input_values"][0], signals[1:].astype(np.float32))

    @pytest.mark.parametrize(
        ("leads", "lead", "message"),
        [
            (["I", "II"], None, "lead="),
            (["V1", "V2"], None, "accepts"),
            (["V1", "V2"], "V1", "accepts"),
            (["I", "V2"], "II", "the record has"),
            (["I", "V2"], "Q", "Q"),
        ],
    )
    def test_ambiguous_or_absent(self, ecg, leads, lead, message):
        with pytest.raises(ValueError, match=message):
            self.extractor(ecg(2), 100, leads, "mV", lead=lead)

    def test_lead_for_a_model_of_all_leads(self, ecg):
        with pytest.raises(ValueError, match="pick_lead"):
            ECGFeatureExtractor(sampling_rate=100)(ecg(), 100, STANDARD_LEADS, "mV", lead="I")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sampling_rat": 100}, "did you mean 'sampling_rate'"),
        ({"sampling_rate": -1}, "sampling_rate"),
        ({"num_samples": 10.5}, "num_samples"),
        ({"leads": ["I", "i"]}, "I"),
        ({"leads": ["I", "V0"]}, "V0"),
        ({"leads": []}, "leads"),
        ({"steps": "crop"}, "list of dicts"),
    ],
)
def test_wrong_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        ECGFeatureExtractor(**arguments)


class SignalConfig(PreTrainedConfig):
    model_type = "signal_config_of_the_extractor_tests"


@pytest.mark.parametrize("name", RECIPES)
def test_equal_after_save_and_reload(tmp_path, name):
    AutoConfig.register(SignalConfig.model_type, SignalConfig, exist_ok=True)
    AutoFeatureExtractor.register(SignalConfig, ECGFeatureExtractor, exist_ok=True)
    extractor = ECGFeatureExtractor(sampling_rate=250, num_samples=1250, steps=RECIPES[name])
    extractor.save_pretrained(tmp_path)
    reloaded = AutoFeatureExtractor.from_pretrained(tmp_path)
    assert type(reloaded) is ECGFeatureExtractor
    assert vars(reloaded) == vars(extractor)
    assert reloaded.to_dict() == extractor.to_dict()
    assert reloaded.model_input_names == extractor.model_input_names
    saved = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert saved["hf_ecg_version"] == __version__
    assert {"sampling_rate", "leads", "num_samples", "steps"} <= set(saved)


def test_a_saved_recipe_can_be_changed_while_loading(tmp_path):
    ECGFeatureExtractor().save_pretrained(tmp_path)
    extractor = ECGFeatureExtractor.from_pretrained(tmp_path, num_samples=2500)
    assert extractor(np.sin(np.arange(5000) / 50)[None], 500, ["V1"], "mV")["input_values"].shape == (1, 12, 2500)


def test_what_is_no_part_of_a_recipe_is_said_to_be_unused(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("hf_ecg.processing.feature_extraction_ecg.logger.warning_once", said.append)
    ECGFeatureExtractor().save_pretrained(tmp_path)
    AutoFeatureExtractor.from_pretrained(tmp_path, num_samples=2500, local_files_only=True, trust_remote_code=False)
    assert not said
    ECGFeatureExtractor.from_pretrained(tmp_path, max_length=500)
    assert len(said) == 1 and "'max_length' is not a part of an ECGFeatureExtractor" in said[0]


def test_the_callers_recipe_is_copied():
    steps = [{"name": "filter", "filter": dict(SOS)}]
    extractor = ECGFeatureExtractor(steps=steps)
    steps[0]["filter"]["low_hz"] = 3.0
    assert extractor.steps[-1]["filter"] == SOS


def test_inputs_are_left_alone(ecg):
    signals = ecg()
    before = signals.copy()
    extractor = ECGFeatureExtractor(sampling_rate=100, num_samples=1000, steps=[{"name": "divide", "divisor": 2.0}])
    extractor(signals, 100, STANDARD_LEADS, "mV")
    assert np.array_equal(signals, before)


@pytest.mark.parametrize("key", ["sampling_rate", "leads", "num_samples", "steps"])
def test_a_saved_recipe_is_whole(key):
    saved = ECGFeatureExtractor().to_dict()
    with pytest.raises(ValueError, match=f"lacks .'{key}'.; it is the whole recipe"):
        ECGFeatureExtractor.from_dict({name: value for name, value in saved.items() if name != key})
    if key == "num_samples":
        steps = [{"name": "select_leads"}]
        assert ECGFeatureExtractor.from_dict(saved | {key: None, "steps": steps}).num_samples is None
    else:
        with pytest.raises(ValueError, match=f"lacks .'{key}'"):
            ECGFeatureExtractor.from_dict(saved | {key: None})
