"""From scores and labels of the calibration rows to a calibrated task."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..metrics.bootstrap import patient_index
from ..reports.table_cells import listed
from .calibration_file import CalibratedClass, CalibratedTask
from .method_choice import PARTS, fit_maps, held_out_probabilities
from .operating_points import sensitivity_threshold
from .prediction_sets import answer_threshold, check_share, set_threshold
from .probability_maps import IDENTITY, METHODS, MULTI_LABEL, STEEPEST, TEMPERATURE, checked_rows


@dataclass(frozen=True)
class CalibrationOptions:
    """What is fitted and chosen.

    Args:
        method: "temperature", "platt" or "isotonic"; None: the one with the least log loss on patients of the
            calibration rows that its maps were fitted without.
        coverage: how often the truth is to be in a set.
        risk: share of wrong answers that is allowed among those given.
        sensitivity: of the operating points.
        prevalence: for which the predictive value is told; None: that of the judged rows.
        capacity: share of records that can be looked at.
        ood: "mahalanobis" or "energy", by which strange inputs are told.
        expected: share of ordinary inputs that may be called strange.

    Raises:
        ValueError: an unknown method, a share that is not between 0 and 1.
    """

    method: str | None = None
    coverage: float = 0.9
    risk: float = 0.05
    sensitivity: float = 0.9
    prevalence: float | None = None
    capacity: float = 0.05
    ood: str = "mahalanobis"
    expected: float = 0.05

    def __post_init__(self):
        if self.method not in (None, *METHODS):
            raise ValueError(f"method is {self.method!r}, wanted one of {METHODS}")
        if self.ood not in ("mahalanobis", "energy"):
            raise ValueError(f"ood is {self.ood!r}, wanted 'mahalanobis' or 'energy'")
        for name in ("coverage", "risk", "sensitivity", "capacity", "expected"):
            check_share(name, getattr(self, name))
        if self.prevalence is not None:
            check_share("prevalence", self.prevalence)


@dataclass(frozen=True)
class CalibrationRows:
    """The rows that a task is fitted on.

    Args:
        labels: (rows, classes) of 0 and 1; of a single-label problem one of them.
        scores: (rows, classes), logits.
        patients: (rows,), so that a patient's rows stay together.
    """

    labels: np.ndarray
    scores: np.ndarray
    patients: Sequence


def calibrate_task(
    kind: str,
    label_set: str,
    names: Sequence[str],
    rows: CalibrationRows,
    method: str,
    options: CalibrationOptions,
    minimum: int,
    texts: Sequence[Sequence[str]] = (),
    aggregate: str | None = None,
) -> tuple[CalibratedTask, list[str]]:
    """Fits the maps, and chooses the thresholds of sets and answers.

    Thresholds of sets and of operating points are those of the model's own scores, which no label had part in. For
    the answers the maps are fitted without a fifth of the patients each, whose probabilities they then give.

    Args:
        kind: "multi_label" or "single_label".
        label_set, names: of the task, and its classes in the order of the scores' columns.
        minimum: positives and negatives that a class needs for a map of its own.
        texts, aggregate: of a model of ECGs and texts.

    Returns:
        The task, and what a reader must know of it, in sentences.

    Raises:
        ValueError: fewer than 20 rows or 5 patients, rows without a patient, scores that are NaN or infinite, one
            class where classes exclude each other.
    """
    labels = np.asarray(rows.labels, dtype=np.float64)
    _, scores = checked_rows(labels[:, 0], rows.scores)
    _, people = patient_index(rows.patients, len(labels))
    if people < PARTS:
        raise ValueError(
            f"{label_set}: the {len(labels)} rows to calibrate on are of {people} patients, wanted at least {PARTS},"
            " for maps are judged on patients that they have not seen"
        )
    maps = fit_maps(kind, labels, scores, method, minimum)
    found = held_out_probabilities(kind, labels, scores, rows.patients, method, minimum)
    sets, absent, answers = _thresholds(kind, labels, scores, found, options)
    classes = []
    for place, name in enumerate(names):
        positives = int(labels[:, place].sum())
        cut = sensitivity_threshold(labels[:, place], scores[:, place], options.sensitivity) if positives else None
        texts_of_class = tuple(texts[place]) if texts else ()
        counts = positives, len(labels) - positives
        classes.append(
            CalibratedClass(
                str(name), *counts, maps[place], sets[place], answers[place], cut, texts_of_class, absent[place]
            )
        )
    shares = options.coverage, options.risk, options.sensitivity
    task = CalibratedTask(kind, label_set, *shares, tuple(classes), aggregate)
    return task, _remarks(task, scores, minimum)


def _thresholds(kind, labels, scores, found, options: CalibrationOptions) -> tuple[list, list, list]:
    classes = labels.shape[1]
    if kind != MULTI_LABEL:
        logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        true = labels.argmax(axis=1)
        in_set = set_threshold(logs[np.arange(len(logs)), true], options.coverage)
        answering = answer_threshold(found.max(axis=1), found.argmax(axis=1) != true, options.risk)
        return [in_set] * classes, [None] * classes, [answering.threshold] * classes
    sets, absent, answers = [], [], []
    for label, score, probability in zip(labels.T > 0, scores.T, found.T, strict=True):
        sets.append(set_threshold(score[label], options.coverage))
        highest = set_threshold(-score[~label], options.coverage)
        absent.append(None if highest is None else -highest)
        sure = np.maximum(probability, 1 - probability)
        answers.append(answer_threshold(sure, (probability >= 0.5) != label, options.risk).threshold)
    return sets, absent, answers


def _remarks(task: CalibratedTask, scores: np.ndarray, minimum: int) -> list[str]:
    """What did not go as usual, a sentence for each kind."""
    one = task.classes
    few = [each.label for each in one if task.kind == MULTI_LABEL and each.map.method == IDENTITY]
    same = [each.label for each, column in zip(one, scores.T, strict=True) if np.ptp(column) == 0]
    fitted = [each for each in one if each.map.method not in (IDENTITY, "isotonic")]
    endless = [each.label for each in fitted if each.map.slope == 0 and each.label not in same]
    steep = [each.label for each in fitted if each.map.slope >= STEEPEST and each.map.method == TEMPERATURE]
    always = [each.label for each in one if each.set_from is None]
    never = [each.label for each in one if task.kind == MULTI_LABEL and each.absent_to is None]
    silent = [each.label for each in one if each.answer_from is None]
    told = {
        f"as they were, for there are fewer than {minimum} positives or negatives to fit a map on": few,
        "the same score for every row, which tells nothing": same,
        "an infinite temperature, for the scores say nothing of the labels: every probability is the same": endless,
        "labels that the scores part without an error: the temperature is at its lowest": steep,
        "in every set, and never called absent or present, for there are too few positives": always,
        "never called absent or present, for there are too few negatives": never,
        f"no answer at a risk of {task.risk:.0%}, which nothing here shows to be kept": silent,
    }
    return [f"{listed(names)}: {words}" for words, names in told.items() if names]
