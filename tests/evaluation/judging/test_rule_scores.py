import numpy as np
import pytest

from hf_ecg.clinical.prompts import PromptSet
from hf_ecg.evaluation.judging.judged_tasks import RULES, SYSTEMS, WITH_RULES, JudgedTasks
from hf_ecg.evaluation.judging.rule_scores import (
    corpus_margins,
    described_features,
    feature_shares,
    percentile_ranks,
    rule_scores,
)
from hf_ecg.evaluation.options import DEFAULT_FORWARD, DEFAULT_INTERVALS, DESCRIPTIONS, AskingOptions
from tests.evaluation import tiny

PR, P = "prolonged PR interval (over 200 ms)", "P wave before every QRS complex"
RATE, UPRIGHT = "heart rate below 60 beats per minute", "upright P waves in leads I and II"
NAN = float("nan")


def prompt_set(*classes, **statements) -> PromptSet:
    return PromptSet("made", "all", "en", "max", "tests", {name: [name] for name in classes}, statements)


def test_ranks_among_those_that_are_known():
    assert percentile_ranks(np.array([5.0, NAN, 1.0, 1.0])).tolist() == pytest.approx([5 / 6, 0.5, 1 / 3, 1 / 3])
    assert percentile_ranks(np.full(3, NAN)).tolist() == [0.5] * 3


def test_rules_are_the_weighted_mean_of_ranks():
    margins = {PR: np.array([10.0, -5, 3, NAN]), P: np.array([0.1, 0.2, 0.3, 0.4])}
    margins |= {RATE: np.array([4.0, 3, 2, 1]), UPRIGHT: np.array([NAN, NAN, NAN, 1])}
    scores, used = rule_scores(margins, prompt_set("1AVB", "SBRAD", "SEHYP"))
    first = (np.array([5 / 6, 1 / 6, 1 / 2, 1 / 2]) + np.array([1, 3, 5, 7]) / 8) / 2
    assert scores[:, 0] == pytest.approx(first)
    # upright P waves are decided in a quarter of the records: not asked for
    assert scores[:, 1] == pytest.approx((np.array([7, 5, 3, 1]) / 8 + np.array([1, 3, 5, 7]) / 8) / 2)
    assert scores[:, 2].tolist() == [0.5] * 4
    assert used == {"1AVB": [PR, P], "SBRAD": [RATE, P], "SEHYP": []}


def test_rare_features_weigh_by_what_they_tell():
    margins = {PR: np.array([10.0, -5, -3, NAN, -1]), P: np.array([0.1, 0.2, 0.3, 0.4, 0.5])}
    shares = feature_shares(margins | {RATE: np.full(5, NAN)})
    assert shares == {PR: 0.25, P: 0.995}
    scores, _ = rule_scores(margins, prompt_set("1AVB"), shares)
    weights = -np.log([0.25, 0.995])
    ranks = [np.array([7, 1, 3, 4, 5]) / 8, np.array([1, 3, 5, 7, 9]) / 10]
    assert scores[:, 0] == pytest.approx((weights[0] * ranks[0] + weights[1] * ranks[1]) / weights.sum())
    # what nobody knows the share of counts as half
    unknown = rule_scores(margins, prompt_set("1AVB"), {P: 0.5})[0]
    assert unknown == pytest.approx(rule_scores(margins, prompt_set("1AVB"))[0])
    with pytest.raises(ValueError, match="wanted numbers above 0 and below 1"):
        rule_scores(margins, prompt_set("1AVB"), {P: 1.0})


def test_a_gathering_class_is_its_most_likely_statement():
    margins = {PR: np.array([1.0, 2, 3]), RATE: np.array([2.0, 3, 1])}
    scores, _ = rule_scores(margins, prompt_set("X", X=("LPR", "SBRAD")))
    z = np.array([-1.0, 0, 1]) * 1.5**0.5
    assert scores[:, 0] == pytest.approx(np.maximum(z, z[[1, 2, 0]]))


def test_without_a_feature_there_are_no_rules():
    other = PromptSet("other", "seen", "en", "max", "tests", {"block": ["block"]})
    with pytest.raises(ValueError, match="tells of no class of other"):
        described_features([other])
    assert described_features([other, prompt_set("LPR")]) == [PR]


def test_margins_are_of_the_rows_of_a_corpus():
    rows = tiny.dataset(3)
    features = described_features([prompt_set("1AVB", "LPR")])
    assert features == [PR, P]
    margins = corpus_margins(rows, features, progress=False)
    assert list(margins) == features and all(values.shape == (3,) for values in margins.values())


def test_descriptions_and_rules_count_alike_whatever_their_scales():
    rows, told = tiny.dataset(6), np.array([[0.0], [100.0], [300.0], [200.0], [500.0], [400.0]])
    judged = JudgedTasks(
        rows, [prompt_set("1AVB")], [(None, np.arange(6))], AskingOptions(), DEFAULT_INTERVALS, DEFAULT_FORWARD
    )
    judged.scores[SYSTEMS[DESCRIPTIONS]] = [[told]]
    judged.add_rules()
    (rules,) = judged.scores[RULES][0]
    z = [(one - one.mean()) / (one.std() or 1) for one in (told, rules)]
    assert judged.scores[WITH_RULES][0][0] == pytest.approx(z[0] + z[1])
