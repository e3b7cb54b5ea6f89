"""Figures of a study of cohorts, with intervals over patients that are the same for all arms."""

from collections.abc import Mapping, Sequence

import numpy as np

from ...evaluation.metrics.bootstrap import patient_index, patient_weights
from ...evaluation.metrics.classification import weighted_ranking_metrics
from ...evaluation.options import IntervalOptions
from ..sweep.sweep_figures import Drawn
from .cohort_probes import COHORT, Cell, judged_cohorts, judged_labels, recalls
from .cohort_rows import CohortRows
from .cohorts_spec import CohortStudy

# arm -> for each seed, key of a cell -> scores
Scores = Mapping[str, Sequence[Mapping[str, np.ndarray]]]
RECALL, AUROC = COHORT_METRICS = ("mean_recall", "auroc")


def cell_figures(
    study: CohortStudy,
    rows: Mapping[str, CohortRows],
    cells: Sequence[Cell],
    scores: Scores,
    intervals: IntervalOptions,
) -> list[dict]:
    """AUROC of every cell and arm, the mean over seeds.

    Returns:
        For each cell `cell`, `records`, `patients`, `positives`, whether it is `counted` (positives and negatives are
        as many as `intervals.minimum`), and `figures`, arm -> `Drawn`.
    """
    found = []
    cohorts = list(rows)
    for cell in cells:
        labels, patients = judged_labels(study, rows, cell)
        weights, number = _weights(patients, intervals, cohorts.index(cell.cohort))
        positives = int(labels.sum())
        measured = {}
        for arm, seeds in scores.items():
            each = [weighted_ranking_metrics(labels, one[cell.key], weights)[0] for one in seeds]
            measured[arm] = _drawn(np.mean(each, axis=0))
        counted = min(positives, len(labels) - positives) >= intervals.minimum
        facts = {"cell": cell, "records": len(labels), "patients": number, "positives": positives}
        found.append(facts | {"counted": counted, "figures": measured})
    return found


def mean_figures(measured: Sequence[dict], task: str, probe: str) -> dict[str, Drawn]:
    """Arm -> mean over the counted cohorts of a task; patients of each cohort are drawn for themselves."""
    chosen = [
        one["figures"] for one in measured if one["counted"] and (one["cell"].task, one["cell"].probe) == (task, probe)
    ]
    if not chosen:
        return {}
    return {
        arm: Drawn(
            float(np.mean([figures[arm].value for figures in chosen])),
            np.mean([figures[arm].drawn for figures in chosen], axis=0),
        )
        for arm in chosen[0]
    }


def cohort_figures(
    rows: Mapping[str, CohortRows], scores: Scores, intervals: IntervalOptions
) -> dict[str, dict[str, Drawn]]:
    """How well the cohort is named: "mean_recall" of the cohorts and "auroc", each against the rest, by arm."""
    numbers, patients = judged_cohorts(rows)
    weights, _ = _weights(patients, intervals, len(rows))
    found: dict[str, dict[str, Drawn]] = {metric: {} for metric in COHORT_METRICS}
    for arm, seeds in scores.items():
        stack = [one[COHORT] for one in seeds]
        found[RECALL][arm] = _drawn(np.mean([recalls(numbers, one, weights) for one in stack], axis=0))
        each = [
            weighted_ranking_metrics((numbers == number).astype(int), one[:, number], weights)[0]
            for one in stack
            for number in range(len(rows))
        ]
        found[AUROC][arm] = _drawn(np.mean(each, axis=0))
    return found


def _weights(patients: np.ndarray, intervals: IntervalOptions, place: int) -> tuple[np.ndarray, int]:
    """(1 + replicates, rows): all rows once, then how often each is drawn; and the number of patients."""
    index, number = patient_index(patients, len(patients))
    drawn = patient_weights(number, intervals.replicates, np.random.default_rng([intervals.seed, place]))
    return np.concatenate([np.ones((1, len(index))), drawn[:, index]]), number


def _drawn(values: np.ndarray) -> Drawn:
    return Drawn(float(values[0]), values[1:])
