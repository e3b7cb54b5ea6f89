"""Resampling: equal to the plain scipy call, and clear about what cannot be done."""

import numpy as np
import pytest
from scipy import signal as scipy_signal

from hf_ecg.signals import resample


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
    np.testing.assert_allclose(ours, plain(signals), rtol=0, atol=1e-12)
    if method != "linear":
        np.testing.assert_array_equal(ours, plain(signals))
    single = resample(signals.astype(np.float32), 500, 200, method)
    assert single.dtype == np.float32
    # computed in double precision, rounded once
    np.testing.assert_array_equal(
        single, resample(signals.astype(np.float32).astype(float), 500, 200, method).astype("f4")
    )
    np.testing.assert_array_equal(resample(signals, 500, 500, method), signals)


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


def test_edges_are_treated_as_the_docstring_says():
    offset = np.full(1000, 5.0)
    np.testing.assert_allclose(resample(offset, 500, 100, "fft"), 5.0)
    np.testing.assert_allclose(resample(offset, 500, 100, "linear"), 5.0)
    error = np.abs(resample(offset, 500, 100, "polyphase") - 5.0)
    # the filter passes a constant to 0.05 % only; the droop of half of it and more is at the edges
    assert error[0] > 1 and error[-1] > 0.1 and error[12:-12].max() < 0.005
    step = np.r_[np.zeros(500), np.ones(500)]
    assert np.abs(resample(step, 500, 100, "fft")[:3]).max() > 0.05
    ramp = np.arange(10.0)
    np.testing.assert_array_equal(resample(ramp, 100, 200, "linear")[-2:], [9.0, 9.0])


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


@pytest.mark.parametrize("method", ["fft", "polyphase", "linear"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_refused(signals, method, value):
    signals[1, 2, 7] = value
    with pytest.raises(ValueError, match=r"lead \(1, 2\) has NaN or infinite"):
        resample(signals, 500, 100, method)
