from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hf_ecg.evaluation.label_text import aggregate_similarities, match_labels, scale_and_bias

SIMILARITIES = np.array([[0.1, 0.5, -0.2], [0.9, 0.7, 0.3]])


def test_max_and_mean_over_the_prompts_of_a_class():
    assert aggregate_similarities(SIMILARITIES, [2, 1], "max").tolist() == [[0.5, -0.2], [0.9, 0.3]]
    assert aggregate_similarities(SIMILARITIES, [1, 2], "mean") == pytest.approx(np.array([[0.1, 0.15], [0.9, 0.5]]))


def test_noisy_or_is_one_minus_the_product_of_absences():
    probabilities = 1 / (1 + np.exp(-(10 * SIMILARITIES - 4)))
    expected = np.stack([1 - (1 - probabilities[:, 0]) * (1 - probabilities[:, 1]), probabilities[:, 2]], axis=1)
    assert aggregate_similarities(SIMILARITIES, [2, 1], "noisy_or", 10.0, -4.0) == pytest.approx(expected, rel=1e-12)


def test_noisy_or_keeps_the_order_of_tiny_probabilities():
    scores = aggregate_similarities(np.array([[-0.9], [-0.8]]), [1], "noisy_or", 50.0, -10.0)
    assert 0 < scores[0, 0] < scores[1, 0]


def test_bad_aggregation():
    with pytest.raises(ValueError, match="aggregate is 'median'"):
        aggregate_similarities(SIMILARITIES, [2, 1], "median")
    with pytest.raises(ValueError, match="do not split"):
        aggregate_similarities(SIMILARITIES, [2, 2], "max")
    with pytest.raises(ValueError, match="do not split"):
        aggregate_similarities(SIMILARITIES, [3, 0], "max")
    with pytest.raises(ValueError, match="sigmoid loss"):
        aggregate_similarities(SIMILARITIES, [2, 1], "noisy_or", 10.0, None)


@pytest.mark.parametrize("loss_type, bias", [("sigmoid", -10.0), ("clep", -10.0), ("softmax", None)])
def test_bias_only_of_sigmoid_losses(loss_type, bias):
    model = SimpleNamespace(
        config=SimpleNamespace(loss_type=loss_type),
        logit_scale=torch.tensor(10.0).log(),
        logit_bias=torch.tensor(-10.0),
    )
    assert scale_and_bias(model) == (pytest.approx(10.0), bias)


def test_labels_are_matched_by_name():
    assert match_labels({0: "CD", 1: "HYP", 2: "MI"}, ["MI", "CD"], "superdiagnostic") == [2, 0]
    several = {"0": "form: NDT", "1": "diagnostic: NDT", "2": "form: PVC", "3": "diagnostic: LVH"}
    assert match_labels(several, ["PVC", "NDT"], "form") == [2, 0]
    assert match_labels(several, ["NDT"], "diagnostic") == [1]


@pytest.mark.parametrize(
    "labels, names, message",
    [
        ({0: "CD"}, ["MI"], r"no output for \['MI'\]"),
        ({0: "form: MI"}, ["MI"], r"no output for \['MI'\]"),
        ({0: "LABEL_0", 1: "LABEL_1"}, ["MI", "CD"], "LABEL_0"),
        ({0: "mi"}, ["MI"], "no output"),
        ({0: "MI", 1: "superdiagnostic: MI"}, ["MI"], "twice"),
    ],
)
def test_absent_or_doubled_labels(labels, names, message):
    with pytest.raises(ValueError, match=message):
        match_labels(labels, names, "superdiagnostic")
