import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from hf_ecg.evaluation.metrics.classification import (
    counted_classes,
    macro_metrics,
    per_class_metrics,
    require_counted_classes,
    weighted_ranking_metrics,
)


def example(rows=200, classes=3, ties=True, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.random((rows, classes)) < 0.3
    scores = labels + generator.normal(size=labels.shape)
    return labels.astype(np.float32), np.round(scores, 1) if ties else scores


@pytest.mark.parametrize("ties", [True, False])
def test_equal_to_sklearn(ties):
    labels, scores = example(ties=ties)
    metrics = per_class_metrics(labels, scores, ["a", "b", "c"])
    for index, entry in enumerate(metrics.values()):
        assert entry.auroc == pytest.approx(roc_auc_score(labels[:, index], scores[:, index]), abs=1e-12)
        assert entry.auprc == pytest.approx(average_precision_score(labels[:, index], scores[:, index]), abs=1e-12)
        assert entry.prevalence == pytest.approx(labels[:, index].mean())


def test_weights_are_repeated_rows():
    labels, scores = example(rows=60, classes=1)
    weights = np.random.default_rng(1).integers(0, 4, size=(5, 60))
    auroc, auprc = weighted_ranking_metrics(labels[:, 0].astype(bool), scores[:, 0], weights)
    for replicate, row in enumerate(weights):
        repeated = np.repeat(labels[:, 0], row), np.repeat(scores[:, 0], row)
        assert auroc[replicate] == pytest.approx(roc_auc_score(*repeated), abs=1e-12)
        assert auprc[replicate] == pytest.approx(average_precision_score(*repeated), abs=1e-12)


def test_constant_scores_are_chance():
    labels, _ = example(classes=1)
    entry = per_class_metrics(labels, np.zeros_like(labels), ["a"])["a"]
    assert entry.auroc == 0.5
    assert entry.auprc == pytest.approx(entry.prevalence)


def test_rare_classes_stay_outside_the_macro():
    labels, scores = example(rows=100, classes=3)
    labels[:, 1] = 0
    labels[:9, 1] = 1
    labels[:, 2] = 1
    labels[:9, 2] = 0
    metrics = per_class_metrics(labels, scores, ["often", "nine positives", "nine negatives"])
    assert [entry.counted for entry in metrics.values()] == [True, False, False]
    assert metrics["nine positives"].positives == 9 and metrics["nine positives"].auroc is not None
    assert macro_metrics(metrics)["macro_auroc"] == metrics["often"].auroc
    labels[9, 1] = 1
    assert counted_classes(labels, ["often", "ten positives", "nine negatives"]) == ["often", "ten positives"]


def test_class_without_positives_is_shown_and_never_counted():
    labels, scores = example(rows=50, classes=2)
    labels[:, 1] = 0
    for minimum in (0, 10):
        entry = per_class_metrics(labels, scores, ["a", "none"], minimum=minimum)["none"]
        assert (entry.positives, entry.auroc, entry.auprc, entry.counted) == (0, None, None, False)


def test_no_class_counts():
    labels, scores = example(rows=12, classes=2)
    with pytest.raises(ValueError, match="no class has enough"):
        macro_metrics(per_class_metrics(labels, scores, ["a", "b"]))
    with pytest.raises(ValueError, match="no class has at least 10 positives.*in fold 9"):
        require_counted_classes(labels, ["a", "b"], where="fold 9")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_must_be_finite(value):
    labels, scores = example()
    scores[3, 1] = value
    with pytest.raises(ValueError, match=r"1 scores are NaN or infinite, in classes \['b'\]"):
        per_class_metrics(labels, scores, ["a", "b", "c"])


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda y, s, n: (y[:-1], s, n), "scores have shape"),
        (lambda y, s, n: (y, s, n[:2]), "labels have shape"),
        (lambda y, s, n: (y, s, ["a", "a", "b"]), "repeated"),
        (lambda y, s, n: (np.where(y == 1, np.nan, y), s, n), "other than 0 and 1"),
        (lambda y, s, n: (y[:0], s[:0], n), "no rows"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        per_class_metrics(*change(*example(), ["a", "b", "c"]))
