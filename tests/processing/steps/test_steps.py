import numpy as np
import pytest

from hf_ecg.processing import ECGFeatureExtractor
from hf_ecg.processing.steps.step_table import STEPS, build_step, describe_step
from hf_ecg.signals.filters import apply_filter
from hf_ecg.signals.leads import STANDARD_LEADS
from hf_ecg.signals.resampling import resample

BAND = {"name": "bandpass", "low_hz": 0.67, "high_hz": 40.0, "order": 3, "form": "sos", "zero_phase": True}


def extractor(*steps, num_samples=None, **kwargs):
    return ECGFeatureExtractor(sampling_rate=100, num_samples=num_samples, steps=list(steps), **kwargs)


def run(signals, *steps, rate=100, leads=STANDARD_LEADS, units="mV", **kwargs):
    return extractor(*steps, **kwargs)(signals, rate, leads[: signals.shape[-2]], units)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"name": "resampel"}, "did you mean 'resample'"),
        ({"name": "pad", "postion": "end"}, "did you mean 'position'"),
        ({"name": "select_leads", "leads": ["I"]}, "unknown parameter 'leads'"),
        ({"name": "resample", "method": "polyfase"}, "did you mean 'polyphase'"),
        ({"name": "resample", "target_rate": -1}, "target_rate"),
        ({"name": "normalise"}, "method must be given"),
        ({"name": "normalise", "method": "divide"}, "divisor"),
        ({"name": "normalise", "method": "zscore", "divisor": 2}, "does not use it"),
        ({"name": "normalise", "method": "zscore", "over": "batch"}, "lead, record"),
        ({"name": "normalise", "method": "minmax", "minimum": 3.0}, "not below"),
        ({"name": "normalise", "method": "rank", "over": "record"}, "over is 'record', wanted one of lead"),
        ({"name": "normalise", "method": "rank", "return_amplitude": True}, "ranks are not millivolts"),
        ({"name": "normalise", "method": "zscore", "ddof": True}, "ddof is True, wanted 0 or 1"),
        ({"name": "normalise", "method": "minmax", "ddof": 1}, "does not use it"),
        ({"name": "divide", "divisor": 0}, "divisor"),
        ({"name": "crop", "num_samples": 0}, "num_samples"),
        ({"name": "crop", "position": "middle"}, "start, center, end"),
        ({"name": "multi_crop", "count": 0}, "count"),
        ({"name": "fill_missing", "method": "zeros"}, "linear, neighbour_mean, zero"),
        ({"name": "subtract_median"}, "seconds must be given"),
        ({"name": "subtract_median", "seconds": 0}, "seconds"),
        ({"name": "pad", "value": float("nan")}, "value"),
        ({"name": "filter", "filter": {**BAND, "hihg_hz": 3}}, "hihg_hz"),
        ({"name": "filter", "filter": {key: value for key, value in BAND.items() if key != "form"}}, "form"),
        ({"name": "filter"}, "filter must be given"),
        ({"method": "linear"}, "a name"),
        ("crop", "a name"),
    ],
)
def test_a_wrong_step_is_refused_when_the_recipe_is_read(step, message):
    with pytest.raises(ValueError, match=message):
        ECGFeatureExtractor(steps=[step])


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"name": "crop"}, {"name": "derive_limb_leads"}], "first step"),
        ([{"name": "derive_limb_leads"}, {"name": "derive_limb_leads"}], "first step"),
        ([{"name": "select_leads"}, {"name": "pick_lead"}], "more than one"),
        ([{"name": "multi_crop", "count": 2}, {"name": "multi_crop", "count": 2}], "more than one"),
        ([{"name": "multi_crop", "count": 2}, {"name": "segments"}], "more than one of multi_crop and segments"),
    ],
)
def test_a_wrong_order_is_refused_when_the_recipe_is_read(steps, message):
    with pytest.raises(ValueError, match=message):
        ECGFeatureExtractor(steps=steps)


def test_a_crop_needs_a_length():
    with pytest.raises(ValueError, match="num_samples"):
        extractor({"name": "crop"})


def test_steps_are_written_out_in_full_and_read_back_equal():
    required = {"filter": {"filter": BAND}, "normalise": {"method": "zscore"}, "divide": {"divisor": 2.0}}
    required |= {"multi_crop": {"count": 3}, "subtract_median": {"seconds": 0.4}, "keep_leads": {"leads": ["I"]}}
    required |= {"require_length": {"minimum": 5.0}, "beat_tokens": {"max_tokens": 256}}
    for name in STEPS:
        step = build_step({"name": name, **required.get(name, {})})
        assert build_step(describe_step(step)) == step
    assert describe_step(build_step({"name": "normalise", "method": "zscore"}))["epsilon"] == 1e-8
    assert describe_step(build_step({"name": "pad"})) == {
        "name": "pad",
        "position": "end",
        "value": 0.0,
        "masked": True,
    }


def test_implicit_steps_are_written_out():
    assert [step["name"] for step in extractor().steps] == ["derive_limb_leads", "select_leads"]
    assert [step["name"] for step in extractor(leads=["V1"]).steps] == ["select_leads"]
    picking = extractor({"name": "divide", "divisor": 2}, {"name": "pick_lead"})
    assert [step["name"] for step in picking.steps] == ["derive_limb_leads", "divide", "pick_lead"]


def test_steps_run_in_the_order_of_the_list(ecg):
    signals = ecg(num_samples=1200)
    crop, filter_ = {"name": "crop", "num_samples": 700, "position": "center"}, {"name": "filter", "filter": BAND}
    first_cropped = run(signals, crop, filter_)["input_values"][0]
    first_filtered = run(signals, filter_, crop)["input_values"][0]
    np.testing.assert_allclose(first_cropped, apply_filter(signals[:, 250:950], 100, BAND), atol=1e-6)
    np.testing.assert_allclose(first_filtered, apply_filter(signals, 100, BAND)[:, 250:950], atol=1e-6)
    assert np.abs(first_cropped - first_filtered).max() > 1e-3


def test_everything_is_computed_in_float64_and_rounded_once(ecg):
    filter_ = {**BAND, "form": "ba", "order": 4, "low_hz": 0.5}
    steps = [{"name": "resample"}, {"name": "filter", "filter": filter_}, {"name": "normalise", "method": "zscore"}]
    signals = ecg(num_samples=5000, rate=500)
    expected = apply_filter(resample(signals, 500, 100, "polyphase"), 100, filter_)
    expected = (expected - expected.mean(-1, keepdims=True)) / (expected.std(-1, keepdims=True) + 1e-8)
    given = run(signals, *steps, rate=500)["input_values"][0]
    assert expected.dtype == np.float64 and given.dtype == np.float32
    np.testing.assert_allclose(given, expected.astype(np.float32), rtol=3e-7, atol=1e-7)


def test_intermediate_rate(ecg):
    signals = ecg(num_samples=5000, rate=500)
    steps = [{"name": "resample", "target_rate": 250, "method": "fft"}, {"name": "resample", "method": "linear"}]
    expected = resample(resample(signals, 500, 250, "fft"), 250, 100, "linear")
    np.testing.assert_allclose(run(signals, *steps, rate=500)["input_values"][0], expected, atol=1e-6)
    with pytest.raises(ValueError, match="250 Hz"):
        run(signals, steps[0], rate=500)


def test_statistics_over_a_record_use_present_leads_only(ecg):
    signals = ecg(3) + 2
    batch = run(signals, {"name": "normalise", "method": "zscore", "over": "record"}, leads=("V1", "V2", "V3"))
    expected = (signals - signals.mean()) / signals.std()
    np.testing.assert_allclose(batch["input_values"][0, 6:9], expected, atol=1e-5)
    assert not batch["input_values"][0, 9:].any() and not batch["input_values"][0, :6].any()


@pytest.mark.parametrize("over", ["lead", "record"])
@pytest.mark.parametrize("method", ["zscore", "minmax"])
def test_amplitude_gives_the_millivolts_back(ecg, method, over):
    signals = ecg() * np.linspace(0.5, 2, 12)[:, None] + 0.3
    signals[4] = 0.25
    step = {"name": "normalise", "method": method, "over": over, "return_amplitude": True}
    made = extractor(step)
    batch = made(signals[:11], 100, STANDARD_LEADS[:11], "mV")
    assert made.model_input_names == ["input_values", "lead_mask", "sample_mask", "amplitude"]
    amplitude = batch["amplitude"]
    assert amplitude.shape == (1, 12, 2) and amplitude.dtype == np.float32
    offset, scale = amplitude[0, :11, :1], amplitude[0, :11, 1:]
    np.testing.assert_allclose(batch["input_values"][0, :11] * scale + offset, signals[:11], atol=1e-5)
    assert not amplitude[0, 11].any()


@pytest.mark.parametrize(("position", "first"), [("start", 0), ("center", 100), ("end", 201)])
def test_crop(ecg, position, first):
    signals = ecg(num_samples=1201)
    batch = run(signals, {"name": "crop", "num_samples": 1000, "position": position})
    assert np.array_equal(batch["input_values"][0], signals[:, first : first + 1000].astype(np.float32))
    assert batch["sample_mask"].all()


@pytest.mark.parametrize(("position", "first"), [("end", 0), ("start", 201), ("both", 100)])
def test_pad_is_false_in_the_sample_mask(ecg, position, first):
    signals = ecg(num_samples=799)
    batch = run(signals, {"name": "pad", "num_samples": 1000, "position": position, "value": -1.0})
    inside = np.zeros(1000, bool)
    inside[first : first + 799] = True
    assert np.array_equal(batch["sample_mask"][0], inside)
    assert np.array_equal(batch["input_values"][0][:, inside], signals.astype(np.float32))
    assert (batch["input_values"][0][:, ~inside] == -1).all()


def test_padding_may_count_as_recorded(ecg):
    pad = {"name": "pad", "num_samples": 1000, "position": "both", "masked": False}
    batch = run(ecg(num_samples=799), {"name": "pad", "num_samples": 900}, pad)
    assert np.flatnonzero(~batch["sample_mask"][0]).tolist() == list(range(50 + 799, 950))
    with pytest.raises(ValueError, match="masked is 0, wanted true or false"):
        build_step({"name": "pad", "masked": 0})


def test_sample_mask_follows_crop_and_resampling(ecg):
    signals = ecg(num_samples=2500, rate=500)
    pad = {"name": "pad", "num_samples": 5000, "position": "start"}
    batch = run(signals, pad, {"name": "resample"}, {"name": "crop", "num_samples": 800, "position": "end"}, rate=500)
    assert np.flatnonzero(batch["sample_mask"][0]).tolist() == list(range(300, 800))


@pytest.mark.parametrize("method", ["linear", "polyphase", "fft"])
@pytest.mark.parametrize(("recorded", "padded", "rate"), [(799, 1000, 250), (1201, 2000, 360), (333, 1000, 500)])
def test_a_resampled_sample_is_recorded_when_its_place_in_time_was(ecg, method, recorded, padded, rate):
    signals = ecg(num_samples=recorded, rate=rate)
    for position, first in (("start", padded - recorded), ("end", 0)):
        steps = [{"name": "pad", "num_samples": padded, "position": position}, {"name": "resample", "method": method}]
        mask = run(signals, *steps, rate=rate)["sample_mask"][0]
        # sample j of 100 Hz lies at j * rate / 100 samples of the original; the edge falls between two of them
        places = np.arange(len(mask)) * padded / len(mask)
        assert np.array_equal(mask, (places >= first) & (places < first + recorded))
        assert (first or recorded) * 100 % rate


def test_crops_of_a_padded_record_keep_their_own_masks(ecg):
    signals = ecg(num_samples=700)
    steps = [{"name": "pad", "num_samples": 1000}, {"name": "multi_crop", "num_samples": 500, "count": 2}]
    batch = run(signals, *steps)
    assert batch["sample_mask"].sum(1).tolist() == [500, 200] and batch["record_index"].tolist() == [0, 0]
    assert np.array_equal(batch["input_values"][1, :, :200], signals[:, 500:].astype(np.float32))


def test_multi_crop_makes_rows_and_says_whose(ecg):
    steps = [{"name": "multi_crop", "num_samples": 900, "count": 3}]
    made = extractor(*steps)
    assert made.model_input_names[-1] == "record_index"
    short, long = ecg(num_samples=900, seed=1), ecg(num_samples=1000, seed=2)
    batch = made([long, short, long], 100, STANDARD_LEADS, "mV")
    assert batch["record_index"].tolist() == [0, 0, 0, 1, 2, 2, 2]
    for row, start in enumerate((0, 50, 100)):
        assert np.array_equal(batch["input_values"][row], long[:, start : start + 900].astype(np.float32))
    assert np.array_equal(batch["input_values"][3], short.astype(np.float32))


def test_segments_follow_each_other_and_leave_the_rest(ecg):
    made = extractor({"name": "segments", "num_samples": 400})
    assert made.model_input_names[-1] == "record_index"
    signals = ecg(num_samples=1000, seed=2)
    batch = made([signals, signals[:, :400], signals[:, :300]], 100, STANDARD_LEADS, "mV")
    assert batch["record_index"].tolist() == [0, 0, 1, 2]
    for row, (start, end) in enumerate(((0, 400), (400, 800), (0, 400), (0, 300))):
        found = batch["input_values"][row, :, batch["sample_mask"][row]].T
        assert np.array_equal(found, signals[:, start:end].astype(np.float32))


def test_missing_samples_are_an_error_without_a_step_that_fills_them(ecg):
    signals = np.stack([ecg(seed=0), ecg(seed=1)])
    signals[1, 8, 40:60] = np.nan
    for steps in ([], [{"name": "resample"}], [{"name": "filter", "filter": BAND}, {"name": "fill_missing"}]):
        with pytest.raises(ValueError, match="record 1.*V3.*20 samples"):
            run(signals, *steps)
    filled = run(signals, {"name": "fill_missing"}, {"name": "filter", "filter": BAND})
    assert np.isfinite(filled["input_values"]).all() and filled["lead_mask"].all()


def test_missing_samples_in_a_lead_that_nobody_wants(ecg):
    signals = ecg()
    signals[11, 5] = np.nan
    batch = extractor(leads=["I", "II"])(signals, 100, STANDARD_LEADS, "mV")
    assert np.array_equal(batch["input_values"][0], signals[:2].astype(np.float32))


def test_a_lead_that_the_crop_leaves_empty_is_absent(ecg):
    signals = ecg()
    signals[6, :600] = np.nan
    batch = run(signals, {"name": "crop", "num_samples": 500}, {"name": "fill_missing"})
    assert batch["lead_mask"][0].tolist() == [lead != "V1" for lead in STANDARD_LEADS]
    assert not batch["input_values"][0, 6].any()


def test_flat_leads_stay_present_unless_the_recipe_masks_them(ecg):
    signals = ecg()
    signals[9] = 0.5
    assert run(signals)["lead_mask"].all()
    batch = run(signals, {"name": "mask_flat_leads"}, {"name": "normalise", "method": "zscore", "over": "record"})
    assert np.flatnonzero(~batch["lead_mask"][0]).tolist() == [9]
    others = np.delete(signals, 9, 0)
    np.testing.assert_allclose(
        np.delete(batch["input_values"][0], 9, 0), (others - others.mean()) / others.std(), atol=1e-5
    )


def test_what_a_step_cannot_do_names_record_and_step(ecg):
    low = {"name": "lowpass", "high_hz": 60.0, "order": 2, "form": "sos", "zero_phase": True}
    with pytest.raises(ValueError, match="record 0.*filter"):
        run(ecg(), {"name": "filter", "filter": low})
    with pytest.raises(ValueError, match="record 0.*filter"):
        run(ecg(num_samples=5), {"name": "filter", "filter": BAND})
