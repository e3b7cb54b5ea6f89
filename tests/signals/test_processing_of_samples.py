"""Resampling, filters, filling, normalisation, length: equal to plain scipy, and clear about what cannot be done."""

import numpy as np
import pytest
from scipy import signal as scipy_signal

from hf_ecg.signals import apply_filter, crop, fill_missing, normalise, pad, resample, validate_filter


@pytest.fixture
def signals():
    return np.random.default_rng(0).standard_normal((2, 3, 1000)).cumsum(-1)


BANDPASS = {"name": "bandpass", "low_hz": 0.67, "high_hz": 40.0, "order": 5, "form": "ba", "zero_phase": True}
HIGHPASS = {"name": "highpass", "low_hz": 0.5, "order": 2, "form": "sos", "zero_phase": True}
LOWPASS = {"name": "lowpass", "high_hz": 30.0, "order": 3, "form": "sos", "zero_phase": False}
NOTCH = {"name": "notch", "frequency_hz": 50.0, "quality": 30.0, "form": "ba", "zero_phase": True}


@pytest.mark.parametrize(
    ("method", "plain"),
    [
        ("fft", lambda x: scipy_signal.resample(x, 400, axis=-1)),
        ("polyphase", lambda x: scipy_signal.resample_poly(x, 2, 5, axis=-1)),
        (
            "linear",
            lambda x: np.apply_along_axis(lambda row: np.interp(np.arange(400) * 2.5, np.arange(1000), row), -1, x),
        ),
    ],
)
def test_resampling_equals_the_plain_call(signals, method, plain):
    ours = resample(signals, 500, 200, method)
    np.testing.assert_allclose(ours, plain(signals), atol=1e-12)
    single = resample(signals.astype(np.float32), 500, 200, method)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(resample(signals, 500, 500, method), signals)


def test_resampling_keeps_a_slow_wave():
    for method in ("fft", "polyphase", "linear"):
        wave = np.sin(2 * np.pi * 2 * np.arange(4096) / 400)
        ours = resample(wave, 400, 500, method)
        assert len(ours) == 5120
        np.testing.assert_allclose(ours[500:-500], np.sin(2 * np.pi * 2 * np.arange(5120) / 500)[500:-500], atol=2e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((500, 0, "fft"), "target_rate is 0"),
        ((float("nan"), 100, "fft"), "sampling_rate is nan"),
        ((500, 100, "cubic"), "method is 'cubic'"),
        ((500, 0.1, "fft"), "leave none"),
        ((500, 100.0371, "polyphase"), "use fft or linear"),
    ],
)
def test_impossible_rates(signals, arguments, message):
    with pytest.raises(ValueError, match=message):
        resample(signals[..., :100], *arguments)


def test_filters_equal_the_plain_call(signals):
    pair = scipy_signal.butter(5, [0.67, 40.0], btype="bandpass", fs=500)
    np.testing.assert_array_equal(apply_filter(signals, 500, BANDPASS), scipy_signal.filtfilt(*pair, signals))
    sos = scipy_signal.butter(2, 0.5, btype="highpass", fs=500, output="sos")
    np.testing.assert_array_equal(apply_filter(signals, 500, HIGHPASS), scipy_signal.sosfiltfilt(sos, signals))
    sos = scipy_signal.butter(3, 30.0, btype="lowpass", fs=500, output="sos")
    np.testing.assert_array_equal(apply_filter(signals, 500, LOWPASS), scipy_signal.sosfilt(sos, signals))
    pair = scipy_signal.iirnotch(50.0, 30.0, fs=500)
    np.testing.assert_array_equal(apply_filter(signals, 500, NOTCH), scipy_signal.filtfilt(*pair, signals))
    assert apply_filter(signals.astype(np.float32), 500, BANDPASS).dtype == np.float32


def test_filters_are_computed_in_double_precision(signals):
    single = apply_filter(signals.astype(np.float32), 500, BANDPASS)
    double = apply_filter(signals.astype(np.float32).astype(np.float64), 500, BANDPASS)
    np.testing.assert_array_equal(single, double.astype(np.float32))


@pytest.mark.parametrize("filter", [BANDPASS, HIGHPASS])
def test_a_record_shorter_than_the_padding_is_refused(filter):
    short = np.random.default_rng(0).standard_normal((1, 200))
    shortest = next(n for n in range(2, 200) if _passes(short[:, :n], filter))
    assert shortest > 2
    with pytest.raises(ValueError, match=f"{shortest - 1} samples, a two-way pass needs more than {shortest - 1}"):
        apply_filter(short[:, : shortest - 1], 500, filter)


def _passes(signals, filter):
    try:
        apply_filter(signals, 500, filter)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("filter", "rate", "message"),
    [
        (BANDPASS, 80, "high_hz 40.0 Hz is not below half the sampling rate"),
        (NOTCH, 100, "frequency_hz 50.0 Hz is not below half"),
    ],
)
def test_a_cutoff_at_half_the_rate_is_refused(signals, filter, rate, message):
    with pytest.raises(ValueError, match=message):
        apply_filter(signals, rate, filter)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"form": None}, "form is None"),
        ({"order": 2.5}, "order is 2.5"),
        ({"order": 0}, "order is 0"),
        ({"low_hz": 50.0}, "not below high_hz"),
        ({"zero_phase": 1}, "zero_phase is 1"),
        ({"name": "median"}, "name is 'median'"),
        ({"quality": 3.0}, "unknown \\['quality'\\]"),
    ],
)
def test_a_filter_that_is_not_complete_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        validate_filter(BANDPASS | changes)
    with pytest.raises(ValueError, match="missing \\['form'\\]"):
        validate_filter({key: value for key, value in BANDPASS.items() if key != "form"})


def test_missing_samples_are_refused_by_what_would_spread_them(signals):
    signals[1, 2, 7] = np.nan
    for function in (lambda x: apply_filter(x, 500, HIGHPASS), lambda x: resample(x, 500, 100, "fft")):
        with pytest.raises(ValueError, match=r"lead \(1, 2\)"):
            function(signals)


def test_filling():
    nan = np.nan
    row = np.array([nan, 1.0, nan, nan, 4.0, nan])
    lost = np.full(6, nan)
    linear = fill_missing(np.stack([row, lost]), "linear")
    np.testing.assert_allclose(linear[0], [1, 1, 2, 3, 4, 4])
    assert np.isnan(linear[1]).all()
    near = fill_missing(row, "neighbour_mean", neighbours=1)
    np.testing.assert_allclose(near, [1, 1, 1, 4, 4, 4])
    far = fill_missing(np.array([1.0, nan, nan, nan, 5.0]), "neighbour_mean", neighbours=1)
    np.testing.assert_allclose(far, [1, 1, 3, 5, 5])
    with pytest.raises(ValueError, match="infinite"):
        fill_missing(np.array([np.inf, nan]), "linear")
    with pytest.raises(ValueError, match="fill method is 'zero'"):
        fill_missing(row, "zero")


def test_normalisation_over_leads_and_records(signals):
    ours = normalise(signals, "zscore", epsilon=0.0)
    np.testing.assert_allclose(ours.mean(-1), 0, atol=1e-12)
    np.testing.assert_allclose(ours.std(-1), 1, atol=1e-12)
    ours = normalise(signals, "minmax", over="record", epsilon=0.0, minimum=-3.0, maximum=3.0)
    np.testing.assert_allclose([ours.min((1, 2)), ours.max((1, 2))], [[-3, -3], [3, 3]], atol=1e-12)
    np.testing.assert_array_equal(normalise(signals, "divide", divisor=5.0), signals / 5.0)


def test_absent_leads_take_no_part_and_constant_ones_give_no_nan(signals):
    mask = np.array([True, True, False])
    signals[:, 2] = 1e6
    for method in ("zscore", "minmax"):
        ours = normalise(signals, method, over="record", lead_mask=mask)
        np.testing.assert_allclose(ours[:, :2], normalise(signals[:, :2], method, over="record"))
        assert (ours[:, 2] == 1e6).all()
        assert np.isfinite(normalise(np.ones((1, 2, 10)), method)).all()
    with pytest.raises(ValueError, match="at least one present lead"):
        normalise(signals, "zscore", over="record", lead_mask=np.zeros(3, bool))
    signals[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        normalise(signals, "zscore")
    with pytest.raises(ValueError, match="divisor is None"):
        normalise(np.ones((1, 5)), "divide")


def test_crop_and_pad():
    row = np.arange(5)[None]
    assert crop(row, 3).tolist() == [[0, 1, 2]]
    assert crop(row, 3, "center").tolist() == [[1, 2, 3]]
    assert crop(row, 3, "end").tolist() == [[2, 3, 4]]
    assert crop(row, 9).tolist() == row.tolist()
    assert pad(row, 8, "both", -1).tolist() == [[-1, 0, 1, 2, 3, 4, -1, -1]]
    assert pad(row, 7).tolist() == [[0, 1, 2, 3, 4, 0, 0]]
    assert pad(row, 3).tolist() == row.tolist()
    with pytest.raises(ValueError, match="position is 'middle'"):
        crop(row, 3, "middle")
    with pytest.raises(ValueError, match="num_samples is 0"):
        pad(row, 0)


def test_originals_preparation_of_one_record(golden_dir):
    """CLEF's filter and MERL's and HeartLang's scaling. The golden CLEF filter ran on float32 samples."""
    golden = np.load(golden_dir / "preprocess-originals" / "expected_seed0.npz")
    ecg = golden["in.ecg500"].astype(np.float64)
    np.testing.assert_allclose(apply_filter(ecg, 500, BANDPASS)[0], golden["clef.filtered_lead0"], atol=1e-3)
    swap = [0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11]
    np.testing.assert_allclose(normalise(ecg, "minmax", "record")[swap, ::5], golden["merl.downstream"], atol=1e-6)
    half = normalise(pad(crop(ecg, 2500), 5000), "minmax", "record", minimum=-3.0, maximum=3.0)
    np.testing.assert_allclose(resample(half, 500, 100, "fft"), golden["heartlang.cpsc2018"], atol=1e-6)
