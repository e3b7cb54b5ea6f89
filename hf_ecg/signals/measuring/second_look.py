"""What the marks of all beats together say of each: where QRS is marked, and where a beat was missed."""

import numpy as np
from scipy.ndimage import maximum_filter1d

from ..beat_detection import steepness

# Beats of a shape are marked at the same place of QRS. One that is the usual shape when it is moved by up to so much,
# and is not where it was marked, is moved.
_REACH_S, _FARTHEST_S = 0.10, 0.13
_ALIKE, _SAME = 0.85, 0.9
_FEWEST, _MOST_BEATS = 4, 120
# In a pause of this many usual intervals a smaller QRS is looked for. Of the usual one: its steepness, in squares, and
# how sharply it bends, which P and T waves do less.
_PAUSE, _SMALL, _SHARP = 1.4, 0.1, 0.2
# Behind a QRS its T wave comes first. A beat stands out of the pause, noise is as steep all along.
_T_WAVE_S, _APART_S, _REST = 0.4, 0.28, 0.25


def at_one_place(signal: np.ndarray, marks: np.ndarray, rate: float) -> np.ndarray:
    """The marks, those moved that are not where the other beats of the usual shape are marked.

    Args:
        signal: (leads, samples).
        marks: samples of the R peaks, ascending.
        rate: hertz.
    """
    reach, farthest = round(_REACH_S * rate), round(_FARTHEST_S * rate)
    room = reach + farthest
    inside = np.flatnonzero((marks >= room) & (marks + room < signal.shape[1]))
    if len(inside) < _FEWEST:
        return marks
    chosen = inside[np.linspace(0, len(inside) - 1, min(len(inside), _MOST_BEATS)).astype(int)]
    flat = _unit(_around(signal, marks[chosen], reach))
    alike = flat @ flat.T >= _ALIKE
    usual = alike[alike.sum(axis=0).argmax()]
    if usual.sum() < max(_FEWEST, len(usual) / 4):
        return marks
    template = flat[usual].mean(axis=0)
    template /= np.linalg.norm(template)
    moved = marks.copy()
    for first in range(0, len(inside), _MOST_BEATS):
        rows = inside[first : first + _MOST_BEATS]
        for row in rows[_unit(_around(signal, marks[rows], reach)) @ template < _ALIKE]:
            part = signal[:, marks[row] - room : marks[row] + room + 1]
            windows = np.lib.stride_tricks.sliding_window_view(part, 2 * reach + 1, axis=1)
            likeness = _unit(windows.transpose(1, 0, 2)) @ template
            if likeness.max() >= _SAME:
                moved[row] += int(likeness.argmax()) - farthest
    return np.unique(moved)


def _around(signal: np.ndarray, marks: np.ndarray, reach: int) -> np.ndarray:
    """(marks, leads, samples)"""
    return signal[:, marks[:, None] + np.arange(-reach, reach + 1)].transpose(1, 0, 2)


def looked_back(signal: np.ndarray, marks: np.ndarray, sharp, rate: float) -> np.ndarray:
    """The marks, and those of small beats in pauses between them.

    Args:
        signal: (leads, samples).
        marks: samples of the R peaks, ascending.
        sharp: (signal, marks) -> (marks,) how sharply QRS bends.
        rate: hertz.
    """
    if len(marks) < _FEWEST:
        return marks
    usual = np.median(np.diff(marks))
    pauses = np.flatnonzero(np.diff(marks) > _PAUSE * usual)
    if not len(pauses):
        return marks
    height = steepness(signal, rate)
    near = np.maximum(maximum_filter1d(height, 2 * round(0.08 * rate) + 1), 0)
    least, sharpest = _SMALL * np.median(near[marks]), _SHARP * np.median(sharp(signal, marks))
    found, t_wave, apart = list(marks), round(_T_WAVE_S * rate), round(_APART_S * rate)
    spans = [(marks[place], marks[place + 1]) for place in pauses]
    while spans:
        first, last = spans.pop()
        inner = height[first + t_wave : last - apart]
        if last - first <= _PAUSE * usual or not len(inner):
            continue
        peak = first + t_wave + int(inner.argmax())
        if height[peak] != near[peak] or height[peak] < max(least, np.median(inner) / _REST):
            continue
        if sharp(signal, np.array([peak]))[0] < sharpest:
            continue
        found.append(peak)
        spans += [(first, peak), (peak, last)]
    return np.unique(found)


def _unit(parts: np.ndarray) -> np.ndarray:
    """(beats, leads x samples) of norm one, each lead over its mean."""
    flat = (parts - parts.mean(axis=-1, keepdims=True)).reshape(len(parts), -1)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
