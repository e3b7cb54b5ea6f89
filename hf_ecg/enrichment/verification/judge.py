"""Judges verifiers on statements that were withheld from them: do they see a feature, or only know the diagnosis?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import datasets
import numpy as np
from tqdm.auto import tqdm

from ...data.corpus import label_matrix, label_names
from ...data.rows import rows_fingerprint
from ...evaluation.loading import describe_seeds
from ...evaluation.metrics.bootstrap import REPLICATES
from ...files import ArrayStore
from ...version import __version__
from .control import SWAPS, base_rates_of, nearest_diagnoses, signal_control
from .cross_fit import CrossFit, assign_judges, check_patients
from .decide import CLEP, MEASURED, clep_answers
from .delineated import KEPT, machine_columns, measured_answers, measured_by
from .pairs import all_pairs
from .positives import known_rows, stated_by, stated_features
from .scoring import CrossFittedClep, calibrate
from .thresholds import MINIMUM_POSITIVES, TARGET_PRECISION

DIAGNOSTIC = "diagnostic"
# Rarer features are not judged at all; those below `MINIMUM_POSITIVES` are shown and do not count.
SHOWN_POSITIVES = 10


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


def judge_verifiers(
    dataset: datasets.Dataset,
    config: str | None,
    label_set: str,
    models: Sequence[str],
    verifiers: Sequence[str] = (MEASURED, CLEP),
    withheld_only: bool = True,
    minimum: int = MINIMUM_POSITIVES,
    target_precision: float = TARGET_PRECISION,
    swaps: int = SWAPS,
    replicates: int = REPLICATES,
    seed: int = 0,
    num_proc: int = 1,
    batch_size: int = 64,
    device: str | None = None,
    cache: Path | None = None,
    progress: bool = True,
) -> dict:
    """Average precision of verifiers on the features that a label set states, beside two controls.

    Diagnoses are the statements of `diagnostic` without those of the label set. The base rate of a record is the share
    of positives among records of other folds with its diagnoses, or the most similar ones; the swapped signal is
    another patient's with these diagnoses that the same model judges (`control.signal_control`).

    Args:
        dataset: rows of a corpus; all of them, as thresholds and base rates come from rows that are not judged.
        config: its configuration.
        label_set: the statements to judge by, such as "form".
        models: cross-fitted dual encoders; may be left out without the verifier "clep".
        verifiers: "measured", "clep" or both.
        withheld_only: judge the rows whose text lacks these statements (column `withheld`), else all rows.
        minimum: positives that a feature needs to count.
        target_precision: of clep's thresholds.
        swaps, replicates, seed: see `signal_control`.
        num_proc: processes that measure.
        batch_size, device: of the dual encoders.
        cache: folder to keep measurements and embeddings in.
        progress: show progress bars.

    Returns:
        `features`: for each feature rows, positives, and a verifier's figures under its name; `counts`: verifier ->
        how many features with enough positives it sees, of how many.

    Raises:
        ValueError: no such label set, no withheld rows, no feature with enough positives, a record every model saw.
    """
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
    names, stated, judged = [names[i] for i in shown], stated[:, shown], judged[:, shown]
    folds = np.asarray(dataset.with_format("numpy", columns=["fold"])["fold"][:])
    patients = dataset.select_columns(["patient_id"]).with_format(None)["patient_id"][:]
    check_patients(patients, folds.tolist())
    rows = np.flatnonzero(judged.any(axis=1))
    what = [__version__, rows_fingerprint(dataset, machine_columns(dataset)), names]
    found: dict[str, JudgedVerifier] = {}
    groups, described = np.zeros(len(folds), dtype=int), []
    for verifier in verifiers:
        folder = None if cache is None else Path(cache) / verifier
        if verifier == CLEP:
            cross_fit = assign_judges(models, config, folds.tolist())
            described = describe_seeds(list(cross_fit.folders), list(cross_fit.facts))
            weights = [entry["weights"] for entry in described]
            options = (None, ArrayStore(folder, [*what, weights]), batch_size, device, progress)
            scores = CrossFittedClep(cross_fit, dataset, folds, names, *options)
            groups = scores.judge
            found[verifier] = _learned(scores, dataset, cross_fit, names, target_precision)
        else:
            store = ArrayStore(folder, [*what, measured_by(), rows.tolist()])
            found[verifier] = _measured(dataset, rows, names, num_proc, store, progress)
    diagnoses = _diagnoses(dataset, label_set)
    partners: list[np.ndarray] = [np.empty(0, dtype=np.int64)] * len(folds)
    for row, near in zip(
        rows,
        nearest_diagnoses(diagnoses[rows], [patients[row] for row in rows], groups[rows], within=True),
        strict=True,
    ):
        partners[row] = rows[near]
    sources = nearest_diagnoses(diagnoses, patients, folds, within=False)
    entries = []
    for column, name in enumerate(tqdm(names, desc="judging", unit="feature", disable=not progress)):
        base = base_rates_of(stated[:, column], sources)
        here = judged[:, column]
        entry: dict = {
            "feature": name,
            "rows": int(here.sum()),
            "positives": int((stated[:, column] & here).sum()),
        }
        entry["counted"] = entry["positives"] >= minimum
        for verifier, result in found.items():
            control = signal_control(
                stated[:, column],
                result.scores[:, column],
                partners,
                base,
                here,
                patients,
                swaps=swaps,
                replicates=replicates,
                seed=seed,
            )
            kept = result.kept[:, column] & here
            entry[verifier] = {
                "decided": float(np.isfinite(result.scores[here, column]).mean()),
                "kept": int(kept.sum()),
                "kept_precision": float(stated[kept, column].mean()) if kept.any() else None,
                "certified": None if result.certified is None else float(result.certified[column]),
                **({} if control is None else asdict(control) | {"sees_the_signal": control.sees_the_signal}),
            }
        entries.append(entry)
    counts = {}
    for verifier in verifiers:
        judged_entries = [e for e in entries if e["counted"] and e[verifier]["decided"] > 0]
        counts[verifier] = {
            "judged": len(judged_entries),
            "sees": sum(bool(e[verifier].get("sees_the_signal")) for e in judged_entries),
        }
    return {"label_set": label_set, "models": described, "counts": counts, "features": entries}


def _learned(scores: CrossFittedClep, dataset, cross_fit: CrossFit, names, target_precision: float) -> JudgedVerifier:
    pairs = all_pairs(len(dataset), names)
    thresholds = calibrate(scores, dataset, known_rows(dataset), target_precision)
    state, found = clep_answers(scores, pairs, thresholds)
    shape = (len(dataset), len(names))
    certified = np.array([[entry.threshold is not None for entry in thresholds[fold]] for fold in cross_fit.judge])
    return JudgedVerifier(found.reshape(shape), (state == KEPT).reshape(shape), certified.mean(axis=0))


def _measured(dataset, rows, names, num_proc: int, cache: ArrayStore, progress: bool) -> JudgedVerifier:
    pairs = all_pairs(len(rows), names)
    state, score = measured_answers(dataset.select(rows), pairs, num_proc, cache, progress)
    scores, kept = np.full((len(dataset), len(names)), np.nan), np.zeros((len(dataset), len(names)), dtype=bool)
    # a score without a verdict is not a decision
    scores[rows] = np.where(state == 0, np.nan, score).reshape(len(rows), len(names))
    kept[rows] = (state == KEPT).reshape(len(rows), len(names))
    return JudgedVerifier(scores, kept)


def _diagnoses(dataset, label_set: str) -> np.ndarray:
    matrix, _ = label_matrix(dataset, DIAGNOSTIC)
    own = set(label_names(dataset, label_set))
    return matrix[:, [name not in own for name in label_names(dataset, DIAGNOSTIC)]].astype(bool)
