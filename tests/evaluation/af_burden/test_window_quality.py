"""Windows that tell no rhythm say why, and one bad lead does not spoil the other."""

from dataclasses import replace

import numpy as np

from hf_ecg.evaluation.af_burden.window_quality import FEW_BEATS, NO_LEAD, NOISY, judge_windows


def changed(window, change):
    """A window in millivolts, `change` applied to its values."""
    values = window.to_millivolts()
    return replace(window, values=change(values), gain=None, baseline=None)


def test_good_windows_are_judged(windows):
    for one in judge_windows(windows):
        assert one.reason == "" and one.seconds == 30 and 30 < len(one.beats) < 80 and one.agreement > 0.9


def test_what_tells_no_rhythm_has_a_reason(windows):
    window = windows[0]
    noise = np.random.default_rng(0).normal(0, 0.3, (2, window.num_samples))
    gap = np.where(np.arange(window.num_samples) < 4000, np.nan, 1.0)
    for change, reason in (
        (lambda values: 0 * values, NO_LEAD),
        (lambda values: 40 * values, NO_LEAD),
        (lambda values: values * gap, NO_LEAD),
        (lambda values: noise, (NOISY, FEW_BEATS)),
        (lambda values: np.where(np.arange(10_800) < 1500, values, 0.001 * noise), (FEW_BEATS, NO_LEAD, NOISY)),
    ):
        (found,) = judge_windows([changed(window, change)])
        assert found.reason and found.reason in reason


def test_a_noisy_lead_does_not_take_part(windows):
    (clean,) = judge_windows([windows[0]])
    noise = np.random.default_rng(0).normal(0, 0.5, windows[0].num_samples)
    values = np.stack([windows[0].to_millivolts()[0], noise])
    (found,) = judge_windows([changed(windows[0], lambda _: values)])
    assert found.reason == ""
    one = replace(windows[0], values=values[:1], leads=("I",), lead_names=("I",), gain=None, baseline=None)
    (alone,) = judge_windows([one])
    np.testing.assert_array_equal(found.beats, alone.beats)
    assert abs(len(found.beats) - len(clean.beats)) <= 2


def test_some_missing_samples_are_filled(windows):
    gap = np.where(np.abs(np.arange(10_800) - 5000) < 100, np.nan, 1.0)
    (found,) = judge_windows([changed(windows[0], lambda values: values * gap)])
    assert found.reason == ""
