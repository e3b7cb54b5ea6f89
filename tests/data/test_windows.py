import numpy as np
import pytest

from hf_ecg.data.readers.windows import WindowRule, at_rate
from hf_ecg.signals import Record
from hf_ecg.signals.leads import STANDARD_LEADS
from hf_ecg.signals.units import MISSING_COUNT
from tests.data.made_snomed import waves


def record(seconds, rate=500):
    counts = waves(seconds, rate)
    return Record("A0001", counts, np.full(12, 1000.0), np.zeros(12), STANDARD_LEADS, float(rate))


@pytest.mark.parametrize(
    "seconds, starts", [(6, [0]), (10, [0]), (19.9, [0]), (20, [0, 10]), (60, [0, 10, 20, 30, 40, 50])]
)
def test_the_rule_for_windows_of_ten_seconds(seconds, starts):
    whole = record(seconds)
    windows = WindowRule(500, 10)(whole)
    assert [start for start, _ in windows] == starts
    for start, part in windows:
        expected = whole.counts[:, int(start * 500) :][:, :5000]
        np.testing.assert_array_equal(part.counts, expected)


def test_short_records_whole_records_and_the_first_windows():
    assert WindowRule(500)(record(60))[0][1].counts.shape == (12, 30_000)
    assert len(WindowRule(500, 10, max_windows=2)(record(60))) == 2
    with pytest.raises(ValueError, match="A0001 has 6 s, wanted at least 10 s"):
        WindowRule(500, 10, "skip")(record(6))
    assert WindowRule(500, 10, "skip").num_samples == 5000
    assert WindowRule(500, 10).num_samples is None and WindowRule(500).num_samples is None
    assert "side by side" in WindowRule(500, 10).describe() and "whole" in WindowRule(500).describe()


def test_another_rate_is_resampled_in_millivolts_before_the_windows():
    slow = record(10, rate=400)
    ((_, part),) = WindowRule(500, 10, "skip")(slow)
    assert part.counts.shape == (12, 5000) and part.sampling_rate == 500 and part.counts.dtype == np.int16
    inside = slice(100, -100)
    expected = record(10).to_millivolts()[:, inside]
    # the same beats sampled at 500 Hz; both have their own noise of 0.01 mV
    assert np.abs(part.to_millivolts()[:, inside] - expected).max() < 0.12
    assert np.corrcoef(part.to_millivolts()[6, inside], expected[6])[0, 1] > 0.99


def test_a_level_does_not_droop_at_the_ends():
    level = Record("A", np.full((12, 4000), 900, np.int16), np.full(12, 1000.0), np.zeros(12), STANDARD_LEADS, 400.0)
    np.testing.assert_array_equal(at_rate(level, 500).counts, np.full((12, 5000), 900))


def test_what_cannot_be_resampled():
    holed = record(10, 400)
    holed.counts[3, 100] = MISSING_COUNT
    with pytest.raises(ValueError, match="missing samples cannot be resampled"):
        at_rate(holed, 500)
    loud = Record(
        "A",
        np.tile(np.int16([32767, 32767, -32767, -32767]), (12, 500)),
        np.ones(12),
        np.zeros(12),
        STANDARD_LEADS,
        400.0,
    )
    with pytest.raises(ValueError, match="A is sampled at 400 Hz"):
        at_rate(loud, 500)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"sampling_rate": 0}, "sampling_rate"),
        ({"seconds": -1}, "window_seconds"),
        ({"seconds": float("nan")}, "window_seconds"),
        ({"seconds": 10, "short_records": "pad"}, "short_records"),
        ({"seconds": 10, "max_windows": 0}, "max_windows"),
        ({"max_windows": 1}, "window_seconds"),
        ({"short_records": "skip"}, "window_seconds"),
    ],
)
def test_rules_that_say_nothing(options, message):
    with pytest.raises(ValueError, match=message):
        WindowRule(**({"sampling_rate": 500} | options))
