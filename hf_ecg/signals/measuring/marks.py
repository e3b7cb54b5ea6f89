"""R peaks for measurements: `beat_detection` in stretches of half a minute, without leads that only add noise.

Four things are added to it. What is loud in one minute must not hide the beats of the next, so levels are local. A
lead whose beats do not look alike while those of another do is left out. What follows a QRS soon and bends bluntly is
its T wave. All beats together then say where a beat was missed or marked beside its place, see `second_look`.
"""

from collections.abc import Sequence

import numpy as np

from ..beat_agreement import pairs_agreement
from ..beat_detection import find_r_peaks
from .second_look import at_one_place, looked_back

_STRETCH_S, _OVERLAP_S = 30.0, 3.0
# A lead whose beats agree by this much less than those of the best lead is noise beside it; the first one, which says
# where R is, may be worse.
_WORSE, _FIRST_WORSE = 0.15, 0.3
# R is where the first of these that shows the beats lies farthest from its level: annotators mark it there.
TIMING_LEADS = ("II", "MLII", "I", "V5", "V6", "V4", "V2", "V3", "V1", "aVF", "aVL", "III", "aVR")
_REACH_S = 0.15
# A T wave follows QRS within this time, and bends less than this share as sharply as the usual QRS. Where tall T waves
# were taken for beats, they are usual too: what follows sooner is compared with the QRS before it.
_T_WAVE_S, _BLUNT, _BEND_S = 0.55, 0.15, 0.012
_SOONER_S, _BLUNTER = 0.36, 0.3


def find_marks(signal: np.ndarray, rate: float, leads: Sequence[str] = ()) -> np.ndarray:
    """Samples of the R peaks, ascending int64.

    Args:
        signal: (leads, samples), without missing samples.
        rate: hertz.
        leads: their names, by which the one that says where R is is chosen; else the first.
    """
    order = sorted(range(len(signal)), key=lambda row: _rank(leads[row]) if row < len(leads) else row)
    signal = signal[order]
    found = []
    length, overlap = round(_STRETCH_S * rate), round(_OVERLAP_S * rate)
    starts = range(0, max(signal.shape[1] - overlap, 1), length)
    for start in starts:
        first, last = max(start - overlap, 0), min(start + length + overlap, signal.shape[1])
        marks = _of_stretch(signal[:, first:last], rate) + first
        end = start + length if start + length + overlap < signal.shape[1] else signal.shape[1]
        found.append(marks[(marks >= start) & (marks < end)])
        if end == signal.shape[1]:
            break
    marks = at_one_place(signal, np.concatenate(found), rate) if found else np.zeros(0, np.int64)
    close = np.diff(marks, prepend=-rate) < 0.2 * rate
    return marks[~close]


def _of_stretch(signal: np.ndarray, rate: float) -> np.ndarray:
    marks = _without_t_waves(signal, find_r_peaks(signal[None], rate)[0], rate)
    if len(signal) > 1 and len(marks) >= 4 and rate > 60:
        alike = pairs_agreement(signal, rate, marks)
        good = alike >= alike.max() - np.where(np.arange(len(alike)), _WORSE, _FIRST_WORSE)
        if not good.all():
            signal = signal[good]
            marks = _without_t_waves(signal, find_r_peaks(signal[None], rate)[0], rate)
        marks = _at_r(signal[0], marks, rate)
    return looked_back(signal, marks, lambda part, found: _sharpness(part, found, rate), rate)


def _without_t_waves(signal: np.ndarray, marks: np.ndarray, rate: float) -> np.ndarray:
    if len(marks) < 3:
        return marks
    sharp = _sharpness(signal, marks, rate)
    blunt = sharp < _BLUNT * np.median(sharp)
    # the first one may be the T wave of a beat before the record
    waited = np.diff(marks, prepend=marks[0])
    blunter = sharp < _BLUNTER * np.concatenate([[0], sharp[:-1]])
    return marks[~(blunt & (waited < _T_WAVE_S * rate) | blunter & (waited < _SOONER_S * rate))]


def _sharpness(signal: np.ndarray, marks: np.ndarray, rate: float) -> np.ndarray:
    """(marks,): how much the leads bend near each mark, at most."""
    step, reach = max(round(_BEND_S * rate), 1), round(0.08 * rate)
    around = np.clip(marks[:, None] + np.arange(-reach, reach + 1), step, signal.shape[1] - 1 - step)
    bend = signal[:, around + step] - 2 * signal[:, around] + signal[:, around - step]
    return np.linalg.norm(bend, axis=0).max(axis=1)


def _rank(lead: str) -> int:
    return TIMING_LEADS.index(lead) if lead in TIMING_LEADS else len(TIMING_LEADS)


def _at_r(lead: np.ndarray, marks: np.ndarray, rate: float) -> np.ndarray:
    """The marks that the lead gives by itself, where it has one near."""
    (own,) = find_r_peaks(lead[None, None], rate)
    if not len(own) or not len(marks):
        return marks
    place = np.clip(np.searchsorted(own, marks), 1, max(len(own) - 1, 1))
    near = np.stack([own[place - 1], own[np.minimum(place, len(own) - 1)]])
    nearest = near[np.abs(near - marks).argmin(axis=0), np.arange(len(marks))]
    return np.unique(np.where(np.abs(nearest - marks) <= _REACH_S * rate, nearest, marks))
