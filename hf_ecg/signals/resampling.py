"""Another sampling rate, by one of three methods; published models differ in theirs, so each is named."""

import math

import numpy as np

from ..checks import check_one_of, shown
from ._arrays import as_double, check_no_missing
from ._edges import line_between_ends, odd_extension, zero_extension
from ._polyphase import Extension, resample_at_times, resample_by_ratio, whole_ratio
from .window import check_size

# Hertz. No ECG is sampled so fast: what is larger is a slip, and would ask for the memory.
HIGHEST_RATE = 1_000_000
# What lies beyond the ends. All but the first of each are those of plain scipy or numpy calls, for published recipes.
EDGES = {"fft": ("odd", "periodic"), "polyphase": ("odd", "zero"), "linear": ("odd", "repeat", "aligned")}
METHODS = tuple(EDGES)
# "fft" is extended by so many samples of the lower rate, and by a few more: until its ends fall on whole samples.
_FFT_REACH, _FFT_SEARCH = 100, 512
# Values that are resampled at a time.
_AT_ONCE = 1 << 17


def resample(
    signals: np.ndarray, sampling_rate: float, target_rate: float, method: str, edges: str = "odd"
) -> np.ndarray:
    """Signals at another rate; at the same rate they pass as they are.

    "polyphase" filters with a Kaiser window (beta 5) that reaches over 10 samples of the lower rate
    (`scipy.signal.resample_poly`). Rates in a ratio of whole numbers up to 10,000 are filtered as they are, and so are
    those that such a ratio stands for with no sample of the record moved by more than 0.1 ms or a hundredth of a
    target sample (512.414, 999.56, a float32 128.1 Hz); for all others, such as day-long records of measured rates,
    the same filter is evaluated at the time of each sample. "fft" cuts the spectrum (`scipy.signal.resample`).
    "linear" interpolates without an anti-aliasing filter.

    Edges: by "odd" the line between the first and the last sample is taken away and put back, and the rest goes on as
    its reflection in time and in level, so that a steady offset or slope stays what it is up to the last sample. For
    fidelity to originals, "polyphase" has "zero" beyond the edges, "fft" takes the record as "periodic", and "linear"
    has "repeat", the last sample, or "aligned": the last sample stays the last, as the first does the first, so that
    nothing lies beyond (ECG-FM). Measured on 40 records of PTB-XL (480 leads at 500 Hz; 6 s of them resampled,
    against 6 s of the whole resampled): the largest error of the first and last 0.1 s in millivolts, as median / 99th
    percentile of the leads.

    | to | rule | as recorded | -4.5 mV | 0.5 mV a second |
    | --- | --- | --- | --- | --- |
    | 100 Hz | odd | 0.002 / 0.041 | 0.002 / 0.041 | 0.002 / 0.041 |
    | | line alone, zeros beyond | 0.002 / 0.078 | 0.002 / 0.078 | 0.002 / 0.078 |
    | | mean taken away, zeros beyond | 0.028 / 0.44 | 0.028 / 0.44 | 0.60 / 1.01 |
    | | even reflection | 0.003 / 0.15 | 0.003 / 0.15 | 0.003 / 0.15 |
    | | zero | 0.026 / 0.44 | 1.80 / 2.17 | 0.32 / 0.57 |
    | | fft, odd | 0.003 / 0.043 | 0.003 / 0.043 | 0.004 / 0.041 |
    | | fft, periodic | 0.029 / 0.53 | 0.029 / 0.53 | 1.19 / 1.61 |
    | 1000 Hz | odd | 0.001 / 0.030 | 0.001 / 0.030 | 0.001 / 0.030 |
    | | line alone, zeros beyond | 0.002 / 0.12 | 0.002 / 0.12 | 0.002 / 0.12 |
    | | zero | 0.032 / 0.55 | 2.26 / 2.67 | 1.89 / 2.36 |

    Where the length of the result is not whole, "periodic" spreads the rounded number over the record's duration, so
    its rate is off by less than one sample a record; that of "aligned" is off by up to one at any length. All others
    keep the rate and end within a sample.

    Args:
        signals: (..., samples).
        sampling_rate: hertz.
        target_rate: hertz.
        method: "fft", "polyphase" or "linear".
        edges: "odd", or the one of the plain call: "periodic" (fft), "zero" (polyphase), "repeat" or "aligned"
            (linear).

    Returns:
        (..., round(samples * target_rate / sampling_rate)); for "polyphase" rounded up, as scipy does.

    Raises:
        ValueError: unknown method or edges, rates that are not positive, NaN or infinite samples, a result without
            samples, or one of more than `window.MOST_VALUES`.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals import resample
        >>> resample(np.ones((12, 5000)), 500, 100, method="polyphase").shape
        (12, 1000)
    """
    check_method(method, edges)
    sampling_rate = check_rate("sampling_rate", sampling_rate)
    target_rate = check_rate("target_rate", target_rate)
    signals, dtype = as_double(signals)
    if sampling_rate == target_rate:
        return signals.astype(dtype, copy=False)
    check_no_missing(signals, "resampling")
    number = round(signals.shape[-1] * target_rate / sampling_rate)
    if number < 1:
        raise ValueError(f"{signals.shape[-1]} samples at {sampling_rate} Hz leave none at {target_rate} Hz")
    leads = signals.shape[-2] if signals.ndim > 1 else 1
    check_size(
        number, leads, f"a record of {signals.shape[-1]} samples at {sampling_rate:g} Hz, at {target_rate:g} Hz"
    )
    run = _RULES[method][EDGES[method].index(edges)]
    return _by_leads(run, signals, sampling_rate, target_rate, number).astype(dtype, copy=False)


def check_rate(name: str, rate) -> float:
    """The rate as a float.

    Raises:
        ValueError: no number, not positive, or more than `HIGHEST_RATE`.
    """
    number = isinstance(rate, (int, float, np.number)) and not isinstance(rate, (bool, complex, np.complexfloating))
    if not (number and 0 < rate <= HIGHEST_RATE):
        raise ValueError(f"{name} is {shown(rate)}, wanted a positive number of hertz up to {HIGHEST_RATE}")
    return float(rate)


def check_method(method: str, edges: str) -> None:
    """Raises ValueError for a method or a rule for edges that is not known, or one that the other has not."""
    check_one_of("resampling method", method, METHODS)
    check_one_of(f"edges of the method {method}", edges, EDGES[method])


def _by_leads(run, signals: np.ndarray, *arguments) -> np.ndarray:
    """`run` on a few leads at a time: its scratch memory stays small for days of twelve leads and for many records."""
    leads = signals.reshape(-1, signals.shape[-1])
    at_once = max(1, _AT_ONCE // signals.shape[-1])
    if len(leads) <= at_once:
        return run(signals, *arguments)
    parts = (run(leads[first : first + at_once], *arguments) for first in range(0, len(leads), at_once))
    first = next(parts)
    result = np.empty((len(leads), first.shape[-1]))
    result[:at_once] = first
    for place, part in enumerate(parts, 1):
        result[place * at_once : (place + 1) * at_once] = part
    return result.reshape(*signals.shape[:-1], -1)


def _without_line(function):
    """`function` of what is left when the line between the ends is taken away; the line is put back."""

    def run(signals, sampling_rate, target_rate, number):
        offset, slope = line_between_ends(signals)
        flat = signals - offset
        flat -= slope * np.arange(signals.shape[-1])
        result = function(flat, sampling_rate, target_rate, number)
        result += (slope * (sampling_rate / target_rate)) * np.arange(result.shape[-1])
        result += offset
        return result

    return run


def _polyphase(signals, sampling_rate, target_rate, extend: Extension) -> np.ndarray:
    samples = signals.shape[-1]
    ratio = whole_ratio(sampling_rate, target_rate, samples)
    if ratio is not None:
        up, down = ratio.numerator, ratio.denominator
        return resample_by_ratio(signals, up, down, -(-samples * up // down), extend)
    # a last sample that would begin within a hundredth before the record's end is rounding of the rates
    number = math.ceil(samples * target_rate / sampling_rate - 0.01)
    return resample_at_times(signals, sampling_rate / target_rate, number, extend)


@_without_line
def _odd_polyphase(signals, sampling_rate, target_rate, number):
    return _polyphase(signals, sampling_rate, target_rate, odd_extension)


@_without_line
def _odd_fft(signals, sampling_rate, target_rate, number):
    from scipy.signal import resample as scipy_resample

    ratio, samples = target_rate / sampling_rate, signals.shape[-1]
    least = math.ceil(_FFT_REACH * max(1.0, 1 / ratio))
    before = _falling_on_whole_samples(least, ratio)
    length = _falling_on_whole_samples(before + samples + least, ratio)
    after = length - before - samples
    extended = odd_extension(signals, before, after)
    # without a line both ends are zero: faded out, the extension joins itself where the spectrum wraps around
    extended[..., :before] *= np.sin(np.linspace(0, np.pi / 2, before)) ** 2
    extended[..., -after:] *= np.cos(np.linspace(0, np.pi / 2, after)) ** 2
    first = round(before * ratio)
    return scipy_resample(extended, round(length * ratio), axis=-1)[..., first : first + number]


def _falling_on_whole_samples(least: int, ratio: float) -> int:
    """The number of samples from `least` on that is nearest to a whole number of samples of the other rate."""
    candidates = np.arange(least, least + _FFT_SEARCH)
    return int(candidates[np.abs(candidates * ratio - np.rint(candidates * ratio)).argmin()])


def _interpolated(signals, interval: float, number: int, beyond: np.ndarray) -> np.ndarray:
    extended = np.concatenate([signals, beyond], axis=-1)
    times = np.arange(number) * interval
    left = np.minimum(times.astype(np.int64), signals.shape[-1] - 1)
    share = np.clip(times - left, 0.0, 1.0)
    # in this form a constant lead stays constant to the last digit
    return extended[..., left] + (extended[..., left + 1] - extended[..., left]) * share


@_without_line
def _odd_linear(signals, sampling_rate, target_rate, number):
    beyond = odd_extension(signals, 0, 1)[..., -1:]
    return _interpolated(signals, sampling_rate / target_rate, number, beyond)


def _repeat_linear(signals, sampling_rate, target_rate, number):
    return _interpolated(signals, sampling_rate / target_rate, number, signals[..., -1:])


def _aligned_linear(signals, sampling_rate, target_rate, number):
    interval = (signals.shape[-1] - 1) / max(number - 1, 1)
    return _interpolated(signals, interval, number, signals[..., -1:])


def _zero_polyphase(signals, sampling_rate, target_rate, number):
    return _polyphase(signals, sampling_rate, target_rate, zero_extension)


def _periodic_fft(signals, sampling_rate, target_rate, number):
    from scipy.signal import resample as scipy_resample

    return scipy_resample(signals, number, axis=-1)


# in the order of `EDGES`
_RULES = {
    "fft": (_odd_fft, _periodic_fft),
    "polyphase": (_odd_polyphase, _zero_polyphase),
    "linear": (_odd_linear, _repeat_linear, _aligned_linear),
}
