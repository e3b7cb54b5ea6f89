"""Linear probe of classes that exclude each other: one softmax over all of them, its strength chosen on validation."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from transformers.utils import logging

from ..metrics.classification import METRICS, MINIMUM_COUNT, macro_metrics, per_class_metrics, require_counted_classes
from .linear_probe import MAXIMUM_ITERATIONS, STRENGTHS, ProbeRows, standardised

logger = logging.get_logger(__name__)

# log-probability of a class that no training row has; finite, so that it can be ranked
_NEVER = -700.0


@dataclass(frozen=True)
class SoftmaxResult:
    """A fitted probe.

    Args:
        scores: float64 (test rows, classes), log-probabilities.
        strength: the chosen C of scikit-learn's `LogisticRegression`.
        validation: macro AUROC on the validation rows of each C tried.
        untrained: classes without a training row; their score is the same for every record.
    """

    scores: np.ndarray
    strength: float
    validation: dict[float, float]
    untrained: list[str]


def softmax_probe(
    train: ProbeRows,
    validation: ProbeRows,
    test_features: np.ndarray,
    class_names: Sequence[str],
    balanced: bool = False,
    strengths: Sequence[float] = STRENGTHS,
    minimum: int = MINIMUM_COUNT,
) -> SoftmaxResult:
    """Fits a multinomial logistic regression on standardised features (cross-entropy) and scores the test rows.

    Mean and scale come from the training rows. C is chosen by macro AUROC on the validation rows; of equal ones the
    smallest. Test labels are not seen.

    Args:
        train, validation: each row has exactly one class.
        test_features: float (test rows, hidden_size).
        balanced: every class weighs the same in the loss, however rare, as a sampler that draws classes evenly does.
        strengths: values of C to try.
        minimum: positives and negatives that a class needs in the validation rows to count for the choice.

    Raises:
        ValueError: a row with no class or several, one class in all training rows, no class that counts.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.evaluation.judging.linear_probe import ProbeRows
        >>> from hf_ecg.evaluation.judging.softmax_probe import softmax_probe
        >>> labels = np.eye(3)[np.arange(90) % 3]
        >>> features = labels + np.random.default_rng(0).normal(scale=0.1, size=(90, 3))
        >>> rows = [ProbeRows(features[part], labels[part], range(90)[part]) for part in (slice(60), slice(60, 90))]
        >>> found = softmax_probe(*rows, features[60:], ["N", "S", "V"])
        >>> bool((found.scores.argmax(axis=1) == labels[60:].argmax(axis=1)).all())
        True
    """
    from sklearn.linear_model import LogisticRegression

    names = list(class_names)
    for where, rows in (("training", train), ("validation", validation)):
        several = int((np.asarray(rows.labels).sum(axis=1) != 1).sum())
        if several:
            raise ValueError(f"{several} {where} rows do not have exactly one of the classes {names}")
    require_counted_classes(validation.labels, names, minimum, "the validation rows")
    classes = np.asarray(train.labels).argmax(axis=1)
    if len(np.unique(classes)) < 2:
        raise ValueError(f"all training rows are {names[classes[0]]}, wanted two classes or more")
    features, validation_features, test = standardised(train.features, validation.features, test_features)
    best, tried = None, {}
    weight = "balanced" if balanced else None
    classifier = LogisticRegression(max_iter=MAXIMUM_ITERATIONS, warm_start=True, class_weight=weight)
    for strength in sorted(set(strengths)):
        classifier.set_params(C=strength)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            classifier.fit(features, classes)
        for warning in caught:
            logger.warning(f"softmax probe, C={strength:g}: {str(warning.message).splitlines()[0]}")
        per_class = per_class_metrics(
            validation.labels, _scores(classifier, validation_features, len(names)), names, minimum
        )
        tried[strength] = macro_metrics(per_class)[f"macro_{METRICS[0]}"]
        if best is None or tried[strength] > tried[best[0]]:
            best = strength, _scores(classifier, test, len(names))
    untrained = [name for number, name in enumerate(names) if not (classes == number).any()]
    return SoftmaxResult(best[1], best[0], tried, untrained)


def _scores(classifier, features: np.ndarray, number: int) -> np.ndarray:
    scores = np.full((len(features), number), _NEVER)
    scores[:, classifier.classes_] = np.maximum(classifier.predict_log_proba(features), _NEVER)
    return scores
