"""Filling missing samples from the same lead."""

import numpy as np
import pytest

from hf_ecg.signals import fill_missing


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
    with pytest.raises(ValueError, match="neighbours is 0"):
        fill_missing(row, "neighbour_mean", neighbours=0)
    zero = fill_missing(np.stack([row, lost]), "zero")
    np.testing.assert_array_equal(zero[0], [0, 1, 0, 0, 4, 0])
    assert np.isnan(zero[1]).all()
    with pytest.raises(ValueError, match="fill method is 'mean'"):
        fill_missing(row, "mean")


def test_neighbours_are_six_on_either_side_of_the_same_lead(signals):
    """MERL's preparation of MIMIC-IV-ECG."""
    holes = signals.copy()
    holes[0, 1, 100] = holes[1, 2, 2] = np.nan
    filled = fill_missing(holes, "neighbour_mean")
    assert filled[0, 1, 100] == pytest.approx(np.r_[signals[0, 1, 94:100], signals[0, 1, 101:107]].mean(), abs=1e-12)
    assert filled[1, 2, 2] == pytest.approx(np.r_[signals[1, 2, :2], signals[1, 2, 3:9]].mean(), abs=1e-12)
    kept = ~np.isnan(holes)
    np.testing.assert_array_equal(filled[kept], signals[kept])
    assert np.isnan(holes).sum() == 2, "the input is left as it was"
