"""Log loss, AUROC and calibration error of probabilities."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from hf_ecg.evaluation.metrics.calibration import probability_figures
from hf_ecg.evaluation.metrics.figures import bootstrap_figures

GENERATOR = np.random.default_rng(0)
LOGITS = GENERATOR.normal(size=(57, 3))
LABELS = (GENERATOR.random((57, 3)) < 1 / (1 + np.exp(-2 * LOGITS))).astype(float)


def by_hand(rows):
    """The three figures of rows, as often as they are listed, in plain loops; bins are those of all rows."""
    losses, areas, errors = [], [], []
    for k in range(3):
        probability = 1 / (1 + np.exp(-LOGITS[:, k]))
        losses.append(log_loss(LABELS[rows, k], probability[rows]))
        areas.append(roc_auc_score(LABELS[rows, k], probability[rows]))
        error = 0
        for part in np.array_split(np.argsort(probability, kind="stable"), 10):
            members = [row for row in rows if row in part]
            error += abs(sum(LABELS[row, k] - probability[row] for row in members)) / len(rows)
        errors.append(error)
    return {"log_loss": np.mean(losses), "auroc": np.mean(areas), "calibration_error": np.mean(errors)}


def test_they_are_the_plain_loops_also_of_resampled_rows():
    rows = GENERATOR.integers(57, size=57)
    weights = np.stack([np.ones(57), np.bincount(rows, minlength=57)])
    found = probability_figures(LABELS, LOGITS, weights)
    for place, drawn in enumerate((np.arange(57), rows)):
        assert {name: values[place] for name, values in found.items()} == pytest.approx(by_hand(drawn))


def test_a_shifted_prior_shows_in_calibration_and_not_in_the_order():
    right, wrong = (probability_figures(LABELS, logits) for logits in (2 * LOGITS, 2 * LOGITS + 2))
    assert wrong["auroc"] == right["auroc"]
    assert wrong["calibration_error"] > right["calibration_error"] + 0.1 and wrong["log_loss"] > right["log_loss"]


def test_means_are_over_the_counted_classes_and_a_class_without_positives_leaves_the_auroc():
    labels = LABELS.copy()
    labels[:, 1] = 0
    assert probability_figures(labels, LOGITS)["auroc"] == pytest.approx(
        probability_figures(labels, LOGITS, counted=[0, 2])["auroc"]
    )
    figures = bootstrap_figures(lambda weights: probability_figures(LABELS, LOGITS, weights), range(57), 20)
    assert figures.intervals["log_loss"].low < figures.intervals["log_loss"].value


@pytest.mark.parametrize(
    "labels, logits, message",
    [
        (LABELS[:5], LOGITS, "wanted"),
        (LABELS[:, 0], LOGITS[:, 0], "wanted"),
        (np.full_like(LABELS, np.nan), LOGITS, "leave unannotated rows out"),
        (LABELS, np.full_like(LOGITS, np.inf), "infinite"),
    ],
)
def test_what_does_not_fit_is_refused(labels, logits, message):
    with pytest.raises(ValueError, match=message):
        probability_figures(labels, logits)
