"""Where P, QRS and T of a median beat begin and end, over all leads at once."""

import numpy as np
from scipy.signal import find_peaks, savgol_filter

from .beats import BEFORE, RATE

# Of the largest spatial velocity of QRS. On simulated records 0.10 gives QRS as commanded, and 0.06 gives 4 ms more;
# on normal records of PTB-XL's training folds 0.10 gives a median of 70 ms and 0.06 one of 80: real QRS complexes
# begin and end more slowly. Adults have some 90 (AHA/ACCF/HRS 2009, Part III); from 0.04 on blocks run into T. One of
# four settings tried on 300 to 400 of these records, with the AUROCs of CLBBB, CRBBB, IVCD and 1AVB beside.
QRS_SHARE = 0.06
# P begins and ends at this share between the lowest fifth of its window, which is noise, and its peak. Chosen the same
# way: PR is 10 ms short on simulated records, and has a median of 168 ms on the normal ones.
P_SHARE = 0.1
P_REST = 0.2
# What stands out by this share of the highest peak is a wave; the last one before QRS is P, not the tail of T.
_P_PROMINENCE = 0.35
# From the beginning of P to its peak, at most.
_LONGEST_RISE = round(0.12 * RATE)
_SMOOTH = 11  # samples, 22 ms
_LONGEST_GAP = round(0.036 * RATE)
_REACH = round(0.14 * RATE)
# A QRS of 240 ms whose fastest part is not in its middle.
_FARTHEST = round(0.17 * RATE)
_LONGEST_PR = round(0.42 * RATE)
_SHORTEST_P_WINDOW = round(0.08 * RATE)


def samples(milliseconds: float) -> int:
    return round(milliseconds * RATE / 1000)


def qrs_boundaries(beat: np.ndarray) -> tuple[int, int] | None:
    """First and last sample of QRS: where the vector of all leads moves fast, over short rests.

    Args:
        beat: (leads, samples) at `RATE` hertz, the mark at `BEFORE`.
    """
    velocity = np.linalg.norm(savgol_filter(beat, _SMOOTH, 3, deriv=1, axis=1, mode="nearest"), axis=0)
    near = velocity[BEFORE - _REACH : BEFORE + _REACH]
    if not np.isfinite(near).all() or near.max() <= 0:
        return None
    rest = np.nanquantile(velocity[BEFORE - samples(300) : BEFORE + samples(500)], 0.2)
    fast = velocity > max(QRS_SHARE * near.max(), min(2.5 * rest, 0.3 * near.max()))
    peak = BEFORE - _REACH + int(near.argmax())
    onset, end = _reach(fast[peak::-1]), _reach(fast[peak:])
    return peak - onset, peak + end


def _reach(fast: np.ndarray) -> int:
    """How far it goes on from the first sample, over gaps of at most `_LONGEST_GAP`."""
    places = np.flatnonzero(fast[:_FARTHEST])
    breaks = np.flatnonzero(np.diff(places) > _LONGEST_GAP)
    return int(places[breaks[0]] if len(breaks) else places[-1])


def t_boundaries(beat: np.ndarray, end: int, onset: int, rr_seconds: float) -> tuple[int, int] | None:
    """The peak of T and its end, where the steepest tangent behind the peak meets the level before QRS.

    In the first principal component of the leads behind QRS, so that T is one wave whatever its shape in a lead.
    """
    start = end + samples(60)
    # at 140 beats a minute the next P begins 330 ms after QRS; at 50 T is over 560 ms after it
    stop = onset + round(RATE * min(0.66, max(0.30, rr_seconds - 0.12)))
    stop = min(stop, beat.shape[1])
    part = beat[:, start:stop]
    if part.shape[1] < samples(100) or not np.isfinite(part).all():
        return None
    wave = _first_component(part)
    latest = min(onset + round(RATE * 0.46 * np.sqrt(min(rr_seconds, 1.4))) - start, part.shape[1] - samples(40))
    if latest < samples(40):
        return None
    # an ST segment that is off the level is not a peak: the peak stands out from the line to the end of the window
    level = np.linspace(wave[0], np.median(wave[-samples(20) :]), len(wave))
    raised = wave - (level if abs(level[-1]) < 0.5 * np.abs(wave).max() else 0)
    peak = int(np.abs(raised[:latest]).argmax())
    sign = np.sign(wave[peak]) or 1.0
    wave = sign * wave
    behind = wave[peak : peak + samples(180)]
    slope = savgol_filter(behind, min(_SMOOTH, len(behind) // 2 * 2 - 1), 2, deriv=1) if len(behind) > 8 else None
    if slope is None or slope.min() >= 0 or wave[peak] <= 0:
        return None
    steepest = int(slope.argmin())
    crossing = peak + steepest - behind[steepest] / slope[steepest]
    if not peak < crossing < len(wave) + samples(60):
        return None
    return start + peak, start + round(crossing)


def _first_component(part: np.ndarray) -> np.ndarray:
    left, _, _ = np.linalg.svd(part, full_matrices=False)
    return left[:, 0] @ part


def p_window(onset: int, t_end: int | None, rr_seconds: float) -> slice | None:
    """Where P may be: behind the T before it, and not more than 420 ms before QRS."""
    after_t = onset - _LONGEST_PR
    if t_end is not None:
        after_t = max(after_t, t_end + samples(10) - round(rr_seconds * RATE))
    start, stop = max(after_t, 0), onset - samples(8)
    return slice(start, stop) if stop - start >= _SHORTEST_P_WINDOW else None


def p_boundaries(beat: np.ndarray, window: slice) -> tuple[int, int, int] | None:
    """Beginning, peak and end of P.

    Where the two first principal components of the leads in the window leave the line through its ends by more than
    `P_SHARE` of the peak.
    """
    part = level(beat[:, window])
    if not np.isfinite(part).all():
        return None
    left, _, _ = np.linalg.svd(part, full_matrices=False)
    length = np.linalg.norm(left[:, :2].T @ part, axis=0)
    peaks, _ = find_peaks(length, prominence=_P_PROMINENCE * length.max())
    if not len(peaks):
        return None
    peak = int(peaks[-1])
    rest = float(np.quantile(length, P_REST))
    limit = rest + P_SHARE * (length[peak] - rest)
    first = max(peak - _LONGEST_RISE, 0)
    before, behind = np.flatnonzero(length[first:peak] < limit), np.flatnonzero(length[peak:] < limit)
    if not len(before):
        # the tail of T comes down to P without reaching the line: P begins at the valley between, if there is one
        valley = first + int(length[first:peak].argmin()) if peak > first else 0
        longer = valley > 0 and len(length) - valley >= _SHORTEST_P_WINDOW
        return p_boundaries(beat, slice(window.start + valley, window.stop)) if longer else None
    last = peak + int(behind[0]) if len(behind) else len(length) - 1
    return window.start + first + int(before[-1]) + 1, window.start + peak, window.start + last


def level(part: np.ndarray) -> np.ndarray:
    """(..., samples) over the line through the means of the first and last 8 ms."""
    edge = samples(8)
    first, last = part[..., :edge].mean(-1, keepdims=True), part[..., -edge:].mean(-1, keepdims=True)
    return part - first - (last - first) * np.linspace(0, 1, part.shape[-1])


def p_consistency(windows: np.ndarray) -> float:
    """Mean over beats of the correlation with the mean of the others; NaN with less than three beats.

    Args:
        windows: (beats, leads, samples) before QRS. Noise and fibrillation do not come back, P does.
    """
    windows = windows[np.isfinite(windows).all(axis=(1, 2))]
    if len(windows) < 3:
        return float("nan")
    flat = level(windows)
    flat = (flat - flat.mean(axis=-1, keepdims=True)).reshape(len(flat), -1)
    others = (flat.sum(axis=0) - flat) / (len(flat) - 1)
    scale = np.linalg.norm(flat, axis=1) * np.linalg.norm(others, axis=1)
    return float(np.mean((flat * others).sum(axis=1) / np.maximum(scale, 1e-9)))
