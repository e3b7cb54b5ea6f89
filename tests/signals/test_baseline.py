"""The running median against scipy's."""

import numpy as np
import pytest
from scipy.signal import medfilt

from hf_ecg.signals import subtract_median


@pytest.mark.parametrize(("rate", "seconds", "window"), [(500, 0.4, 201), (100, 0.4, 41), (360, 0.2, 73)])
def test_it_is_the_signal_minus_medfilt(signals, rate, seconds, window):
    expected = np.stack([[lead - medfilt(lead, window) for lead in record] for record in signals])
    np.testing.assert_array_equal(subtract_median(signals, rate, seconds, "zero"), expected)
    assert subtract_median(signals.astype(np.float32), rate, seconds).dtype == np.float32


def test_a_slow_wander_goes_and_a_narrow_wave_stays():
    time = np.arange(2000) / 500
    wander, spike = np.sin(2 * np.pi * 0.2 * time), np.where(abs(time - 2) < 0.02, 1.0, 0.0)
    left = subtract_median(wander + spike, 500, 0.4)[200:-200]
    np.testing.assert_allclose(left, spike[200:-200], atol=0.05)


def test_a_record_shorter_than_the_window():
    ecg = np.linspace(1, 2, 50)
    # the zeros beyond the edges are most of the window
    np.testing.assert_array_equal(subtract_median(ecg, 500, 0.4, "zero"), ecg)
    assert (
        np.ptp(subtract_median(ecg, 500, 0.4)) < np.ptp(ecg) + 1e-9 and abs(subtract_median(ecg, 500, 0.4)).max() < 1
    )


@pytest.mark.parametrize("level", [0.0, -4.5, 3.0])
def test_a_steady_offset_goes_up_to_the_ends(signals, level):
    given = subtract_median(signals[0] + level, 500, 0.4)
    np.testing.assert_allclose(given, subtract_median(signals[0], 500, 0.4), atol=1e-9)


def test_what_has_no_middle_and_what_is_missing_are_refused():
    with pytest.raises(ValueError, match="126 samples, wanted an odd number"):
        subtract_median(np.zeros(300), 250, 0.5)
    with pytest.raises(ValueError, match="edges is 'odd', wanted one of even, zero"):
        subtract_median(np.zeros(300), 250, 0.4, "odd")
    for seconds in (1e7, 1e308):
        with pytest.raises(ValueError, match="wanted at most 1000000"):
            subtract_median(np.zeros(300), 250, seconds)
    with pytest.raises(ValueError, match="seconds is -1"):
        subtract_median(np.zeros(300), 250, -1)
    with pytest.raises(ValueError, match="finite samples"):
        subtract_median(np.array([0.0, np.nan, 1.0]), 5, 0.4)
