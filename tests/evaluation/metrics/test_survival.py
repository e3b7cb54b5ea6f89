"""The concordance of risks with times, against a double loop over pairs."""

import numpy as np
import pytest

from hf_ecg.evaluation.metrics import survival
from hf_ecg.evaluation.metrics.survival import concordance_index, risk_of_logits, survival_figures


def loop(time, event, risk, weights):
    concordant = known = 0.0
    for i in range(len(time)):
        for j in range(len(time)):
            earlier = time[i] < time[j] or (time[i] == time[j] and not event[j])
            if event[i] and earlier:
                pair = weights[i] * weights[j]
                known += pair
                concordant += pair * (1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0)
    return concordant / known


@pytest.mark.parametrize("pairs", [1 << 22, 100])
def test_it_equals_the_double_loop_with_ties_and_weights(monkeypatch, pairs):
    monkeypatch.setattr(survival, "_PAIRS", pairs)
    generator = np.random.default_rng(0)
    # many equal times and equal risks, and rows that a replicate leaves out
    time, event = generator.integers(1, 12, 40), generator.integers(0, 2, 40)
    risk = generator.integers(0, 8, 40) - 0.3 * time
    weights = generator.integers(0, 4, (5, 40))
    found = concordance_index(time, event, risk, weights)
    assert found.tolist() == pytest.approx([loop(time, event, risk, row) for row in weights], abs=1e-12)
    assert concordance_index(time, event, risk)[0] == pytest.approx(loop(time, event, risk, np.ones(40)), abs=1e-12)


def test_the_order_is_turned_and_chance_is_a_half():
    time, event = np.arange(1, 9), np.ones(8)
    assert concordance_index(time, event, -time)[0] == 1
    assert concordance_index(time, event, time)[0] == 0
    assert concordance_index(time, event, np.zeros(8))[0] == 0.5


def test_only_known_orders_count():
    # the first was lost before the event of the second: nobody knows which came first
    assert np.isnan(concordance_index([1, 2], [0, 1], [0, 1])[0])
    # two events at one time have no order; an event comes before a record last seen then
    assert np.isnan(concordance_index([2, 2], [1, 1], [0, 1])[0])
    assert concordance_index([2, 2], [1, 0], [1, 0])[0] == 1


def test_what_does_not_fit_is_refused():
    for arguments, message in (
        (([1, 2], [1, 0], [1]), "shapes"),
        (([1, np.nan], [1, 0], [1, 2]), "not finite"),
        (([1, 2], [1, 2], [1, 2]), "neither 0 nor 1"),
    ):
        with pytest.raises(ValueError, match=message):
            concordance_index(*arguments)


def test_a_models_risk_orders_as_its_curve_does_and_far_beyond_its_digits():
    logits = np.array([[3.0, 2.0], [2.0, 1.0], [-200.0, -900.0], [-200.0, -1000.0]])
    risk = risk_of_logits(logits)
    assert (np.diff(risk) > 0).all()
    np.testing.assert_allclose(np.exp(-risk[:2]), (1 / (1 + np.exp(-logits[:2]))).prod(axis=1))
    assert survival_figures([4, 3, 2, 1], [1, 1, 1, 1], risk) == {"c_index": 1.0}
