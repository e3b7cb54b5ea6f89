"""Stretches without a signal are masked, weigh nothing, and are said to be there."""

import numpy as np
import pytest
import torch

from hf_ecg import ECGFeatureExtractor, said_once
from hf_ecg.evaluation.judging.features import average_crops, signal_held

RATE = 100
ZSCORE = {"name": "normalise", "method": "zscore", "return_amplitude": True}


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(said_once, "_told", set())


def run(signals, *steps, **options):
    return ECGFeatureExtractor(RATE, ["I", "II"], None, [*steps])(signals, RATE, ["I", "II"], "mV", **options)


def with_gap(ecg, value):
    signals = ecg(2)
    signals[:, 300:500] = value
    return signals


@pytest.mark.parametrize("value", [np.nan, 0.0, 4.9])
def test_what_stands_in_a_gap_changes_nothing(ecg, value, caplog):
    band = {"name": "bandpass", "low_hz": 0.67, "high_hz": 40.0, "order": 5, "form": "sos", "zero_phase": True}
    steps = ({"name": "fill_missing"}, {"name": "filter", "filter": band}, ZSCORE)
    made, missing = (run(with_gap(ecg, each), *steps) for each in (value, np.nan))
    for name in ("input_values", "sample_mask", "amplitude"):
        np.testing.assert_array_equal(made[name], missing[name])
    assert np.flatnonzero(~made["sample_mask"][0]).tolist() == [*range(300, 500)]
    assert not made["input_values"][..., 300:500].any()
    assert caplog.text.count("has a signal for 2 of 10 s") == 1
    # the statistics are those of the signal
    seen = made["input_values"][0][:, made["sample_mask"][0]]
    np.testing.assert_allclose([seen.mean(1), seen.std(1)], [[0, 0], [1, 1]], atol=1e-4)


def test_millivolts_can_be_had_back_beside_a_gap(ecg):
    signals = with_gap(ecg, np.nan) + 3
    made = run(signals, {"name": "fill_missing", "method": "zero"}, ZSCORE)
    offset, scale = np.moveaxis(made["amplitude"][0], -1, 0)[..., None]
    seen = made["sample_mask"][0]
    np.testing.assert_allclose((made["input_values"][0] * scale + offset)[:, seen], signals[:, seen], atol=1e-5)


def test_a_gap_goes_along_with_its_samples(ecg):
    signals = with_gap(ecg, np.nan)
    fill = {"name": "fill_missing"}
    there_and_back = ({"name": "resample", "target_rate": 200}, {"name": "resample"})
    crop = {"name": "crop", "num_samples": 600, "position": "end"}
    assert np.flatnonzero(~run(signals, fill, *there_and_back, crop)["sample_mask"][0]).tolist() == [*range(100)]
    padded = run(signals[:, 200:], fill, {"name": "pad", "num_samples": 900})["sample_mask"][0]
    assert np.flatnonzero(~padded).tolist() == [*range(100, 300), *range(800, 900)]


@pytest.mark.parametrize("method", ["zscore", "minmax"])
def test_zeros_that_fill_up_an_array_are_not_a_signal(ecg, method, caplog):
    """As CODE-15 keeps exams of 7 s in arrays of 10.24 s: the recorded part is what it is alone."""
    alone = ecg(2)
    padded = np.pad(alone, ((0, 0), (150, 130)))
    steps = ({"name": "fill_missing"}, {"name": "normalise", "method": method})
    made, wanted = run(padded, *steps), run(alone, *steps)
    assert np.flatnonzero(made["sample_mask"][0]).tolist() == [*range(150, 150 + alone.shape[1])]
    np.testing.assert_array_equal(made["input_values"][0][:, 150:-130], wanted["input_values"][0])
    assert not made["input_values"][0][:, :150].any()
    assert "zeros that fill up an array" in caplog.text


def test_short_gaps_and_those_of_one_lead_are_filled(ecg):
    signals = ecg(2)
    signals[:, 300:399], signals[0, 600:900] = np.nan, np.nan
    made = run(signals, {"name": "fill_missing"})
    assert made["sample_mask"].all() and made["lead_mask"].all()


@pytest.mark.parametrize("value", [0.0, 1.5])
@pytest.mark.parametrize(
    "missing", [slice(0), slice(300), slice(None, None, 70)], ids=["none", "begin", "here and there"]
)
def test_a_record_of_one_value_is_said_to_be_one_and_no_window_of_others(ecg, value, missing, caplog):
    signals = np.full((2, 1000), value)
    signals[:, missing] = np.nan
    assert np.isfinite(run(signals, {"name": "fill_missing"})["input_values"]).all()
    assert "record 0: no lead that the model reads has a signal: one value is repeated" in caplog.text
    # as a window of a long record it counts for nothing
    long = np.concatenate([ecg(2), signals], axis=1)
    made = ECGFeatureExtractor(RATE, ["I", "II"], 1000)(long, RATE, ["I", "II"], "mV", window="all")
    assert len(made["input_values"]) == 1 and "1 of its 2 windows cannot be used" in caplog.text
    # beside one it is answered as it is alone
    both = ECGFeatureExtractor(RATE, ["I", "II"], 1000)([signals, long], RATE, ["I", "II"], "mV", window="all")
    assert list(both["record_index"]) == [0, 1]


def test_a_crop_within_a_gap_is_said_to_have_no_signal(ecg, caplog):
    signals = np.pad(ecg(2)[:, :600], ((0, 0), (1000, 0)))
    start, both = (
        {"name": "crop", "num_samples": 900, "position": "start"},
        {"name": "segments", "num_samples": 800},
    )
    assert run(signals, both)["sample_mask"].any(1).tolist() == [False, True]
    assert "means nothing" not in caplog.text
    assert not run(signals, start)["sample_mask"].any()
    assert "record 0: the recipe takes a part of it in which no lead has a signal, so what a model" in caplog.text
    # in windows it is refused, beside one of which a window has a signal it is not
    windows = ECGFeatureExtractor(RATE, ["I", "II"], 400, [start | {"num_samples": 400}])
    with pytest.raises(ValueError, match="record 0: the recipe takes a part of it in which no lead has a signal"):
        windows(np.pad(ecg(2)[:, :200], ((0, 0), (600, 0))), RATE, ["I", "II"], "mV", window=6.5)
    made = windows(np.concatenate([ecg(2), signals], axis=1), RATE, ["I", "II"], "mV", window=6.5)
    assert made["sample_mask"].any(1).tolist() == [True, True, True]


def test_the_seconds_of_a_record_are_those_of_its_signal(ecg):
    steps = ({"name": "select_leads"}, {"name": "require_length", "minimum": 8.5}, {"name": "fill_missing"})
    assert run(ecg(2), *steps)["sample_mask"].all()
    with pytest.raises(ValueError, match="the record has a signal for 8 s, wanted at least 8.5 s"):
        run(with_gap(ecg, np.nan), *steps)


def test_a_crop_weighs_as_much_as_the_signal_that_it_holds():
    outputs, index = torch.tensor([[1.0], [4.0], [7.0], [5.0]]), torch.tensor([0, 0, 1, 1])
    mask = torch.tensor([[1, 1], [1, 0], [0, 0], [0, 0]], dtype=torch.bool)
    held = signal_held({"sample_mask": mask})
    assert average_crops(outputs, index, 2, held=held).tolist() == [[2.0], [6.0]]
    assert average_crops(outputs, index, 2).tolist() == [[2.5], [6.0]]
    assert average_crops(outputs, index, 2, "max", held).tolist() == [[4.0], [7.0]]
    assert signal_held({}) is None
