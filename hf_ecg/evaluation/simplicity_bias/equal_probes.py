"""Linear probes of single classes at equal numbers of positives and negatives: a common class is not easier for being
common."""

import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..judging.linear_probe import STRENGTHS, standardised
from ..judging.probe_task import ProbeTask
from ..metrics.classification import counted_classes, macro_metrics, per_class_metrics

NEGATIVES_PER_POSITIVE = 4


@dataclass(frozen=True)
class EqualClasses:
    """The classes of a label set that can be probed.

    Args:
        names: with enough positives to train on, and to judge.
        left_out: other classes -> their positives among the training rows.
    """

    names: tuple[str, ...]
    left_out: dict[str, int]


def equal_classes(task: ProbeTask, positives: int) -> EqualClasses:
    """The classes of a task with so many positives and four times as many negatives in the training rows, and with
    `task.minimum` of both in the test rows."""
    labels = task.labels["train"].astype(bool)
    judged = set(counted_classes(task.labels["test"], task.class_names, task.minimum))
    names, left_out = [], {}
    for name, column in zip(task.class_names, labels.T, strict=True):
        number = int(column.sum())
        enough = number >= positives and len(column) - number >= NEGATIVES_PER_POSITIVE * positives
        if enough and name in judged:
            names.append(name)
        else:
            left_out[name] = number
    return EqualClasses(tuple(names), left_out)


def equal_scores(
    task: ProbeTask,
    features: Mapping[str, np.ndarray],
    classes: Sequence[str],
    positives: int,
    seed: int,
    strengths: Sequence[float] = STRENGTHS,
) -> np.ndarray:
    """Scores of the test rows by one logistic regression a class, each fitted on equally many rows.

    One strength for all classes is chosen by the macro AUROC of the validation rows; of equal ones the smallest. Which
    rows are drawn depends on the seed and the class alone: every model gets the same ones.

    Args:
        task: the label set.
        features: split -> float (judged rows, hidden_size).
        classes: to probe.
        positives: of each class, drawn from the training rows; negatives are four times as many.
        seed: of the draw.
        strengths: tried.

    Returns:
        float64 (test rows, classes).

    Raises:
        ValueError: a class with fewer positives or negatives.
    """
    from sklearn.linear_model import LogisticRegression

    strengths = sorted(strengths)
    columns = [task.class_names.index(name) for name in classes]
    found = {split: np.zeros((len(strengths), len(features[split]), len(columns))) for split in ("validation", "test")}
    for place, column in enumerate(columns):
        labels = task.labels["train"][:, column].astype(bool)
        rows = _drawn(labels, positives, seed, task.class_names[column])
        train, *others = standardised(features["train"][rows], *(features[split] for split in found))
        classifier = LogisticRegression(max_iter=1000, warm_start=True)
        for number, strength in enumerate(strengths):
            classifier.set_params(C=strength)
            with warnings.catch_warnings():
                # of so few rows a weak strength may not converge: then validation does not choose it
                warnings.simplefilter("ignore")
                classifier.fit(train, labels[rows])
            for split, values in zip(found, others, strict=True):
                found[split][number, :, place] = classifier.decision_function(values)
    wanted = task.labels["validation"][:, columns]
    figures = [_macro(wanted, scores, list(classes), task.minimum) for scores in found["validation"]]
    return found["test"][int(np.argmax(figures))]


def _macro(labels, scores, names, minimum: int) -> float:
    """On the validation rows; classes that are rare there count when all are."""
    least = minimum if counted_classes(labels, names, minimum) else 1
    value = macro_metrics(per_class_metrics(labels, scores, names, least)).get("macro_auroc")
    return -1.0 if value is None or not np.isfinite(value) else float(value)


def _drawn(labels: np.ndarray, positives: int, seed: int, name: str) -> np.ndarray:
    generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
    numbers = {True: positives, False: NEGATIVES_PER_POSITIVE * positives}
    chosen = []
    for value, number in numbers.items():
        rows = np.flatnonzero(labels == value)
        if len(rows) < number:
            kind = "positives" if value else "negatives"
            raise ValueError(f"{name} has {len(rows)} {kind} in the training rows, wanted {number}")
        chosen.append(generator.choice(rows, number, replace=False))
    return np.sort(np.concatenate(chosen))
