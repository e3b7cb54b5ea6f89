"""A study of cohorts from its file to its report: what is there is not done again."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from transformers.utils import logging

from ...data.corpus import load_corpus
from ...data.corpus_card import SIMULATED, read_summary
from ...evaluation.judging.features import ecg_features
from ...evaluation.judging.refused import note_refused, skip_refused
from ...evaluation.loading import describe_seeds, extractor_of, load_encoder, pick_device
from ...evaluation.options import DEFAULT_INTERVALS, IntervalOptions
from ...evaluation.protocol import read_training_facts
from ...evaluation.reports.evaluation_report import report_frame, write_report
from ...evaluation.weights import weights_digest
from ...files import DAMAGED_ARRAYS, atomic_file, values_digest
from ...locks import output_lock
from ...owned_folders import mark
from ...progress import progress_bar
from ...training.log_file import LOG_NAME, read_log
from ...training.prior_runs import train_once
from ...training.recipe import Recipe
from ...training.run_folder import check_same_recipe
from ...training.sections import to_plain
from ..comparison.arm_runs import save_untrained, slug
from ..time_budget import planned_recipe
from .cohort_figures import cell_figures, cohort_figures, mean_figures
from .cohort_probes import PROBES, planned_cells, probe_scores
from .cohort_rows import CohortRows
from .cohorts_report import render_study
from .cohorts_spec import CohortStudy, arm_recipe, folders_of, load_study

logger = logging.get_logger(__name__)

REPORT = "cohorts.json"
SCORES = "scores.npz"
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class CohortOptions:
    """How a study of cohorts is run.

    Args:
        seeds: of every arm.
        minutes: in place of the study's.
        intervals: see there.
        overrides: `section.key=value` of the recipe, in every arm.
    """

    seeds: Sequence[int] = (0,)
    minutes: float | None = None
    intervals: IntervalOptions = DEFAULT_INTERVALS
    overrides: Sequence[str] = ()


def run_cohorts(
    path: str | Path, data: Sequence[str], output_dir: str | Path, options: CohortOptions | None = None
) -> dict:
    """Trains every arm of a study for as many steps, probes it inside and outside of each cohort, writes the report.

    Args:
        path: YAML file, see `cohorts_spec.CohortStudy`.
        data: words `COHORT=FOLDER`, the prepared corpus (or Hub id) of each cohort.
        output_dir: folder of the runs (`ARM/seed_0`), of `cohorts.json` and `cohorts.md`.
        options: see there.

    Returns:
        The report.

    Raises:
        ValueError: a mistake in the file or an override, before anything is trained; a folder of another study.
        OSError: a file or a corpus is not there, or another process writes the folder.
    """
    options = options or CohortOptions()
    study, root = load_study(path), Path(output_dir)
    if options.minutes is not None:
        study = dataclasses.replace(study, minutes=float(options.minutes))
    folders = folders_of(study, data)
    recipes = {
        name: arm_recipe(study, name, Path(path).parent, folders, options.overrides) for name in study.arms
    }  # all mistakes before the first step
    datasets = {name: load_corpus(folders[name], config=study.cohorts[name].config) for name in study.cohorts}
    rows = _cohorts(study, datasets)
    planned_cells(study, rows)
    with output_lock(root):
        root.mkdir(parents=True, exist_ok=True)
        mark(root, "study")
        runs = _trained(study, recipes, root, options.seeds)
        return _reported(study, folders, datasets, runs, root, options)


def _cohorts(study: CohortStudy, datasets: Mapping[str, Dataset]) -> dict[str, CohortRows]:
    folds = study.folds
    return {name: CohortRows(name, dataset, folds.train, folds.test) for name, dataset in datasets.items()}


def _trained(
    study: CohortStudy, recipes: Mapping[str, Recipe], root: Path, seeds: Sequence[int]
) -> dict[str, list[tuple[Recipe, Path]]]:
    """The runs of every arm, a seed after the other: as many steps as the largest arm makes in the time."""
    plan = planned_recipe(recipes[study.largest_arm], root / "budget", study.minutes, study.clock).run
    length = {"epochs": plan.epochs, "max_steps": plan.max_steps}
    found: dict[str, list[tuple[Recipe, Path]]] = {name: [] for name in study.arms}
    runs = [(name, seed) for seed in seeds for name in study.arms]
    for name, seed in progress_bar(runs, desc="runs", unit="run"):
        recipe = recipes[name]
        recipe = dataclasses.replace(recipe, run=dataclasses.replace(recipe.run, **length, seed=seed))
        folder = root / slug(name) / f"seed_{seed}"
        if study.arms[name].trained:
            train_once(recipe, folder, keep_checkpoints=False)
        else:
            check_same_recipe(recipe, folder)
            if not (folder / "encoder" / "config.json").is_file():
                save_untrained(recipe, folder)
        found[name].append((recipe, folder))
    return found


def _reported(
    study: CohortStudy,
    folders: Mapping[str, str],
    datasets: Mapping[str, Dataset],
    runs: Mapping[str, list[tuple[Recipe, Path]]],
    root: Path,
    options: CohortOptions,
) -> dict:
    intervals = options.intervals

    def judge(splits: dict[str, Dataset]) -> tuple:
        rows = _cohorts(study, splits)
        cells = planned_cells(study, rows)
        scores = {
            name: [_scores_once(study, rows, cells, folder, intervals.seed) for _, folder in each]
            for name, each in progress_bar(runs.items(), desc="judged", unit="arm")
        }
        return rows, cell_figures(study, rows, cells, scores, intervals), cohort_figures(rows, scores, intervals)

    (rows, measured, named), refused = skip_refused(judge, datasets)
    described = {
        name: describe_seeds(
            [str(folder / "encoder") for _, folder in each], [read_training_facts(folder) for _, folder in each]
        )
        for name, each in runs.items()
    }
    first = next(iter(folders.values()))
    patients = [of.patients[of.test] for of in rows.values()]
    frame = report_frame(
        *(study.title, first, None, intervals, pick_device("cpu"), list(study.folds.test), patients, described),
        [*_budget(study, runs), *study.notes],
    )
    frame["bootstrap"]["seeds_resampled"] = False
    frame["data"] |= {
        "path": ", ".join(f"{name} {folder}" for name, folder in folders.items()),
        "config": ", ".join(str(study.cohorts[name].config) for name in folders),
        "simulated": any(read_summary(folder).get(SIMULATED) for folder in folders.values()),
    }
    report = frame | {"tasks": []} | _figures(study, rows, measured, named, runs)
    report = note_refused(report, refused)
    write_report(report, root / REPORT, render_study)
    return report


def _budget(study: CohortStudy, runs: Mapping[str, list[tuple[Recipe, Path]]]) -> list[str]:
    recipe = runs[study.largest_arm][0][0]
    run = recipe.run
    steps = run.max_steps or run.epochs * ((recipe.data.records_per_epoch or 0) // run.batch_size)
    return [
        f"every arm trains for {steps} steps of {run.batch_size} records: what {study.largest_arm!r} makes in"
        f" {study.minutes:g} minutes by the {study.clock} clock",
        f"pretrained, and probes fitted, on folds {', '.join(map(str, study.folds.train))} of each cohort",
    ]


def _figures(study: CohortStudy, rows, measured: list[dict], named, runs) -> dict:
    pairs = [tuple(pair) for pair in study.differences]
    means = {
        f"{task}/{probe}": figures
        for task in study.tasks
        for probe in PROBES
        if (figures := mean_figures(measured, task, probe))
    }
    return {
        "demographics": {name: of.demographics() for name, of in rows.items()},
        "arms": {
            name: {
                "cohorts": arm.cohorts,
                "batches": arm.batches if len(arm.cohorts) > 1 else None,
                "trained": arm.trained,
                "shares": _shares(runs[name][0][1]) if arm.trained else None,
            }
            for name, arm in study.arms.items()
        },
        "cells": [
            {key: one[key] for key in ("records", "patients", "positives", "counted")}
            | asdict(one["cell"])
            | _entries(one["figures"], pairs)
            for one in measured
        ],
        "means": {key: _entries(figures, pairs) for key, figures in means.items()},
        "cohort_probe": {"classes": len(rows)} | {metric: _entries(each, pairs) for metric, each in named.items()},
    }


def _entries(figures, pairs) -> dict:
    return {
        "figures": {arm: asdict(figure.interval) for arm, figure in figures.items()},
        "differences": [
            {"first": first, "second": second, **asdict(figures[first].minus(figures[second]))}
            for first, second in pairs
        ],
    }


def _shares(folder: Path) -> dict[str, float] | None:
    """Share of each source in the steps of a run, as its log tells; None of a single one."""
    if not (folder / LOG_NAME).is_file():
        return None
    lines = [line["records"] for line in read_log(folder) if line["kind"] == "sources"]
    if not lines:
        return None
    total = sum(sum(line.values()) for line in lines)
    return {name: round(sum(line[name] for line in lines) / total, 4) for name in lines[0]}


def _scores_once(study: CohortStudy, rows, cells, folder: Path, seed: int) -> dict[str, np.ndarray]:
    """Scores of a run's encoder, in `scores.npz` of its folder; they are made anew of other weights or rows."""
    asked = [to_plain(study.tasks), to_plain(study.folds), [cell.key for cell in cells], seed]
    of = values_digest([weights_digest(folder / "encoder"), [one.fingerprint for one in rows.values()], asked])
    path = folder / SCORES
    if path.is_file():
        try:
            with np.load(path) as content:
                if str(content["of"]) == of:
                    return {name: content[name] for name in content.files if name != "of"}
        except DAMAGED_ARRAYS as error:
            logger.warning("%s is torn and is made again: %s", path, error)
    encoder, extractor = load_encoder(str(folder / "encoder"), _CPU)
    extractor = extractor_of(extractor)
    features = {name: ecg_features(encoder, extractor, one.prepared(extractor)) for name, one in rows.items()}
    scores = probe_scores(study, rows, cells, features, seed)
    with atomic_file(path, "wb") as file:
        np.savez(file, of=np.array(of), **scores)
    return scores
