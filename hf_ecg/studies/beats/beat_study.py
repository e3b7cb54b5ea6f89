"""The study of beats: which arm the validation records choose, and what it says of patients that it never saw."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ...evaluation.loading import pick_device
from ...evaluation.metrics.bootstrap import CONFIDENCE
from ...evaluation.metrics.confusion import ACCURACY, F1, confusion_figures, patient_confusions
from ...evaluation.metrics.figures import bootstrap_figures
from ...evaluation.options import DEFAULT_INTERVALS, IntervalOptions
from ...evaluation.reports.evaluation_report import command_line, machine_facts, version_facts
from ...files import atomic_file
from ...locks import output_lock
from ...strict_json import read_json_object
from .beat_rates import measure_rates
from .beat_runs import ALONE, CLASSES, Answers, BeatRun, answers, planned_arms, planned_runs, prepared_beats

REPORT = "beats.json"
SOURCE_NOTE = "source.json"
# What the arms are chosen by: the mean of these, on four records of DS1.
CHOSEN_BY = (f"{F1}/V", f"{F1}/S")
# the man of 201 in DS1 is that of 202 in DS2
BOTH_SIDES = "201"


@dataclass(frozen=True)
class BeatStudy:
    """What is asked.

    Args:
        data_dir: the MIT-BIH Arrhythmia Database, in WFDB files.
        output_dir: folder of corpora, runs and the report.
        seeds: of the chosen arm; the first one is that of all arms.
        pairs: steps timed at each rate.
        intervals: replicates and seed of the bootstrap over patients.
        overrides: `section.key=value` of the recipe `mit_bih_beats`.
    """

    data_dir: str | Path
    output_dir: str | Path
    seeds: Sequence[int] = (0, 1)
    pairs: int = 12
    intervals: IntervalOptions = DEFAULT_INTERVALS
    overrides: Sequence[str] = ()

    def __post_init__(self):
        if not self.seeds:
            raise ValueError("seeds is empty, wanted at least one")


def beat_study(asked: BeatStudy) -> dict:
    """Trains what is not trained yet, chooses an arm on four records of DS1, and judges on DS2.

    Returns:
        The report.

    Raises:
        ValueError: what a recipe or a corpus refuses, or beats of another database in the folder.
        OSError: no data, or another run is writing the folder.
    """
    output = Path(asked.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    with output_lock(output):
        _check_same_data(asked.data_dir, output)
        arms = planned_arms(asked.seeds[0])
        said = {run: answers(run, asked.data_dir, output, asked.overrides) for run in arms}
        choice = {run: validation_figures(said[run]["validation"]) for run in arms}
        chosen = max(arms, key=lambda run: choice[run]["mean"])
        for run in planned_runs(chosen, asked.seeds):
            said[run] = answers(run, asked.data_dir, output, asked.overrides)
            if run.intervals == ALONE:
                choice[run] = validation_figures(said[run]["validation"])
        rates = sorted({run.rate for run in said}, reverse=True)
        corpora = {rate: prepared_beats(asked.data_dir, output, arms[0].splitting, rate) for rate in rates}
        measured = measure_rates(corpora, asked.pairs, asked.overrides)
    return {
        "title": "Beats of MIT-BIH, between patients and within them",
        "command": command_line(),
        "classes": CLASSES,
        "validation": [{"arm": run.arm, **figures} for run, figures in choice.items()],
        "chosen_by": list(CHOSEN_BY),
        "chosen": chosen.arm,
        "systems": [system(run, told["test"], asked.intervals) for run, told in said.items()],
        "costs": measured,
        "bootstrap": asdict(asked.intervals) | {"confidence": CONFIDENCE},
        "machine": machine_facts(pick_device(None)),
        "versions": version_facts(),
    }


def _check_same_data(data_dir, output: Path) -> None:
    """Raises ValueError where the corpora in `output` were made of another folder."""
    note = output / SOURCE_NOTE
    found = {"data_dir": str(Path(data_dir).resolve())}
    if not note.is_file():
        with atomic_file(note) as file:
            json.dump(found, file)
    elif (before := read_json_object(note)) != found:
        raise ValueError(
            f"{output} holds beats of {before.get('data_dir')}, found --data_dir {found['data_dir']}: take another"
            " --output_dir, or the same data"
        )


def validation_figures(told: Answers) -> dict[str, float]:
    """F1 of ventricular and supraventricular ectopic beats, and their mean; 0 where nothing was answered so."""
    counts, _ = patient_confusions(told.labels, told.predicted, told.patients, len(CLASSES))
    figures = confusion_figures(counts, CLASSES)
    found = {name: float(np.nan_to_num(figures[name][0])) for name in CHOSEN_BY}
    return found | {"mean": float(np.mean(list(found.values())))}


def system(run: BeatRun, told: Answers, intervals: IntervalOptions) -> dict:
    """A model's entry in the report: its figures with intervals over patients, and its confusions; between patients
    also without the one who is on both sides."""
    entry = asdict(run) | {"arm": run.arm, "beats": len(told.labels)} | _judged(told, intervals)
    if run.between_patients:
        apart = told.patients != BOTH_SIDES
        strict = Answers(told.labels[apart], told.scores[apart], told.patients[apart])
        entry["strict"] = {"beats": int(apart.sum())} | _judged(strict, intervals)
    return entry


def _judged(told: Answers, intervals: IntervalOptions) -> dict:
    counts, patients = patient_confusions(told.labels, told.predicted, told.patients, len(CLASSES))
    measure = partial(confusion_figures, counts, CLASSES)
    figures = bootstrap_figures(measure, patients, intervals.replicates, intervals.seed).intervals
    return {
        "patients": len(patients),
        "figures": {name: asdict(interval) for name, interval in figures.items()},
        "confusion": counts.sum(axis=0).tolist(),
    }


def seed_figures(report: dict, names: Sequence[str] = (ACCURACY, *CHOSEN_BY)) -> dict[str, list[float]]:
    """Of the chosen arm between patients: each figure from each seed."""
    entries = [one for one in report["systems"] if one["arm"] == report["chosen"] and "strict" in one]
    return {name: [one["figures"][name]["value"] for one in entries] for name in names}
