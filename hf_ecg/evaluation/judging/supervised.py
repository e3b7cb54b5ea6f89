"""Trained classifiers and regressions on test rows: their scores, and the tasks of a report made of them."""

import csv
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ...data.corpus import label_names, single_class_rows, target_matrix
from ...files import atomic_file
from ...losses.survival import survival_curve
from ..loading import load_head
from ..metrics.bootstrap import bootstrap_evaluation
from ..metrics.classification import require_counted_classes
from ..metrics.figures import (
    TRAINING_MEAN,
    Figures,
    bootstrap_figures,
    figure_entries,
    figures_task,
    regression_figures,
    single_label_figures,
)
from ..options import DEFAULT_INTERVALS, IntervalOptions
from ..protocol import SUPERVISED
from ..reports.evaluation_report import task_entry
from .features import classifier_logits
from .label_text import match_labels
from .survival import known_survival, survival_measure
from .validation import task_labels

MULTI_LABEL, SINGLE_LABEL, REGRESSION, SURVIVAL = PROBLEMS = ("multi_label", "single_label", "regression", "survival")
SCORES_NAME = "scores.csv"
# What ends the name of a model's companion.
RANDOM = ", random weights"


class SupervisedJudge:
    """Test rows and what is measured on them; made first, so that mistakes show before training.

    Args:
        dataset: the test rows; of a "single_label" problem those with exactly one class are judged.
        problem: "multi_label", "single_label", "regression" or "survival".
        tasks: label sets, or columns of numbers for a regression; the two of time and event for survival.
        intervals: of all tasks.

    Raises:
        ValueError: a label set or column that the corpus does not have, no row that knows a target, no class with
            enough positives.
    """

    def __init__(
        self,
        dataset,
        problem: str,
        tasks: list[str],
        intervals: IntervalOptions = DEFAULT_INTERVALS,
    ):
        self.problem, self.intervals = problem, intervals
        if problem == SINGLE_LABEL:
            dataset = single_class_rows(dataset, tasks[0])
        self.dataset = dataset
        # of all outputs of a model, those that a task asks about; None takes all
        self.names: dict[str, list[str] | None]
        self.patients = np.array(dataset.select_columns("patient_id")["patient_id"][:])
        if problem == SURVIVAL:
            time, event, rows = known_survival(dataset, tasks, "the test rows")
            self.names = {SURVIVAL: None}
            self.truth = {SURVIVAL: (np.stack([time, event]), rows)}
        elif problem == REGRESSION:
            self.names = {target: [target] for target in tasks}
            columns = target_matrix(dataset, tasks).T
            known = [np.flatnonzero(np.isfinite(column)) for column in columns]
            self.truth = {task: (column[rows], rows) for task, column, rows in zip(tasks, columns, known, strict=True)}
            unknown = [target for target, (values, _) in self.truth.items() if len(values) == 0]
            if unknown:
                raise ValueError(f"none of the {len(dataset)} test rows knows {', '.join(unknown)}")
        else:
            self.names = {label_set: list(label_names(dataset, label_set)) for label_set in tasks}
            self.truth = {
                label_set: task_labels(dataset, label_set, names, intervals.minimum, "test rows")
                for label_set, names in self.names.items()
            }

    def scores(self, folder, device, description: str | None = None) -> dict[str, np.ndarray]:
        """What a saved model says of the test rows; `scores.csv` in its folder holds it as the pipeline gives it.

        Returns:
            task -> float64 (judged rows, classes): logits, log-probabilities of a "single_label" problem, or numbers
            in the target's unit; of survival the logits of the intervals.
        """
        model, extractor = load_head(
            str(folder), device, "survival model" if self.problem == SURVIVAL else "classifier"
        )
        logits = classifier_logits(model, extractor, self.dataset, description=description)
        self._write(Path(folder) / SCORES_NAME, model.config.id2label, torch.from_numpy(logits))
        found = {}
        for task, (_, rows) in self.truth.items():
            names = self.names[task]
            columns = slice(None) if names is None else match_labels(model.config.id2label, names, task)
            found[task] = logits[rows][:, columns].astype(np.float64)
        return found

    def tasks(self, scores: dict[str, dict[str, np.ndarray]], train) -> list[dict]:
        """Tasks of a report.

        Args:
            scores: model -> its `scores`; the name of a companion is the model's and `RANDOM`.
            train: the training rows, whose mean stands beside every regression.
        """
        make = {REGRESSION: self._regression, SURVIVAL: self._survival}.get(self.problem, self._classification)
        return [make(task, {key: one[task] for key, one in scores.items()}, train) for task in self.truth]

    def _write(self, path: Path, id2label: dict, logits: torch.Tensor) -> None:
        values = _AS_WRITTEN[self.problem](logits)
        records = self.dataset.select_columns("record_id")["record_id"][:]
        with atomic_file(path, newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["record_id", *(id2label[index] for index in range(values.shape[1]))])
            writer.writerows([name, *row] for name, row in zip(records, values.tolist(), strict=True))

    def _measured(self, measures: dict, rows) -> dict[str, Figures]:
        patients, replicates, seed = self.patients[rows], self.intervals.replicates, self.intervals.seed
        return {key: bootstrap_figures(one, patients, replicates, seed) for key, one in measures.items()}

    def _classification(self, label_set: str, scores: dict[str, np.ndarray], train) -> dict:
        (labels, rows), names = self.truth[label_set], self.names[label_set]
        patients, options = self.patients[rows], asdict(self.intervals)
        systems = {key: bootstrap_evaluation(labels, one, patients, names, **options) for key, one in scores.items()}
        pairs, figures = differences(list(scores)), {}
        if self.problem == SINGLE_LABEL:
            counted = [names.index(name) for name in require_counted_classes(labels, names, self.intervals.minimum)]
            true = labels.argmax(axis=1)
            measures = {key: partial(single_label_figures, true, one, counted=counted) for key, one in scores.items()}
            figures = figure_entries(self._measured(measures, rows), pairs)
        return task_entry(label_set, SUPERVISED, systems, pairs, label_set=label_set) | figures

    def _regression(self, target: str, scores: dict[str, np.ndarray], train) -> dict:
        values, rows = self.truth[target]
        mean = np.nanmean(target_matrix(train, [target]))
        predictions = {key: one[:, 0] for key, one in scores.items()} | {TRAINING_MEAN: np.full(len(values), mean)}
        measures = {key: partial(regression_figures, values, one) for key, one in predictions.items()}
        return figures_task(target, target, self._measured(measures, rows), differences(list(scores)))

    def _survival(self, task: str, scores: dict[str, np.ndarray], train) -> dict:
        (time, event), rows = self.truth[task]
        measures = {key: survival_measure(time, event, one) for key, one in scores.items()}
        systems = self._measured(measures, rows)
        return figures_task(task, task, systems, differences(list(scores)), events=int(event.sum()))


# of survival the probability of no event until each interval's end
_AS_WRITTEN: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    SINGLE_LABEL: torch.exp,
    MULTI_LABEL: torch.sigmoid,
    REGRESSION: torch.clone,
    SURVIVAL: lambda logits: survival_curve(logits)[:, 1:],
}


def differences(names: list[str]) -> list[tuple[str, str]]:
    """Each model minus its companion, and the last of several models minus each of the others."""
    pairs = [(name, name + RANDOM) for name in names if name + RANDOM in names]
    models = [name for name in names if not name.endswith(RANDOM)]
    return pairs + [(models[-1], name) for name in models[:-1]]
