"""The report of a comparison: out-of-fold scores of all rows, arm beside arm, with paired differences."""

from dataclasses import asdict
from functools import partial

import numpy as np
from scipy.stats import rankdata

from ...clinical.prompts import load_prompts
from ...evaluation.metrics.bootstrap import bootstrap_evaluation
from ...evaluation.metrics.figures import bootstrap_figures, figures_task, regression_figures
from ...evaluation.options import DEFAULT_INTERVALS, IntervalOptions
from ...evaluation.protocol import SUPERVISED, read_training_facts, task_protocol
from ...evaluation.reports.evaluation_report import task_entry
from .arm_runs import Run
from .comparison_spec import PROMPTS, Comparison, Turn
from .measures import JudgedRows, is_classifier, read_scores, scores_path


def complete_seeds(comparison: Comparison, turns: list[Turn], seeds: list[int], root) -> dict[str, list[int]]:
    """Of each measure, the seeds with the scores of every arm and turn."""
    return {
        name: [
            seed
            for seed in seeds
            if all(
                scores_path(Run(arm, turn, seed, root), name).is_file()
                for arm in comparison.arms_of(name)
                for turn in turns
            )
        ]
        for name in comparison.measures
    }


def comparison_tasks(
    comparison: Comparison,
    judged: JudgedRows,
    turns: list[Turn],
    seeds: dict[str, list[int]],
    root,
    intervals: IntervalOptions = DEFAULT_INTERVALS,
) -> list[dict]:
    """One task of a report for each measure with at least one seed.

    Scores of a classification are their ranks within the turn: five models have no scale in common, and pooled as
    they are, the offset between two of them would count as an error. Numbers of a regression stay as they are, and
    their figures are means over the seeds, with intervals over patients alone.

    Args:
        seeds: measure -> the seeds to report, see `complete_seeds`.
        intervals: over patients, and seeds.
    """
    tasks = []
    for name, measure in comparison.measures.items():
        if not seeds[name]:
            continue
        parts = [judged.rows(turn.test, name) for turn in turns]
        rows = np.concatenate(parts)
        regression = measure.target is not None
        scores = {}
        for arm in comparison.arms_of(name):
            stack = []
            for one in seeds[name]:
                found = [
                    read_scores(Run(arm, turn, one, root), name, [judged.records[row] for row in part])
                    for turn, part in zip(turns, parts, strict=True)
                ]
                stack.append(np.concatenate(found if regression else [_ranks(each) for each in found]))
            scores[arm] = np.stack(stack)
        pairs = [tuple(pair) for pair in comparison.differences if set(pair) <= set(scores)]
        names, truth, _ = judged.truth[name]
        truth, patients = truth[rows], judged.patients[rows]
        if regression:
            measures = {arm: partial(_mean_figures, truth[:, 0], stack[:, :, 0]) for arm, stack in scores.items()}
            figures = {
                arm: bootstrap_figures(one, patients, intervals.replicates, intervals.seed)
                for arm, one in measures.items()
            }
            task = figures_task(name, measure.target, figures, pairs, seeds=seeds[name])
        else:
            # runs of one seed share first weights and the order of records
            options = asdict(intervals) | {"paired_seeds": True}
            systems = {
                arm: bootstrap_evaluation(truth, stack, patients, names, **options) for arm, stack in scores.items()
            }
            word = SUPERVISED
            if measure.kind == PROMPTS:
                word = _prompt_word(comparison, judged, turns, seeds[name], root, name)
            label_set = measure.column or judged.label_set(name)
            task = task_entry(name, word, systems, pairs, label_set=label_set, seeds=seeds[name])
        tasks.append(task)
    return tasks


def _ranks(scores: np.ndarray) -> np.ndarray:
    return rankdata(scores, axis=0) / len(scores)


def _mean_figures(targets, predictions, weights=None) -> dict[str, np.ndarray]:
    """Mean over seeds of the figures of each; predictions (seeds, rows)."""
    each = [regression_figures(targets, one, weights) for one in predictions]
    return {key: np.mean([figures[key] for figures in each], axis=0) for key in each[0]}


def _prompt_word(comparison, judged, turns, seeds, root, name) -> str:
    prompts = load_prompts(comparison.measures[name].prompts)
    runs = [
        Run(arm, turn, seed, root)
        for arm in comparison.arms_of(name)
        if not comparison.arms[arm].rules
        for turn in turns
        for seed in seeds
    ]
    facts = [read_training_facts(run.folder) for run in runs if not is_classifier(run)]
    return task_protocol(facts, prompts, judged.config)[0] if facts else SUPERVISED
