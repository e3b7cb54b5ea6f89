import numpy as np
import pytest

from hf_ecg.evaluation.judging.ridge_probe import ridge_probe


def made(rows=300, seed=0):
    random = np.random.default_rng(seed)
    features = random.normal(3, 2, (rows, 20))
    return features, 60 + 4 * features[:, 0] + random.normal(0, 1, rows)


def test_it_finds_a_number_that_the_features_hold():
    features, ages = made()
    found = ridge_probe(features[:200], ages[:200], features[200:250], ages[200:250], features[250:])
    assert np.abs(found - ages[250:]).mean() < 1.2 < 4 < np.abs(ages[250:] - ages[:200].mean()).mean()


def test_validation_alone_chooses_the_penalty():
    """Noise in many features: the strongest penalty is best, and test targets are never asked for."""
    random = np.random.default_rng(1)
    features, ages = random.normal(size=(120, 60)), random.normal(60, 10, 120)
    rows = features[:80], ages[:80], features[80:], ages[80:], features[80:]
    spread = [np.std(ridge_probe(*rows, penalties=penalties)) for penalties in ([1e-4], [10.0], [1e-4, 10.0])]
    assert spread[2] == spread[1] < spread[0] / 3


def test_rows_without_the_target_are_left_out():
    features, ages = made()
    known = ages.copy()
    known[:50] = np.nan
    rows = features[200:250], ages[200:250], features[250:]
    np.testing.assert_allclose(
        ridge_probe(features[:200], known[:200], *rows), ridge_probe(features[50:200], ages[50:200], *rows)
    )


def test_a_constant_feature_stays_without_effect():
    features, ages = made()
    features[:200, 5] = 2.0
    features[250:, 5] = 1e9
    found = ridge_probe(features[:200], ages[:200], features[200:250], ages[200:250], features[250:])
    assert np.abs(found - ages[250:]).mean() < 1.2


def test_unusable_rows_are_refused():
    features, ages = made()
    with pytest.raises(ValueError, match="know the target are {'validation': 0}"):
        ridge_probe(features, ages, features[:9], np.full(9, np.nan), features)
    with pytest.raises(ValueError, match="300 rows of features and 299 targets"):
        ridge_probe(features, ages[1:], features, ages, features)
    features[3, 3] = np.inf
    with pytest.raises(ValueError, match="NaN or infinite"):
        ridge_probe(features, ages, features, ages, features)
