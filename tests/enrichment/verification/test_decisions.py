import numpy as np

from hf_ecg.clinical.feature_rules.answers import KEPT, REJECTED, UNDECIDED
from hf_ecg.enrichment.verification.decisions import CLEP, MEASURED, VERIFIERS, Decisions, clep_answers, keep_random
from hf_ecg.enrichment.verification.pairs import all_pairs, proposed_pairs
from hf_ecg.enrichment.verification.thresholds import FeatureThreshold

PROPOSALS = {"one": ["a", "b"], "two": ["b", "c", "b"], "nothing": []}
TEXTS = ["one", "nothing", None, "two", "one", "never asked"]


class Scores:
    folds = np.array([1, 1, 2, 2, 2, 2])

    def pair_scores(self, pairs):
        return np.linspace(0.1, 0.9, len(pairs))


def threshold(value: float | None) -> FeatureThreshold:
    return FeatureThreshold("x", value, 0, 0, None, None, None, "")


def test_pairs_of_texts():
    pairs = proposed_pairs(TEXTS, PROPOSALS)
    assert pairs.names == ("a", "b", "c")
    assert pairs.rows.tolist() == [0, 0, 3, 3, 4, 4]
    assert pairs.features.tolist() == [0, 1, 1, 2, 0, 1]
    assert pairs.texts(0, 6) == [["a", "b"], [], [], ["b", "c"], ["a", "b"], []]
    assert pairs.of_features(pairs.rows == 4).tolist() == [1, 1, 0]
    assert all_pairs(2, ["x", "y"]).texts(0, 2) == [["x", "y"], ["x", "y"]]
    assert len(proposed_pairs([], PROPOSALS)) == 0


def test_the_first_verifier_that_can_decide_does():
    decisions = Decisions.open(proposed_pairs(TEXTS, PROPOSALS))
    decisions.take(MEASURED, np.array([KEPT, UNDECIDED, REJECTED, UNDECIDED, UNDECIDED, KEPT]), np.full(6, 5.0))
    decisions.take(CLEP, np.array([REJECTED, KEPT, KEPT, UNDECIDED, REJECTED, REJECTED]), np.full(6, 0.5))
    assert decisions.state.tolist() == [KEPT, KEPT, REJECTED, UNDECIDED, REJECTED, KEPT]
    assert [VERIFIERS[v] for v in decisions.verifier] == ["measured", "clep", "measured", "none", "clep", "measured"]
    np.testing.assert_array_equal(decisions.score, [5, 0.5, 5, np.nan, 0.5, 5])


def test_each_fold_and_feature_has_its_threshold():
    pairs = proposed_pairs(TEXTS, PROPOSALS)  # scores 0.1, 0.26, 0.42, 0.58, 0.74, 0.9
    thresholds = {1: [threshold(0.2), threshold(0.2), threshold(0.2)]}
    thresholds[2] = [threshold(0.74), threshold(0.95), threshold(None)]
    state, found = clep_answers(Scores(), pairs, thresholds)
    assert state.tolist() == [REJECTED, KEPT, REJECTED, UNDECIDED, KEPT, REJECTED]
    np.testing.assert_allclose(found, np.linspace(0.1, 0.9, 6))


def test_a_fixed_threshold_is_that_of_every_feature():
    state, _ = clep_answers(Scores(), proposed_pairs(TEXTS, PROPOSALS), None, fixed_threshold=0.5)
    assert state.tolist() == [REJECTED, REJECTED, REJECTED, KEPT, KEPT, KEPT]


def test_random_keeps_as_many_of_each_feature_in_each_fold():
    random = np.random.default_rng(0)
    texts = [str(number % 3) for number in range(300)]
    pairs = proposed_pairs(texts, {"0": ["a", "b"], "1": ["b", "c", "d"], "2": ["a"]})
    folds, kept = random.integers(1, 4, size=300), random.random(len(pairs)) < 0.3
    drawn = keep_random(pairs, kept, folds, seed=0)
    assert (drawn != kept).any()
    assert (drawn == keep_random(pairs, kept, folds, seed=0)).all()
    assert (drawn != keep_random(pairs, kept, folds, seed=1)).any()
    for fold in (1, 2, 3):
        here = folds[pairs.rows] == fold
        assert pairs.of_features(drawn & here).tolist() == pairs.of_features(kept & here).tolist()


def test_a_record_that_the_model_cannot_use_is_undecided():
    class Refused(Scores):
        def pair_scores(self, pairs):
            return np.array([np.nan] + [0.1] * (len(pairs) - 1))

    pairs = proposed_pairs(TEXTS, PROPOSALS)
    thresholds = {fold: [threshold(0.2)] * 3 for fold in (1, 2)}
    for given in ((thresholds,), (None, 0.5)):
        assert clep_answers(Refused(), pairs, *given)[0].tolist() == [UNDECIDED] + [REJECTED] * 5
