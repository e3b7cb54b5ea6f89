"""A study of a corpus: every system is trained inside, and judged inside and outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from datasets import Dataset

from ...checks import nearest
from ...data.corpus import label_matrix, label_names, load_corpus
from ...data.corpus_card import read_summary
from ...evaluation.judging.features import PreparedRows, classifier_logits
from ...evaluation.judging.label_text import match_labels
from ...evaluation.loading import load_classifier, pick_device
from ...evaluation.metrics.bootstrap import Interval
from ...evaluation.metrics.calibration import probability_figures
from ...evaluation.metrics.classification import require_counted_classes
from ...evaluation.metrics.figures import Figures, bootstrap_figures, figure_difference
from ...evaluation.options import DEFAULT_INTERVALS, IntervalOptions
from ...evaluation.reports.evaluation_report import command_line, machine_facts, version_facts, write_report
from ...locks import output_lock
from ...owned_folders import mark
from ...progress import progress_bar
from ...training.prior_runs import train_once
from ..comparison.arm_runs import slug
from .shift_report import render_shift
from .shift_spec import ShiftSpec, Split, load_shift, shift_recipe

REPORT = "shift.json"
PLACES = (INSIDE, OUTSIDE) = ("inside", "outside")


@dataclass(frozen=True)
class ShiftOptions:
    """How a study is run.

    Args:
        seeds: of every system.
        intervals: see there.
        overrides: `section.key=value` of the recipe, in every run.
        splits: names of those that are run; empty: all.
    """

    seeds: Sequence[int] = (0,)
    intervals: IntervalOptions = DEFAULT_INTERVALS
    overrides: Sequence[str] = ()
    splits: Sequence[str] = ()


@dataclass(frozen=True)
class Judged:
    """Rows that systems are judged on: annotated ones alone."""

    rows: Dataset
    patients: list[str]
    labels: np.ndarray
    names: list[str]
    counted: list[int]


def run_shift(
    path: str | Path, data: str, output_dir: str | Path, options: ShiftOptions, config: str | None = None
) -> dict:
    """Trains every system on the populations inside, and judges it on them and on those outside.

    Inside the test folds judge; outside all folds do, since no row of these populations was trained on, without the
    patients of the training and validation rows.

    Args:
        path: YAML file, see `shift_spec.ShiftSpec`.
        data, config: prepared corpus (folder or Hub id) and its configuration.
        output_dir: folder of the runs (`seed_0/SPLIT/SYSTEM`), of `shift.json` and `shift.md`.
        options: see there.

    Returns:
        The report.

    Raises:
        ValueError: a mistake in the file or an override, or populations without rows, before anything is trained.
        OSError: a file or the corpus is not there, or another process writes the folder.
    """
    spec, root = load_shift(path), Path(output_dir)
    config = config or read_summary(data).get("config")
    names = chosen_splits(spec, options.splits)
    plan = partial(shift_recipe, spec, directory=Path(path).parent, data=data, config=config, given=options.overrides)
    # seeds one after the other, so that a study broken off has some of them whole
    runs = {
        (seed, split, system): plan(split, system, seed)
        for seed in options.seeds
        for split in names
        for system in spec.systems
    }
    judged = {name: judged_rows(spec, spec.splits[name], data, config, options.intervals) for name in names}
    with output_lock(root):
        root.mkdir(parents=True, exist_ok=True)
        mark(root, "study")
        for key, recipe in progress_bar(runs.items(), desc="trained", unit="run"):
            train_once(recipe, _folder(root, key), keep_checkpoints=False)
        splits = [_judged_split(spec, name, judged[name], root, options) for name in names]
        report = {
            "title": spec.title,
            "command": command_line(),
            "data": {"path": str(data), "config": config, "folds": dict(spec.folds)},
            "label_set": spec.label_set,
            "seeds": list(options.seeds),
            "bootstrap": {"replicates": options.intervals.replicates, "seed": options.intervals.seed},
            "splits": splits,
            "notes": [*spec.notes],
            "machine": machine_facts(pick_device("cpu")),
            "versions": version_facts(),
        }
        write_report(report, root / REPORT, render_shift)
    return report


def chosen_splits(spec: ShiftSpec, asked: Sequence[str]) -> list[str]:
    """Those that are run, in the order of the file.

    Raises:
        ValueError: an unknown name (the nearest is named).
    """
    for name in asked:
        if name not in spec.splits:
            raise ValueError(f"there is no split {name!r}{nearest(name, spec.splits)}, only {', '.join(spec.splits)}")
    return [name for name in spec.splits if not asked or name in asked]


def _folder(root: Path, key: tuple[int, str, str]) -> Path:
    seed, split, system = key
    return root / f"seed_{seed}" / slug(split) / slug(system)


def judged_rows(
    spec: ShiftSpec, split: Split, data, config: str | None, intervals: IntervalOptions
) -> dict[str, Judged]:
    """The rows inside and outside that a split is judged on.

    Raises:
        ValueError: populations that the corpus does not have, or too few rows of every class.
    """
    inside, outside = split.environments(split.inside), split.environments(split.outside)
    learned = inside.select(load_corpus(data, config=config, folds=spec.folds["train"] + spec.folds["validation"]))
    taken = set(learned.select_columns("patient_id")["patient_id"][:])
    rows = {
        INSIDE: inside.select(load_corpus(data, config=config, folds=spec.folds["test"])),
        OUTSIDE: outside.select(load_corpus(data, config=config)),
    }
    return {place: _judged(place, found, spec.label_set, taken, intervals) for place, found in rows.items()}


def _judged(place: str, rows: Dataset, label_set: str, taken: set, intervals: IntervalOptions) -> Judged:
    labels, annotated = label_matrix(rows, label_set)
    patients = rows.select_columns("patient_id")["patient_id"][:]
    kept = np.flatnonzero(annotated & np.array([patient not in taken for patient in patients]))
    names = list(label_names(rows, label_set))
    counted = require_counted_classes(labels[kept], names, intervals.minimum, f"{label_set}, {place}")
    places = [names.index(name) for name in counted]
    return Judged(rows.select(kept), [patients[row] for row in kept], labels[kept], names, places)


def _judged_split(
    spec: ShiftSpec,
    split: str,
    judged: dict[str, Judged],
    root: Path,
    options: ShiftOptions,
) -> dict:
    """What a report tells of one split."""
    systems = list(spec.systems)
    found: dict[str, dict[str, Figures]] = {place: {} for place in PLACES}
    prepared: dict[str, PreparedRows] = {}
    for system in progress_bar(systems, desc=f"judged, {split}", unit="system"):
        folders = [_folder(root, (seed, split, system)) for seed in options.seeds]
        for place in PLACES:
            logits = [_logits(folder, judged[place], prepared, place) for folder in folders]
            one = judged[place]
            measure = partial(_mean_over_seeds, one.labels, logits, one.counted)
            found[place][system] = bootstrap_figures(
                measure, one.patients, options.intervals.replicates, options.intervals.seed
            )
    told = [name for name, way in spec.systems.items() if way.covariates]
    pairs = [(name, systems[0]) for name in systems[1:]]
    pairs += [(name, other) for name in told for other in systems[1:] if other != name]
    return {
        "name": split,
        "inside": spec.splits[split].inside,
        "outside": spec.splits[split].outside,
        "covariates": spec.splits[split].covariates,
        "rows": {place: _counts(one) for place, one in judged.items()},
        "systems": {system: {place: _plain(found[place][system].intervals) for place in PLACES} for system in systems},
        "differences": [
            {"first": first, "second": second}
            | {place: _plain(figure_difference(found[place][first], found[place][second])) for place in PLACES}
            for first, second in pairs
        ],
    }


def _logits(folder: Path, judged: Judged, prepared: dict[str, PreparedRows], place: str) -> np.ndarray:
    model, extractor = load_classifier(str(folder), pick_device("cpu"))
    # the systems of a split read the same inputs
    key = place + extractor.to_json_string()
    if key not in prepared:
        prepared[key] = PreparedRows(extractor, judged.rows, cache=True)
    logits = classifier_logits(model, extractor, prepared[key])
    return logits[:, match_labels(model.config.id2label, judged.names, "labels")].astype(np.float64)


def _mean_over_seeds(labels: np.ndarray, logits: list[np.ndarray], counted: list[int], weights) -> dict:
    each = [probability_figures(labels, one, weights, counted) for one in logits]
    return {name: np.mean([figures[name] for figures in each], axis=0) for name in each[0]}


def _counts(judged: Judged) -> dict:
    return {
        "records": len(judged.patients),
        "patients": len(set(judged.patients)),
        "counted": [judged.names[number] for number in judged.counted],
        "prevalence": {name: float(judged.labels[:, place].mean()) for place, name in enumerate(judged.names)},
    }


def _plain(intervals: dict[str, Interval]) -> dict:
    return {key: {"value": one.value, "low": one.low, "high": one.high} for key, one in intervals.items()}
