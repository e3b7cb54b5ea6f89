"""When the heart beats: sinus rhythm, atrial fibrillation, premature complexes."""

from dataclasses import dataclass

import numpy as np

# Beats and half-seconds beyond both ends of the record, whose waves reach into it.
_MARGIN_S = 3.0
# No two ventricular beats follow faster: the AV node's refractory time in fibrillation (some 200 a minute).
_SHORTEST_RR_S = 0.30


@dataclass(frozen=True)
class Beats:
    """QRS onsets in seconds from the record's beginning, some beyond its ends.

    `onsets` (n,); `ventricular` bool (n,), premature beats; `atrial` (m,), sinus beats' times had they been conducted
    (a P wave goes before each): empty in fibrillation.
    """

    onsets: np.ndarray
    ventricular: np.ndarray
    atrial: np.ndarray


def sinus_beats(rng: np.random.Generator, heart_rate: float, duration: float, variability: float) -> Beats:
    """Beats with respiratory (0.2 to 0.3 Hz) and slower (0.1 Hz) variation of the interval.

    Args:
        rng: of the record.
        heart_rate: mean rate of the beats inside the record, per minute.
        duration: seconds.
        variability: standard deviation of the interval, as a share of it.
    """
    breath, slow = rng.uniform(0.2, 0.3), rng.uniform(0.08, 0.12)
    phases = rng.uniform(0, 2 * np.pi, 2)
    mean = 60 / heart_rate
    numbers = np.arange(_count(duration, mean))
    swing = np.sin(2 * np.pi * breath * mean * numbers + phases[0]) + 0.7 * np.sin(
        2 * np.pi * slow * mean * numbers + phases[1]
    )
    intervals = 1 + variability * (swing / np.sqrt(0.745) * 0.9 + 0.4 * rng.standard_normal(len(numbers)))
    onsets = _placed(rng, np.clip(intervals, 0.7, 1.3), mean, duration)
    return Beats(onsets, np.zeros(len(onsets), bool), onsets)


def fibrillation_beats(rng: np.random.Generator, heart_rate: float, duration: float) -> Beats:
    """Beats at intervals that know nothing of each other: gamma distributed, variation 0.17 to 0.27."""
    mean = 60 / heart_rate
    variation = rng.uniform(0.17, 0.27)
    shortest = _SHORTEST_RR_S / mean
    rest = 1 - shortest
    shape = (rest / variation) ** 2
    intervals = shortest + rng.gamma(shape, rest / shape, _count(duration, mean))
    onsets = _placed(rng, intervals, mean, duration)
    return Beats(onsets, np.zeros(len(onsets), bool), np.zeros(0))


def with_premature_beats(rng: np.random.Generator, beats: Beats, duration: float, keep_clear: float) -> Beats:
    """Replaces one to three beats of the record by premature ventricular ones.

    In sinus rhythm the next beat comes when it would have come: a fully compensatory pause. The sinus node goes on.

    Args:
        beats: of `sinus_beats` or `fibrillation_beats`.
        duration: seconds of the record.
        keep_clear: seconds from the beginning of one beat to the earliest premature one, after its T wave.
    """
    onsets, premature = beats.onsets.copy(), beats.ventricular.copy()
    inside = [i for i in range(2, len(onsets) - 2) if onsets[i - 1] > 0.3 and onsets[i + 1] < duration - 0.3]
    wanted = 1 + rng.binomial(2, 0.5)
    for place in rng.permutation(inside):
        interval = onsets[place] - onsets[place - 1]
        coupling = max(rng.uniform(0.55, 0.72) * interval, keep_clear)
        alone = not premature[place - 2 : place + 3].any()
        if premature.sum() < wanted and alone and coupling < 0.85 * interval:
            onsets[place] = onsets[place - 1] + coupling
            premature[place] = True
    return Beats(onsets, premature, beats.atrial)


def _count(duration: float, mean: float) -> int:
    return int((duration + 2 * _MARGIN_S) / (0.7 * mean)) + 4


def _placed(rng: np.random.Generator, intervals: np.ndarray, mean: float, duration: float) -> np.ndarray:
    """Onsets from relative intervals, scaled so that those inside the record have the wanted mean."""
    start = -_MARGIN_S - rng.uniform(0, mean)
    scale = mean / intervals.mean()
    for _ in range(20):
        onsets = start + np.cumsum(intervals) * scale
        inside = onsets[(onsets >= 0) & (onsets <= duration)]
        if len(inside) < 2:
            break
        found = (inside[-1] - inside[0]) / (len(inside) - 1)
        if abs(found - mean) < 1e-6 * mean:
            break
        scale *= mean / found
    onsets = start + np.cumsum(intervals) * scale
    return onsets[onsets < duration + _MARGIN_S]
