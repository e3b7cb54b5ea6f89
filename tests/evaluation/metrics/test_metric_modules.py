"""The metric modules as `evaluate.load` sees them, offline, beside the functions of the package."""

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from hf_ecg.evaluation import bootstrap_evaluation, metric_path, per_class_metrics

evaluate = pytest.importorskip("evaluate")

NAMES = ["AFIB", "PVC", "LVH"]
MODULES = ("macro_auroc", "macro_auprc", "patient_bootstrap")


pytestmark = pytest.mark.usefixtures("evaluate_offline")


@pytest.fixture
def task():
    """90 records of 45 patients; LVH has four positives, too few for the mean."""
    random = np.random.default_rng(0)
    labels = (random.random((90, 3)) < [0.4, 0.2, 0]).astype(int)
    labels[:4, 2] = 1
    scores = labels + random.normal(0, 1, labels.shape)
    return scores, labels, [f"p{row // 2}" for row in range(90)]


def load(name):
    return evaluate.load(metric_path(name))


def test_macro_auroc_is_the_mean_over_the_counted_classes(task):
    scores, labels, _ = task
    found = load("macro_auroc").compute(predictions=scores, references=labels, class_names=NAMES)
    wanted = {name: roc_auc_score(labels[:, i], scores[:, i]) for i, name in enumerate(NAMES)}
    assert found["counted_classes"] == ["AFIB", "PVC"] and found["left_out"] == {"LVH": [4, 86]}
    assert found["per_class"] == pytest.approx(wanted)
    assert found["macro_auroc"] == pytest.approx((wanted["AFIB"] + wanted["PVC"]) / 2)


def test_macro_auprc_stands_beside_the_prevalence(task):
    scores, labels, _ = task
    found = load("macro_auprc").compute(predictions=scores, references=labels, class_names=NAMES)
    wanted = {name: average_precision_score(labels[:, i], scores[:, i]) for i, name in enumerate(NAMES)}
    assert found["per_class"] == pytest.approx(wanted)
    assert found["macro_auprc"] == pytest.approx((wanted["AFIB"] + wanted["PVC"]) / 2)
    assert found["prevalence"] == pytest.approx(dict(zip(NAMES, labels.mean(0), strict=True)))
    assert found["macro_prevalence"] == pytest.approx(labels[:, :2].mean())
    assert found["left_out"] == {"LVH": [4, 86]}


def test_intervals_are_those_of_the_package(task):
    scores, labels, patients = task
    options = {"replicates": 50, "seed": 3}
    found = load("patient_bootstrap").compute(
        predictions=scores, references=labels, patients=patients, class_names=NAMES, **options
    )
    wanted = bootstrap_evaluation(labels, scores, patients, NAMES, **options)
    macro = wanted.macro["auroc"]
    assert found["macro_auroc"] == [macro.value, macro.low, macro.high]
    assert found["macro_auroc"][1] < found["macro_auroc"][0] < found["macro_auroc"][2]
    assert found["counted_classes"] == ["AFIB", "PVC"] and found["patients"] == 45
    assert found["per_class"]["PVC"]["prevalence"] == labels[:, 1].mean()


@pytest.mark.parametrize("name", MODULES)
def test_batches_give_what_the_whole_gives(name, task):
    scores, labels, patients = task
    whole = {"predictions": scores.astype(np.float32), "references": labels.astype(np.float32)}
    if name == "patient_bootstrap":
        whole["patients"] = patients
    at_once = load(name).compute(**whole)
    metric = load(name)
    for start in range(0, 90, 32):
        metric.add_batch(**{key: values[start : start + 32] for key, values in whole.items()})
    assert metric.compute() == at_once
    assert at_once["counted_classes"] == ["0", "1"]


def test_torch_tensors_and_lists_are_taken(task):
    import torch

    scores, labels, _ = task
    wanted = per_class_metrics(labels, scores, NAMES)["PVC"].auroc
    for convert in (torch.tensor, np.ndarray.tolist):
        found = load("macro_auroc").compute(predictions=convert(scores), references=convert(labels), class_names=NAMES)
        assert math.isclose(found["per_class"]["PVC"], wanted)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda scores, labels: (scores * np.nan, labels), "NaN or infinite"),
        (lambda scores, labels: (scores, labels - 1), "other than 0 and 1"),
        (lambda scores, labels: (scores[:, :2], labels), "scores have shape"),
        (lambda scores, labels: (scores, labels * 0), "no class has enough"),
    ],
)
def test_what_the_package_refuses_they_refuse(change, message, task):
    scores, labels = change(*task[:2])
    with pytest.raises(ValueError, match=message):
        load("macro_auroc").compute(predictions=scores, references=labels)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_a_card_and_a_citation(name):
    metric = load(name)
    assert metric.description.strip() and "@" in metric.citation and "predictions" in metric.inputs_description
    with open(f"{metric_path(name)}/README.md") as file:
        card = file.read()
    assert card.startswith("---\ntitle:") and f'metric_path("{name}")' in card and "## Citation" in card


def test_an_unknown_module_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'macro_auroc'"):
        metric_path("macro_auc")
