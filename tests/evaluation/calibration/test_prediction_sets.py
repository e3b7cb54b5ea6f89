"""Sets and abstention keep what they promise, on rows drawn again and again."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from hf_ecg.evaluation.calibration.calibrated_tasks import CalibrationOptions, CalibrationRows, calibrate_task
from hf_ecg.evaluation.calibration.calibration_file import CalibratedClass, CalibratedTask
from hf_ecg.evaluation.calibration.operating_points import capacity_figures, sensitivity_threshold, threshold_figures
from hf_ecg.evaluation.calibration.outliers import fit_outliers, outlier_threshold
from hf_ecg.evaluation.calibration.prediction_sets import answer_threshold, set_threshold
from hf_ecg.evaluation.calibration.probability_maps import ProbabilityMap


@pytest.mark.parametrize("rows", [9, 19, 57])
def test_a_set_holds_the_truth_as_often_as_was_asked_for(rows):
    random = np.random.default_rng(0)
    covered = []
    for _ in range(2000):
        threshold = set_threshold(random.normal(size=rows), 0.9)
        covered.append(random.normal() >= threshold)
    # never less, and by no more than one in the rows plus one
    assert 0.9 - 0.02 <= np.mean(covered) <= 0.9 + 1 / (rows + 1) + 0.02


@pytest.mark.parametrize("slope", [1.0, 8.0])
def test_verdicts_cover_the_present_and_the_absent_of_known_probabilities(slope):
    """Labels are drawn by sigmoid(slope * score - 1): blurred, or so sharp that both thresholds cross."""
    random, options = np.random.default_rng(0), CalibrationOptions(method="temperature", coverage=0.9, risk=0.2)
    rows, counts = 120, np.zeros(4)

    def draw(number):
        scores = random.normal(0, 2, (number, 1))
        return (random.random((number, 1)) < expit(slope * scores - 1)).astype(float), scores

    wrong = answered = 0
    for _ in range(40):
        labels, scores = draw(rows)
        given = CalibrationRows(labels, scores, range(rows))
        task, _ = calibrate_task("multi_label", "x", ["a"], given, "temperature", options, minimum=10)
        labels, scores = draw(200)
        verdicts, true = task.verdicts(scores), labels > 0
        of_absent = [(~true).sum(), (~true & (verdicts != "present")).sum()]
        counts += [true.sum(), (true & (verdicts != "absent")).sum(), *of_absent]
        found = task.probabilities(scores)
        given = ~task.abstained(found)
        wrong, answered = wrong + (given & ((found >= 0.5) != true)).sum(), answered + given.sum()
        # a threshold of each kind was fitted, and what neither rules out is not told as known
        (one,) = task.classes
        sure = (scores >= one.set_from) != (scores <= one.absent_to)
        assert ((verdicts != "unsure") == sure).all()
    present, absent = counts[1] / counts[0], counts[3] / counts[2]
    # never less, and hardly more where the thresholds do not cross
    assert 0.88 <= present <= (0.93 if slope == 1 else 1) and 0.88 <= absent <= (0.93 if slope == 1 else 1)
    assert answered and wrong / answered <= 0.2


def test_a_class_that_hardly_any_row_had_is_unsure():
    one = CalibratedClass("a", 3, 300, ProbabilityMap(), set_from=None, absent_to=-4.0)
    for each in (one, replace(one, set_from=1.0, absent_to=None)):
        task = CalibratedTask("multi_label", "x", 0.9, 0.05, 0.9, (each,))
        assert set(task.verdicts([[9.0], [0.0], [-9.0]]).ravel()) == {"unsure"}


def test_classes_that_exclude_each_other_are_present_alone_or_unsure():
    one = [CalibratedClass(name, 9, 9, ProbabilityMap(), set_from=np.log(0.3)) for name in "abc"]
    task = CalibratedTask("single_label", "x", 0.9, 0.05, 0.9, tuple(one))
    found = task.verdicts(np.log([[0.8, 0.1, 0.1], [0.5, 0.4, 0.1], [0.28, 0.28, 0.44]]))
    assert found.tolist() == [
        ["present", "absent", "absent"],
        ["unsure", "unsure", "absent"],
        ["absent", "absent", "present"],
    ]
    empty = CalibratedTask("single_label", "x", 0.9, 0.05, 0.9, tuple(replace(each, set_from=0.0) for each in one))
    assert set(empty.verdicts(np.log([[0.8, 0.1, 0.1]]))[0]) == {"unsure"}


def test_too_few_rows_leave_no_class_out():
    assert set_threshold(np.arange(8), 0.9) is None and set_threshold([], 0.9) is None
    # a coverage of nearly nothing
    assert set_threshold(np.arange(8), 1e-12) == 7 and set_threshold([], 1e-12) is None
    with pytest.raises(ValueError, match="coverage is 1.5, wanted a share"):
        set_threshold([1.0], 1.5)
    with pytest.raises(ValueError, match="1 of 2 scores are NaN"):
        set_threshold([1.0, np.nan], 0.5)


def test_the_risk_among_given_answers_is_kept():
    random = np.random.default_rng(0)
    above, answered = 0, []
    for _ in range(300):
        confidence = random.uniform(0.5, 1, 300)
        threshold = answer_threshold(confidence, random.random(300) > confidence, risk=0.1).threshold
        answered.append(0 if threshold is None else 2 * (1 - threshold))
        # of confidence drawn evenly, the error of all above a threshold is half of what is left to one
        above += threshold is not None and (1 - threshold) / 2 > 0.1
    assert above / 300 <= 0.05 and np.mean(answered) > 0.05


def test_nothing_is_answered_where_nothing_shows_the_risk():
    assert answer_threshold(np.ones(20), np.zeros(20, bool), 0.05).threshold is None
    assert answer_threshold(np.linspace(0.5, 1, 500), np.ones(500, bool), 0.05).threshold is None
    sure = answer_threshold(np.ones(500), np.zeros(500, bool), 0.05)
    assert sure.threshold == 1.0 and sure.answered == 1.0 and sure.errors == 0.0


def test_operating_points_are_those_of_a_count_by_hand():
    labels, scores = np.array([1, 1, 1, 1, 0, 0, 0, 0]), np.array([8, 7, 6, 2, 5, 4, 3, 1.0])
    assert sensitivity_threshold(labels, scores, 0.75) == 6
    weights = np.ones((1, 8))
    found = threshold_figures(labels, scores >= 2, weights)
    assert [found[key][0] for key in ("sensitivity", "specificity", "ppv")] == [1.0, 0.25, 4 / 7]
    at = threshold_figures(labels, scores >= 2, weights, prevalence=0.01)["ppv"][0]
    assert at == pytest.approx(0.01 / (0.01 + 0.75 * 0.99))
    top = capacity_figures(labels, scores, weights, 0.25)
    assert top["true_positive_rate"][0] == 0.5 and top["ppv"][0] == 1.0
    tied = capacity_figures(labels, np.zeros(8), weights, 0.25)
    assert tied["true_positive_rate"][0] == 0.25 and tied["ppv"][0] == 0.5
    assert np.isnan(threshold_figures(np.zeros(3), np.ones(3, bool), np.ones((1, 3)))["sensitivity"][0])
    with pytest.raises(ValueError, match="no positive row"):
        sensitivity_threshold(np.zeros(3), np.zeros(3), 0.9)


def test_strange_embeddings_lie_far_away():
    random = np.random.default_rng(0)
    mixing = random.normal(size=(6, 30))
    ordinary = random.normal(size=(400, 6)) @ mixing + 5
    found = fit_outliers(ordinary[:200])
    threshold = outlier_threshold(found.distance(ordinary[200:]), 0.05)
    again = random.normal(size=(400, 6)) @ mixing + 5
    assert (found.distance(again) > threshold).mean() < 0.12
    assert (found.distance(random.normal(0, 8, size=(50, 30))) > threshold).all()
    assert np.isfinite(fit_outliers(np.ones((5, 4))).distance(np.ones((1, 4)))).all()
    with pytest.raises(ValueError, match="wanted .rows, 30."):
        found.distance(np.zeros((2, 7)))
    with pytest.raises(ValueError, match="10 rows cannot tell what 0.05 of them exceed, wanted 19 or more"):
        outlier_threshold(np.arange(10), 0.05)
