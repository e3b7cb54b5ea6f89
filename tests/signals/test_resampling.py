"""Resampling: equal to the plain scipy call, and clear about what cannot be done."""

import numpy as np
import pytest
from scipy import signal as scipy_signal

from hf_ecg.signals import resample


@pytest.mark.parametrize(
    ("method", "edges", "plain"),
    [
        ("fft", "periodic", lambda x: scipy_signal.resample(x, 400, axis=-1)),
        ("polyphase", "zero", lambda x: scipy_signal.resample_poly(x, 2, 5, axis=-1)),
        (
            "linear",
            "repeat",
            lambda x: np.apply_along_axis(lambda row: np.interp(np.arange(400) * 2.5, np.arange(1000), row), -1, x),
        ),
        (
            "linear",
            "aligned",
            lambda x: np.apply_along_axis(
                lambda row: np.interp(np.arange(400), np.linspace(0, 399, 1000), row), -1, x
            ),
        ),
    ],
)
def test_resampling_equals_the_plain_call(signals, method, edges, plain):
    ours = resample(signals, 500, 200, method, edges)
    np.testing.assert_allclose(ours, plain(signals), rtol=0, atol=1e-12)
    single = resample(signals.astype(np.float32), 500, 200, method, edges)
    assert single.dtype == np.float32
    # computed in double precision, rounded once
    np.testing.assert_array_equal(
        single, resample(signals.astype(np.float32).astype(float), 500, 200, method, edges).astype("f4")
    )
    np.testing.assert_array_equal(resample(signals, 500, 500, method, edges), signals)


def test_resampling_keeps_a_slow_wave():
    for method in ("fft", "polyphase", "linear"):
        wave = np.sin(2 * np.pi * 2 * np.arange(4096) / 400)
        ours = resample(wave, 400, 500, method)
        assert len(ours) == 5120
        np.testing.assert_allclose(ours[500:-500], np.sin(2 * np.pi * 2 * np.arange(5120) / 500)[500:-500], atol=2e-3)


@pytest.mark.parametrize(
    ("rate", "target", "length"),
    [(257, 100, 389), (360, 250, 694), (1000 / 3, 100, 300), (128, 100.5, 785), (250, 500, 2000)],
)
def test_rates_that_do_not_divide(rate, target, length):
    wave = np.sin(2 * np.pi * 3 * np.arange(1000) / rate)
    for method in ("fft", "polyphase", "linear"):
        ours = resample(wave, rate, target, method)
        assert abs(len(ours) - length) <= (method == "polyphase"), method
        times = np.arange(len(ours)) / target
        # the record does not end where it began: fft rings, by less than 0.05 from half a second off the edges
        np.testing.assert_allclose(ours[50:-50], np.sin(2 * np.pi * 3 * times)[50:-50], atol=0.05, err_msg=method)


RATES = [(1000, 100), (250, 500), (512.414, 100), (257, 100), (100, 250), (360, 500)]


@pytest.mark.parametrize("method", ["fft", "polyphase", "linear"])
@pytest.mark.parametrize(("rate", "target"), RATES)
def test_level_and_slope_go_on_up_to_the_ends(method, rate, target):
    time = np.arange(2000) / rate
    lines = np.stack([np.full(2000, -4.5), np.full(2000, 3.0), 0.5 * time - 2, 4 - 3 * time])
    ours = resample(lines, rate, target, method)
    times = np.arange(ours.shape[-1]) / target
    expected = np.stack([np.full(len(times), -4.5), np.full(len(times), 3.0), 0.5 * times - 2, 4 - 3 * times])
    np.testing.assert_allclose(ours, expected, atol=1e-9)


@pytest.mark.parametrize("method", ["fft", "polyphase"])
@pytest.mark.parametrize(("rate", "target"), RATES)
@pytest.mark.parametrize("level", [0.0, -4.5])
def test_a_cut_before_resampling_is_nearly_a_cut_after_it(method, rate, target, level):
    def wave(time):
        return level + np.exp(-(((np.mod(time, 0.8) - 0.4) / 0.05) ** 2)) + 0.2 * np.sin(2 * np.pi * 0.3 * time)

    # the record begins and ends in the middle of a wave
    first, last = 0.38, 6.43
    time = first + np.arange(round((last - first) * rate)) / rate
    ours = resample(wave(time), rate, target, method)
    inside = np.arange(len(ours)) / target <= time[-1] - first
    np.testing.assert_allclose(ours[inside], wave(first + np.arange(len(ours)) / target)[inside], atol=0.06)
    plain = resample(wave(time), rate, target, method, {"fft": "periodic", "polyphase": "zero"}[method])
    assert np.abs(plain - ours).max() > 0.08


def test_edges_of_the_plain_calls_are_what_the_docstring_says():
    error = np.abs(resample(np.full(1000, 5.0), 500, 100, "polyphase", "zero") - 5.0)
    # the filter passes a constant to 0.05 % only; the droop of half of it and more is at the edges
    assert error[0] > 1 and error[-1] > 0.1 and error[12:-12].max() < 0.005
    step = np.r_[np.zeros(500), np.ones(500)]
    assert np.abs(resample(step, 500, 100, "fft", "periodic")[:3]).max() > 0.05
    np.testing.assert_array_equal(resample(np.arange(10.0), 100, 200, "linear", "repeat")[-2:], [9.0, 9.0])
    np.testing.assert_allclose(resample(np.arange(10.0), 100, 200, "linear")[-2:], [9.0, 9.5])
    aligned = resample(np.arange(10.0), 100, 200, "linear", "aligned")
    np.testing.assert_allclose(aligned, np.linspace(0, 9, 20))


@pytest.mark.parametrize("method", ["fft", "polyphase", "linear"])
@pytest.mark.parametrize("samples", [1, 2, 3, 11])
def test_the_shortest_records(method, samples):
    ours = resample(2 - np.arange(samples, dtype=float), 100, 250, method)
    np.testing.assert_allclose(ours, 2 - np.arange(len(ours)) / 2.5 if samples > 1 else 2.0, atol=1e-9)


@pytest.mark.parametrize("method", ["fft", "polyphase", "linear"])
def test_leads_are_resampled_alike_alone_and_together(method):
    signals = np.random.default_rng(0).normal(size=(30, 12, 500)).cumsum(-1)
    for rate in (500, 499.99712):
        together = resample(signals, rate, 100, method)
        for record, lead in ((0, 0), (29, 11), (17, 5)):
            np.testing.assert_allclose(resample(signals[record, lead], rate, 100, method), together[record, lead])


WATCHES = [512.414, 511.98, 999.56, 62.4725, 100.0001, 99.9999, float(np.float32(128.1)), 257.5, 249.9, 1 / 0.0039]


def beats(time):
    """One a 0.8 s, wide enough for 30 Hz; half of one at neither end of 20 s."""
    return np.exp(-(((np.mod(time - 0.2, 0.8) - 0.4) / 0.07) ** 2))


@pytest.mark.parametrize("seconds", [20, 300])
def test_beats_stay_in_place_and_as_high_at_any_rate(seconds):
    chance = np.random.default_rng(13)
    rates = WATCHES if seconds > 20 else [*WATCHES, *chance.uniform(30, 2000, 50)]
    for rate in rates:
        for target in (100, 250) if seconds > 20 else (100, float(chance.uniform(60, 600))):
            time = np.arange(round(seconds * rate)) / rate
            ours = resample(beats(time) - 4.5, rate, target, "polyphase")
            assert abs(len(ours) - len(time) * target / rate) <= 1.02, (rate, target)
            times = np.arange(len(ours)) / target
            # the steepest slope is 12 a second: 0.008 is 0.7 ms
            error = np.abs(ours - (beats(times) - 4.5))[: int(time[-1] * target)]
            assert error.max() < 0.008, (rate, target, error.max())


def test_a_day_of_a_measured_rate_does_not_drift():
    rate, target = 12.01237, 10.0
    time = np.arange(round(86_400 * rate)) / rate
    ours = resample(np.sin(2 * np.pi * 0.5 * time), rate, target, "polyphase")
    times = np.arange(len(ours)) / target
    # the steepest slope is 3 a second: 0.002 is 0.7 ms
    np.testing.assert_allclose(ours[:-1], np.sin(2 * np.pi * 0.5 * times)[:-1], atol=0.002)


def test_a_result_of_absurd_length_is_refused():
    for method in ("fft", "polyphase", "linear"):
        with pytest.raises(ValueError, match="wanted at most 536870912 values a record"):
            resample(np.zeros((12, 50_000)), 100, 1e6, method)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((500, 0, "fft"), "target_rate is 0"),
        ((float("nan"), 100, "fft"), "sampling_rate is nan"),
        ((500, 100, "cubic"), "method is 'cubic'"),
        ((500, 0.1, "fft"), "leave none"),
        ((500, 100, ["fft"]), "method is .'fft'."),
        ((500, 100, "fft", "zero"), "edges of the method fft is 'zero', wanted one of odd, periodic"),
    ],
)
def test_impossible_rates(signals, arguments, message):
    with pytest.raises(ValueError, match=message):
        resample(signals[..., :100], *arguments)


@pytest.mark.parametrize("method", ["fft", "polyphase", "linear"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_refused(signals, method, value):
    signals[1, 2, 7] = value
    with pytest.raises(ValueError, match=r"lead \(1, 2\) has NaN or infinite"):
        resample(signals, 500, 100, method)


def test_a_masked_sample_is_a_missing_one():
    masked = np.ma.array(np.zeros((2, 100)), mask=False)
    masked[1, 50] = 1e6
    masked[1, 50] = np.ma.masked
    with pytest.raises(ValueError, match="NaN"):
        resample(masked, 500, 250, "polyphase")
