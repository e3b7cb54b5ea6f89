"""Spikes of a pacemaker: found, and taken out, for they are neither R nor the beginning of QRS."""

import numpy as np

from ..delineation.boundaries import samples

# A spike has fallen by this share of its height after 6 ms on either side, which no R peak has. Chosen on PTB-XL: the
# four paced ones of 404 records have spikes, and no other.
_SHARP = 0.85
_LEAST_MV = 0.3
_SIDE = samples(6)
_AROUND = samples(30)
# Filters of the recorder leave a tail.
_REMOVED = samples(10)
# Below this rate a spike is as wide as an R peak.
LOWEST_RATE = 400.0


def find_spikes(signal: np.ndarray) -> np.ndarray:
    """Samples of the spikes in (leads, samples) at 500 Hz: in at least a third of the leads, two at least or all.

    A single sample that stands out of one lead is an artefact.
    """
    if signal.shape[1] <= 2 * _AROUND:
        return np.zeros(0, np.int64)
    inner = signal[:, _AROUND:-_AROUND]
    rows = signal.shape[1]
    left, right = (signal[:, _AROUND + step : rows - _AROUND + step] for step in (-_SIDE, _SIDE))
    # the level before: behind a spike QRS may rise at once
    before = signal[:, _AROUND - 2 * _SIDE : rows - _AROUND - 2 * _SIDE]
    height = inner - before
    fallen = np.minimum(np.abs(inner - left), np.abs(inner - right))
    same_side = np.sign(inner - left) == np.sign(inner - right)
    sharp = same_side & (np.abs(height) >= _LEAST_MV) & (fallen >= _SHARP * np.abs(height))
    needed = max(min(2, len(signal)), len(signal) // 3)
    votes = sharp.sum(axis=0)
    places = np.flatnonzero(votes >= needed)
    if not len(places):
        return places.astype(np.int64)
    groups = np.split(places, np.flatnonzero(np.diff(places) > _SIDE) + 1)
    size = np.abs(height).sum(axis=0)
    return np.array([_AROUND + group[int(size[group].argmax())] for group in groups], np.int64)


def without_spikes(signal: np.ndarray, spikes: np.ndarray) -> np.ndarray:
    """The signal with a straight line in the place of each spike."""
    signal = signal.copy()
    for spike in spikes:
        first, last = max(spike - _REMOVED, 0), min(spike + _REMOVED, signal.shape[1] - 1)
        signal[:, first : last + 1] = np.linspace(signal[:, first], signal[:, last], last - first + 1).T
    return signal


def is_paced(spikes: np.ndarray, marks: np.ndarray) -> bool:
    """Whether spikes come with the beats: before a third of them, and three at least."""
    if len(spikes) < 3 or not len(marks):
        return False
    ahead = marks[:, None] - spikes
    return bool(((ahead > -samples(60)) & (ahead < samples(300))).any(axis=1).mean() >= 1 / 3)
