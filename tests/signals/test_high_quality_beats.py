"""Beats are as long as the beats around are apart, end midway to their neighbours, and have R in the middle."""

import numpy as np
import pytest

from hf_ecg.signals.annotations import read_annotations
from hf_ecg.signals.high_quality_beats import beat_stretches, centred_beats, interval_ratios


def plain_lengths(peaks, window):
    """By loops, one window at a time."""
    found = []
    for place, peak in enumerate(peaks):
        inside = [one for one in peaks if one // window == peak // window]
        intervals = np.diff(inside)
        if not len(intervals):
            around = [abs(peaks[near] - peak) for near in (place - 1, place + 1) if 0 <= near < len(peaks)]
            found.append(np.mean(around) if around else np.nan)
            continue
        low, high = np.quantile(intervals, [0.25, 0.75])
        usual = [one for one in intervals if low - 1.5 * (high - low) <= one <= high + 1.5 * (high - low)]
        found.append(np.mean(usual))
    return np.array(found)


def test_lengths_are_those_of_a_plain_loop():
    peaks = np.cumsum(np.random.default_rng(0).integers(40, 160, 300))
    found = beat_stretches(peaks, 40_000, 100, window_seconds=3)
    np.testing.assert_allclose(found.length, plain_lengths(peaks.tolist(), 300))
    assert len(np.unique(np.bincount(peaks // 300))) > 3  # windows of few beats and of many


def test_real_beats_do_not_mix_with_their_neighbours(shared_data_dir):
    """Record 201 has atrial fibrillation and ventricular ectopic beats."""
    peaks = read_annotations(shared_data_dir / "mitdb" / "201").beats.samples
    found = beat_stretches(peaks, 650_000, 360)
    np.testing.assert_allclose(found.length, plain_lengths(peaks.tolist(), 3600))
    assert (found.stop[:-1] <= found.start[1:]).all() and (found.start <= peaks).all() and (peaks < found.stop).all()
    whole = (found.stop - found.start) >= found.length - 1
    assert 0.2 < whole.mean() < 0.9  # the others are cut at a midpoint
    middle = (peaks[:-1] + peaks[1:]) // 2
    assert (found.start[1:] >= middle).all() and (found.stop[:-1] <= middle).all()
    assert (found.kept[1:-1]).all()


def test_an_outlier_does_not_lengthen_the_beats_around():
    peaks = np.array([100, 200, 300, 400, 500, 600, 950])
    found = beat_stretches(peaks, 1000, 100)
    assert (found.length == 100).all() and found.start[-1] == 900


def test_windows_of_one_two_and_no_beats():
    # the window of 5 s from 500 on has one beat, that from 1000 on none, the one after it two
    peaks = np.array([100, 300, 700, 1600, 1700])
    found = beat_stretches(peaks, 2000, 100, window_seconds=5)
    assert found.length.tolist() == [200, 200, (400 + 900) / 2, 100, 100]
    assert found.start[2] == 500 and found.stop[2] == 1025 and found.kept.tolist() == [True] * 5
    alone = beat_stretches([250], 500, 100)
    assert np.isnan(alone.length).all() and not alone.kept.any()
    none = beat_stretches([], 500, 100)
    assert none.start.shape == none.kept.shape == (0,)
    assert [len(values) for values in interval_ratios([]).values()] == [0] * 4


def test_beats_that_the_end_of_the_record_would_cut_are_dropped():
    found = beat_stretches([49, 149, 249, 350], 400, 100)
    assert found.kept.tolist() == [False, True, True, False]
    assert beat_stretches([51, 151, 251, 349], 400, 100).kept.all()


def test_the_peak_is_in_the_middle_and_the_rest_is_missing():
    signals = np.arange(200.0) * [[1.0], [-1.0]]
    beats = centred_beats(signals, [50, 120], [40, 110], [75, 121], 30)
    assert beats.shape == (2, 2, 30) and (beats[:, 0, 15] == [50, 120]).all()
    assert np.isfinite(beats[0, 0]).sum() == 25 and beats[0, 0, -1] == 64  # longer than its place, to the right
    assert np.isnan(beats[1, 1, 16:]).all() and beats[1, 1, 5] == -110 and np.isnan(beats[1, 1, 4])
    with pytest.raises(ValueError, match="a beat leaves the 200 samples"):
        centred_beats(signals, [50], [-1], [60], 30)
    with pytest.raises(ValueError, match="1 peaks, 2 starts"):
        centred_beats(signals, [50], [1, 2], [60], 30)


def test_intervals_are_by_the_recording():
    peaks = np.array([0, 100, 200, 260, 400])
    found = interval_ratios(peaks)
    np.testing.assert_allclose(found["rr_before"], [np.nan, 1, 1, 0.6, 1.4])
    np.testing.assert_allclose(found["rr_after"], [1, 1, 0.6, 1.4, np.nan])
    np.testing.assert_allclose(found["rr_change"], [np.nan, 1, 100 / 60, 60 / 140, np.nan])
    np.testing.assert_allclose(found["rr_local"], [np.nan, np.nan, 1, 0.6, 1.4])
    assert all(np.isnan(values).all() for values in interval_ratios([5]).values())


@pytest.mark.parametrize("peaks", [[5, 5], [9, 4], [-1, 3], [3, 500]])
def test_peaks_that_cannot_be_are_refused(peaks):
    with pytest.raises(ValueError, match="ascend and lie within the 500 samples"):
        beat_stretches(peaks, 500, 100)
