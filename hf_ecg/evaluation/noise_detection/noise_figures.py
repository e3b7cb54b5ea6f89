"""Figures of a detector on windows whose noise is known: with prevalence and intervals over subjects."""

from dataclasses import asdict

import numpy as np

from ..metrics.bootstrap import bootstrap_evaluation, patient_index, patient_weights, percentile_interval
from ..options import IntervalOptions
from .noise_corpora import NOISY, NoiseWindows, group_order

COUNTED = ("accuracy", "balanced_accuracy", "f1", "sensitivity", "specificity")


def unit_scores(windows: NoiseWindows, window_probability: np.ndarray) -> np.ndarray:
    """`(units,)`: the mean over the windows of each, as `detect_noise` has it."""
    return np.bincount(windows.unit, window_probability) / np.bincount(windows.unit)


def noise_figures(
    windows: NoiseWindows, window_probability: np.ndarray, threshold: float, intervals: IntervalOptions
) -> dict:
    """All figures of one detector on one corpus.

    Args:
        windows: units that count, and others.
        window_probability: `(windows,)`.
        threshold: at and above it a unit is called noisy.
        intervals: replicates and seed.

    Returns:
        Counts, prevalence, "auroc", "auprc" and the metrics of `COUNTED` as intervals over subjects; and by group how
        many units there are, the share called noisy, and for clean groups the AUROC of noisy units against them.

    Raises:
        ValueError: no noisy unit, or no clean one.
    """
    scores = unit_scores(windows, window_probability)
    kept = windows.judged
    noisy, subjects = windows.noisy[kept] == 1, windows.subject[kept]
    if noisy.all() or not noisy.any():
        raise ValueError(f"{windows.corpus}: {noisy.sum()} of {len(noisy)} are noisy, wanted noisy and clean ones")
    ranked = bootstrap_evaluation(
        noisy[:, None], scores[kept, None], subjects, [NOISY], intervals.replicates, intervals.seed, minimum=1
    )
    own = ranked.classes[NOISY]
    return {
        "corpus": windows.corpus,
        "units": int(kept.sum()),
        "noisy": int(noisy.sum()),
        "subjects": ranked.patients,
        "prevalence": own.prevalence,
        "threshold": threshold,
        "auroc": asdict(own.auroc),
        "auprc": asdict(own.auprc),
        **_counted(noisy, scores[kept] >= threshold, subjects, intervals),
        "groups": _groups(windows, scores, threshold, intervals),
    }


def called_noisy(windows: NoiseWindows, window_probability: np.ndarray, threshold: float) -> dict:
    """Of a corpus without labels: by group the number of units and the share called noisy, and of all."""
    scores = unit_scores(windows, window_probability)
    called = scores >= threshold
    groups = {
        name: {
            "units": int((windows.group == name).sum()),
            "called_noisy": float(called[windows.group == name].mean()),
        }
        for name in dict.fromkeys(windows.group.tolist())
    }
    return {
        "corpus": windows.corpus,
        "units": len(scores),
        "subjects": len(set(windows.subject.tolist())),
        "threshold": threshold,
        "called_noisy": float(called.mean()),
        "groups": groups,
    }


def _counted(noisy: np.ndarray, called: np.ndarray, subjects, intervals: IntervalOptions) -> dict:
    index, number = patient_index(subjects, len(noisy))
    drawn = patient_weights(number, intervals.replicates, np.random.default_rng([intervals.seed, 0]))
    weights = np.concatenate([np.ones((1, number)), drawn])
    # counts of a subject first: as many columns as subjects, not as windows
    cells = {
        name: weights @ np.bincount(index, mask, minlength=number)
        for name, mask in (
            ("hit", noisy & called),
            ("missed", noisy & ~called),
            ("alarm", ~noisy & called),
            ("quiet", ~noisy & ~called),
        )
    }
    hit, missed, alarm, quiet = cells.values()
    with np.errstate(divide="ignore", invalid="ignore"):
        sensitivity, specificity = hit / (hit + missed), quiet / (quiet + alarm)
        values = {
            "accuracy": (hit + quiet) / (hit + missed + alarm + quiet),
            "balanced_accuracy": (sensitivity + specificity) / 2,
            "f1": 2 * hit / (2 * hit + missed + alarm),
            "sensitivity": sensitivity,
            "specificity": specificity,
        }
    return {name: asdict(percentile_interval(values[name][0], values[name][1:])) for name in COUNTED}


def _groups(windows: NoiseWindows, scores: np.ndarray, threshold: float, intervals: IntervalOptions) -> dict:
    groups = {}
    positive = windows.noisy == 1
    for name in group_order(windows.group.tolist()):
        own = windows.group == name
        entry = {
            "units": int(own.sum()),
            "subjects": len(set(windows.subject[own].tolist())),
            "called_noisy": float((scores[own] >= threshold).mean()),
        }
        if (windows.noisy[own] == 0).all():
            both = own | positive
            against = bootstrap_evaluation(
                positive[both, None],
                scores[both, None],
                windows.subject[both],
                [NOISY],
                intervals.replicates,
                intervals.seed,
                minimum=1,
            )
            entry["auroc_against"] = asdict(against.classes[NOISY].auroc)
        groups[name] = entry
    return groups
