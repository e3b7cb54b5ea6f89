"""Normalisation over leads and records, by present leads only."""

import numpy as np
import pytest

from hf_ecg.signals import normalise


@pytest.mark.parametrize(("over", "axes"), [("lead", -1), ("record", (-2, -1))])
def test_normalisation_equals_the_plain_formula(signals, over, axes):
    def statistic(name):
        return getattr(signals, name)(axis=axes, keepdims=True)

    expected = (signals - statistic("mean")) / (statistic("std") + 1e-8)
    np.testing.assert_array_equal(normalise(signals, "zscore", over), expected)
    low, high = statistic("min"), statistic("max")
    np.testing.assert_array_equal(normalise(signals, "minmax", over), (signals - low) / (high - low + 1e-8))
    assert normalise(signals.astype(np.float32), "zscore", over).dtype == np.float32


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


@pytest.mark.parametrize("over", ["lead", "record"])
@pytest.mark.parametrize("epsilon", [0.0, 1e-8])
@pytest.mark.parametrize("value", [0.0, 0.1, -7.3])
def test_constant_leads(over, epsilon, value):
    flat = np.full((2, 3, 999), value)
    np.testing.assert_allclose(normalise(flat, "zscore", over, epsilon=epsilon), 0.0, atol=1e-6)
    np.testing.assert_array_equal(normalise(flat, "minmax", over, epsilon=epsilon, minimum=-3.0, maximum=3.0), -3.0)


def test_an_absent_lead_may_be_missing_altogether(signals):
    signals[:, 1] = np.nan
    mask = np.array([True, False, True])
    for over in ("lead", "record"):
        ours = normalise(signals, "zscore", over, lead_mask=mask)
        assert np.isfinite(ours[:, [0, 2]]).all() and np.isnan(ours[:, 1]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "max"}, "method is 'max'"),
        ({"method": "zscore", "over": "batch"}, "over is 'batch'"),
        ({"method": "zscore", "epsilon": -1.0}, "epsilon is -1.0"),
        ({"method": "minmax", "minimum": 1.0}, "minimum 1.0 is not below maximum 1.0"),
        ({"method": "divide", "divisor": 0.0}, "divisor is 0.0"),
    ],
)
def test_settings_that_make_no_sense(signals, arguments, message):
    with pytest.raises(ValueError, match=message):
        normalise(signals, **arguments)


def test_a_lead_that_is_constant_but_for_rounding_is_zero():
    """A resampling leaves a constant lead so."""
    signals = np.stack([0.3 + 1e-17 * np.arange(50), 0.3 + 1e-16 * (np.arange(50) % 2), np.sin(np.arange(50))])
    scaled = normalise(signals, "zscore", epsilon=0.0)
    assert not scaled[:2].any() and scaled[2].std() == pytest.approx(1)
    # what was recorded is a signal, however small
    assert normalise(1e-9 * np.sin(np.arange(50.0))[None] + 1e-3, "zscore", epsilon=0.0).std() == pytest.approx(1)


def test_ranks_go_from_the_smallest_to_the_largest_and_equal_samples_share_one():
    signals = np.array([[[3.0, 1.0, 1.0, 2.0, 9.0], [2.0, 2.0, 2.0, 2.0, 2.0]]])
    np.testing.assert_array_equal(normalise(signals, "rank"), [[[0.5, -0.75, -0.75, 0.0, 1.0], [0.0] * 5]])
    # the voltage is gone, whatever is done to it that keeps the order
    np.testing.assert_array_equal(normalise(7 * signals**3 + 1, "rank"), normalise(signals, "rank"))
    np.testing.assert_array_equal(normalise(signals, "rank", lead_mask=[[True, False]])[0, 1], signals[0, 1])
    assert normalise(np.ones((1, 1)), "rank") == 0
    with pytest.raises(ValueError, match="rank is over each lead"):
        normalise(signals, "rank", over="record")


def test_a_z_score_may_be_by_the_standard_deviation_of_a_sample(signals):
    wanted = (signals - signals.mean(-1, keepdims=True)) / signals.std(-1, ddof=1, keepdims=True)
    np.testing.assert_allclose(normalise(signals, "zscore", epsilon=0.0, ddof=1), wanted, rtol=1e-12)
    assert not normalise(np.ones((2, 1)), "zscore", ddof=1).any()
    with pytest.raises(ValueError, match="ddof is 2, wanted 0 or 1"):
        normalise(signals, "zscore", ddof=2)
