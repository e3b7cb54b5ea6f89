"""A sweep from its file to its report: every arm trains for the same time, and what is there is not done again."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transformers.utils import logging

from ...checks import check_positive
from ...data.corpus_card import read_summary
from ...evaluation.judging.refused import note_refused, skip_refused
from ...evaluation.loading import describe_seeds, pick_device
from ...evaluation.options import DEFAULT_INTERVALS, IntervalOptions
from ...evaluation.protocol import read_training_facts
from ...evaluation.reports.evaluation_report import report_frame, write_report
from ...locks import output_lock
from ...owned_folders import mark
from ...progress import progress_bar
from ...training.log_file import read_log
from ...training.prior_runs import train_once
from ...training.recipe import Recipe
from ...training.step_costs import WALL
from ..comparison.arm_runs import slug
from ..source_overrides import source_overrides
from ..time_budget import planned_recipe
from .sweep_figures import sweep_figures
from .sweep_report import draw_sweep, render_sweep
from .sweep_scores import SweptRows, check_judged, encoder_parameters, probe_scores, run_scores
from .sweep_spec import Sweep, arm_recipe, load_sweep

logger = logging.get_logger(__name__)

REPORT, PICTURE = "sweep.json", "sweep.png"


@dataclass(frozen=True)
class SweepOptions:
    """How a sweep is run.

    Args:
        minutes: of training and validating, a run.
        seeds: of every arm.
        clock: see `training.step_costs.measure_costs`.
        intervals: see there.
        overrides: `section.key=value` of the recipe, in every arm.
    """

    minutes: float
    seeds: Sequence[int] = (0,)
    clock: str = WALL
    intervals: IntervalOptions = DEFAULT_INTERVALS
    overrides: Sequence[str] = ()


def run_sweep(
    path: str | Path, data: str, output_dir: str | Path, options: SweepOptions, config: str | None = None
) -> dict:
    """Trains every arm of a sweep for the same time, judges it on the recipe's validation folds, writes the report.

    Args:
        path: YAML file, see `sweep_spec.Sweep`.
        data, config: prepared corpus (folder or Hub id) and its configuration.
        output_dir: folder of the runs (`ARM/seed_0`), of `sweep.json`, `sweep.md` and `sweep.png`.
        options: see there.

    Returns:
        The report.

    Raises:
        ValueError: a mistake in the file or an override, before anything is trained; a folder of another sweep.
        FloatingPointError: the loss of the first arm was not finite; another such arm is left out, and named.
        OSError: a file or the corpus is not there, or another process writes the folder.
    """
    check_positive("minutes", options.minutes)
    sweep, root = load_sweep(path), Path(output_dir)
    config = config or read_summary(data).get("config")
    given = [*source_overrides(data, config), *options.overrides]
    recipes = {name: arm_recipe(sweep, name, Path(path).parent, given) for name in sweep.arms}
    _check(sweep, recipes)
    SweptRows(next(iter(recipes.values())))  # a corpus without these folds is told of before the first step
    with output_lock(root):
        root.mkdir(parents=True, exist_ok=True)
        mark(root, "study")
        return _run(sweep, recipes, root, options)


def _check(sweep: Sweep, recipes: dict[str, Recipe]) -> None:
    slugs = [slug(name) for name in recipes]
    twice = [name for name in recipes if slugs.count(slug(name)) > 1]
    if twice:
        raise ValueError(f"arms {twice} would share a folder, wanted names that differ in letters or digits")
    first = next(iter(recipes))
    for name, recipe in recipes.items():
        check_judged(recipe, sweep.probe, f"arm {name!r}")
        folds, wanted = (one.data.only_source("a sweep").folds for one in (recipe, recipes[first]))
        if folds != wanted:
            raise ValueError(f"arm {name!r} has the folds {folds}, {first!r} {wanted}: wanted the same in every arm")


def _run(sweep: Sweep, recipes: dict[str, Recipe], root: Path, options: SweepOptions) -> dict:
    # all of them before the first is trained: an arm that cannot run says so here
    timed = {
        name: planned_recipe(recipe, root / slug(name), options.minutes, options.clock)
        for name, recipe in progress_bar(recipes.items(), desc="measured", unit="arm")
    }
    planned, diverged = _trained(timed, root, options.seeds)
    first = next(iter(recipes.values()))

    def judge(splits: dict) -> tuple:
        rows = SweptRows(first, splits["validation"])
        scores = {
            name: [
                run_scores(recipe, folder, rows) | probe_scores(sweep.probe, folder, rows, options.intervals)
                for recipe, folder in runs
            ]
            for name, runs in progress_bar(planned.items(), desc="judged", unit="arm")
        }
        return rows, *sweep_figures(scores, rows.validation, rows.patients, options.intervals)

    (rows, figures, classes), refused = skip_refused(judge, {"validation": SweptRows(first).validation})
    described = {
        name: describe_seeds([str(folder) for _, folder in runs], [read_training_facts(folder) for _, folder in runs])
        for name, runs in planned.items()
    }
    notes = [
        *sweep.notes,
        *(f"{name} is left out, it came to no end: {reason}" for name, reason in diverged.items()),
        f"{options.minutes:g} minutes a run by the {options.clock} clock; epochs chosen from the arm's own steps",
        "judged on the folds that chose the best epoch of each run: figures to choose by, not to report",
    ]
    frame = report_frame(
        *(sweep.title, rows.path, rows.config, options.intervals, pick_device("cpu"), rows.folds, [rows.patients]),
        *(described, notes),
    )
    baseline = figures[next(iter(figures))]
    arms = [_entry(name, runs, figures[name], baseline) for name, runs in planned.items()]
    report = note_refused(frame | {"tasks": [], "counted": classes, "arms": arms}, refused)
    write_report(report, root / REPORT, render_sweep)
    draw_sweep(report, root / PICTURE)
    return report


def _trained(
    timed: dict[str, Recipe], root: Path, seeds: Sequence[int]
) -> tuple[dict[str, list[tuple[Recipe, Path]]], dict[str, str]]:
    """The runs of every arm, a seed after the other; and the arms whose loss was not finite, with what was said.

    Raises:
        FloatingPointError: the loss of the first arm, which the others are subtracted from, was not finite.
    """
    found: dict[str, list[tuple[Recipe, Path]]] = {name: [] for name in timed}
    diverged: dict[str, str] = {}
    runs = [(name, seed) for seed in seeds for name in timed]
    for name, seed in progress_bar(runs, desc="runs", unit="run"):
        if name in diverged:
            continue
        recipe = dataclasses.replace(timed[name], run=dataclasses.replace(timed[name].run, seed=seed))
        folder = root / slug(name) / f"seed_{seed}"
        try:
            train_once(recipe, folder, keep_checkpoints=False)
        except FloatingPointError as error:
            # a setting that was not to be trained is what a sweep is to find, and the others are to be judged
            if name == next(iter(timed)):
                raise
            logger.warning("arm %s is left out: %s", name, error)
            diverged[name] = str(error)
        found[name].append((recipe, folder))
    return {name: runs for name, runs in found.items() if name not in diverged}, diverged


def _entry(name: str, runs: list[tuple[Recipe, Path]], figures: dict, baseline: dict) -> dict:
    spent = [_spent(recipe, folder) for recipe, folder in runs]
    recipe, folder = runs[0]
    return {
        "name": name,
        "folder": folder.parent.name,
        "parameters": encoder_parameters(folder),
        "epochs": recipe.run.epochs,
        "max_steps": recipe.run.max_steps,
        "seconds": round(float(np.mean([seconds for seconds, _ in spent])), 1),
        "records_per_second": round(float(np.mean([records / max(seconds, 1e-9) for seconds, records in spent])), 1),
        "figures": {task: dataclasses.asdict(figure.interval) for task, figure in figures.items()},
        "differences": {task: dataclasses.asdict(figure.minus(baseline[task])) for task, figure in figures.items()},
    }


def _spent(recipe: Recipe, folder: Path) -> tuple[float, int]:
    """Wall seconds of a run's steps, as its log tells, and the records that they saw."""
    steps = [line for line in read_log(folder) if line.get("kind") == "train"]
    seconds = sum(recipe.run.batch_size / max(line["records_per_second"], 1e-9) for line in steps)
    return seconds, recipe.run.batch_size * len(steps)
