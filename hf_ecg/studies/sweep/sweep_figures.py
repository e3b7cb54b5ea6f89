"""Figures of a sweep: macro AUROC of each task and their mean, with intervals over the same resampled patients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...evaluation.judging.validation import task_labels
from ...evaluation.metrics.bootstrap import (
    Interval,
    mean_of_classes,
    metrics_of_draws,
    patient_index,
    patient_weights,
    percentile_interval,
)
from ...evaluation.metrics.classification import counted_classes
from ...evaluation.options import IntervalOptions
from .sweep_scores import TaskScores

METRIC = "auroc"
MEAN = "mean"


@dataclass(frozen=True)
class Drawn:
    """A figure on all rows, and on those of each resampling of the patients."""

    value: float
    drawn: np.ndarray

    @property
    def interval(self) -> Interval:
        """The central 95 %."""
        return percentile_interval(self.value, self.drawn)

    def minus(self, other: "Drawn") -> Interval:
        """The paired difference."""
        return percentile_interval(self.value - other.value, self.drawn - other.drawn)


def sweep_figures(
    arms: Mapping[str, Sequence[Mapping[str, TaskScores]]], rows, patients: Sequence[str], intervals: IntervalOptions
) -> tuple[dict[str, dict[str, Drawn]], dict[str, list[str]]]:
    """Macro AUROC of every arm.

    Args:
        arms: name -> for each seed, task -> scores.
        rows: the judged rows.
        patients: of the rows.
        intervals: replicates, their seed, and what a class needs to count.

    Returns:
        Arm -> task -> figure, the mean over seeds, with the mean over tasks under "mean"; and task -> its counted
        classes. A task that not every arm has is left out, and so is a class.

    Raises:
        ValueError: the arms have no task in common, or no class of a task has enough rows.
    """
    every = [seed for seeds in arms.values() for seed in seeds]
    tasks = [task for task in every[0] if all(task in scores for scores in every)]
    if not tasks:
        raise ValueError(f"no task is judged in every arm: {[sorted(scores) for scores in every]}")
    index, number = patient_index(patients, len(rows))
    weights = patient_weights(number, intervals.replicates, np.random.default_rng([intervals.seed, 0]))
    found: dict[str, dict[str, Drawn]] = {arm: {} for arm in arms}
    classes = {}
    for task in tasks:
        names = [name for name in every[0][task].class_names if all(name in one[task].class_names for one in every)]
        labels, kept = task_labels(rows, every[0][task].label_set, names, intervals.minimum, task)
        classes[task] = counted_classes(labels, names, intervals.minimum)
        counted = [name in classes[task] for name in names]
        for arm, seeds in arms.items():
            stack = np.stack([_columns(scores[task], names)[kept] for scores in seeds])[:, :, counted]
            full, drawn = (
                mean_of_classes(metrics_of_draws(labels[:, counted], stack, draws, index[kept])[METRIC]).mean(axis=0)
                for draws in (np.ones((1, number)), weights)
            )
            found[arm][task] = Drawn(float(full[0]), drawn)
    for figures in found.values():
        parts = list(figures.values())
        figures[MEAN] = Drawn(
            float(np.mean([part.value for part in parts])), np.mean([part.drawn for part in parts], axis=0)
        )
    return found, classes


def _columns(task: TaskScores, names: Sequence[str]) -> np.ndarray:
    return np.asarray(task.scores, dtype=np.float64)[:, [task.class_names.index(name) for name in names]]
