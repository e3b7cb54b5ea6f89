"""Sensitivity, predictive value and F1 are those of a plain count, with patients drawn as wholes."""

from functools import partial

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from hf_ecg.evaluation.metrics.confusion import confusion_figures, patient_confusions
from hf_ecg.evaluation.metrics.figures import bootstrap_figures

CLASSES = ["N", "S", "V"]


@pytest.fixture(scope="module")
def told():
    generator = np.random.default_rng(0)
    labels = generator.choice(3, 400, p=[0.8, 0.05, 0.15])
    predicted = np.where(generator.random(400) < 0.7, labels, generator.integers(0, 3, 400))
    return labels, predicted, generator.integers(0, 12, 400).astype(str)


def test_figures_are_those_of_scikit_learn(told):
    labels, predicted, patients = told
    counts, names = patient_confusions(labels, predicted, patients, 3)
    assert counts.sum() == 400 and names == sorted(set(patients))
    figures = confusion_figures(counts, CLASSES)
    ppv, sensitivity, f1, _ = precision_recall_fscore_support(labels, predicted)
    for number, name in enumerate(CLASSES):
        found = [figures[f"{key}/{name}"][0] for key in ("ppv", "sensitivity", "f1")]
        np.testing.assert_allclose(found, [ppv[number], sensitivity[number], f1[number]])
    assert figures["accuracy"][0] == pytest.approx(accuracy_score(labels, predicted))


def test_a_patient_that_is_drawn_twice_counts_twice(told):
    labels, predicted, patients = told
    counts, names = patient_confusions(labels, predicted, patients, 3)
    weights = np.random.default_rng(1).integers(0, 3, (5, len(names)))
    figures = confusion_figures(counts, CLASSES, weights)
    for row, weight in enumerate(weights):
        drawn = np.repeat(np.arange(400), weight[[names.index(patient) for patient in patients]])
        _, sensitivity, f1, _ = precision_recall_fscore_support(labels[drawn], predicted[drawn])
        np.testing.assert_allclose([figures[f"f1/{name}"][row] for name in CLASSES], f1)
        np.testing.assert_allclose([figures[f"sensitivity/{name}"][row] for name in CLASSES], sensitivity)
    intervals = bootstrap_figures(partial(confusion_figures, counts, CLASSES), names, 200).intervals
    assert intervals["f1/V"].low < intervals["f1/V"].value < intervals["f1/V"].high


def test_a_class_that_is_nowhere_has_no_figure():
    counts, _ = patient_confusions([0, 0], [0, 1], ["a", "b"], 3)
    figures = confusion_figures(counts, CLASSES)
    assert np.isnan([figures["f1/V"][0], figures["sensitivity/S"][0], figures["ppv/V"][0]]).all()
    assert figures["ppv/S"][0] == 0 and figures["accuracy"][0] == 0.5
    with pytest.raises(ValueError, match="answers go from 0 to 3, wanted 0 to 2"):
        patient_confusions([0, 0], [0, 3], ["a", "b"], 3)
    with pytest.raises(ValueError, match="there are 1 patients"):
        patient_confusions([0, 0], [0, 1], ["a"], 3)
