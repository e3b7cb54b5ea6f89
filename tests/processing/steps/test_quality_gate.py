"""The gate in a recipe, on real records: what it masks, what it refuses, what a saved recipe remembers."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hf_ecg.data.added_noise import AddedNoise
from hf_ecg.processing import ECGFeatureExtractor
from hf_ecg.signals import STANDARD_LEADS, read
from hf_ecg.signals.quality import load_noise_detector

FILL = {"name": "fill_missing"}
FILTER = {
    "name": "filter",
    "filter": {"name": "highpass", "low_hz": 0.67, "order": 2, "form": "sos", "zero_phase": True},
}


@pytest.fixture
def records(ptb_xl_records):
    return np.stack([read(path).to_millivolts() for path in ptb_xl_records]).astype(np.float64)


def extractor(*steps, leads=STANDARD_LEADS, **gate):
    steps = [{"name": "quality_gate", **gate}, *steps]
    return ECGFeatureExtractor(sampling_rate=100, num_samples=1000, leads=leads, steps=steps)


def run(signals, *steps, leads=STANDARD_LEADS, **gate):
    return extractor(*steps, **gate)(signals, 100, leads, "mV")


def swap_arms(record):
    return np.concatenate([-record[:1], record[[2, 1, 4, 3]], record[5:]])


def test_clean_records_pass_untouched(records):
    batch, plain = run(records, FILTER), ECGFeatureExtractor(100, num_samples=1000, steps=[FILTER])
    plain = plain(records, 100, STANDARD_LEADS, "mV")
    assert batch["lead_mask"].all()
    np.testing.assert_array_equal(batch["input_values"], plain["input_values"])


def test_bad_leads_are_absent_and_reach_no_filter(records):
    plain = run(records, FILTER)
    damaged = records.copy()
    damaged[1, 7, 100:200] = np.nan
    damaged[1, 8] = 0.25
    damaged[2, 6] *= 1000
    batch = run(damaged, FILTER)
    assert np.argwhere(~batch["lead_mask"]).tolist() == [[1, 7], [1, 8], [2, 6]]
    assert not batch["input_values"][~batch["lead_mask"]].any()
    kept = batch["lead_mask"]
    np.testing.assert_array_equal(batch["input_values"][kept], plain["input_values"][kept])


def test_raise_names_record_lead_and_flag(records):
    damaged = records.copy()
    damaged[3, 7] = 0.0
    with pytest.raises(ValueError, match=r"^record 3: step quality_gate: bad leads \(V2: flat\)$"):
        run(damaged, on_fail="raise")
    # a gap splits the input into other groups: the name is still that of the input
    damaged[2, 0] = np.nan
    with pytest.raises(ValueError, match="^record 3: .*V2: flat"):
        run(list(damaged), on_fail="raise")


def test_the_name_of_a_row(records, ptb_xl_records):
    with pytest.raises(
        ValueError, match=r"^record 1 \(seventeen\): step quality_gate: bad leads \(V6: .*amplitude\)$"
    ):
        bad = records[1].copy()
        bad[11] *= 20
        row = {
            "record_id": "seventeen",
            "signal": np.round(bad * 200).astype(np.int16).reshape(-1),
            "num_samples": 1000,
            "sampling_rate": 100,
            "leads": list(STANDARD_LEADS),
            "gain": [200.0] * 12,
            "baseline": [0.0] * 12,
        }
        extractor(on_fail="raise")([ptb_xl_records[0], row])


def test_a_record_of_which_nothing_is_left_is_refused(records):
    damaged = records.copy()
    damaged[4] += 3 * np.sin(2 * np.pi * 0.3 * np.arange(1000) / 100)
    with pytest.raises(ValueError, match="^record 4: .*no lead is left"):
        run(damaged)


def test_only_the_listed_flags_count(records):
    damaged = records.copy()
    damaged[0, 6] = 0.0
    assert run(damaged, flags=["wander", "clipped"])["lead_mask"].all()
    damaged[0] = swap_arms(records[0])
    assert run(damaged)["lead_mask"].all()
    masked = run(damaged, flags=["arm_reversal"])["lead_mask"][0]
    assert masked.tolist() == [False] * 6 + [True] * 6


def test_absent_leads_neither_count_nor_contradict(records):
    kept = [0, 3, 6, 7]
    names = [STANDARD_LEADS[i] for i in kept]
    gate = {"name": "quality_gate"}
    steps = [{"name": "select_leads"}, gate]
    for leads in (STANDARD_LEADS, ["V1", "aVR", "I", "aVF", "V5"]):
        made = ECGFeatureExtractor(sampling_rate=100, num_samples=1000, leads=leads, steps=steps)
        batch = made(records[:, kept[2:]], 100, names[2:], "mV")
        assert batch["lead_mask"].all(0).tolist() == [lead in names[2:] for lead in leads]
        assert made(records[:, kept], 100, names, "mV")["lead_mask"][:, list(leads).index("aVR")].all()


def test_padding_is_no_flat_stretch(records):
    steps = [{"name": "pad"}, {"name": "quality_gate"}]
    made = ECGFeatureExtractor(sampling_rate=100, num_samples=1000, steps=steps)
    assert made(records[..., :600], 100, STANDARD_LEADS, "mV")["lead_mask"].all()


def test_a_saved_gate_decides_alike(records, tmp_path):
    made = extractor(FILL, on_fail="mask", flags=["flat", "missing"])
    made.save_pretrained(tmp_path)
    again = ECGFeatureExtractor.from_pretrained(tmp_path)
    assert again.steps == made.steps
    gate = {"name": "quality_gate", "on_fail": "mask", "flags": ["flat", "missing"], "method": "flags"}
    assert gate in again.steps
    # the defaults are written out, so that a saved recipe stays what it was
    assert "einthoven" in next(step for step in extractor().steps if step["name"] == "quality_gate")["flags"]
    damaged = records.copy()
    damaged[0, 6], damaged[1, 7] = 0.0, damaged[1, 7] * 1000
    batch = again(damaged, 100, STANDARD_LEADS, "mV")
    assert np.argwhere(~batch["lead_mask"]).tolist() == [[0, 6]]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"name": "quality_gate", "on_fail": "swap"}], "mask, raise"),
        ([{"name": "quality_gate", "flags": ["hum"]}], "flags is 'hum'"),
        ([{"name": "quality_gate", "flags": []}], "wanted a list"),
        ([{"name": "quality_gate", "flags": "flat"}], "wanted a list"),
        ([{"name": "quality_gate", "on_fial": "mask"}], "did you mean 'on_fail'"),
        ([{"name": "divide", "divisor": 2.0}, {"name": "quality_gate"}], "before normalise and divide"),
        ([{"name": "normalise", "method": "zscore"}, {"name": "quality_gate"}], "before normalise and divide"),
    ],
)
def test_a_wrong_gate_is_refused_when_the_recipe_is_read(steps, message):
    with pytest.raises(ValueError, match=message):
        ECGFeatureExtractor(steps=steps)


def test_values_that_are_no_voltages(records):
    with pytest.raises(ValueError, match="record 0 .*quality_gate: .*millivolts"):
        extractor()(records, 100, STANDARD_LEADS, "normalized")


def disturbed(records):
    """With muscle noise at -6 dB in V2 of the second record."""
    noisy = records.copy()
    noisy[1, 7:8] = AddedNoise("ma", -6)(records[1, 7:8], 100, "second", ["V2"])
    return noisy


@pytest.mark.parametrize("method", ["hrv", "hrv_and_waveform"])
def test_noisy_leads_are_absent(records, method):
    batch = run(disturbed(records), method=method)
    assert not batch["lead_mask"][1, 7] and not batch["input_values"][1, 7].any()
    assert batch["lead_mask"].mean() > 0.95
    again = ECGFeatureExtractor.from_dict(extractor(method=method, threshold=0.9).to_dict())
    gate = next(step for step in again.steps if step["name"] == "quality_gate")
    assert gate["method"] == method and gate["threshold"] == 0.9


def test_the_threshold_of_a_recipe_counts(records):
    with pytest.raises(ValueError, match="at most 0 passes.*no lead is left"):
        run(records[:1], method="hrv", threshold=0.0)


def test_a_refusal_says_how_noisy(records):
    with pytest.raises(ValueError, match=r"record 1: .*\(V2: noise [01]\.\d\d, at most 0\.5 passes\)$"):
        run(disturbed(records), method="hrv_and_waveform", on_fail="raise", leads=STANDARD_LEADS)


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ({"method": "hvr"}, "method is 'hvr'.*did you mean 'hrv'"),
        ({"method": "hrv", "flags": ["flat"]}, "use two gates"),
        ({"method": "hrv", "threshold": 2}, "threshold is 2"),
        ({"threshold": 0.5}, "'flags' has none of"),
    ],
)
def test_gates_that_cannot_be(gate, message):
    with pytest.raises(ValueError, match=message):
        extractor(**gate)


def test_a_detector_of_your_own_goes_with_the_recipe(records, tmp_path):
    packaged = load_noise_detector("hrv")
    strict = replace(packaged, threshold=0.0)
    strict.save(tmp_path / "mine.json")
    mine = extractor(method="hrv", detector=str(tmp_path / "mine.json"))
    mine.save_pretrained(tmp_path / "model")
    (tmp_path / "mine.json").unlink()
    reloaded = ECGFeatureExtractor.from_pretrained(tmp_path / "model")
    assert reloaded.to_dict() == mine.to_dict()
    # at a threshold of 0 every lead is noisy
    with pytest.raises(ValueError, match="no lead is left"):
        reloaded(records[:1], 100, STANDARD_LEADS, "mV")
    assert run(records[:1], method="hrv")["lead_mask"].any()


@pytest.mark.parametrize(
    "change, method, message",
    [
        ({}, "hrv_and_waveform", "fitted with the method 'hrv', found it with 'hrv_and_waveform'"),
        ({}, "flags", "found it with 'flags'"),
        ({"version": True}, "hrv", "version is True, wanted 1"),
        ({"classifier": None}, "hrv", "detector is not a noise detector"),
    ],
)
def test_another_detector_is_refused(change, method, message):
    content = json.loads(load_noise_detector("hrv").to_json()) | change
    with pytest.raises(ValueError, match=message):
        extractor(method=method, detector=content)
