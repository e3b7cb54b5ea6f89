"""Beats of one shape: their median beat, and the boundaries of its waves, lead by lead and over all leads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..delineation.beats import BEFORE, RATE, Beats, band_passed, beat_windows, find_beats, median_beat
from ..delineation.boundaries import p_boundaries, p_consistency, p_window, qrs_boundaries, samples, t_boundaries
from ..delineation.measure import LEAST_P_MV, P_CONSISTENCY, baseline_between
from ..filters import apply_filter
from .lead_waves import P_END, P_ONSET, P_PEAK, PLACES, lead_places, over_leads, steadied

# Shapes of a stretch that are asked for their boundaries; beats of further ones have R alone.
_MOST_SHAPES = 5
# Beats that make a median.
_MOST_BEATS = 120
# Beside P: its own level.
_BESIDE = samples(40)
# What boundaries are looked for in: muscle and mains are gone, and a slope of QRS is hardly slower.
_SMOOTH = {"name": "lowpass", "high_hz": 40.0, "order": 2, "form": "sos", "zero_phase": True}


@dataclass(frozen=True)
class Shape:
    """Beats that look alike.

    Attributes:
        marks: samples at `RATE` hertz, at the same place of each QRS.
        beat: (leads, samples) their median beat in mV over the level before QRS, the mark at `BEFORE`.
        leads: (leads, 9) the `PLACES` in each lead, in samples from the mark, NaN where there is none.
        whole: (9,) those of all leads together.
        p_consistency: how alike what precedes QRS is from beat to beat; NaN where it cannot be told.
        p_seen: whether there is a P wave; None where it cannot be told.
        noise_mv: (leads,) by how much beats differ from the median beat before QRS, median.
    """

    marks: np.ndarray
    beat: np.ndarray
    leads: np.ndarray
    whole: np.ndarray
    p_consistency: float
    p_seen: bool | None
    noise_mv: np.ndarray

    def moved(self, samples: int) -> "Shape":
        """The same shape, its marks so much later."""
        return replace(self, marks=self.marks + samples)


def find_shapes(signal: np.ndarray, marks: np.ndarray, independent: Sequence[int]) -> list[Shape]:
    """The shapes of the beats, the usual one first.

    Args:
        signal: (leads, samples) at `RATE` hertz in mV, without missing samples.
        marks: samples of the R peaks, ascending.
        independent: rows of the leads that do not follow from others.
    """
    filtered = band_passed(signal)
    groups: list[np.ndarray] = []
    rest = marks
    while len(rest) and len(groups) < _MOST_SHAPES:
        found: Beats = find_beats(filtered[independent], rest)
        if not len(found.marks):
            break
        groups.append(found.marks[found.usual])
        rest = found.marks[~found.usual]
    rough = [qrs_boundaries(median_beat(beat_windows(filtered[independent], group[:_MOST_BEATS]))) for group in groups]
    groups = [group for group, qrs in zip(groups, rough, strict=True) if qrs is not None]
    found_qrs = [qrs for qrs in rough if qrs is not None]
    if not groups:
        return []
    onsets = np.unique(np.concatenate([group + qrs[0] - BEFORE for group, qrs in zip(groups, found_qrs, strict=True)]))
    straight = signal - baseline_between(signal, onsets)
    smooth = apply_filter(straight, RATE, _SMOOTH)
    every = np.unique(np.concatenate(groups))
    return [_shape(straight, smooth, group, every, independent) for group in groups]


def _shape(straight, smooth, marks, every, independent) -> Shape:
    chosen = marks[np.linspace(0, len(marks) - 1, min(len(marks), _MOST_BEATS)).astype(int)]
    windows = beat_windows(smooth, chosen)
    beat, raw = median_beat(windows), median_beat(beat_windows(straight, chosen))
    vector = beat[independent]
    before, behind = _cycle(marks, every, -1), _cycle(marks, every, 1)
    qrs = qrs_boundaries(vector)
    leads = np.full((len(beat), len(PLACES)), np.nan)
    consistency, seen = np.nan, None
    if qrs is not None:
        t = t_boundaries(vector, qrs[1], qrs[0], behind)
        place = p_window(qrs[0], None if t is None else t[1], before)
        p = None if place is None else p_boundaries(vector, place)
        if p is not None and place is not None:
            # of P and the level beside it: the noise of a long level would hide a small P
            around = slice(max(p[0] - _BESIDE, place.start), min(p[2] + _BESIDE, place.stop))
            consistency = p_consistency(windows[:, independent, around])
        leads = lead_places(beat, qrs, p, t, behind)
        seen = _p_seen(beat, p, consistency)
        if not seen:
            leads[:, [P_ONSET, P_PEAK, P_END]] = np.nan
    whole = over_leads(leads, independent)
    leads = steadied(leads, independent)
    return Shape(marks, raw, leads - BEFORE, whole - BEFORE, consistency, seen, _noise(windows, beat))


def _cycle(marks: np.ndarray, every: np.ndarray, step: int) -> float:
    """Seconds from these beats to those before (-1) or behind (1) them, in the middle; 1 where there is none."""
    place = np.searchsorted(every, marks) + step
    inside = (place >= 0) & (place < len(every))
    if not inside.any():
        return 1.0
    return float(np.median(np.abs(every[place[inside]] - marks[inside]))) / RATE


def _p_seen(beat, p, consistency: float) -> bool | None:
    if p is None:
        return False
    part = beat[:, p[0] : p[2] + 1]
    part = part - np.linspace(part[:, 0], part[:, -1], part.shape[1]).T
    if not np.isfinite(consistency):
        return None
    return bool(np.abs(part).max() >= LEAST_P_MV and consistency >= P_CONSISTENCY)


def _noise(windows: np.ndarray, beat: np.ndarray) -> np.ndarray:
    """(leads,): what is left before QRS when the median beat is taken away, after its own level."""
    left = (windows - beat)[:, :, BEFORE - samples(300) : BEFORE - samples(60)]
    left = left[np.isfinite(left).all(axis=(1, 2))]
    if not len(left):
        return np.full(len(beat), np.nan)
    return np.median(left.std(axis=-1), axis=0)
