"""Whether a verifier looks at the signal: its scores beside what the diagnosis alone says, and beside the scores of
another ECG with the same diagnosis."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...evaluation.metrics.bootstrap import REPLICATES, Interval, patient_index, patient_weights, percentile_interval
from ...evaluation.metrics.classification import weighted_ranking_metrics

SWAPS = 10


@dataclass(frozen=True)
class SignalControl:
    """Average precision of one verifier on one feature, on the same rows and resampled patients throughout.

    Args:
        rows, positives: judged.
        verifier: of its scores.
        base_rate: of the share of positives among records with the same diagnosis.
        swapped: of the verifier's scores of another patient's ECG with the same diagnosis, the mean over draws.
        over_base_rate, over_swapped: the verifier's minus these, paired.
    """

    rows: int
    positives: int
    verifier: Interval
    base_rate: Interval
    swapped: Interval
    over_base_rate: Interval
    over_swapped: Interval

    @property
    def sees_the_signal(self) -> bool:
        """Above the swapped signals, with an interval that excludes 0."""
        return self.over_swapped.low is not None and self.over_swapped.low > 0


def nearest_diagnoses(diagnoses: np.ndarray, patients: Sequence, groups: np.ndarray, within: bool) -> list[np.ndarray]:
    """For each row the rows of other patients whose diagnoses are most alike.

    Args:
        diagnoses: bool (rows, statements).
        patients: (rows,).
        groups: (rows,).
        within: choose among rows of the same group, else among those of all others.

    Returns:
        For each row the places of those that share the largest part of their statements with it (intersection over
        union; all of equal value): at least one statement, or neither has any. Empty when nobody does.
    """
    diagnoses = np.asarray(diagnoses, dtype=np.float32)
    _, patients = np.unique(np.asarray(patients), return_inverse=True)
    groups, sizes = np.asarray(groups), diagnoses.sum(axis=1)
    found = []
    for row in range(len(diagnoses)):
        allowed = np.flatnonzero(((groups == groups[row]) == within) & (patients != patients[row]))
        shared = diagnoses[allowed] @ diagnoses[row]
        union = sizes[allowed] + sizes[row] - shared
        likeness = np.divide(shared, union, out=np.ones_like(shared), where=union > 0)
        best = likeness.max(initial=0)
        found.append(allowed[likeness == best] if best > 0 else allowed[:0])
    return found


def signal_control(
    positive: np.ndarray,
    scores: np.ndarray,
    swap_partners: Sequence[np.ndarray],
    base_rates: np.ndarray,
    judged: np.ndarray,
    patients: Sequence[str],
    swaps: int = SWAPS,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> SignalControl | None:
    """Average precisions of a feature, with a bootstrap over patients.

    A verifier that only knows which features go with which diagnosis scores another patient with the same diagnosis
    alike, and gains nothing over the swap.

    Args:
        positive: bool (rows,): whether the record shows the feature, as far as is known.
        scores: (rows,), NaN where the verifier cannot decide: these are ranked last, as they are not kept.
        swap_partners: for each row the places of those whose ECG may stand in, judged by the same model.
        base_rates: (rows,): share of positives given the diagnosis, from other records; NaN where unknown.
        judged: bool (rows,): rows to judge; a partner is one of them, and rows without one or without a base rate are
            left out.
        patients: (rows,).
        swaps: draws of the partners.
        replicates, seed: of the bootstrap; the seed also draws partners.

    Returns:
        None when no positive or no negative is left.
    """
    judged = np.asarray(judged, dtype=bool)
    partners = [one[judged[one]] for one in swap_partners]
    rows = np.flatnonzero(judged & np.isfinite(base_rates) & np.array([len(one) > 0 for one in partners]))
    labels = np.asarray(positive, dtype=bool)[rows]
    if not labels.any() or labels.all():
        return None
    known = np.isfinite(scores)
    scores = np.where(known, scores, scores[known].min(initial=0.0) - 1.0)
    random = np.random.default_rng([seed, 1])
    drawn = np.array([random.choice(partners[row], size=swaps) for row in rows])  # (rows, swaps)
    index, number = patient_index([patients[row] for row in rows], len(rows))
    weights = patient_weights(number, replicates, np.random.default_rng([seed, 0]))[:, index]
    weights = np.concatenate([np.ones((1, len(rows))), weights])

    def precision(values: np.ndarray) -> np.ndarray:
        return weighted_ranking_metrics(labels, values, weights)[1]

    verifier, base = precision(scores[rows]), precision(base_rates[rows])
    swapped = np.mean([precision(scores[drawn[:, swap]]) for swap in range(swaps)], axis=0)
    intervals = [
        percentile_interval(float(values[0]), values[1:])
        for values in (verifier, base, swapped, verifier - base, verifier - swapped)
    ]
    return SignalControl(len(rows), int(labels.sum()), *intervals)


def base_rates_of(positive: np.ndarray, sources: Sequence[np.ndarray]) -> np.ndarray:
    """Share of positives among the rows that each row's base rate comes from: float64 (rows,), NaN without any."""
    positive = np.asarray(positive, dtype=np.float64)
    return np.array([positive[source].mean() if len(source) else np.nan for source in sources])
