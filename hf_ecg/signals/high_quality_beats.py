"""Beats that do not mix with their neighbours: each as long as the beats around it are apart.

Source: Benmessaoud et al., arXiv 2411.07252 (2024). Confirmed there: the length of a beat is the mean over windows of
10 s after outliers are removed, the beats are centred on the QRS complex and independent of their neighbours, and are
down-sampled. *inferred*, for no code was published: what is averaged is the interval between R peaks; outliers lie
beyond 1.5 interquartile ranges; a beat ends midway to its neighbour; what a window without an interval of its own
does; 125 Hz.
"""

from dataclasses import dataclass

import numpy as np

from ..checks import check_positive, check_positive_integer
from ._arrays import as_numbers

WINDOW_SECONDS = 10.0
DOWNSAMPLED_HZ = 125
# of Tukey's fences
_FENCES = 1.5


@dataclass(frozen=True, eq=False)
class BeatStretches:
    """Where the beats of a recording begin and end.

    Attributes:
        start, stop: int64 `(beats,)`, the first sample of a beat and the one behind its last.
        length: float64 `(beats,)`, the mean interval of its window, in samples; NaN where there is none.
        kept: bool `(beats,)`, false where `length` is NaN and where the recording's end would cut a beat.
    """

    start: np.ndarray
    stop: np.ndarray
    length: np.ndarray
    kept: np.ndarray


def beat_stretches(
    peaks, num_samples: int, sampling_rate: float, window_seconds: float = WINDOW_SECONDS
) -> BeatStretches:
    """The stretch of each beat: `[R - L/2, R + L/2)`, cut midway to the neighbouring peaks.

    `L` is the mean of the intervals between the peaks of a window, without those beyond 1.5 interquartile ranges of
    its quartiles. Windows lie side by side from the first sample. One that holds a single peak, and so no interval,
    takes the mean of those to the peaks before and after it; of a recording with one peak there is none.

    Args:
        peaks: samples of all R peaks of the recording, ascending.
        num_samples: of the recording.
        sampling_rate: hertz.
        window_seconds: of a window.

    Raises:
        ValueError: peaks that do not ascend or lie outside of the recording.

    Example:
        >>> from hf_ecg.signals.high_quality_beats import beat_stretches
        >>> found = beat_stretches([100, 200, 300, 360], 500, 100)
        >>> found.start.tolist(), found.stop.tolist(), found.kept.tolist()
        ([57, 157, 257, 330], [144, 244, 330, 404], [True, True, True, True])
    """
    peaks = _checked_peaks(peaks, num_samples)
    check_positive("window_seconds", window_seconds)
    length = _lengths(peaks, window_seconds * sampling_rate)
    known = np.isfinite(length)
    half = np.where(known, length, 0) / 2
    start, stop = np.ceil(peaks - half).astype(np.int64), np.ceil(peaks + half).astype(np.int64)
    kept = known & (start >= 0) & (stop <= num_samples)
    middle = (peaks[:-1] + peaks[1:]) // 2
    start[1:], stop[:-1] = np.maximum(start[1:], middle), np.minimum(stop[:-1], middle)
    return BeatStretches(start, stop, length, kept)


def centred_beats(signals, peaks, start, stop, length: int) -> np.ndarray:
    """The samples of each beat with its R peak in the middle, NaN where the beat does not fill its place.

    Args:
        signals: `(leads, samples)`.
        peaks, start, stop: `(beats,)`, see `beat_stretches`; a beat longer than `length` is cut on both sides.
        length: samples of every beat; the peak is at `length // 2`.

    Returns:
        float64 `(beats, leads, length)`.

    Raises:
        ValueError: other shapes, a beat that leaves the recording.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals.high_quality_beats import centred_beats
        >>> centred_beats(np.arange(10.0)[None], [4], [3], [6], 6).tolist()
        [[[nan, nan, 3.0, 4.0, 5.0, nan]]]
    """
    signals = as_numbers(signals, axes=2)
    if signals.ndim != 2:
        raise ValueError(f"signals have shape {signals.shape}, wanted (leads, samples)")
    check_positive_integer("length", length)
    peaks, start, stop = (np.asarray(one, np.int64).reshape(-1) for one in (peaks, start, stop))
    samples = signals.shape[1]
    if not len(peaks) == len(start) == len(stop):
        raise ValueError(f"there are {len(peaks)} peaks, {len(start)} starts and {len(stop)} stops, wanted as many")
    if (start < 0).any() or (stop > samples).any() or (start > peaks).any() or (stop <= peaks).any():
        raise ValueError(f"a beat leaves the {samples} samples of the recording, or is not around its peak")
    places = peaks[:, None] + np.arange(length) - length // 2
    inside = (places >= start[:, None]) & (places < stop[:, None])
    beats = signals[:, np.clip(places, 0, max(samples - 1, 0))].transpose(1, 0, 2)
    return np.where(inside[:, None], beats, np.nan)


def interval_ratios(peaks) -> dict[str, np.ndarray]:
    """How early and how late beats come, for their recording: numbers that a waveform of one beat does not hold.

    Args:
        peaks: samples of all R peaks of the recording, ascending.

    Returns:
        float64 `(beats,)` each, NaN where there is no such neighbour: `rr_before` and `rr_after`, the intervals to the
        peak before and to the next one, by the mean interval of the whole recording; `rr_change`, the one before by
        the one after; `rr_local`, the one before by the median of the ten before it.
    """
    peaks = np.asarray(peaks, np.float64).reshape(-1)
    intervals = np.diff(peaks)
    mean = intervals.mean() if len(intervals) else np.nan
    before, after = np.concatenate([[np.nan], intervals])[: len(peaks)], np.concatenate([intervals, [np.nan]])
    after = after[: len(peaks)]
    return {
        "rr_before": before / mean,
        "rr_after": after / mean,
        "rr_change": before / after,
        "rr_local": before / _median_of_last(before),
    }


def _median_of_last(before: np.ndarray, number: int = 10) -> np.ndarray:
    """Of the intervals that end before each beat's own one begins, `number` at most."""
    padded = np.concatenate([np.full(number, np.nan), before])[: len(before) + number - 1]
    if not len(before):
        return before
    rows = np.lib.stride_tricks.sliding_window_view(padded, number)
    found = np.full(len(before), np.nan)
    some = np.isfinite(rows).any(axis=1)
    found[some] = np.nanmedian(rows[some], axis=1)
    return found


def _checked_peaks(peaks, num_samples: int) -> np.ndarray:
    peaks = np.asarray(peaks, np.int64).reshape(-1)
    if (np.diff(peaks) <= 0).any() or (len(peaks) and not 0 <= peaks[0] <= peaks[-1] < num_samples):
        raise ValueError(f"peaks must ascend and lie within the {num_samples} samples of the recording")
    return peaks


def _lengths(peaks: np.ndarray, window: float) -> np.ndarray:
    """Of each beat the mean interval of its window, NaN where it has no neighbour at all."""
    if len(peaks) < 2:
        return np.full(len(peaks), np.nan)
    intervals = np.diff(peaks).astype(np.float64)
    of_peak = (peaks // window).astype(np.int64)
    windows, number = np.unique(of_peak, return_inverse=True)
    inside = np.diff(number) == 0
    row = number[:-1][inside]
    counts = np.bincount(row, minlength=len(windows))
    column = np.arange(len(row)) - (np.cumsum(counts) - counts)[row]
    table = np.full((len(windows), max(counts.max(), 1)), np.nan)
    table[row, column] = intervals[inside]
    means = np.full(len(windows), np.nan)
    some = counts > 0
    low, high = np.nanquantile(table[some], [0.25, 0.75], axis=1)
    reach = _FENCES * (high - low)
    # an interval equal to a quartile is none of the outliers, whatever rounding says
    usual = (table[some] >= (low - reach)[:, None] - 1e-9) & (table[some] <= (high + reach)[:, None] + 1e-9)
    means[some] = np.nanmean(np.where(usual, table[some], np.nan), axis=1)
    # a window of one beat
    around = np.stack([np.concatenate([[np.nan], intervals]), np.concatenate([intervals, [np.nan]])])
    return np.where(some[number], means[number], np.nanmean(around, axis=0))
