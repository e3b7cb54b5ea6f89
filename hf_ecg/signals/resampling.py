"""Another sampling rate, by one of three methods; published models differ in theirs, so each is named."""

from fractions import Fraction

import numpy as np

from ._arrays import as_double, check_no_missing

METHODS = ("fft", "polyphase", "linear")


def resample(signals: np.ndarray, sampling_rate: float, target_rate: float, method: str) -> np.ndarray:
    """Signals at another rate; at the same rate they pass as they are.

    Edges: "fft" takes the record as periodic, so a step between its end and its beginning rings at both
    (`scipy.signal.resample`). "polyphase" filters with a Kaiser window (beta 5) and takes samples beyond the edges as
    zero (`scipy.signal.resample_poly`), so a baseline offset droops over about 10 samples of the lower rate at either
    end. "linear" interpolates without an anti-aliasing filter; times after the last sample repeat it (`numpy.interp`).
    Where the length of the result is not whole, "fft" spreads the rounded number over the record's duration, so its
    rate is off by less than one sample a record; "polyphase" and "linear" keep the rate and end within a sample.

    Args:
        signals: (..., samples).
        sampling_rate: hertz.
        target_rate: hertz.
        method: "fft", "polyphase" or "linear".

    Returns:
        (..., round(samples * target_rate / sampling_rate)); for "polyphase" rounded up, as scipy does.

    Raises:
        ValueError: unknown method, rates that are not positive, NaN or infinite samples, a result without samples, or
            rates whose ratio is no fraction with a denominator up to 10,000 ("polyphase").

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals import resample
        >>> resample(np.ones((12, 5000)), 500, 100, method="polyphase").shape
        (12, 1000)
    """
    if method not in METHODS:
        raise ValueError(f"resampling method is {method!r}, wanted one of {', '.join(METHODS)}")
    for name, rate in (("sampling_rate", sampling_rate), ("target_rate", target_rate)):
        if not (np.isfinite(rate) and rate > 0):
            raise ValueError(f"{name} is {rate!r}, wanted a positive number of hertz")
    signals, dtype = as_double(signals)
    if sampling_rate == target_rate:
        return signals.astype(dtype, copy=False)
    check_no_missing(signals, "resampling")
    number = round(signals.shape[-1] * target_rate / sampling_rate)
    if number < 1:
        raise ValueError(f"{signals.shape[-1]} samples at {sampling_rate} Hz leave none at {target_rate} Hz")
    return _METHODS[method](signals, sampling_rate, target_rate, number).astype(dtype, copy=False)


def _fft(signals, sampling_rate, target_rate, number):
    from scipy.signal import resample as scipy_resample

    return scipy_resample(signals, number, axis=-1)


def _polyphase(signals, sampling_rate, target_rate, number):
    from scipy.signal import resample_poly

    ratio = Fraction(target_rate).limit_denominator(10**6) / Fraction(sampling_rate).limit_denominator(10**6)
    if max(ratio.numerator, ratio.denominator) > 10_000:
        raise ValueError(
            f"polyphase resampling from {sampling_rate} to {target_rate} Hz needs the ratio {ratio}: use fft or linear"
        )
    return resample_poly(signals, ratio.numerator, ratio.denominator, axis=-1)


def _linear(signals, sampling_rate, target_rate, number):
    times = np.arange(number) * (sampling_rate / target_rate)
    left = np.minimum(times.astype(np.int64), signals.shape[-1] - 1)
    right = np.minimum(left + 1, signals.shape[-1] - 1)
    share = np.clip(times - left, 0.0, 1.0)
    return signals[..., left] * (1.0 - share) + signals[..., right] * share


_METHODS = {"fft": _fft, "polyphase": _polyphase, "linear": _linear}
