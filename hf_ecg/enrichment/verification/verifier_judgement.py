"""Judges verifiers on statements that were withheld from them: do they see a feature, or only know the diagnosis?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import datasets
import numpy as np

from ...clinical.feature_rules.answers import KEPT
from ...data.corpus import label_matrix, label_names
from ...data.measured_rows import machine_columns, measurement_store
from ...data.rows import rows_fingerprint
from ...evaluation.loading import describe_seeds
from ...evaluation.options import IntervalOptions
from ...files import ArrayStore
from ...progress import progress_bar
from ...version import __version__
from .control import SWAPS, base_rates_of, nearest_diagnoses, signal_control
from .cross_fit import assign_judges, check_patients
from .decisions import CLEP, MEASURED, clep_answers
from .delineated import measured_answers
from .pairs import all_pairs
from .positives import known_rows, stated_by, stated_features
from .scoring import DEFAULT_CLEP, ClepOptions, CrossFittedClep, calibrate
from .thresholds import MINIMUM_POSITIVES

DIAGNOSTIC = "diagnostic"
# Rarer features are not judged at all; those below `MINIMUM_POSITIVES` are shown and do not count.
SHOWN_POSITIVES = 10
INTERVALS = IntervalOptions(minimum=MINIMUM_POSITIVES)


@dataclass(frozen=True)
class JudgedVerifier:
    """Scores of every judged row and feature, and what would be kept.

    Args:
        scores: (rows, features), NaN where the verifier cannot decide.
        kept: bool (rows, features).
        certified: share of the rows in which each feature may be kept at all; None where that is not known beforehand.
    """

    scores: np.ndarray
    kept: np.ndarray
    certified: np.ndarray | None = None


@dataclass(frozen=True)
class _Task:
    """What is judged: columns of features, rows of the corpus."""

    dataset: datasets.Dataset
    names: list[str]
    stated: np.ndarray
    judged: np.ndarray
    folds: np.ndarray
    patients: list[str]

    @property
    def rows(self) -> np.ndarray:
        return np.flatnonzero(self.judged.any(axis=1))


def judge_verifiers(
    dataset: datasets.Dataset,
    config: str | None,
    label_set: str,
    clep: ClepOptions = DEFAULT_CLEP,
    verifiers: Sequence[str] = (MEASURED, CLEP),
    withheld_only: bool = True,
    swaps: int = SWAPS,
    intervals: IntervalOptions = INTERVALS,
    num_proc: int = 1,
    cache: Path | None = None,
    progress: bool = True,
    held_out: Sequence[str] = (),
) -> dict:
    """Average precision of verifiers on the features that a label set states, beside two controls.

    Diagnoses are the statements of `diagnostic` without those of the label set. The base rate of a record is the share
    of positives among records of other folds with its diagnoses, or the most similar ones; the swapped signal is
    another patient's with these diagnoses that the same model judges (`control.signal_control`).

    Args:
        dataset: rows of a corpus; all of them, as thresholds and base rates come from rows that are not judged.
        config: its configuration.
        label_set: the statements to judge by, such as "form".
        clep: cross-fitted dual encoders with their precision; may be left out without the verifier "clep".
        verifiers: "measured", "clep" or both.
        withheld_only: judge the rows whose text lacks these statements (column `withheld`), else all rows.
        swaps: see `signal_control`.
        intervals: of the bootstrap; its `minimum` is the positives that a feature needs to count.
        num_proc: processes that measure.
        cache: folder to keep measurements and embeddings in.
        progress: show progress bars.
        held_out: see `scoring.calibrate`.

    Returns:
        `features`: for each feature rows, positives, and a verifier's figures under its name; `counts`: verifier ->
        how many features with enough positives it sees, of how many.

    Raises:
        ValueError: no such label set, no withheld rows, no feature with enough positives, a record every model saw.
    """
    task = _open_task(dataset, label_set, withheld_only, intervals.minimum)
    what = [__version__, rows_fingerprint(dataset, machine_columns(dataset)), task.names]
    found: dict[str, JudgedVerifier] = {}
    groups, described = np.zeros(len(dataset), dtype=int), []
    for verifier in verifiers:
        folder = None if cache is None else Path(cache) / verifier
        if verifier == CLEP:
            cross_fit = assign_judges(clep.models, config, task.folds.tolist())
            described = describe_seeds(list(cross_fit.folders), list(cross_fit.facts))
            store = ArrayStore(folder, [*what, [entry["weights"] for entry in described]])
            scores = CrossFittedClep(
                cross_fit, dataset, task.folds, task.names, cache=store, forward=clep.forward, progress=progress
            )
            groups = scores.judge
            found[verifier] = _learned(scores, task, clep, held_out)
        else:
            found[verifier] = _measured(task, num_proc, folder, progress)
    diagnoses = _diagnoses(dataset, label_set)
    partners = _partners(task, diagnoses, groups)
    sources = nearest_diagnoses(diagnoses, task.patients, task.folds, within=False)
    entries = []
    for column in progress_bar(range(len(task.names)), desc="judging", unit="feature", disable=not progress):
        base = base_rates_of(task.stated[:, column], sources)
        entries.append(_entry(task, column, found, partners, base, swaps, intervals))
    counts = {}
    for verifier in verifiers:
        judged_entries = [e for e in entries if e["counted"] and e[verifier]["decided"] > 0]
        counts[verifier] = {
            "judged": len(judged_entries),
            "sees": sum(bool(e[verifier].get("sees_the_signal")) for e in judged_entries),
        }
    return {"label_set": label_set, "models": described, "counts": counts, "features": entries}


def _open_task(dataset, label_set: str, withheld_only: bool, minimum: int) -> _Task:
    names = stated_by(label_names(dataset, label_set))
    stated, judged = stated_features(dataset, names, label_set)
    if withheld_only:
        withheld = ~known_rows(dataset)
        if not withheld.any():
            raise ValueError("no row has `withheld` true: prepare the corpus with --withhold, or judge all rows")
        judged &= withheld[:, None]
    shown = np.flatnonzero((stated & judged).sum(axis=0) >= min(SHOWN_POSITIVES, minimum))
    if not len(shown):
        raise ValueError(f"no feature that {label_set} states has {min(SHOWN_POSITIVES, minimum)} positives")
    folds = np.asarray(dataset.with_format("numpy", columns=["fold"])["fold"][:])
    patients = dataset.select_columns(["patient_id"]).with_format(None)["patient_id"][:]
    check_patients(patients, folds.tolist())
    return _Task(dataset, [names[i] for i in shown], stated[:, shown], judged[:, shown], folds, patients)


def _partners(task: _Task, diagnoses: np.ndarray, groups: np.ndarray) -> list[np.ndarray]:
    """Of each judged row, those whose ECG may stand in; none of the others."""
    partners: list[np.ndarray] = [np.empty(0, dtype=np.int64)] * len(diagnoses)
    rows = task.rows
    patients = [task.patients[row] for row in rows]
    for row, near in zip(rows, nearest_diagnoses(diagnoses[rows], patients, groups[rows], within=True), strict=True):
        partners[row] = rows[near]
    return partners


def _entry(
    task: _Task,
    column: int,
    found: dict[str, JudgedVerifier],
    partners: list[np.ndarray],
    base: np.ndarray,
    swaps: int,
    intervals: IntervalOptions,
) -> dict:
    """One feature: its rows and positives, and a verifier's figures under its name."""
    stated, here = task.stated[:, column], task.judged[:, column]
    positives = int((stated & here).sum())
    entry: dict = {
        "feature": task.names[column],
        "rows": int(here.sum()),
        "positives": positives,
        "counted": positives >= intervals.minimum,
    }
    for verifier, result in found.items():
        scores = result.scores[:, column]
        control = signal_control(
            stated, scores, partners, base, here, task.patients, swaps, intervals.replicates, intervals.seed
        )
        kept = result.kept[:, column] & here
        entry[verifier] = {
            "decided": float(np.isfinite(scores[here]).mean()),
            "kept": int(kept.sum()),
            "kept_precision": float(stated[kept].mean()) if kept.any() else None,
            "certified": None if result.certified is None else float(result.certified[column]),
            **({} if control is None else asdict(control) | {"sees_the_signal": control.sees_the_signal}),
        }
    return entry


def _learned(scores: CrossFittedClep, task: _Task, clep: ClepOptions, held_out: Sequence[str]) -> JudgedVerifier:
    dataset, names = task.dataset, task.names
    pairs = all_pairs(len(dataset), names)
    goals = clep.target_precision, clep.minimum_positives
    thresholds = calibrate(scores, dataset, known_rows(dataset), *goals, held_out=held_out)
    state, found = clep_answers(scores, pairs, thresholds)
    shape, judge = (len(dataset), len(names)), scores.cross_fit.judge
    certified = np.array([[entry.threshold is not None for entry in thresholds[fold]] for fold in judge])
    return JudgedVerifier(found.reshape(shape), (state == KEPT).reshape(shape), certified.mean(axis=0))


def _measured(task: _Task, num_proc: int, folder: Path | None, progress: bool) -> JudgedVerifier:
    rows, shape = task.rows, task.judged.shape
    pairs = all_pairs(len(rows), task.names)
    chosen = task.dataset.select(rows)
    state, score = measured_answers(chosen, pairs, num_proc, measurement_store(folder, chosen), progress)
    scores, kept = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    # a score without a verdict is not a decision
    scores[rows] = np.where(state == 0, np.nan, score).reshape(len(rows), -1)
    kept[rows] = (state == KEPT).reshape(len(rows), -1)
    return JudgedVerifier(scores, kept)


def _diagnoses(dataset, label_set: str) -> np.ndarray:
    matrix, _ = label_matrix(dataset, DIAGNOSTIC)
    own = set(label_names(dataset, label_set))
    return matrix[:, [name not in own for name in label_names(dataset, DIAGNOSTIC)]].astype(bool)
