"""From a signal to its measurements."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..leads import LIMB_LEADS, canonical_leads, derive_limb_leads
from ..missing import fill_missing
from ..resampling import resample
from .beats import BEFORE, RATE, Beats, band_passed, beat_windows, find_beats, median_beat
from .boundaries import p_boundaries, p_consistency, p_window, qrs_boundaries, samples, t_boundaries
from .measurements import NAN, Measurements, fridericia
from .waves import measure_lead

SHORTEST_SECONDS = 2.0
# A lead with more missing than this, or that moves by less, is taken as absent.
MOST_MISSING = 0.2
LEAST_RANGE_MV = 0.05
# 85 % of the usual interval: sinus arrhythmia stays above it. Where intervals lie further than 8 % from the median one
# half of the time, as in fibrillation, no beat is early.
EARLY = 0.85
REGULAR = 0.08
# A P wave comes back from beat to beat, and is more than noise.
P_CONSISTENCY = 0.4
LEAST_P_MV = 0.03
_INDEPENDENT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def measure_ecg(signal_mv: np.ndarray, sampling_rate: float, leads: Sequence[str]) -> Measurements:
    """Rate, rhythm, intervals, axis, and the waves of each lead, on the median beat of the commonest shape.

    Beats are found by neurokit2 in the length of the vector of all leads. The median beat is aligned by correlation,
    each beat over a line through the levels before its QRS and the next one's. QRS is where that vector moves fast in
    any lead, T ends at its steepest tangent, P is what comes back before each QRS. Limb leads that two others
    determine are derived.

    Args:
        signal_mv: (leads, samples) in millivolts, NaN where missing.
        sampling_rate: hertz. 500 is computed in; from 100 on the waves are there.
        leads: names of the leads.

    Returns:
        All NaN and no beat for a record under two seconds, without a usable lead, or in which no beat is found.

    Raises:
        ValueError: another shape, unknown or doubled leads, a rate that is not positive, infinite samples.
        ImportError: neurokit2 is not installed.

    Example:
        >>> from hf_ecg.signals.delineation import measure_ecg
        >>> from hf_ecg.simulation import simulate_ecg
        >>> ecg = simulate_ecg("first_degree_av_block", sampling_rate=500, seed=1)
        >>> measure_ecg(ecg.signal, ecg.sampling_rate, ecg.leads).pr_ms > 200
        True
    """
    names = canonical_leads(leads)
    signal = np.asarray(signal_mv)
    if signal.ndim != 2 or len(signal) != len(names) or signal.dtype.kind not in "iuf":
        raise ValueError(f"signal is {signal.dtype} of shape {signal.shape}, wanted ({len(names)} leads, samples)")
    if not (np.isfinite(sampling_rate) and sampling_rate > 0):
        raise ValueError(f"sampling_rate is {sampling_rate!r}, wanted a positive number of hertz")
    if np.isinf(signal).any():
        raise ValueError("infinite samples are not missing ones: find out where they come from")
    signal, names = _usable(signal.astype(np.float64), names)
    if not names or signal.shape[1] < SHORTEST_SECONDS * sampling_rate:
        return Measurements("signal")
    signal = resample(signal - np.median(signal, axis=1, keepdims=True), sampling_rate, RATE, "polyphase")
    filtered = band_passed(signal)
    independent = [place for place, name in enumerate(names) if name in _INDEPENDENT] or list(range(len(names)))
    beats = find_beats(filtered[independent])
    if len(beats.marks) == 0:
        return Measurements("signal")
    return _measure(signal, filtered, independent, names, beats)


def _usable(signal: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    if not signal.shape[1]:
        return signal, ()
    missing = np.isnan(signal)
    good = np.flatnonzero(missing.mean(axis=1) <= MOST_MISSING)
    good = good[np.nanmax(signal[good], axis=1) - np.nanmin(signal[good], axis=1) >= LEAST_RANGE_MV]
    signal, names = fill_missing(signal[good]), tuple(names[place] for place in good)
    if sum(name in LIMB_LEADS for name in names) >= 2:
        signal, names = derive_limb_leads(signal, names)
    return signal, names


def _measure(signal, filtered, independent, names, beats: Beats) -> Measurements:
    marks = beats.marks[beats.usual]
    rough = median_beat(beat_windows(filtered[independent], marks))
    qrs = qrs_boundaries(rough)
    if qrs is None:
        return Measurements("signal", **_rhythm(beats))
    signal = signal - baseline_between(signal, beats.marks + qrs[0] - BEFORE)
    windows = beat_windows(signal, marks)
    beat = median_beat(windows)
    vector = beat[independent]
    qrs = qrs_boundaries(vector) or qrs
    rr = float(np.median(np.diff(beats.marks))) / RATE if len(beats.marks) > 1 else NAN
    # a record with one beat tells no rate: what would follow at 60 a minute bounds the waves
    cycle = rr if np.isfinite(rr) else 1.0
    t = t_boundaries(vector, qrs[1], qrs[0], cycle)
    found = _rhythm(beats) | {"qrs_ms": (qrs[1] - qrs[0]) * 1000 / RATE}
    if t is not None:
        found["qt_ms"] = (t[1] - qrs[0]) * 1000 / RATE
        found["qtc_ms"] = fridericia(found["qt_ms"], rr * 1000)
    place = p_window(qrs[0], None if t is None else t[1], cycle)
    p = None if place is None else p_boundaries(vector, place)
    if place is not None:
        found["p_consistency"] = p_consistency(windows[:, independent, place])
    by_lead = {name: measure_lead(beat[row], qrs, t, p) for row, name in enumerate(names)}
    if p is not None:
        found["p_amplitude_mv"] = max(max(lead.p_mv, -lead.p_low_mv) for lead in by_lead.values())
        seen = found["p_amplitude_mv"] >= LEAST_P_MV and found["p_consistency"] >= P_CONSISTENCY
        if np.isfinite(found["p_consistency"]):
            found["p_waves_present"] = float(seen)
        if seen:
            found["pr_ms"] = (qrs[0] - p[0]) * 1000 / RATE
            found["p_duration_ms"] = (p[2] - p[0]) * 1000 / RATE
            found["p_axis"] = wave_axis(beat, names, p[0], p[2])
    found["qrs_axis"] = wave_axis(beat, names, *qrs)
    if t is not None:
        found["t_axis"] = wave_axis(beat, names, qrs[1] + samples(80), t[1])
    return Measurements("signal", leads=by_lead, **found)


def baseline_between(signal: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """(leads, samples): straight from the level before one QRS to that before the next, whatever lies between.

    Args:
        signal: (leads, samples) at `RATE` hertz.
        onsets: samples, one a beat, ascending.
    """
    places = np.clip(onsets[:, None] - np.arange(samples(2), samples(18)), 0, signal.shape[1] - 1)
    knots = signal[:, places].mean(axis=-1)
    return np.stack([np.interp(np.arange(signal.shape[1]), onsets, row) for row in knots])


def wave_axis(beat: np.ndarray, names: tuple[str, ...], first: int, last: int) -> float:
    """Direction of a wave's net area in I and aVF, which is drawn 2 / sqrt(3) too small."""
    if not {"I", "aVF"} <= set(names):
        return NAN
    left, down = (float(beat[names.index(name), first : last + 1].sum()) for name in ("I", "aVF"))
    return float(np.degrees(np.arctan2(down * 2 / np.sqrt(3), left)))


def _rhythm(beats: Beats) -> dict[str, Any]:
    found: dict[str, Any] = {"beats": len(beats.marks)}
    intervals = np.diff(beats.marks) / RATE
    if len(intervals) == 0:
        return found
    usual = float(np.median(intervals))
    found["heart_rate"] = 60 / float(intervals.mean())
    if len(intervals) < 2:
        return found
    changes = np.diff(intervals)
    found["rr_variation"] = float(intervals.std() / intervals.mean())
    found["rmssd_ms"] = float(np.sqrt((changes**2).mean())) * 1000
    found["rr_irregularity"] = float(np.median(np.abs(intervals - usual))) / usual
    early = 1 - intervals / usual
    found["prematurity"] = float(max(early.max(), 0.0))
    other = early[~beats.usual[1:]]
    found["wide_prematurity"] = float(max(other.max(initial=0.0), 0.0))
    found["narrow_prematurity"] = float(max(early[beats.usual[1:]].max(initial=0.0), 0.0))
    regular = found["rr_irregularity"] <= REGULAR
    is_early = early > 1 - EARLY
    if regular:
        found["premature_beats"] = float(is_early.sum())
        found["premature_wide_beats"] = float((is_early & ~beats.usual[1:]).sum())
    return found
