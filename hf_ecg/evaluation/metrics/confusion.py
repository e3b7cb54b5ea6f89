"""Figures of a problem of one class a row that count answers: sensitivity, predictive value and F1 of each class."""

from collections.abc import Sequence

import numpy as np

CLASS_FIGURES = (SENSITIVITY, PPV, F1) = ("sensitivity", "ppv", "f1")
ACCURACY = "accuracy"


def patient_confusions(labels, predicted, patients, num_classes: int) -> tuple[np.ndarray, list]:
    """How often each true class was answered with each class, patient by patient.

    Args:
        labels, predicted: int `(rows,)`, numbers of classes.
        patients: `(rows,)` identifiers.
        num_classes: how many classes there are.

    Returns:
        int64 `(patients, true classes, answered classes)`, and the patients in that order.

    Raises:
        ValueError: other shapes, or a number that is not a class.

    Example:
        >>> from hf_ecg.evaluation.metrics.confusion import patient_confusions
        >>> counts, patients = patient_confusions([0, 0, 1], [0, 1, 1], ["a", "a", "b"], 2)
        >>> counts.tolist(), patients
        ([[[1, 1], [0, 0]], [[0, 0], [0, 1]]], ['a', 'b'])
    """
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if not labels.shape == predicted.shape == (len(patients),):
        raise ValueError(
            f"labels have shape {labels.shape}, answers {predicted.shape}, and there are {len(patients)} patients"
        )
    for name, values in (("labels", labels), ("answers", predicted)):
        if len(values) and not 0 <= values.min() <= values.max() < num_classes:
            raise ValueError(f"{name} go from {values.min()} to {values.max()}, wanted 0 to {num_classes - 1}")
    names, place = np.unique(np.asarray(patients), return_inverse=True)
    counts = np.zeros((len(names), num_classes, num_classes), np.int64)
    np.add.at(counts, (place, labels, predicted), 1)
    return counts, names.tolist()


def confusion_figures(counts, classes: Sequence[str], weights=None) -> dict[str, np.ndarray]:
    """Accuracy, and of each class the sensitivity, the positive predictive value and F1.

    Args:
        counts: `(patients, true classes, answered classes)`, as `patient_confusions` makes them.
        classes: names in that order.
        weights: `(replicates, patients)`, how often each patient counts; None counts each once. So
            `bootstrap_figures(partial(confusion_figures, counts, classes), patients)` gives intervals over patients.

    Returns:
        "accuracy", "sensitivity/N", "ppv/N", "f1/N" and so on, float64 `(replicates,)`; NaN where nothing was of the
        class, or nothing was answered so.
    """
    counts = np.asarray(counts, np.float64)
    weights = np.ones((1, len(counts))) if weights is None else np.asarray(weights, np.float64)
    table = np.tensordot(weights, counts, axes=1)
    right = np.diagonal(table, axis1=1, axis2=2)
    true, found = table.sum(axis=2), table.sum(axis=1)
    figures = {ACCURACY: right.sum(axis=1) / np.maximum(table.sum(axis=(1, 2)), 1)}
    for number, name in enumerate(classes):
        hit = right[:, number]
        for figure, total, share in (
            (SENSITIVITY, true[:, number], hit),
            (PPV, found[:, number], hit),
            (F1, true[:, number] + found[:, number], 2 * hit),
        ):
            figures[f"{figure}/{name}"] = np.divide(share, total, out=np.full(len(hit), np.nan), where=total > 0)
    return figures
