from functools import partial

import numpy as np
import pytest
import sklearn.metrics

from hf_ecg.evaluation.judging.validation import build_validation
from hf_ecg.evaluation.metrics.figures import (
    TRAINING_MEAN,
    bootstrap_figures,
    figure_difference,
    figure_entries,
    figure_lines,
    regression_figures,
    single_label_figures,
)
from tests.evaluation import tiny


def test_figures_are_those_of_scikit_learn_with_rows_counted_as_often_as_drawn():
    random = np.random.default_rng(0)
    labels, scores = random.integers(0, 4, 60), random.normal(size=(60, 4))
    targets, predictions = random.normal(60, 10, 60), random.normal(60, 10, 60)
    weights = random.integers(0, 3, (5, 60))
    classes = single_label_figures(labels, scores, weights)
    numbers = regression_figures(targets, predictions, weights)
    for replicate, drawn in enumerate(weights):
        rows = np.repeat(np.arange(60), drawn)
        true, found = labels[rows], scores[rows].argmax(1)
        assert classes["accuracy"][replicate] == pytest.approx(sklearn.metrics.accuracy_score(true, found))
        assert classes["macro_f1"][replicate] == pytest.approx(sklearn.metrics.f1_score(true, found, average="macro"))
        true, found = targets[rows], predictions[rows]
        assert numbers["mae"][replicate] == pytest.approx(sklearn.metrics.mean_absolute_error(true, found))
        assert numbers["rmse"][replicate] == pytest.approx(sklearn.metrics.root_mean_squared_error(true, found))
        assert numbers["r2"][replicate] == pytest.approx(sklearn.metrics.r2_score(true, found))
    two = single_label_figures(labels, scores, counted=[0, 1])["macro_f1"]
    assert two == pytest.approx(sklearn.metrics.f1_score(labels, scores.argmax(1), average=None)[:2].mean())


def test_patients_are_drawn_and_pairs_share_them():
    random = np.random.default_rng(0)
    targets = random.normal(size=40)
    patients = [f"p{row // 2}" for row in range(40)]
    near, far = (
        bootstrap_figures(partial(regression_figures, targets, targets + error), patients, 50) for error in (1, 3)
    )
    assert near.patients == 20 and near.intervals["mae"].value == pytest.approx(1)
    difference = figure_difference(near, far)["mae"]
    assert (difference.value, difference.low, difference.high) == pytest.approx((-2, -2, -2))
    labels, scores = (targets > 0).astype(int), np.stack([-targets, targets], axis=1)
    exact = bootstrap_figures(partial(single_label_figures, labels, scores), patients, 50).intervals["accuracy"]
    assert (exact.value, exact.low, exact.high) == (1, 1, 1)
    drawn = bootstrap_figures(partial(_share_of, labels), patients, 50).samples["share"][1]
    again = bootstrap_figures(partial(_share_of, labels), patients, 50, seed=1).samples["share"][1]
    assert len(drawn) == 50 and len(set(drawn)) > 3 and not np.array_equal(drawn, again)
    with pytest.raises(ValueError, match="same rows"):
        figure_difference(near, bootstrap_figures(partial(regression_figures, targets, targets), range(40), 50))


def _share_of(labels, weights):
    return {"share": weights @ labels / weights.sum(axis=1)}


def test_tables_name_the_unit():
    figures = bootstrap_figures(partial(regression_figures, np.arange(9.0), np.arange(9.0) + 2), range(9), 20)
    lines = figure_lines({"unit": "years", **figure_entries({"a": figures, "b": figures}, [("a", "b")])})
    assert "| system | MAE (years) | RMSE (years) | R² |" in lines
    assert any(line.startswith("| a | 2.000 [2.000, 2.000] (one seed) |") for line in lines)
    assert any(line.startswith("| a - b | +0.000 [+0.000, +0.000] (one seed) |") for line in lines)
    several = figure_lines({"seeds": [0, 1], **figure_entries({"a": figures, TRAINING_MEAN: figures}, [])})
    assert any(line.startswith("| a | 2.000 [2.000, 2.000] (patients only) |") for line in several)
    mean = next(line for line in lines + figure_lines(figure_entries({TRAINING_MEAN: figures}, [])) if "mean" in line)
    assert "seed" not in mean


@pytest.mark.parametrize("wrong", [np.array([1.0, np.nan]), np.array([1.0])])
def test_numbers_that_cannot_be_compared_are_refused(wrong):
    with pytest.raises(ValueError):
        regression_figures(np.array([1.0, 2.0]), wrong)


def test_validators_know_their_direction_and_measure_in_units():
    rows = tiny.dataset(60)
    rows = rows.remove_columns("age").add_column("age", list(range(60)), feature=rows.features["age"])
    processor = tiny.feature_extractor()
    model = tiny.classifier(["age"])
    model.config.problem_type = "regression"
    model.classifier.weight.data.zero_()
    model.classifier.bias.data.fill_(20.0)
    spec = {"name": "regression", "metric": "mae/age", "greater_is_better": False}
    figures = build_validation(spec, processor, rows, ["age"])(model)
    assert figures["mae"] == figures["mae/age"] == pytest.approx(np.abs(np.arange(60) - 20).mean())
    for change in ({"greater_is_better": True}, {"metric": "mae/agee"}, {"targets": ["age"]}):
        with pytest.raises(ValueError, match="validation"):
            build_validation(spec | change, processor, rows, ["age"])
    with pytest.raises(ValueError):
        build_validation(spec, processor, rows, [])
    spec = {"name": "single_label", "label_sets": ["rhythm"], "metric": "macro_f1", "greater_is_better": True}
    # names in another order than the corpus's
    classifier = tiny.classifier(["SR", "AFIB"])
    classifier.config.problem_type = "single_label_classification"
    classifier.classifier.weight.data.zero_()
    classifier.classifier.bias.data[:] = classifier.classifier.bias.new_tensor([1.0, 0.0])
    figures = build_validation(spec, processor, rows)(classifier)
    assert figures["accuracy"] == pytest.approx(np.mean([labels == [1] for labels in rows["rhythm"]]))
    assert figures["macro_auroc"] == 0.5
    with pytest.raises(ValueError, match="of macro_f1 the other direction is better"):
        build_validation(spec | {"greater_is_better": False}, processor, rows)
