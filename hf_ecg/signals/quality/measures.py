"""What `quality_report` judges: numbers per lead, computed without loops over records or samples."""

from functools import lru_cache

import numpy as np

from ..leads import _FROM_I_AND_II

# Three limb leads always depend on each other. These are the relations of Einthoven (III = II - I) and Goldberger
# (augmented leads), with and without III, so that each of the six stands in at least three of them.
_TRIANGLES = (
    ("I", "II", "III"),
    ("aVR", "aVL", "aVF"),
    ("I", "II", "aVR"),
    ("I", "III", "aVL"),
    ("II", "III", "aVF"),
)
_WITHOUT_THREE = (("I", "II", "aVL"), ("I", "II", "aVF"))
# A peak must be this far from the mean to count as cut off: the zero line of a filtered lead is not a rail.
_RAIL_DISTANCE_MV = 0.1
# and hold more samples than this much beside it: where the steps of a recorder are coarse, equal peaks are chance.
_BESIDE_RAIL_MV = 0.05
_HUM_HALF_WIDTH_HZ = 1.0
_NEIGHBOURS_HZ = (2.0, 5.0)


def constant_share(signals: np.ndarray, num_samples: int) -> np.ndarray:
    """Share (..., leads) of the samples that lie in stretches of at least `num_samples` equal values."""
    length, steps = signals.shape[-1], max(num_samples - 1, 1)
    share = np.zeros(signals.shape[:-1])
    if length <= steps:
        return share
    # A long stretch repeats its value over several of the samples at this distance, whatever its start; few leads do,
    # and only those are walked through.
    apart = max((steps + 1) // 4, 1)
    sparse = signals[..., ::apart]
    repeated = sparse[..., 1:] == sparse[..., :-1]
    for _ in range(min((steps + 1) // apart, 4) - 2):
        repeated = repeated[..., 1:] & repeated[..., :-1]
    candidates = repeated.any(-1)
    if not candidates.any():
        return share
    walked = signals[candidates]
    equal = walked[:, 1:] == walked[:, :-1]
    total = np.cumsum(equal, axis=-1, dtype=np.int64)
    total = np.concatenate([np.zeros((len(total), 1), np.int64), total], axis=-1)
    starts = total[:, steps:] - total[:, :-steps] == steps
    # overlapping windows are one stretch, which is `steps` samples longer than it has window starts
    share[candidates] = (starts.sum(-1) + steps * _runs(starts)) / length
    return share


def runs_at_extreme(signals: np.ndarray, lowest, highest, mean) -> tuple[np.ndarray, np.ndarray]:
    """Runs of samples exactly at a lead's highest or lowest value: how many, and their samples in all.

    Single samples are runs too: at 100 Hz a cut-off R wave is often no longer. Of the two sides the one with more
    samples; extremes near the mean, met once or twice, or with more samples just beside them do not count.

    Args:
        signals: (..., leads, samples).
        lowest, highest, mean: (..., leads) of the signals.

    Returns:
        Integers (..., leads) twice.
    """
    runs, samples = (np.zeros(signals.shape[:-1], np.int64) for _ in range(2))
    for extreme in (highest, lowest):
        at = signals == extreme[..., None]
        candidates = (_count(at) > 2) & (np.abs(extreme - mean) > _RAIL_DISTANCE_MV)
        touching = at[candidates]
        count, covered = _runs(touching), touching.sum(-1)
        near = np.abs(signals[candidates] - extreme[candidates][:, None]) <= _BESIDE_RAIL_MV
        rail = 2 * covered > near.sum(-1)
        count, covered = count * rail, covered * rail
        more = covered > samples[candidates]
        runs[candidates] = np.where(more, count, runs[candidates])
        samples[candidates] = np.where(more, covered, samples[candidates])
    return runs, samples


def wander_range(spectrum: np.ndarray, length: int, sampling_rate: float, below_hz: float) -> np.ndarray:
    """Range (..., leads) of what a lead contains below `below_hz`, in its unit.

    Args:
        spectrum: rfft of the leads without their mean.
        length: samples of the leads.
    """
    bins = _bins_below(length, sampling_rate, below_hz)
    slow = spectrum[..., :bins].copy()
    slow[..., 0] = 0
    # sampled eight times a period of its fastest part, for a fraction of the cost of the full length
    points = min(max(8 * bins, 16), length)
    return np.ptp(np.fft.irfft(slow, points) * (points / length), axis=-1)


def hum_amplitude(spectrum: np.ndarray, length: int, sampling_rate: float, hertz: float):
    """Amplitude (..., leads) of the sine within 1 Hz of `hertz`, and its band's power in units of that 2 to 5 Hz away.

    The neighbours' power is taken off: white or muscular noise is not hum.
    """
    # Hann's window as the sum over neighbouring bins that it is: one transform serves every measure
    first, last = (int(round(edge * length / sampling_rate)) for edge in (hertz - _NEIGHBOURS_HZ[1] - 1, hertz + 6))
    last = min(last, spectrum.shape[-1] - 1)
    middle = spectrum[..., first:last]
    windowed = 0.5 * middle - 0.25 * (spectrum[..., first - 1 : last - 1] + spectrum[..., first + 1 : last + 1])
    power = windowed.real**2 + windowed.imag**2
    distance = np.abs(np.arange(first, last) * (sampling_rate / length) - hertz)
    band = distance <= _HUM_HALF_WIDTH_HZ
    around = (distance >= _NEIGHBOURS_HZ[0]) & (distance <= _NEIGHBOURS_HZ[1])
    within = power[..., band].sum(-1)
    expected = power[..., around].mean(-1) * band.sum()
    # a sine of amplitude a has the windowed power (a * length / 2)^2 * 3 / 8
    amplitude = np.sqrt(np.maximum(within - expected, 0) / 0.375) * (2 / length)
    return amplitude, within / np.maximum(expected, np.finfo(float).tiny)


def einthoven_residual(signals: np.ndarray, leads: tuple[str, ...]) -> np.ndarray:
    """Largest contradiction (..., leads) of a limb lead, in the relation that it fulfils best.

    One wrong lead breaks every relation that it is in; the others still have one that holds. NaN for leads in no
    relation; samples that are missing in a relation are left out of it.
    """
    residual = np.full(signals.shape[:-1], np.nan, signals.dtype)
    triangles = [
        triangle
        for triangle in _TRIANGLES + _WITHOUT_THREE
        if set(triangle) <= set(leads) and not (triangle in _WITHOUT_THREE and "III" in leads)
    ]
    if not triangles:
        return residual
    places = [[leads.index(lead) for lead in triangle] for triangle in triangles]
    weights = np.zeros((len(triangles), len(leads)), signals.dtype)
    for row, triangle, columns in zip(weights, triangles, places, strict=True):
        row[columns] = _relation(triangle)
    incomplete = np.isnan(signals.min(-1)).any()
    if incomplete:
        missing = np.isnan(signals)
        signals = np.where(missing, 0, signals)
    total = weights @ signals
    if incomplete:
        total[(weights != 0).astype(np.float32) @ missing.astype(np.float32) > 0] = np.nan
    worst = np.fmax(np.fmax.reduce(total, axis=-1), -np.fmin.reduce(total, axis=-1))
    for relation, columns in enumerate(places):
        for place in columns:
            residual[..., place] = np.fmin(residual[..., place], worst[..., relation])
    return residual


def agreement(first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Correlations (..., kinds) of two leads by their spectra, each frequency weighted; NaN when one is flat.

    By Parseval's theorem they are those of the waveforms, without a transform back.

    Args:
        first, second: spectra (..., bins).
        weights: (bins, kinds).
    """
    products = (first.real * second.real + first.imag * second.imag) @ weights
    scale = np.sqrt(power(first, weights) * power(second, weights))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(scale > 0, products / scale, np.nan)


def power(spectrum: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted sums (..., kinds) of a spectrum's squares; `weights` are (bins, kinds)."""
    return (spectrum.real**2 + spectrum.imag**2) @ weights


def fast_part(length: int, sampling_rate: float, below_hz: float) -> np.ndarray:
    """Weights of the bins of an rfft: 0 below `below_hz`, 1 from there on."""
    weights = np.ones(length // 2 + 1)
    weights[: _bins_below(length, sampling_rate, below_hz)] = 0
    return weights


def slope_part(length: int, lag: int) -> np.ndarray:
    """Weights of the bins of an rfft that make a lead's power that of its differences over `lag` samples."""
    return 2 - 2 * np.cos(2 * np.pi * lag * np.arange(length // 2 + 1) / length)


def _bins_below(length: int, sampling_rate: float, below_hz: float) -> int:
    return int(below_hz * length / sampling_rate) + 1


@lru_cache(maxsize=16)
def _relation(triangle: tuple[str, str, str]) -> np.ndarray:
    """Weights, the largest 1, with which three limb leads add up to zero."""
    first, second, third = (np.array(_FROM_I_AND_II[lead]) for lead in triangle)
    weights = np.append(np.linalg.solve(np.stack([first, second], axis=1), -third), 1.0)
    return weights / np.abs(weights).max()


def _count(mask: np.ndarray) -> np.ndarray:
    """Number of true along the last axis; `np.count_nonzero` with an axis takes three times as long."""
    # 255 samples cannot overflow 8 bits, and the mask needs no wider copy
    parts = np.add.reduceat(mask.view(np.uint8), np.arange(0, mask.shape[-1], 255), axis=-1, dtype=np.uint8)
    return parts.sum(-1, dtype=np.int64)


def _runs(mask: np.ndarray) -> np.ndarray:
    """Number of runs of true along the last axis."""
    return mask[..., :1].sum(-1) + (mask[..., 1:] & ~mask[..., :-1]).sum(-1)
