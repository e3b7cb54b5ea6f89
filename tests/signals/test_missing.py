"""Filling missing samples from the same lead."""

import numpy as np
import pytest

from hf_ecg.signals import fill_missing, without_signal


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


def test_where_no_lead_has_a_signal():
    """A gap is missing or one value repeated, in all leads at once, and lasts a second."""
    rate, alive = 100, np.random.default_rng(0).normal(size=(2, 1000))

    def gaps(*changes, leads=slice(None), **options):
        changed = alive.copy()
        for first, end, value in changes:
            changed[leads, first:end] = value
        return np.flatnonzero(without_signal(changed, rate, **options)).tolist()

    for value in (np.nan, 0.0, 5.0):
        assert gaps((200, 300, value)) == [*range(200, 300)]
        assert gaps((200, 299, value)) == [] and gaps((200, 299, value), seconds=0.5) == [*range(200, 299)]
        # one lead has a signal, unless it is not asked
        assert gaps((200, 300, value), leads=0) == []
        assert gaps((200, 300, value), leads=0, lead_mask=[True, False]) == [*range(200, 300)]
    assert gaps((0, 150, np.nan), (900, 1000, 3.0)) == [*range(150), *range(900, 1000)]
    # zeros that fill up an array
    assert gaps((0, 150, 0.0), (800, 1000, 0.0), (300, 399, 0.0)) == [*range(150), *range(800, 1000)]
    # missing samples do not interrupt a repeated value
    assert gaps((200, 300, 1.0), (210, 230, np.nan)) == [*range(200, 300)]
    # values held over two samples, as of half the rate, are a signal
    assert not without_signal(alive.repeat(2, axis=1), rate).any()
    # an electrode falls off a little after the other one
    changed = alive.copy()
    changed[0, 300:600], changed[1, 350:700] = 2.0, np.nan
    assert np.flatnonzero(without_signal(changed[None], rate)[0]).tolist() == [*range(350, 600)]
    with pytest.raises(ValueError, match="wanted .* leads, samples"):
        without_signal(alive[0], rate)
