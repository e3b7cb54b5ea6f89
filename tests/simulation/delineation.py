"""Rate, intervals and axis of an ECG as neurokit2 finds them on the median beat: it knows nothing of the simulator.

What is measured, the same way in every condition:

- Rate: mean of the intervals between the R peaks of `neurokit2.ecg_peaks` in the length of the vector of all leads.
- The median beat of each lead, aligned at these peaks, as electrocardiographs use it: a premature beat does not change
  it, and noise falls. Boundaries are those of `neurokit2.ecg_delineate` with its continuous wavelet (cwt); its length
  is counted in samples. QRS and T are asked at 2000 Hz, P at 1000 Hz, its default: there the smear of its longest
  wavelet and the share of the slope at which it stops fit a P wave's flank.
- QRS is global, from its first sign in any lead to its last: no single lead shows both, and in one lead the wavelet
  looks for a Q and an S, which a bundle-branch block need not have. So it is asked in the spatial velocity of eight
  independent leads (smoothed over 15 ms), closed over gaps of 40 ms and cut at 11 and 15 % of its largest value: a
  block, as long as QRS, whatever waves are in it. The cuts are this file's, the same everywhere, and were chosen on
  simulated records: what neurokit2 adds is where the block's flanks are. It finds a block longer than it is; by how
  much is measured on an ideal block of 100 ms, and taken off.
- P begins where it does in lead II. T ends where it does in the lead with the largest T, turned upright; where
  the wavelet finds no end there, in the next largest.
- Axis: from the net area of QRS over the level at which it begins, in I and aVF.
"""

from functools import cache

import neurokit2
import numpy as np
from scipy.ndimage import grey_closing
from scipy.signal import resample_poly, savgol_filter

RATE = 2000
_P_RATE = 1000
_LOW, _HIGH, _GAP_S = 0.11, 0.15, 0.040
_SMOOTH = 31  # samples, 15 ms

# Beyond the beats before and after the median one.
_MARGIN_S = 0.3


def delineate(ecg) -> dict[str, float]:
    """Rate (per minute), PR, QRS, QT (ms) and frontal axis (degrees); NaN for what is not found."""
    signal = resample_poly(ecg.signal.astype(float), RATE, int(ecg.sampling_rate), axis=1)
    leads = list(ecg.leads)
    peaks = _r_peaks(signal)
    beat, marks = _median_beat(signal, peaks)
    eight = [leads.index(lead) for lead in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")]
    onset, end = _qrs(beat[eight], marks)
    p_onset = _p_onset(beat[leads.index("II")], marks, onset)
    t_end = _t_end(beat[eight], marks, end)
    milliseconds = 1000 / RATE
    return {
        "heart_rate": 60 * RATE / float(np.mean(np.diff(peaks))),
        "irregularity": float(np.std(np.diff(peaks)) / np.mean(np.diff(peaks))),
        "pr_ms": (onset - p_onset) * milliseconds,
        "qrs_ms": (end - onset) * milliseconds,
        "qt_ms": (t_end - onset) * milliseconds,
        "axis_degrees": _axis(beat[leads.index("I")], beat[leads.index("aVF")], onset, end),
    }


def angle_between(first: float, second: float) -> float:
    """Degrees, at most 180."""
    return abs((first - second + 180) % 360 - 180)


def _r_peaks(signal: np.ndarray) -> np.ndarray:
    # a premature beat may be flat or turned over in any one lead
    length = np.linalg.norm(signal - np.median(signal, axis=1, keepdims=True), axis=0)
    _, found = neurokit2.ecg_peaks(length, sampling_rate=RATE)
    return np.asarray(found["ECG_R_Peaks"])


def _median_beat(signal: np.ndarray, peaks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leads of the median beat with its neighbours, and the three R peaks in it."""
    interval = int(np.median(np.diff(peaks)))
    half = interval + int(_MARGIN_S * RATE)
    whole = [peak for peak in peaks if half <= peak < signal.shape[1] - half]
    # before QRS every beat is at zero: what wanders is not its own
    before = slice(half - int(0.12 * RATE), half - int(0.06 * RATE))
    beats = np.array([signal[:, peak - half : peak + half] for peak in whole])
    beats -= beats[..., before].mean(axis=-1, keepdims=True)
    return np.median(beats, axis=0), half + interval * np.array([-1, 0, 1])


def _boundaries(signal: np.ndarray, marks: np.ndarray, rate: int = RATE) -> dict[str, np.ndarray]:
    """neurokit2's boundaries, in samples; it wants four seconds at least, and gets the signal several times."""
    times = max(2, -(-(4 * rate + 1) // len(signal)))
    marks = np.concatenate([marks + number * len(signal) for number in range(times)])
    _, waves = neurokit2.ecg_delineate(np.tile(signal, times), marks, sampling_rate=rate, method="cwt")
    return {name: np.array(places, dtype=float) for name, places in waves.items()}


def _between(places: np.ndarray, first: float, last: float) -> np.ndarray:
    return places[(places >= first) & (places <= last)]


def _first(places: np.ndarray) -> float:
    return float(places[0]) if len(places) else np.nan


def _qrs(eight: np.ndarray, marks: np.ndarray) -> tuple[float, float]:
    velocity = np.linalg.norm(savgol_filter(eight, _SMOOTH, 3, deriv=1, axis=1), axis=0)
    velocity = grey_closing(velocity, int(_GAP_S * RATE))
    reach = int(0.12 * RATE)
    velocity /= velocity[marks[1] - reach : marks[1] + reach].max()
    outside = np.flatnonzero(velocity < _LOW)
    middle = (outside[outside < marks[1]][-1] + outside[outside > marks[1]][0]) // 2
    # the neighbours' shapes are smeared: a cycle of the middle beat alone, again and again
    half = (marks[1] - marks[0]) // 2
    cycle = np.clip(velocity, _LOW, _HIGH)[middle - half : middle + half]
    onset, end = (middle - 3 * half + place for place in _block(np.tile(cycle, 3), half * np.array([1, 3, 5])))
    early, late = _smear()
    return onset + early, end - late


def _block(block: np.ndarray, marks: np.ndarray) -> tuple[float, float]:
    # turned over: it takes the descent to a Q for the beginning, and the ascent from an S for the end
    found = _boundaries(-block, marks)
    reach = 0.12 * RATE
    return (
        _first(_between(found["ECG_R_Onsets"], marks[1] - reach, marks[1])),
        _first(_between(found["ECG_R_Offsets"], marks[1], marks[1] + reach)),
    )


@cache
def _smear() -> tuple[float, float]:
    """Samples by which a block of 100 ms is found to begin too early and to end too late."""
    marks, half = np.array([1, 2, 3]) * RATE, RATE // 20
    block = np.zeros(4 * RATE)
    for mark in marks:
        block[mark - half : mark + half] = 1.0
    onset, end = _block(block, marks)
    return marks[1] - half - onset, end - (marks[1] + half)


def _p_onset(lead: np.ndarray, marks: np.ndarray, onset: float) -> float:
    step = RATE // _P_RATE
    found = _boundaries(lead[::step], marks // step, _P_RATE)["ECG_P_Onsets"] * step
    inside = _between(found, onset - 0.42 * RATE, onset - 0.03 * RATE)
    return float(inside[-1]) if len(inside) else np.nan


def _t_end(eight: np.ndarray, marks: np.ndarray, end: float) -> float:
    if not np.isfinite(end):
        return np.nan
    after = eight[:, int(end + 0.06 * RATE) : int(marks[1] + 0.6 * (marks[1] - marks[0]))]
    # from a little before its end: whatever waves QRS has, the next one is T
    start = int(end - 0.04 * RATE) - marks[1]
    for lead in np.ptp(after, axis=1).argsort()[::-1]:
        level = (after[lead, 0] + after[lead, -1]) / 2
        sign = 1 if after[lead].max() - level > level - after[lead].min() else -1
        found = _boundaries(sign * eight[lead], marks + start)["ECG_T_Offsets"]
        inside = _between(found, end + 0.08 * RATE, marks[1] + min(0.62 * RATE, 0.9 * (marks[1] - marks[0])))
        if len(inside):
            return float(inside[0])
    return np.nan


def _axis(one: np.ndarray, foot: np.ndarray, onset: float, end: float) -> float:
    if not np.isfinite(onset + end):
        return np.nan
    before, part = slice(int(onset) - 24, int(onset) - 8), slice(int(onset), int(end) + 1)
    left, down = (np.sum(lead[part] - lead[before].mean()) for lead in (one, foot))
    return float(np.degrees(np.arctan2(down * 2 / np.sqrt(3), left)))
