"""Intervals of an ECG as neurokit2 finds them: it knows nothing of the simulator.

Its boundaries have a sense of their own (QRS begins some 3 ms earlier and ends 3 ms later than by the simulator's
definition, P and T come 3 to 5 ms later); nothing is subtracted. Its wavelet method (dwt) looks for the beginning of
QRS before a Q wave's steepest descent. So it is asked in the lead with the deepest Q; and the beginning of QRS in the
reversed signal is its end, in the lead with the deepest S. P is taken from lead II, T from leads where it is upright.
Everything is a median over beats.
"""

import warnings

import neurokit2
import numpy as np

# Least depth of a Q or S, least height of a T, in mV, for a lead to be asked.
_DEPTH, _HEIGHT = 0.03, 0.05
LEADS = ("I", "II", "V5", "V6")


def delineate(ecg) -> dict[str, float]:
    """Rate (per minute), PR, QRS, QT (ms) and frontal axis (degrees) of a simulated ECG."""
    rate, leads = int(ecg.sampling_rate), list(ecg.leads)
    peaks = _peaks(ecg.signal[leads.index("II")].astype(float), rate)
    # below 60 beats a minute it takes a wavelet of twice the length, and its boundaries move by 10 ms: it is told a
    # sampling rate at which the same samples beat 66 times
    told = round(rate * max(1.0, 66 * np.mean(np.diff(peaks)) / rate / 60))
    missing = np.full(len(peaks), np.nan)
    median, onsets, ends, t_ends = {"p": missing}, [], [], []
    for lead in LEADS:
        signal = ecg.signal[leads.index(lead)].astype(float)
        forward, backward = _waves(signal, told), _waves(signal[::-1].copy(), told)
        level = _at(signal, forward["ECG_P_Onsets"])
        depth = level - _at(signal, forward["ECG_Q_Peaks"])
        if depth > _DEPTH:
            onsets.append((depth, _near(forward["ECG_R_Onsets"], peaks, -120, 0, rate)))
        depth = level - _at(signal[::-1], backward["ECG_Q_Peaks"])
        if depth > _DEPTH:
            ends.append((depth, _near(len(signal) - 1 - backward["ECG_R_Onsets"], peaks, 0, 160, rate)))
        if lead == "II":
            median["p"] = _near(forward["ECG_P_Onsets"], peaks, -420, -60, rate)
        if _at(signal, forward["ECG_T_Peaks"]) > level + _HEIGHT:
            t_ends.append(_near(forward["ECG_T_Offsets"], peaks, 150, 600, rate))
    # the lead whose Q or S is deepest shows best where QRS begins or ends
    median["onset"] = max(onsets, key=lambda pair: pair[0])[1] if onsets else missing
    median["end"] = max(ends, key=lambda pair: pair[0])[1] if ends else missing
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        median["t_end"] = np.nanmedian(t_ends, axis=0) if t_ends else missing

        def interval(first, last):
            return float(np.nanmedian(median[last] - median[first]) / rate * 1000)

        return {
            "heart_rate": 60 * rate / float(np.mean(np.diff(peaks))),
            "pr_ms": interval("p", "onset"),
            "qrs_ms": interval("onset", "end"),
            "qt_ms": interval("onset", "t_end"),
            "axis_degrees": _axis(ecg, median["onset"], median["end"]),
        }


def angle_between(first: float, second: float) -> float:
    """Degrees, at most 180."""
    return abs((first - second + 180) % 360 - 180)


def _peaks(signal: np.ndarray, rate: int) -> np.ndarray:
    _, found = neurokit2.ecg_peaks(signal, sampling_rate=rate)
    return np.asarray(found["ECG_R_Peaks"])


def _waves(signal: np.ndarray, rate: int) -> dict[str, np.ndarray]:
    _, waves = neurokit2.ecg_delineate(signal, _peaks(signal, rate), sampling_rate=rate, method="dwt")
    return {name: np.array(values, dtype=float) for name, values in waves.items()}


def _at(signal: np.ndarray, places: np.ndarray) -> float:
    places = places[np.isfinite(places)].astype(int)
    return float(np.median(signal[places])) if len(places) else np.nan


def _near(places: np.ndarray, peaks: np.ndarray, first_ms: float, last_ms: float, rate: int) -> np.ndarray:
    """For each R peak the place within these milliseconds of it, NaN without one."""
    places = places[np.isfinite(places)]
    result = np.full(len(peaks), np.nan)
    for beat, peak in enumerate(peaks):
        inside = places[(places >= peak + first_ms * rate / 1000) & (places <= peak + last_ms * rate / 1000)]
        if len(inside) == 1:
            result[beat] = inside[0]
    return result


def _axis(ecg, onsets: np.ndarray, ends: np.ndarray) -> float:
    leads, axes = list(ecg.leads), []
    for onset, end in zip(onsets, ends, strict=True):
        if np.isfinite(onset + end):
            parts = [ecg.signal[leads.index(lead), int(onset) : int(end) + 1].astype(float) for lead in ("I", "aVF")]
            left, down = (np.sum(part - part[0]) for part in parts)
            axes.append(np.degrees(np.arctan2(down * 2 / np.sqrt(3), left)))
    return float(np.median(axes)) if axes else np.nan
