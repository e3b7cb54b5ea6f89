"""The low-pass of polyphase resampling: between two rates in a ratio of whole numbers, or at any times."""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

import numpy as np

Extension = Callable[[np.ndarray, int, int], np.ndarray]
# scipy's `resample_poly`: a sinc that reaches over ten samples of the lower rate to either side, Kaiser window.
REACH, KAISER_BETA = 10, 5.0
# Upsampling and downsampling factors up to here are filtered by `upfirdn`; its filter then has 200,000 taps.
HIGHEST_FACTOR = 10_000
# A ratio of whole numbers stands for another one when no sample of the record moves by more than either.
LONGEST_SHIFT_SECONDS, LONGEST_SHIFT_SAMPLES = 1e-4, 0.01
# Places between two samples that the filter is tabulated for; linear interpolation between them is off by 4e-7.
_PHASES = 1024
# Values that are gathered at a time: some tens of megabytes.
_AT_ONCE = 1 << 22


def whole_ratio(sampling_rate: float, target_rate: float, samples: int) -> Fraction | None:
    """The simplest ratio of whole numbers up to `HIGHEST_FACTOR` for target : sampling rate.

    None when each of them would move some sample by more than 0.1 ms, or by more than a hundredth of the target's
    sampling interval.
    """
    exact = Fraction(target_rate) / Fraction(sampling_rate)
    seconds = min(LONGEST_SHIFT_SECONDS, LONGEST_SHIFT_SAMPLES / target_rate)
    for largest in (1, 10, 100, 1000, HIGHEST_FACTOR):
        ratio = exact.limit_denominator(largest)
        if 0 < ratio.numerator <= HIGHEST_FACTOR:
            shift = abs(float(ratio / exact) - 1) * samples / sampling_rate
            if shift <= seconds:
                return ratio
    return None


def resample_by_ratio(signals: np.ndarray, up: int, down: int, number: int, extend: Extension) -> np.ndarray:
    """float64 (..., number) at up / down times the rate; `extend(signals, before, after)` says what lies beyond."""
    from scipy.signal import upfirdn

    if up == down:
        return signals
    reach = REACH * max(up, down)
    beyond = reach // up + 2
    # so many zeros before the filter that a whole number of results precedes the first one that is wanted
    delay = -(beyond * up + reach) % down
    skipped = (beyond * up + reach + delay) // down
    result = upfirdn(_taps(up, down, delay), extend(signals, beyond, beyond), up, down, axis=-1)
    return result[..., skipped : skipped + number]


def resample_at_times(signals: np.ndarray, interval: float, number: int, extend: Extension) -> np.ndarray:
    """float64 (..., number): the same low-pass, evaluated where each result lies; exact for any ratio of rates.

    Args:
        signals: (..., samples).
        interval: between two results, in samples of `signals`.
        number: of results.
        extend: see `resample_by_ratio`.
    """
    scale = max(1.0, interval)
    reach = math.ceil(REACH * scale)
    phases = max(2, math.ceil(_PHASES / scale))
    table = _table(scale, reach, phases)
    extended = extend(signals, reach + 1, reach + 1)
    windows = np.lib.stride_tricks.sliding_window_view(extended, 2 * reach, axis=-1)
    result = np.empty((*signals.shape[:-1], number))
    rows = max(1, result.size // number)
    at_once = max(1, _AT_ONCE // (2 * reach * rows))
    for first in range(0, number, at_once):
        times = np.arange(first, min(number, first + at_once)) * interval
        before = np.floor(times).astype(np.int64)
        phase = (times - before) * phases
        lower = np.minimum(phase.astype(np.int64), phases - 1)
        weights = table[lower]
        weights += (phase - lower)[:, None] * (table[lower + 1] - weights)
        result[..., first : first + len(times)] = np.einsum("...jk,jk->...j", windows[..., before + 2, :], weights)
    return result


@lru_cache(maxsize=16)
def _taps(up: int, down: int, delay: int) -> np.ndarray:
    from scipy.signal import firwin

    longer = max(up, down)
    taps = firwin(2 * REACH * longer + 1, 1 / longer, window=("kaiser", KAISER_BETA)) * up
    return np.concatenate([np.zeros(delay), taps])


@lru_cache(maxsize=4)
def _table(scale: float, reach: int, phases: int) -> np.ndarray:
    """(phases + 1, 2 * reach): weights of the samples around a place so far behind one; each row adds up to 1."""
    distance = np.linspace(0, 1, phases + 1)[:, None] + reach - 1 - np.arange(2 * reach)
    inside = np.clip(1 - (distance / (REACH * scale)) ** 2, 0, None)
    window = np.where(inside > 0, np.i0(KAISER_BETA * np.sqrt(inside)), 0.0)
    weights = np.sinc(distance / scale) * window
    return weights / weights.sum(axis=1, keepdims=True)
