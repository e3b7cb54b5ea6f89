"""From leads to windows of 20 s, and from windows to the features that a noise detector reads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._arrays import as_numbers
from ..beat_detection import SLOPES_VERSION, find_r_peaks
from ..missing import fill_missing
from ..resampling import check_rate, resample
from . import measures
from .heart_rate_variability import FEWEST_BEATS, HRV_FEATURES, WINDOW_SECONDS, hrv_features
from .waveform_indices import WAVEFORM_INDICES, waveform_indices

HRV, HRV_AND_WAVEFORM = "hrv", "hrv_and_waveform"
# method -> the features that its detectors may read, in their order
METHODS = {HRV: HRV_FEATURES, HRV_AND_WAVEFORM: (*HRV_FEATURES, *WAVEFORM_INDICES)}
# Part of the method: other peaks make other features. Distances are whole samples of this rate, 4 ms.
PEAK_RATE = 250
R_PEAKS = {"detector": "slopes", "version": SLOPES_VERSION, "sampling_rate": PEAK_RATE}
# Hertz. Below, what the indices look at was not recorded.
LOWEST_NOISE_RATE = 100
# A remainder of so much is a window too, which begins in the one before.
_SHORTEST_REMAINDER_SECONDS = 10.0
# A window of which so much is missing or constant is noisy by rule.
_MOST_LOST = 0.5
_CONSTANT_SECONDS = 0.5
MISSING, FLAT, FEW_BEATS = RULES = ("missing", "flat", "few beats")


@dataclass(frozen=True)
class NoiseFeatures:
    """Features of every window of some leads.

    Attributes:
        names: of the features.
        seconds: `(windows, 2)`, where each window begins and ends.
        values: float64 `(rows, windows, features)`, NaN where a rule has spoken.
        rules: `(rows, windows)`, why a window is noisy whatever a classifier says: one of `RULES`, or "".
    """

    names: tuple[str, ...]
    seconds: np.ndarray
    values: np.ndarray
    rules: np.ndarray


def window_bounds(samples: int, sampling_rate: float) -> list[tuple[int, int]]:
    """Windows of 20 s side by side from the start; the end of a remainder of 10 s or more has one of its own.

    Args:
        samples: of the recording, at least one; what is shorter than 20 s is one window.
        sampling_rate: hertz.

    Example:
        >>> from hf_ecg.signals.quality.noise_features import window_bounds
        >>> window_bounds(3000, 100), window_bounds(2900, 100), window_bounds(900, 100)
        ([(0, 2000), (1000, 3000)], [(0, 2000)], [(0, 900)])
    """
    length = round(WINDOW_SECONDS * sampling_rate)
    if samples <= length:
        return [(0, samples)]
    bounds = [(start, start + length) for start in range(0, samples - length + 1, length)]
    if samples - bounds[-1][1] >= round(_SHORTEST_REMAINDER_SECONDS * sampling_rate):
        bounds.append((samples - length, samples))
    return bounds


def noise_features(signals, sampling_rate: float, method: str = HRV_AND_WAVEFORM) -> NoiseFeatures:
    """Features of every window of every lead; each window is looked at alone, and so is each lead.

    Args:
        signals: `(rows, samples)`, a lead a row, in any unit; NaN where missing.
        sampling_rate: hertz, at least 100.
        method: one of `METHODS`.

    Raises:
        ValueError: other axes, no sample, a rate too low, an unknown method.
    """
    signals = as_numbers(signals, axes=2)
    rate = check_rate("sampling_rate", sampling_rate)
    if signals.ndim != 2 or not signals.shape[1]:
        raise ValueError(f"signals have shape {signals.shape}, wanted (rows, samples)")
    if rate < LOWEST_NOISE_RATE:
        raise ValueError(f"sampling_rate is {rate:g} Hz, noise is looked for at {LOWEST_NOISE_RATE} Hz and more")
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, wanted one of {', '.join(METHODS)}")
    bounds = window_bounds(signals.shape[1], rate)
    lost = _lost(signals, bounds, rate)
    target = PEAK_RATE
    known = np.where(np.isfinite(signals), signals, np.nan).astype(np.float64)
    # a lead without any sample stays NaN; its windows are missing by rule
    even = np.nan_to_num(resample(np.nan_to_num(fill_missing(known)), rate, target, "polyphase"))
    values = np.full((len(signals), len(bounds), len(METHODS[method])), np.nan)
    for number, (start, stop) in enumerate(bounds):
        rows = np.flatnonzero(lost[:, number] == "")
        first, last = (round(edge * target / rate) for edge in (start, stop))
        windows = even[rows, first:last]
        peaks = find_r_peaks(windows[:, None], target) if len(rows) else []
        few = np.array([len(found) < FEWEST_BEATS for found in peaks], bool)
        lost[rows[few], number] = FEW_BEATS
        enough = np.flatnonzero(~few)
        if len(enough):
            own = [peaks[row] for row in enough]
            values[rows[enough], number] = _features(windows[enough], own, target, method)
    return NoiseFeatures(METHODS[method], np.array(bounds) / rate, values, lost)


def _features(windows: np.ndarray, peaks: Sequence[np.ndarray], rate: float, method: str) -> np.ndarray:
    seconds = windows.shape[1] / rate
    found = np.stack([hrv_features(row, rate, seconds) for row in peaks])
    return found if method == HRV else np.concatenate([found, waveform_indices(windows, peaks, rate)], axis=1)


def _lost(signals: np.ndarray, bounds, rate: float) -> np.ndarray:
    """`(rows, windows)`: the rule by which a window is noisy before any beat is looked for, or ""."""
    lost = np.full((len(signals), len(bounds)), "", dtype=object)
    constant = max(2, round(_CONSTANT_SECONDS * rate))
    for number, (start, stop) in enumerate(bounds):
        part = signals[:, start:stop]
        lost[measures.constant_share(part, constant) > _MOST_LOST, number] = FLAT
        lost[np.isfinite(part).mean(axis=1) < 1 - _MOST_LOST, number] = MISSING
    return lost
