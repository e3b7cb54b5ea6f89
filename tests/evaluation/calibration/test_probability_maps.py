"""Maps from scores to probabilities, against arithmetic and on rows that are odd."""

import numpy as np
import pytest
from scipy.special import expit

from hf_ecg.evaluation.calibration.probability_maps import STEEPEST, fit_map, fit_single_label, probabilities


def drawn(rows=4000, seed=0):
    """Scores whose true probability is known: the logit is half the score, less one."""
    random = np.random.default_rng(seed)
    scores = random.normal(0, 3, rows)
    return (random.random(rows) < expit(0.5 * scores - 1)).astype(float), scores


def test_each_method_finds_what_the_labels_were_drawn_by():
    labels, scores = drawn()
    found = fit_map("platt", labels, scores)
    assert found.slope == pytest.approx(0.5, abs=0.05) and found.intercept == pytest.approx(-1, abs=0.1)
    at = np.array([-4.0, 0.0, 4.0])
    np.testing.assert_allclose(fit_map("isotonic", labels, scores)(at), expit(0.5 * at - 1), atol=0.08)
    temperature = fit_map("temperature", labels, scores + -2)  # then one half is where it should be
    assert temperature.slope == pytest.approx(0.5, abs=0.05)


def test_a_temperature_is_where_no_other_has_less_loss():
    labels, scores = drawn(300)

    def loss(slope):
        return np.mean(np.logaddexp(0, slope * scores) - labels * slope * scores)

    found = fit_map("temperature", labels, scores).slope
    assert loss(found) <= min(loss(found - 1e-4), loss(found + 1e-4))


def test_scores_that_say_nothing_have_an_infinite_temperature():
    labels = np.tile([0.0, 1.0], 20)
    found = fit_map("temperature", labels, 1 - 2 * labels)  # the wrong way round
    assert found.slope == 0 and found([-5.0, 5.0]).tolist() == [0.5, 0.5]
    constant = fit_map("platt", np.repeat([1.0, 0.0], [10, 30]), np.full(40, 7.0))
    assert constant.slope == 0 and constant(7.0) == pytest.approx(0.25, abs=0.02)
    assert fit_map("isotonic", np.repeat([1.0, 0.0], [10, 30]), np.full(40, 7.0))(7.0) == pytest.approx(0.25)


def test_labels_without_an_error_end_in_finite_numbers():
    labels = np.repeat([0.0, 1.0], 20)
    scores = 2 * labels - 1
    assert fit_map("temperature", labels, scores).slope == STEEPEST
    assert np.isfinite(fit_map("platt", labels, scores).slope)
    assert 0 < fit_map("isotonic", labels, scores)(-1.0) < 0.05


def test_classes_that_exclude_each_other_share_a_temperature():
    random = np.random.default_rng(0)
    scores = random.normal(0, 2, (3000, 3))
    true = np.exp(0.25 * scores) / np.exp(0.25 * scores).sum(axis=1, keepdims=True)
    labels = (random.random((3000, 1)) > true.cumsum(axis=1)).sum(axis=1)
    maps = fit_single_label("temperature", labels, scores)
    assert len(set(maps)) == 1 and maps[0].slope == pytest.approx(0.25, abs=0.05)
    np.testing.assert_allclose(probabilities("single_label", maps, scores), true, atol=0.05)
    for method in ("isotonic", "platt"):
        maps = fit_single_label(method, np.minimum(labels, 1), scores)  # no row has the third class
        found = probabilities("single_label", maps, scores)
        np.testing.assert_allclose(found.sum(axis=1), 1)
        assert (found[:, 2] == 0).all()


@pytest.mark.parametrize(
    "labels, scores, message",
    [
        (np.tile([0, 1], 9), np.zeros(18), "there are 18 rows to calibrate on, wanted at least 20"),
        (np.zeros(30), np.zeros(30), "0 of 30 rows are positive"),
        (np.ones(30), np.zeros(30), "30 of 30 rows are positive"),
        (np.tile([0, 1], 15), np.full(30, np.nan), "scores of 30 of 30 rows are NaN or infinite"),
        (np.tile([0, 2], 15), np.zeros(30), "labels of 0 and 1"),
        (np.tile([0, 1], 15), np.zeros(20), "one label for each row"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(labels, scores, message):
    with pytest.raises(ValueError, match=message):
        fit_map("temperature", labels, scores)


def test_one_class_among_one_is_refused():
    with pytest.raises(ValueError, match="at least two classes"):
        fit_single_label("temperature", np.zeros(30, int), np.zeros((30, 1)))
