"""Features of RR intervals tell fibrillation from rhythms that are uneven in a pattern."""

import numpy as np
import pytest

from hf_ecg.signals.rr_irregularity import FEWEST_INTERVALS, RR_FEATURES, rr_features

RANDOM = np.random.default_rng(0)
RHYTHMS = {
    "regular": 0.8 + RANDOM.normal(0, 0.01, 36),
    "breathing": 0.8 + 0.06 * np.sin(np.arange(36) * 1.3),
    "bigeminy": np.tile([0.5, 1.1], 18) + RANDOM.normal(0, 0.01, 36),
    "trigeminy": np.tile([0.8, 0.5, 1.1], 12) + RANDOM.normal(0, 0.01, 36),
    "fibrillation": RANDOM.gamma(16, 0.05, 36),
}


def features(name):
    return dict(zip(RR_FEATURES, rr_features(np.cumsum(RHYTHMS[name])), strict=True))


def test_fibrillation_has_no_pattern_and_the_others_have():
    fibrillation = features("fibrillation")
    for name in ("regular", "bigeminy", "trigeminy"):
        other = features(name)
        for feature in ("lowest_change", "sample_entropy", "filled_cells"):
            assert other[feature] < 0.7 * fibrillation[feature] or other[feature] < fibrillation[feature] - 0.5, name
    # the plain measures of variation do not tell bigeminy
    assert features("bigeminy")["rms_change"] > fibrillation["rms_change"]
    assert features("bigeminy")["turning_points"] == 1 > fibrillation["turning_points"]


def test_numbers_by_hand():
    found = features("breathing")
    intervals = RHYTHMS["breathing"][1:]
    changes = np.diff(intervals)
    assert found["log_mean_rr"] == pytest.approx(np.log(intervals.mean()))
    assert found["rms_change"] == pytest.approx(np.sqrt(np.mean(changes**2)) / intervals.mean())
    assert found["median_change"] == pytest.approx(np.median(abs(changes)) / intervals.mean())
    pairs = [(i, j) for i in range(len(intervals) - 1) for j in range(i)]
    alike = [pair for pair in pairs if abs(intervals[pair[0]] - intervals[pair[1]]) < 0.03]
    both = sum(abs(intervals[i + 1] - intervals[j + 1]) < 0.03 for i, j in alike)
    expected = -np.log(both / len(alike)) + np.log(0.06) - np.log(intervals.mean())
    assert found["sample_entropy"] == pytest.approx(expected)
    cells = {(np.floor(a / 0.025), np.floor(b / 0.025)) for a, b in zip(intervals[1:], changes, strict=True)}
    assert found["filled_cells"] == len(cells) / len(changes)


def test_time_of_day_and_units_do_not_matter():
    beats = np.cumsum(RHYTHMS["fibrillation"])
    np.testing.assert_allclose(rr_features(beats + 3600), rr_features(beats))


def test_too_few_beats_and_disorder():
    assert rr_features(np.arange(FEWEST_INTERVALS)) is None
    assert np.isfinite(rr_features(np.arange(FEWEST_INTERVALS + 1))).all()
    with pytest.raises(ValueError, match="do not ascend"):
        rr_features([0.0, 1.0, 1.0, 2.0])
