import numpy as np
import pytest

from hf_ecg.enrichment.verification.thresholds import feature_threshold


def labels_and_scores(order: str) -> tuple[np.ndarray, np.ndarray]:
    """Labels by falling score: "++-" is two positives above a negative."""
    return np.array([mark == "+" for mark in order]), np.linspace(0.9, 0.1, len(order))


def test_the_lowest_threshold_that_reaches_the_target():
    # 18 hits, a miss, 8 hits (precision 26 / 27), then misses: 0.9 holds up to the second miss behind them
    positive, scores = labels_and_scores("+" * 18 + "-" + "+" * 8 + "-" * 60)
    found = feature_threshold("x", positive, scores, 0.9)
    assert (found.kept, found.positives) == (28, 26)
    assert found.precision == pytest.approx(26 / 28)
    assert found.recall == 1
    assert (scores >= found.threshold).sum() == 28
    assert (positive[scores >= found.threshold]).mean() >= 0.9


def test_brute_force():
    random = np.random.default_rng(0)
    positive = random.random(300) < 0.3
    scores = np.round(positive + random.normal(0, 0.5, 300), 1)
    found = feature_threshold("x", positive, scores, 0.8)
    reaching = [t for t in np.unique(scores) if positive[scores >= t].mean() >= 0.8 and (scores >= t).sum() > 5]
    assert found.threshold == min(reaching)


def test_few_positives_are_never_kept():
    positive, scores = labels_and_scores("+" * 19 + "-" * 60)
    found = feature_threshold("x", positive, scores)
    assert found.threshold is None
    assert found.reason == "19 validation positives, wanted at least 20"
    assert feature_threshold("x", *labels_and_scores("+" * 20 + "-" * 60)).threshold is not None


def test_scores_by_chance_certify_nothing():
    certified = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        positive = random.permutation(np.arange(500) < 25)
        certified += feature_threshold("x", positive, random.random(500)).threshold is not None
    # the first row alone is a positive in one run of twenty, and would be "kept with precision 1"
    assert certified <= 2


def test_a_feature_that_nearly_all_records_have_needs_more_than_its_share():
    positive = np.ones(200, dtype=bool)
    positive[::20] = False  # 95 % are positives, whatever the scores say
    assert feature_threshold("x", positive, np.random.default_rng(0).random(200)).threshold is None


def test_tied_rows_are_kept_together():
    positive = np.array([True] * 30 + [False] * 30)
    assert feature_threshold("x", positive, np.zeros(60)).threshold is None
    found = feature_threshold("x", positive, np.where(np.arange(60) < 32, 1.0, 0.0))
    assert (found.threshold, found.kept) == (1.0, 32)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target_precision": 0.0}, "target_precision is 0.0"),
        ({"minimum_positives": 0}, "minimum_positives is 0"),
        ({"scores": [0.1]}, "wanted one of each"),
        ({"scores": [0.1, np.nan]}, "1 scores are not finite"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        feature_threshold(**{"feature": "x", "positive": [True, False], "scores": [0.1, 0.2]} | options)


def test_a_blind_verifier_certifies_nothing_however_many_thresholds_are_tried():
    random = np.random.default_rng(0)
    for share in (0.1, 0.4):
        found = [feature_threshold("x", random.random(240) < share, random.random(240)) for _ in range(500)]
        assert all(one.threshold is None for one in found)
    positive = random.random(240) < 0.4
    assert feature_threshold("x", positive, positive + random.normal(0, 0.3, 240)).threshold is not None
