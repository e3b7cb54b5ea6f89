"""Where P, QRS and T of a median beat begin and end, in each lead by itself.

`signals.delineation` says where they are in all leads together; here each lead is asked within that reach, as those
who annotate leads one by one do. The shares below were chosen on PTB-XL's folds 1 to 5, against a network that learned
from annotated leads; see `docs/results/measurements.md`.
"""

import numpy as np
from scipy.signal import savgol_filter

from ..delineation.beats import BEFORE, RATE
from ..delineation.boundaries import samples

# What is found of each wave, in this order: samples of the median beat, NaN where there is no such wave.
PLACES = ("p_onset", "p_peak", "p_end", "qrs_onset", "r_peak", "qrs_end", "t_onset", "t_peak", "t_end")
P_ONSET, P_PEAK, P_END, QRS_ONSET, R_PEAK, QRS_END, T_ONSET, T_PEAK, T_END = range(len(PLACES))

# Of the leads that have a wave: so many have begun when it begins, and ended when it ends.
EARLIEST, LATEST = 0.3, 0.7
# So far is a lead's own boundary moved towards the middle one of all leads: what leads share is surer than what one
# shows. Against the codec, lead by lead: QRS off by 10.6 ms on average, 12.6 without.
SHARED = 0.5
_BOUNDARIES = [P_ONSET, P_END, QRS_ONSET, QRS_END, T_ONSET, T_END]
_FEWEST_LEADS = 3
SHARES = (EARLIEST, 0.5, LATEST, EARLIEST, 0.5, LATEST, EARLIEST, 0.5, LATEST)
_SMOOTH = 11  # samples, 22 ms
# QRS: of the lead's largest slope, and over rests of this length. Smaller shares find a less certain place. Annotators
# set the boundaries outside of it, where the eye sees the level: so many samples.
ONSET_SHARE, END_SHARE = 0.08, 0.12
ONSET_BEFORE, END_BEHIND = samples(14), samples(14)
_LONGEST_GAP = samples(30)
# From the peak of T to where it falls fastest, at most.
_LONGEST_FALL = samples(140)
# Of the lead's steepest slope of P and T, towards the level.
P_SHARE = 0.15
# mV: a wave that is smaller in a lead has no boundaries there
LEAST_QRS_MV, LEAST_T_MV, LEAST_P_MV = 0.08, 0.04, 0.02


def slopes(beat: np.ndarray) -> np.ndarray:
    """(leads, samples): mV a sample."""
    return savgol_filter(beat, _SMOOTH, 3, deriv=1, axis=-1, mode="nearest")


def qrs_of_lead(beat, slope, reach: tuple[int, int], rest: float) -> tuple[float, float]:
    """First and last sample of QRS of one lead, within `reach` of all leads; NaN for a flat one."""
    first, last = max(reach[0] - samples(30), 0), min(reach[1] + samples(40), len(beat) - 1)
    part = np.abs(slope[first : last + 1])
    if np.ptp(beat[reach[0] : reach[1] + 1]) < LEAST_QRS_MV or not np.isfinite(part).all():
        return np.nan, np.nan
    peak, largest = int(part.argmax()), part.max()
    onset = _going(part[peak::-1] > max(ONSET_SHARE * largest, min(2.5 * rest, 0.25 * largest)))
    end = _going(part[peak:] > max(END_SHARE * largest, min(2.5 * rest, 0.25 * largest)))
    return float(first + peak - onset - ONSET_BEFORE), float(first + peak + end + END_BEHIND)


def _going(fast: np.ndarray) -> int:
    """How far it goes on from the first sample, over short rests."""
    places = np.flatnonzero(fast)
    breaks = np.flatnonzero(np.diff(places) > _LONGEST_GAP)
    return int(places[breaks[0]] if len(breaks) else places[-1])


def corner(curve: np.ndarray) -> int:
    """The sample that is farthest from the line through the ends: where a flank turns into a level."""
    line = np.linspace(curve[0], curve[-1], len(curve))
    return int(np.abs(curve - line).argmax())


def t_of_lead(beat, slope, qrs_end: float, reach: tuple[float, float], limit: int) -> tuple[float, float, float]:
    """Onset, peak and end of T of one lead.

    Args:
        reach: peak and end of T in all leads together.
        limit: T has ended before this sample.
    """
    nothing = (np.nan,) * 3
    start = int(qrs_end) + samples(50)
    stop = min(int(reach[1]) + samples(90), limit, len(beat))
    if stop - start < samples(120) or not np.isfinite(beat[start:stop]).all():
        return nothing
    part = beat[start:stop]
    tail = np.median(beat[max(int(reach[1]), start) : stop]) if stop > reach[1] + 3 else part[-1]
    raised = part - np.linspace(
        part[0] if abs(part[0] - tail) < 0.5 * np.abs(part - tail).max() else tail, tail, len(part)
    )
    low, high = max(int(reach[0]) - samples(70) - start, 0), min(int(reach[1]) - samples(15) - start, len(part))
    if high - low < samples(20):
        return nothing
    peak = low + int(np.abs(raised[low:high]).argmax())
    if abs(raised[peak]) < LEAST_T_MV:
        return nothing
    sign = np.sign(raised[peak])
    behind = sign * slope[start + peak : min(start + peak + _LONGEST_FALL, stop)]
    if len(behind) < samples(20):
        return nothing
    steepest = peak + int(behind.argmin())
    end = steepest + corner(sign * part[steepest : min(steepest + samples(140), len(part))])
    before = sign * slope[start : start + peak + 1]
    if len(before) > samples(20):
        rise = int(before.argmax())
        first = max(rise - samples(140), 0)
        onset = first + corner(sign * part[first : rise + 1]) if rise > first else 0
    else:
        onset = 0
    return float(start + onset), float(start + peak), float(start + end)


def p_of_lead(beat, slope, reach: tuple[int, int, int], qrs_onset: float) -> tuple[float, float, float]:
    """Onset, peak and end of P of one lead; `reach` is onset, peak and end in all leads together."""
    nothing = (np.nan,) * 3
    first, last = max(reach[0] - samples(40), 0), int(min(reach[2] + samples(40), qrs_onset - samples(2)))
    if last - first < samples(40) or not np.isfinite(beat[first : last + 1]).all():
        return nothing
    part = beat[first : last + 1]
    raised = part - np.linspace(part[:5].mean(), part[-5:].mean(), len(part))
    low, high = max(reach[0] - first, 0), min(reach[2] - first + 1, len(part))
    peak = low + int(np.abs(raised[low:high]).argmax())
    if abs(raised[peak]) < LEAST_P_MV:
        return nothing
    sign = np.sign(raised[peak])
    steep = sign * slope[first : last + 1]
    rise = int(steep[: peak + 1].argmax())
    fall = peak + int(steep[peak:].argmin())
    begin = max(rise - samples(60), 0)
    onset = begin + corner(part[begin : rise + 1]) if rise > begin else begin
    stop = min(fall + samples(60), len(part))
    end = fall + corner(part[fall:stop]) if stop - fall > 2 else fall
    return float(first + onset), float(first + peak), float(first + end)


def lead_places(beat, qrs, p, t, cycle_s: float) -> np.ndarray:
    """(leads, 9) the `PLACES` of each lead of a median beat.

    Args:
        beat: (leads, samples) at `RATE` hertz, smooth.
        qrs, p, t: what `signals.delineation.boundaries` finds in all leads together; p and t may be None.
        cycle_s: seconds to the next beat.
    """
    found = np.full((len(beat), len(PLACES)), np.nan)
    slope = slopes(beat)
    # T ends before the next P begins
    ahead = samples(100) if p is None else max(qrs[0] - p[0], 0) + samples(4)
    limit = min(beat.shape[1], round(qrs[0] + cycle_s * RATE) - ahead)
    for row, (lead, steep) in enumerate(zip(beat, slope, strict=True)):
        rest = float(np.nanquantile(np.abs(steep[BEFORE - samples(300) : BEFORE + samples(500)]), 0.2))
        onset, end = qrs_of_lead(lead, steep, qrs, rest)
        found[row, [QRS_ONSET, QRS_END]] = onset, end
        if np.isfinite(onset):
            part = np.abs(lead[int(onset) : int(end) + 1] - lead[int(onset)])
            found[row, R_PEAK] = onset + int(part.argmax())
        if t is not None:
            found[row, [T_ONSET, T_PEAK, T_END]] = t_of_lead(lead, steep, qrs[1] if np.isnan(end) else end, t, limit)
        if p is not None:
            places = p_of_lead(lead, steep, p, qrs[0] if np.isnan(onset) else onset)
            found[row, [P_ONSET, P_PEAK, P_END]] = places
    return found


def steadied(places: np.ndarray, independent) -> np.ndarray:
    """(leads, 9) with each boundary nearer to the middle one of all leads, see `SHARED`."""
    steady = places.copy()
    for place in _BOUNDARIES:
        there = places[independent, place]
        there = there[np.isfinite(there)]
        if len(there) >= _FEWEST_LEADS:
            steady[:, place] += SHARED * (np.median(there) - places[:, place])
    return steady


def over_leads(places: np.ndarray, independent) -> np.ndarray:
    """(9,) of all leads together: where a part of the leads has begun, and where all but that part have ended.

    The very first and last are outliers too often. NaN where fewer than a third of the leads have the wave.
    """
    chosen = places[independent]
    whole = np.full(len(PLACES), np.nan)
    for place in range(len(PLACES)):
        there = chosen[np.isfinite(chosen[:, place]), place]
        if len(there) and 3 * len(there) >= len(chosen):
            whole[place] = np.quantile(there, SHARES[place])
    return whole
