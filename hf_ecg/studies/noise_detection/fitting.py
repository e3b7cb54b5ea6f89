"""Classifiers of scikit-learn, fitted on windows and turned into numbers that `signals.quality` evaluates."""

import warnings
from collections.abc import Callable

import numpy as np

from ...signals.quality.saved_classifiers import (
    LOGISTIC_SUM,
    MEAN,
    KernelClassifier,
    LinearClassifier,
    SavedClassifier,
    Tree,
    TreesClassifier,
)

# Standard deviations. A window of another device may lie far outside of what was seen, and shall not decide by that.
_LIMIT = 5.0
_PLATT_FOLDS = 5


def fit_classifier(name: str, features: np.ndarray, noisy: np.ndarray, seed: int = 0) -> SavedClassifier:
    """A classifier by its name, both classes weighted to count the same.

    Args:
        name: one of `CLASSIFIERS`.
        features: `(windows, features)`, all finite. Means and deviations are taken from these rows alone.
        noisy: bool `(windows,)`.
        seed: of what the classifier draws.

    Raises:
        ValueError: an unknown name, or windows of one class alone.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.studies.noise_detection.fitting import fit_classifier
        >>> values = np.random.default_rng(0).normal(size=(200, 3))
        >>> fitted = fit_classifier("logistic_regression", values, values[:, 0] > 0)
        >>> fitted.probability(np.array([[2.0, 0, 0], [-2.0, 0, 0]])).round().tolist()
        [1.0, 0.0]
    """
    if name not in CLASSIFIERS:
        raise ValueError(f"classifier is {name!r}, wanted one of {', '.join(CLASSIFIERS)}")
    noisy = np.asarray(noisy, bool)
    if noisy.all() or not noisy.any():
        raise ValueError(f"{noisy.sum()} of {len(noisy)} windows are noisy, wanted noisy and clean ones")
    return CLASSIFIERS[name](np.asarray(features, np.float64), noisy, seed)


def _logistic_regression(features, noisy, seed: int) -> LinearClassifier:
    from sklearn.linear_model import LogisticRegression

    means, scales, values = _standard(features)
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=5000, tol=1e-8).fit(values, noisy)
    return LinearClassifier(
        means.tolist(), scales.tolist(), model.coef_[0].tolist(), float(model.intercept_[0]), _LIMIT
    )


def _svc(features, noisy, seed: int) -> KernelClassifier:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.svm import SVC

    means, scales, values = _standard(features)
    gamma = 1.0 / features.shape[1]
    machine = SVC(C=1.0, gamma=gamma, class_weight="balanced", cache_size=500)
    folds = StratifiedKFold(_PLATT_FOLDS, shuffle=True, random_state=seed)
    # of windows that the machine has not seen: on its own it is too sure
    unseen = cross_val_predict(machine, values, noisy, cv=folds, method="decision_function")
    curve = LogisticRegression(C=1e6, class_weight="balanced").fit(unseen[:, None], noisy)
    machine.fit(values, noisy)
    return KernelClassifier(
        means.tolist(),
        scales.tolist(),
        machine.support_vectors_.tolist(),
        machine.dual_coef_[0].tolist(),
        gamma,
        float(machine.intercept_[0]),
        float(curve.coef_[0, 0]),
        float(curve.intercept_[0]),
        _LIMIT,
    )


def _decision_tree(features, noisy, seed: int) -> TreesClassifier:
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier(max_depth=5, min_samples_leaf=20, class_weight="balanced", random_state=seed)
    return _mean_of([model.fit(features, noisy)], features.shape[1])


def _random_forest(features, noisy, seed: int) -> TreesClassifier:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(
        100, min_samples_leaf=5, max_leaf_nodes=32, class_weight="balanced_subsample", random_state=seed
    )
    return _mean_of(model.fit(features, noisy).estimators_, features.shape[1])


def _gradient_boosting(features, noisy, seed: int) -> TreesClassifier:
    from sklearn.ensemble import GradientBoostingClassifier

    weights = np.where(noisy, 0.5 / noisy.mean(), 0.5 / (1 - noisy.mean()))
    model = GradientBoostingClassifier(
        n_estimators=100, learning_rate=0.08, subsample=0.5, min_samples_leaf=10, max_features=0.5, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        model.fit(features, noisy, sample_weight=weights)
    share = float(model.init_.class_prior_[1])
    trees = [
        _tree(tree.tree_, model.learning_rate * tree.tree_.value[:, 0, 0]) for tree in model.estimators_[:, 0].tolist()
    ]
    return TreesClassifier(features.shape[1], LOGISTIC_SUM, float(np.log(share / (1 - share))), trees)


def _standard(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    means, scales = features.mean(axis=0), features.std(axis=0)
    scales = np.where(scales > 0, scales, 1.0)
    return means, scales, np.clip((features - means) / scales, -_LIMIT, _LIMIT)


def _mean_of(models, num_features: int) -> TreesClassifier:
    trees = []
    for model in models:
        weights = model.tree_.value[:, 0]
        trees.append(_tree(model.tree_, weights[:, 1] / weights.sum(axis=1)))
    return TreesClassifier(num_features, MEAN, 0.0, trees)


def _tree(tree, values: np.ndarray) -> Tree:
    leaf = tree.children_left < 0
    return Tree(
        np.where(leaf, -1, tree.feature).tolist(),
        np.where(leaf, 0.0, tree.threshold).tolist(),
        np.where(leaf, 0, tree.children_left).tolist(),
        np.where(leaf, 0, tree.children_right).tolist(),
        np.where(leaf, values, 0.0).tolist(),
    )


CLASSIFIERS: dict[str, Callable[[np.ndarray, np.ndarray, int], SavedClassifier]] = {
    "logistic_regression": _logistic_regression,
    "svc": _svc,
    "decision_tree": _decision_tree,
    "random_forest": _random_forest,
    "gradient_boosting": _gradient_boosting,
}
