"""Where the heart beats: R peaks of many records at once, for models that read beats.

The measurements of `signals.delineation` find beats one record at a time at 500 Hz; this is for batches at any rate.
"""

import math

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from ._arrays import as_numbers, check_number

# Slope over 40 ms: QRS at its largest, T waves small, wander almost nothing, and 50 Hz cancels out.
_SLOPE_SECONDS = 0.04
_SMOOTHED_SECONDS = 0.10
# Two beats are at least this far apart: 300 a minute.
_REFRACTORY_SECONDS = 0.20
# A level is the median of the largest slopes in blocks of this length: each holds a beat above 30 a minute.
_BLOCK_SECONDS = 2.0
# Of the level, in squares: a QRS, and one that soon follows a QRS and may be its T wave. Chosen on MIT-BIH, in
# stretches of 10 s at 100 Hz: 99.7 % of 36,363 beats were found, and 99.3 % of those found are beats.
_THRESHOLD, _T_WAVE, _T_WAVE_SECONDS = 0.2, 0.35, 0.36
# Squared slopes of beats stand out of what lies between them by this factor, in ventricular tachycardia too. Strong
# noise may as well: which leads are noise is for `signals.quality` to say.
_CONTRAST = 2.0
# R lies this near to the steepest place; its height is measured from the mean of what lies a little farther.
_PEAK_SECONDS, _MARGIN_SECONDS = 0.07, 0.05
_RECORDS = 32
DETECTORS = ("slopes", "xqrs")
# Of "slopes", raised when it finds other peaks: what was fitted on its peaks (`signals.quality`) names it.
SLOPES_VERSION = 1


def find_r_peaks(signals, sampling_rate: float, lead_mask=None, sample_mask=None) -> list[np.ndarray]:
    """R peaks in the slopes of all present leads together.

    A lead has one vote at most, whatever its amplitude, so that a noisy one is outvoted: slopes that are larger than
    those of most leads are scaled to them. QRS is where the sum is high; R is where the leads, taken together, lie
    farthest from their mean.

    Args:
        signals: `(records, leads, samples)`, in any unit.
        sampling_rate: hertz, at least 50.
        lead_mask: bool `(records, leads)`, true where a lead takes part; default: all.
        sample_mask: bool `(records, samples)`, true where something was recorded; default: everywhere.

    Returns:
        For each record the samples of its R peaks, ascending int64; empty where there is none.

    Raises:
        ValueError: other axes, or another rate.

    Example:
        >>> from hf_ecg.signals.beat_detection import find_r_peaks
        >>> time = np.arange(1000) / 100
        >>> spikes = sum(np.exp(-(((time - beat) / 0.02) ** 2)) for beat in (1.0, 2.2, 3.1))
        >>> [peaks.tolist() for peaks in find_r_peaks(np.stack([[spikes], [0 * spikes]]), 100)]
        [[100, 220, 310], []]
    """
    signals, lead_mask, sample_mask = _checked(signals, sampling_rate, lead_mask, sample_mask)
    found: list[np.ndarray] = []
    # fresh memory for each lot would cost as much as what is done in it
    room = np.empty((min(len(signals), _RECORDS), *signals.shape[1:]), np.float32)
    # as many records as a processor's cache holds
    for first in range(0, len(signals), _RECORDS):
        rows = slice(first, first + _RECORDS)
        lot = signals[rows]
        found += _peaks_of(lot, lead_mask[rows], sample_mask[rows], sampling_rate, room[: len(lot)])
    return found


def xqrs_peaks(signal, sampling_rate: float) -> np.ndarray:
    """R peaks of one lead by `wfdb.processing.xqrs_detect`, with which HeartLang and CLEAR-HUG were trained.

    Args:
        signal: `(samples,)`.
        sampling_rate: hertz.

    Returns:
        Samples, ascending int64; empty where there is none.
    """
    from wfdb.processing import xqrs_detect

    signal = as_numbers(signal, "signal").astype(np.float64)
    if np.ptp(signal) == 0:
        return np.zeros(0, np.int64)  # it divides by the standard deviation
    return np.asarray(xqrs_detect(signal, fs=sampling_rate, verbose=False), np.int64)


def _checked(signals, sampling_rate, lead_mask, sample_mask):
    signals = as_numbers(signals, axes=2)
    check_number("sampling_rate", sampling_rate, positive=True)
    if signals.ndim != 3:
        raise ValueError(f"signals have shape {signals.shape}, wanted (records, leads, samples)")
    if sampling_rate < 50:
        raise ValueError(f"sampling_rate is {sampling_rate:g} Hz, beats are found at 50 Hz and more")
    shapes = {"lead_mask": signals.shape[:2], "sample_mask": signals.shape[::2]}
    masks = []
    for (name, shape), mask in zip(shapes.items(), (lead_mask, sample_mask), strict=True):
        mask = np.ones(shape, bool) if mask is None else np.asarray(mask, bool)
        if mask.shape != shape:
            raise ValueError(f"{name} has shape {mask.shape}, wanted {shape}")
        masks.append(mask)
    return signals.astype(np.float64, copy=False), *masks


def _peaks_of(signals, lead_mask: np.ndarray, sample_mask: np.ndarray, rate: float, room) -> list[np.ndarray]:
    height, scale = _steepness(signals, rate, lead_mask, sample_mask, room)
    if not height.any():
        return [np.zeros(0, np.int64) for _ in signals]
    return _moved_to_r(signals, scale, _steep_places(height, sample_mask, rate), rate)


def steepness(signal: np.ndarray, sampling_rate: float) -> np.ndarray:
    """(samples,): the votes of all leads in which `find_r_peaks` looks for QRS, for one record (leads, samples)."""
    signals, lead_mask, sample_mask = _checked(np.asarray(signal)[None], sampling_rate, None, None)
    return _steepness(signals, sampling_rate, lead_mask, sample_mask, np.empty(signals.shape, np.float32))[0][0]


def _steepness(signals, rate: float, lead_mask: np.ndarray, sample_mask: np.ndarray, slopes: np.ndarray):
    """(records, samples) votes, and (records, leads) what each lead was multiplied by; `slopes` is room to work in,
    float32 and as large as the signals."""
    reach = max(1, round(_SLOPE_SECONDS * rate / 2))
    if signals.shape[-1] <= 2 * reach:
        return np.zeros(sample_mask.shape), np.zeros(lead_mask.shape)
    slopes[..., :reach] = slopes[..., -reach:] = 0
    inner = slopes[..., reach:-reach]
    np.subtract(signals[..., 2 * reach :], signals[..., : -2 * reach], out=inner, casting="same_kind")
    np.abs(inner, out=inner)
    if not sample_mask.all():
        slopes *= _inner(sample_mask, reach)[:, None]
    scale = _scale(_level(slopes, rate), lead_mask)
    slopes *= scale[..., None]
    np.minimum(slopes, 1.0, out=slopes)
    votes = np.einsum("rls,rls->rs", slopes, slopes)
    height = uniform_filter1d(votes, max(1, round(_SMOOTHED_SECONDS * rate)), axis=-1, mode="constant")
    return height * sample_mask, scale


def _scale(levels: np.ndarray, lead_mask: np.ndarray) -> np.ndarray:
    """What the leads are multiplied by. One with larger slopes than most counts no more than they do; one with smaller
    slopes is not blown up, for in it the T wave may be the steepest."""
    told = lead_mask & (levels > 0)
    counts = told.sum(axis=1, keepdims=True)
    # those that say nothing come last: the median of the others, 0 where there are none
    ascending = np.sort(np.where(told, levels, np.inf), axis=1)
    middles = [np.take_along_axis(ascending, np.maximum(place, 0), 1) for place in ((counts - 1) // 2, counts // 2)]
    usual = np.where(counts > 0, np.add(*middles) / 2, 0)
    largest = np.maximum(levels, usual)
    return np.divide(1.0, largest, out=np.zeros_like(levels), where=(largest > 0) & lead_mask)


def _inner(mask: np.ndarray, reach: int) -> np.ndarray:
    """True where everything within `reach` samples was recorded: an edge of padding is steep and is not a beat."""
    return uniform_filter1d(mask.astype(np.float64), 2 * reach + 1, axis=-1, mode="constant") > 1 - 0.5 / (
        2 * reach + 1
    )


def _level(slopes: np.ndarray, rate: float) -> np.ndarray:
    """(...,): the median of the largest values of the blocks in which there is any, as in those that were recorded."""
    length = min(slopes.shape[-1], max(1, round(_BLOCK_SECONDS * rate)))
    starts = np.arange(0, slopes.shape[-1] - length // 2, length)
    largest = np.sort(np.maximum.reduceat(slopes, starts, axis=-1), axis=-1)
    # a running mean leaves a little where there was nothing
    counts = np.count_nonzero(largest > 1e-5 * largest[..., -1:], axis=-1)
    # those come first: the median of the others, the lower of two
    place = np.clip(len(starts) - counts + (counts - 1) // 2, 0, len(starts) - 1)
    return np.take_along_axis(largest, place[..., None], axis=-1)[..., 0]


def _steep_places(height: np.ndarray, sample_mask: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Record and sample of each local maximum that is high enough, in the order of records and samples."""
    level = _level(height, rate)
    quiet = _quiet(height) if sample_mask.all() else _quiet_where(height, sample_mask)
    threshold = np.where(level > _CONTRAST * quiet, _THRESHOLD * level, np.inf)
    width = 2 * max(1, round(_REFRACTORY_SECONDS * rate)) + 1
    largest = maximum_filter1d(height, width, axis=-1, mode="constant")
    record, sample = np.nonzero((height == largest) & (height > threshold[:, None]))
    # of equals within reach of each other the first one
    apart = np.diff(sample, prepend=-width) >= width // 2
    keep = apart | (np.diff(record, prepend=-1) > 0)
    record, sample = record[keep], sample[keep]
    own = height[record, sample]
    soon = (np.diff(sample, prepend=0) < _T_WAVE_SECONDS * rate) & (np.diff(record, prepend=-1) == 0)
    t_wave = soon & (own < _T_WAVE * np.concatenate([own[:1], own[:-1]]))
    return record[~t_wave], sample[~t_wave]


def _quiet(height: np.ndarray) -> np.ndarray:
    """(...,): a fifth lies below; numpy's quantile takes longer over its arguments than over the numbers."""
    place = 0.2 * (height.shape[-1] - 1)
    below, above = math.floor(place), math.ceil(place)
    ascending = np.partition(height, (below, above), axis=-1)
    return ascending[..., below] + (place - below) * (ascending[..., above] - ascending[..., below])


def _quiet_where(height: np.ndarray, sample_mask: np.ndarray) -> np.ndarray:
    return np.array([_quiet(h[m]) if m.any() else 0.0 for h, m in zip(height, sample_mask, strict=True)])


def _moved_to_r(signals: np.ndarray, scale: np.ndarray, found, rate: float) -> list[np.ndarray]:
    records, leads, samples = signals.shape
    record, sample = found
    reach, margin = max(1, round(_PEAK_SECONDS * rate)), max(1, round(_MARGIN_SECONDS * rate))
    around = sample[:, None] + np.arange(-reach - margin, reach + margin + 1)
    rows = (record[:, None] * leads + np.arange(leads))[..., None] * samples
    parts = np.ravel(signals)[rows + np.clip(around, 0, samples - 1)[:, None]]  # (beats, leads, samples)
    parts -= parts.mean(axis=-1, keepdims=True)
    far = np.einsum("bls,bl->bs", np.abs(parts, out=parts), scale[record])
    far = np.where((around >= 0) & (around < samples), far, -1.0)[:, margin:-margin]
    found = np.unique(record * samples + sample - reach + far.argmax(axis=1))
    ends = np.searchsorted(found, np.arange(1, records) * samples)
    return np.split(found % samples, ends)
