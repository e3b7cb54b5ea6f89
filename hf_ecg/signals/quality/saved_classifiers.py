"""Classifiers of two classes as plain numbers: read strictly, evaluated here, so that no file of ours is a pickle.

`studies.noise_detection.fitting` makes them of scikit-learn's; three forms hold all of its classifiers that are
offered there.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from ...checks import check_one_of, is_finite_number, shown

MEAN, LOGISTIC_SUM = COMBINATIONS = ("mean", "logistic_sum")
_MOST_NUMBERS = 4_000_000
# A fitted number is far smaller; larger ones add up to what is not a number, which no threshold calls noisy.
_LARGEST = 1e15


@dataclass(frozen=True)
class _Saved:
    """What the three forms share."""

    def to_dict(self) -> dict[str, Any]:
        """Lists and numbers for JSON, with the form's name."""
        return {"form": FORM_NAMES[type(self)], **asdict(self)}


@dataclass(frozen=True)
class LinearClassifier(_Saved):
    """Logistic regression on standardised features; beyond `limit` standard deviations they count no more.

    Attributes:
        means, scales, weights: one number a feature.
        intercept: of the sum.
        limit: positive.
    """

    means: list[float]
    scales: list[float]
    weights: list[float]
    intercept: float
    limit: float

    def __post_init__(self):
        _check_standard(self)
        _check_numbers("weights", self.weights, len(self.means))
        _check_numbers("intercept", [self.intercept])

    @property
    def num_features(self) -> int:
        return len(self.means)

    def probability(self, features: np.ndarray) -> np.ndarray:
        """(rows,), of (rows, features)."""
        return _sigmoid(standardised(self, features) @ np.array(self.weights) + self.intercept)


@dataclass(frozen=True)
class KernelClassifier(_Saved):
    """Support vectors with Gaussian kernels, and a logistic curve over their sum (Platt, 1999).

    Attributes:
        means, scales, limit: see `LinearClassifier`.
        vectors: support vectors, standardised.
        weights: one number a vector.
        gamma: of exp(-gamma * distance squared).
        intercept: of the sum.
        slope, offset: of the logistic curve.
    """

    means: list[float]
    scales: list[float]
    vectors: list[list[float]]
    weights: list[float]
    gamma: float
    intercept: float
    slope: float
    offset: float
    limit: float

    def __post_init__(self):
        _check_standard(self)
        if not isinstance(self.vectors, list) or not self.vectors:
            raise ValueError(f"vectors are {shown(self.vectors)}, wanted a list of rows of numbers")
        for vector in self.vectors:
            _check_numbers("vectors", vector, len(self.means))
        _check_numbers("weights", self.weights, len(self.vectors))
        _check_numbers("gamma, intercept, slope, offset", [self.gamma, self.intercept, self.slope, self.offset])
        if self.gamma < 0:
            raise ValueError(f"gamma is {self.gamma}, wanted a number of at least 0")

    @property
    def num_features(self) -> int:
        return len(self.means)

    def probability(self, features: np.ndarray) -> np.ndarray:
        """(rows,), of (rows, features)."""
        values, vectors = standardised(self, features), np.array(self.vectors)
        found = np.empty(len(values))
        # a row at a time: as many distances as vectors, whatever the number of rows
        for row, value in enumerate(values):
            distance = ((vectors - value) ** 2).sum(axis=1)
            found[row] = np.exp(-self.gamma * distance) @ np.array(self.weights) + self.intercept
        return _sigmoid(self.slope * found + self.offset)


@dataclass(frozen=True)
class Tree:
    """A binary tree as columns, a node a place; a leaf has the feature -1. Children stand behind their parent.

    Attributes:
        feature: which feature a node looks at.
        threshold: up to it, in single precision as in scikit-learn, a row goes left.
        left, right: places of the children.
        value: of the leaf.
    """

    feature: list[int]
    threshold: list[float]
    left: list[int]
    right: list[int]
    value: list[float]

    def check(self, num_features: int) -> None:
        """Raises ValueError for columns of other lengths, or a node that leads nowhere or back."""
        count = len(self.feature) if isinstance(self.feature, list) else 0
        if not count:
            raise ValueError(f"a tree's feature is {shown(self.feature)}, wanted a list of whole numbers")
        for name in ("threshold", "value"):
            _check_numbers(f"a tree's {name}", getattr(self, name), count)
        for name in ("feature", "left", "right"):
            column = getattr(self, name)
            whole = isinstance(column, list) and len(column) == count and all(type(entry) is int for entry in column)
            if not whole:
                raise ValueError(f"a tree's {name} is {shown(column)}, wanted {count} whole numbers")
        for place, (feature, left, right) in enumerate(zip(self.feature, self.left, self.right, strict=True)):
            if not -1 <= feature < num_features:
                raise ValueError(f"a tree's node {place} looks at feature {feature} of {num_features}")
            if feature >= 0 and not (place < left < count and place < right < count):
                raise ValueError(f"a tree's node {place} of {count} leads to {left} and {right}, wanted later nodes")

    def leaves(self, features: np.ndarray) -> np.ndarray:
        """(rows,): the value of each row's leaf."""
        feature, threshold = np.array(self.feature), np.array(self.threshold)
        left, right = np.array(self.left), np.array(self.right)
        rows, place = np.arange(len(features)), np.zeros(len(features), np.int64)
        while (inner := feature[place] >= 0).any():
            going, at = rows[inner], place[inner]
            below = features[going, feature[at]] <= threshold[at]
            place[going] = np.where(below, left[at], right[at])
        return np.array(self.value)[place]


@dataclass(frozen=True)
class TreesClassifier(_Saved):
    """One tree or many: the mean of their leaves' probabilities, or a logistic curve over their sum.

    Attributes:
        num_features: of the rows.
        combination: "mean" (decision tree, forests) or "logistic_sum" (gradient boosting).
        initial: of the sum, 0 of a mean.
        trees: at least one.
    """

    num_features: int
    combination: str
    initial: float
    trees: list[Tree]

    def __post_init__(self):
        check_one_of("combination", self.combination, COMBINATIONS)
        _check_numbers("initial", [self.initial])
        if type(self.num_features) is not int or self.num_features < 1 or not self.trees:
            raise ValueError(f"num_features is {shown(self.num_features)} and there are {len(self.trees)} trees")
        for tree in self.trees:
            tree.check(self.num_features)
            if self.combination == MEAN and not 0 <= min(tree.value) <= max(tree.value) <= 1:
                raise ValueError(f"a tree's values are {shown(tree.value)}, wanted probabilities from 0 to 1")

    def probability(self, features: np.ndarray) -> np.ndarray:
        """(rows,), of (rows, features)."""
        features = _checked(features, self.num_features).astype(np.float32)
        total = np.zeros(len(features))
        for tree in self.trees:
            total += tree.leaves(features)
        return total / len(self.trees) if self.combination == MEAN else _sigmoid(self.initial + total)


SavedClassifier = LinearClassifier | KernelClassifier | TreesClassifier
FORMS = {"linear": LinearClassifier, "kernel": KernelClassifier, "trees": TreesClassifier}
FORM_NAMES = {form: name for name, form in FORMS.items()}


def classifier_from_dict(content) -> SavedClassifier:
    """What `to_dict` gave, as JSON brings it back.

    Raises:
        ValueError: another form, a key too many or too few, numbers that are none, infinite, or of another count.
    """
    content = _keys("the classifier", content, None)
    check_one_of("the classifier's form", content.get("form"), tuple(FORMS))
    form = FORMS[content.pop("form")]
    content = _keys("the classifier", content, form)
    if form is TreesClassifier:
        if not isinstance(content["trees"], list):
            raise ValueError(f"trees are {shown(content['trees'])}, wanted a list")
        content["trees"] = [Tree(**_keys("a tree", tree, Tree)) for tree in content["trees"]]
    return form(**content)


def standardised(saved, features: np.ndarray) -> np.ndarray:
    """Features less means over scales, held within the limit; `saved` has `means`, `scales` and `limit`."""
    features = _checked(features, len(saved.means))
    return np.clip((features - np.array(saved.means)) / np.array(saved.scales), -saved.limit, saved.limit)


def _checked(features: np.ndarray, number: int) -> np.ndarray:
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or features.shape[1] != number or not np.isfinite(features).all():
        raise ValueError(f"features have shape {features.shape}, wanted (rows, {number}), all finite")
    return features


def _check_standard(saved) -> None:
    _check_numbers("means", saved.means)
    _check_numbers("scales", saved.scales, len(saved.means))
    _check_numbers("limit", [saved.limit])
    if min(saved.scales) <= 0 or saved.limit <= 0:
        raise ValueError(f"scales and limit are positive, found {min(saved.scales)} and {saved.limit}")


def _check_numbers(name: str, values, count: int | None = None) -> None:
    good = isinstance(values, list) and values and len(values) <= _MOST_NUMBERS and all(map(_is_usable, values))
    if not good or (count is not None and len(values) != count):
        wanted = "finite numbers" if count is None else f"{count} finite numbers"
        raise ValueError(f"{name}: found {shown(values)}, wanted a list of {wanted} up to {_LARGEST:g}")


def _is_usable(value) -> bool:
    return is_finite_number(value) and abs(value) <= _LARGEST


def _keys(what: str, content, form) -> dict[str, Any]:
    if not isinstance(content, Mapping):
        raise ValueError(f"{what} is {shown(content)}, wanted an object")
    if form is not None:
        wanted = {field.name for field in fields(form)}
        if set(content) != wanted:
            unknown, absent = sorted(set(content) - wanted), sorted(wanted - set(content))
            raise ValueError(f"{what} has the unknown keys {unknown} and lacks {absent}")
    return dict(content)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    # exp of a negative number alone: a large one would overflow
    small = np.exp(-np.abs(values))
    return np.where(values >= 0, 1 / (1 + small), small / (1 + small))
