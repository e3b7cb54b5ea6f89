"""A comparison from its file to its report: every fold is tested once, and what is there is not done again."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from datasets import Dataset

from ...data.corpus import load_corpus
from ...data.corpus_card import read_summary
from ...evaluation.judging.refused import note_refused, skip_refused
from ...evaluation.loading import pick_device
from ...evaluation.options import DEFAULT_INTERVALS, IntervalOptions
from ...evaluation.reports.evaluation_report import report_frame, write_report
from ...owned_folders import mark
from ...progress import progress_bar
from ..source_overrides import source_overrides
from .arm_budget import told_budget, with_budget
from .arm_runs import alone, enrich_turn, plan_runs, recipe_of, train_run
from .comparison_report import comparison_tasks, complete_seeds
from .comparison_spec import Comparison, Turn, load_comparison
from .kept_scores import KeptScores
from .measures import JudgedRows, measure_run

REPORT = "comparison.json"


def run_comparison(
    path: str | Path,
    data: str,
    output_dir: str | Path,
    *,
    config: str | None = None,
    seeds: Sequence[int] = (0,),
    share: tuple[int, int] = (1, 1),
    scores: str | Path | None = None,
    intervals: IntervalOptions = DEFAULT_INTERVALS,
    overrides: Sequence[str] = (),
) -> dict | None:
    """Trains and measures every arm of a comparison in turns over the folds, and writes the report.

    Args:
        path: YAML file: recipe, arms, measures, differences.
        data, config: prepared corpus (folder or Hub id) and its configuration.
        output_dir: folder of all runs and of the report.
        seeds: of every arm; a seed counts once all its arms and turns are there.
        share: (1, 2) does the first half of the turns; another process does (2, 2).
        scores: folder where finished runs leave their scores, and which no run is trained again of; see `KeptScores`.
        intervals: see there.
        overrides: `section.key=value` of the recipe, in every arm.

    Returns:
        The report; None while no seed is complete.

    Raises:
        ValueError: a mistake in the file or an override, before anything is trained.
        OSError: a file or the corpus is not there, or another process works on the same turn.
    """
    config = config or read_summary(data).get("config")
    comparison, directory, root = load_comparison(path), Path(path).parent, Path(output_dir)
    whole = JudgedRows(data, config, comparison.measures)
    turns = comparison.planned_turns(sorted(set(whole.folds.tolist())))
    seeds = list(seeds)
    runs = plan_runs(comparison, turns, seeds, root)
    given = [*source_overrides(data, config), *overrides]
    recipes = {run: recipe_of(comparison, run, directory, given) for run in runs}  # all mistakes before the first step
    kept = None if scores is None else KeptScores(scores, comparison, directory, given, whole)
    left = runs if kept is None else kept.left(runs)
    planned = recipes | with_budget(comparison, {run: recipes[run] for run in left}, root)
    if kept is not None:
        planned |= {run: kept.with_length(run, recipes[run]) for run in runs if run not in left}
    number, shares = share
    places = {(seed, turn): i for i, (seed, turn) in enumerate((s, t) for s in seeds for t in turns)}
    # whole turns are shared out: an arm may begin with what another one left
    mine = [run for run in left if places[run.seed, run.turn] % shares == number - 1]

    def judge(splits: dict[str, Dataset]) -> JudgedRows:
        judged = JudgedRows(data, config, comparison.measures, splits["rows"])
        if kept is not None:
            kept.place(judged)
        for run in progress_bar(mine, desc="runs", unit="run"):
            wanted = {name: one for name, one in comparison.measures.items() if run.arm in comparison.arms_of(name)}
            with alone(run):
                mark(root, "study")
                enrich_turn(comparison, run, directory, given)
                planned.update(with_budget(comparison, {run: recipes[run]}, root, waiting=True))
                train_run(comparison, run, planned[run])
                measure_run(run, wanted, judged, comparison.arms[run.arm].rules)
                if kept is not None:
                    kept.keep(run, planned[run], judged)
        return judged

    # rows that one arm's extractor refuses are in no arm's figures
    judged, refused = skip_refused(judge, {"rows": load_corpus(data, config=config)})
    complete = complete_seeds(comparison, turns, seeds, root)
    if not any(complete.values()):
        return None
    frame = _frame(comparison, judged, turns, seeds, complete, intervals, told_budget(comparison, planned))
    report = note_refused(frame, refused)
    report |= {"tasks": comparison_tasks(comparison, judged, turns, complete, root, intervals)}
    write_report(report, root / REPORT)
    return report


def _frame(
    comparison: Comparison,
    judged: JudgedRows,
    turns: list[Turn],
    asked: list[int],
    complete: dict[str, list[int]],
    intervals: IntervalOptions,
    budget: list[str],
) -> dict:
    """The report of the complete seeds, without its tasks."""
    seeds = sorted({seed for each in complete.values() for seed in each})
    arms = [name for name, arm in comparison.arms.items() if arm.measured]
    models = {arm: [{"folder": arm, "seed": seed} for seed in seeds] for arm in arms}
    absent = {name: sorted(set(asked) - set(each)) for name, each in complete.items()}
    notes = [
        *_split(comparison, turns),
        *budget,
        *(
            f"{name}: without the seeds {left_out}, not all of whose arms and turns are there"
            for name, left_out in absent.items()
            if left_out
        ),
        *comparison.notes,
        *(f"{name}: {one.note}" for name, one in comparison.measures.items() if one.note),
    ]
    folds = sorted(fold for turn in turns for fold in turn.test)
    device = pick_device("cpu")
    return report_frame(
        comparison.title,
        judged.path,
        judged.config,
        intervals,
        device,
        folds,
        [judged.patients[np.isin(judged.folds, folds)]],
        models,
        notes,
    )


def _split(comparison: Comparison, turns: list[Turn]) -> list[str]:
    if comparison.folds is not None:
        (turn,) = turns
        named = {"trained": turn.train, "selected": turn.validation, "tested": turn.test}
        return ["; ".join(f"{what} on folds {', '.join(map(str, folds))}" for what, folds in named.items())]
    each = "; ".join(f"{turn.name.replace('_', ' ')}, selected on {turn.validation[0]}" for turn in turns)
    return [f"rotation over {len(turns)} turns: {each}", "out-of-fold scores, ranked within each turn"]
