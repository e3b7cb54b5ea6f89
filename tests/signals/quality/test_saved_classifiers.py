"""Classifiers as numbers: what they compute, and that nothing broken is read."""

import json

import numpy as np
import pytest

from hf_ecg.signals.quality.saved_classifiers import (
    LOGISTIC_SUM,
    MEAN,
    KernelClassifier,
    LinearClassifier,
    Tree,
    TreesClassifier,
    classifier_from_dict,
)

ROWS = np.array([[0.0, 1.0], [2.0, -1.0], [400.0, 3.0]])


def sigmoid(values):
    return 1 / (1 + np.exp(-np.asarray(values)))


def linear(**changes):
    return LinearClassifier(
        **dict(means=[1.0, 0.0], scales=[2.0, 1.0], weights=[3.0, -1.0], intercept=0.5, limit=4.0) | changes
    )


def kernel():
    return KernelClassifier([0.0, 0.0], [1.0, 1.0], [[0.0, 1.0], [1.0, 0.0]], [2.0, -1.0], 0.5, 0.1, 1.5, -0.2, 9.0)


def trees(combination=MEAN):
    stump = Tree([0, -1, -1], [1.0, 0.0, 0.0], [1, 0, 0], [2, 0, 0], [0.0, 0.2, 0.8])
    deep = Tree([1, 0, -1, -1, -1], [0, 1, 0, 0, 0], [1, 2, 0, 0, 0], [4, 3, 0, 0, 0], [0, 0, 0.1, 0.3, 0.5])
    return TreesClassifier(2, combination, 0.25, [stump, deep])


def test_linear_by_hand():
    wanted = sigmoid([3 * -0.5 - 1 + 0.5, 3 * 0.5 + 1 + 0.5, 3 * 4 - 3 + 0.5])
    np.testing.assert_allclose(linear().probability(ROWS), wanted)


def test_kernel_by_hand():
    first = 2 * np.exp(-0.5 * 0) - np.exp(-0.5 * 2) + 0.1
    assert kernel().probability(ROWS[:1])[0] == pytest.approx(sigmoid(1.5 * first - 0.2))


def test_trees_by_hand():
    np.testing.assert_allclose(trees().probability(ROWS), [0.35, 0.55, 0.65])
    np.testing.assert_allclose(trees(LOGISTIC_SUM).probability(ROWS), sigmoid([0.95, 1.35, 1.55]))


def test_trees_look_in_single_precision_as_those_of_scikit_learn():
    stump = Tree([0, -1, -1], [0.1, 0.0, 0.0], [1, 0, 0], [2, 0, 0], [0.0, 0.2, 0.8])
    # 0.1 in single precision is a little more than 0.1
    assert TreesClassifier(1, MEAN, 0.0, [stump]).probability(np.array([[0.1]]))[0] == 0.8


@pytest.mark.parametrize("made", [linear(), kernel(), trees(), trees(LOGISTIC_SUM)])
def test_what_is_read_back_is_the_same_to_the_last_bit(made):
    again = classifier_from_dict(json.loads(json.dumps(made.to_dict())))
    assert again == made
    np.testing.assert_array_equal(again.probability(ROWS), made.probability(ROWS))


def changed(made, **changes):
    return made.to_dict() | changes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "object"),
        (changed(linear(), form="pickle"), "form"),
        (changed(linear(), extra=1), "unknown keys \\['extra'\\]"),
        ({"form": "linear"}, "lacks"),
        (changed(linear(), weights=[1.0]), "2 finite numbers"),
        (changed(linear(), weights=[1.0, float("nan")]), "finite"),
        (changed(linear(), weights="ab"), "finite"),
        (changed(linear(), scales=[1.0, 0.0]), "positive"),
        (changed(linear(), limit=True), "finite"),
        (changed(linear(), means=None), "means: found None"),
        # sums of such numbers overflow to what no threshold calls noisy, or are no floats
        (changed(linear(), weights=[1e300, -1e300]), "up to 1e"),
        (changed(linear(), means=[10**30, 0.0]), "up to 1e"),
        (changed(kernel(), gamma=-1.0), "gamma is -1"),
        (changed(kernel(), vectors=[[1.0, 2.0], [1.0]]), "vectors"),
        (changed(kernel(), vectors=[]), "vectors"),
        (changed(trees(), combination="product"), "combination"),
        (changed(trees(), trees=[]), "0 trees"),
        (changed(trees(), trees=3), "list"),
        (changed(trees(), trees=[{}]), "lacks"),
        (changed(trees(), num_features=1), "feature 1 of 1"),
        (changed(trees(), trees=[dict(feature=[-1], threshold=[0], left=[0], right=[0], value=[-7])]), "from 0 to 1"),
    ],
)
def test_broken_classifiers_are_refused(content, message):
    with pytest.raises(ValueError, match=message) as refused:
        classifier_from_dict(content)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("left", [0, 0, 0], "later nodes"),
        ("right", [3, 0, 0], "later nodes"),
        ("feature", [-2, -1, -1], "feature -2"),
        ("feature", [0.0, -1, -1], "whole"),
        ("value", [0.0, 0.2], "3 finite"),
        ("threshold", [None, 0.0, 0.0], "finite"),
    ],
)
def test_a_tree_leads_somewhere(column, values, message):
    content = trees().to_dict()
    content["trees"][0][column] = values
    with pytest.raises(ValueError, match=message):
        classifier_from_dict(content)


def test_rows_without_a_number_are_refused():
    for made in (linear(), kernel(), trees()):
        with pytest.raises(ValueError, match="finite"):
            made.probability(np.array([[np.nan, 1.0]]))
        with pytest.raises(ValueError, match="shape"):
            made.probability(np.zeros((2, 3)))
