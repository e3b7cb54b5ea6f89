"""QRS complexes of a record, which of them look alike, and the median of those."""

from dataclasses import dataclass

import numpy as np

from ...extras import install_words
from ..filters import apply_filter

RATE = 500
_BAND = {"name": "bandpass", "low_hz": 0.5, "high_hz": 40.0, "order": 2, "form": "sos", "zero_phase": True}
# Around the mark of a beat: a wide QRS fits, a T wave does not.
_SHAPE = (round(0.10 * RATE), round(0.12 * RATE))
_LARGEST_SHIFT = round(0.04 * RATE)
ALIKE = 0.85
# Of the median beat, around its mark: a PR of 400 ms before, a QT of 650 ms behind.
BEFORE, BEHIND = round(0.60 * RATE), round(0.75 * RATE)
# Pairs of beats that are compared, and beats that make a median: those of two minutes are enough.
_MOST_BEATS = 120


@dataclass(frozen=True)
class Beats:
    """Beats of a record at `RATE` hertz.

    Attributes:
        marks: samples, one a beat, at the same place of QRS in all beats of the usual shape.
        usual: bool, the beats of the commonest shape.
        likeness: correlation of each QRS with the usual one.
    """

    marks: np.ndarray
    usual: np.ndarray
    likeness: np.ndarray


def band_passed(signal: np.ndarray) -> np.ndarray:
    """What beats are looked for in: (leads, samples) without wander and hum."""
    return apply_filter(signal, RATE, _BAND)


def find_beats(filtered: np.ndarray, marks: np.ndarray | None = None) -> Beats:
    """QRS complexes: those at `marks`, or as neurokit2 finds them in the length of the vector of all leads.

    Args:
        filtered: (leads, samples) at `RATE` hertz, see `band_passed`.
        marks: samples, one a beat, ascending.

    Raises:
        ImportError: neurokit2 is to find them, and is not installed.
    """
    marks = _peaks(np.linalg.norm(filtered, axis=0)) if marks is None else marks
    marks = marks[(marks >= _SHAPE[0] + _LARGEST_SHIFT) & (marks < filtered.shape[1] - _SHAPE[1] - _LARGEST_SHIFT)]
    if len(marks) < 2:
        return Beats(marks, np.ones(len(marks), bool), np.ones(len(marks)))
    usual = np.ones(len(marks), bool)
    for _ in range(2):
        template = _shapes(filtered, marks[usual][:_MOST_BEATS]).mean(axis=0)
        marks = _aligned(filtered, marks, template)
        shapes = _shapes(filtered, marks)
        flat = shapes.reshape(len(marks), -1)
        flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
        usual = flat @ flat[_commonest(flat, marks)] >= ALIKE
    centre = np.median(flat[usual], axis=0)
    likeness = flat @ centre / max(np.linalg.norm(centre), 1e-9)
    return Beats(marks, usual, likeness)


def neurokit():
    """The package that finds the beats.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import neurokit2
    except ImportError as error:
        words = install_words("neurokit2", "delineation")
        raise ImportError(f"measuring an ECG needs neurokit2: {words}") from error
    return neurokit2


def _peaks(length: np.ndarray) -> np.ndarray:
    found = neurokit().ecg_findpeaks(length, sampling_rate=RATE, method="neurokit")["ECG_R_Peaks"]
    return np.asarray(found, dtype=int)


def _shapes(filtered: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """(beats, leads, samples) around the marks."""
    return filtered[:, marks[:, None] + np.arange(-_SHAPE[0], _SHAPE[1])].transpose(1, 0, 2)


def _aligned(filtered: np.ndarray, marks: np.ndarray, template: np.ndarray) -> np.ndarray:
    shifts = np.arange(-_LARGEST_SHIFT, _LARGEST_SHIFT + 1)
    width = sum(_SHAPE)
    moved = []
    for mark in marks:
        part = filtered[:, mark - _SHAPE[0] - _LARGEST_SHIFT : mark + _SHAPE[1] + _LARGEST_SHIFT]
        windows = np.lib.stride_tricks.sliding_window_view(part, width, axis=1)
        agreement = np.einsum("lsw,lw->s", windows, template)
        power = np.sqrt(np.einsum("lsw,lsw->s", windows, windows))
        moved.append(mark + shifts[int(np.argmax(agreement / np.maximum(power, 1e-9)))])
    lowest, highest = _SHAPE[0] + _LARGEST_SHIFT, filtered.shape[1] - _SHAPE[1] - _LARGEST_SHIFT - 1
    return np.unique(np.clip(moved, lowest, highest))


def _commonest(flat: np.ndarray, marks: np.ndarray) -> int:
    """The beat that most others look like; among equals the one that is less early, as in bigeminy."""
    step = -(-len(flat) // _MOST_BEATS)
    chosen = np.arange(0, len(flat), step)
    like = flat[chosen] @ flat[chosen].T >= ALIKE
    waited = np.diff(marks, prepend=2 * marks[0] - marks[1])[chosen] / max(np.diff(marks).max(), 1)
    mean_wait = np.array([waited[row].mean() for row in like])
    return int(chosen[np.argmax(like.sum(axis=1) + 0.99 * mean_wait)])


def beat_windows(signal: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """(beats, leads, `BEFORE` + `BEHIND`) around the marks, NaN beyond the record."""
    padded = np.pad(signal, ((0, 0), (BEFORE, BEHIND)), constant_values=np.nan)
    return padded[:, marks[:, None] + np.arange(BEFORE + BEHIND)].transpose(1, 0, 2)


def median_beat(windows: np.ndarray) -> np.ndarray:
    """(leads, samples): the median of what is there; NaN where no beat reaches."""
    if not np.isnan(windows).any():
        return np.median(windows, axis=0)
    ordered = np.sort(windows, axis=0)  # NaN last
    there = np.count_nonzero(~np.isnan(windows), axis=0)
    low, high = np.maximum((there - 1) // 2, 0), there // 2
    high = np.minimum(high, len(windows) - 1)
    pick = [np.take_along_axis(ordered, place[None], axis=0)[0] for place in (low, high)]
    return (pick[0] + pick[1]) / 2
