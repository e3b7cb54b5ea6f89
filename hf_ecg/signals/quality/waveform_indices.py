"""What a window's waveform looks like: its spectrum, its spikes, and how much its beats are alike.

The second half of the method "hrv_and_waveform". All stay the same when a lead is multiplied by a number, and
look at 0 to 45 Hz alone, so that the detector knows a device neither by its gain nor by its bandwidth.

The indices are our own choice, of kinds that are usual: kurtosis and band powers as in Li, Mark and Clifford (Physiol
Meas 29:15, 2008), agreement of beats with their template as in Orphanidou et al. (IEEE J Biomed Health Inform 19:832,
2015).
"""

from collections.abc import Sequence

import numpy as np
from scipy import fft

from .._arrays import as_numbers, check_no_missing, check_number
from ..filters import apply_filter

WAVEFORM_INDICES = (
    "kurtosis", "skewness", "baseline_share", "slow_share", "qrs_share", "fast_share", "spectral_entropy",
    "template_correlation", "worst_template_correlation", "beat_snr", "t_wave_snr", "r_height_spread", "r_contrast",
    "quiet_slope", "between_beats", "burst", "largest_over_r",
)  # fmt: skip
_BAND = {"name": "bandpass", "low_hz": 0.5, "high_hz": 40.0, "order": 2, "form": "sos", "zero_phase": True}
_HIGHEST_HZ = 45
_ENOUGH_HZ = 120
# A beat from its PR segment to the end of its T wave at usual rates, and its QRS.
_BEAT_SECONDS = (-0.25, 0.45)
_QRS_SECONDS = 0.08
_NEAR_SECONDS = 0.12
_OF_BEATS = (
    "template_correlation", "worst_template_correlation", "beat_snr", "t_wave_snr", "r_height_spread", "r_contrast",
)  # fmt: skip
_TINY = 1e-9


def waveform_indices(signals, peaks: Sequence, sampling_rate: float) -> np.ndarray:
    """The indices of `WAVEFORM_INDICES`, in their order.

    Args:
        signals: `(windows, samples)` of one lead each in any unit, nothing missing.
        peaks: for each window the samples of its R peaks, ascending.
        sampling_rate: hertz, more than 90.

    Returns:
        float64 `(windows, 17)`, all finite. Where fewer than three beats lie whole in a window, what compares beats
        is 0.

    Raises:
        ValueError: other axes, missing samples, a rate too low.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals.quality import WAVEFORM_INDICES, waveform_indices
        >>> time = np.arange(2000) / 100
        >>> spikes = sum(np.exp(-(((time - beat) / 0.02) ** 2)) for beat in range(1, 20))
        >>> (found,) = waveform_indices(spikes[None], [np.arange(1, 20) * 100], 100)
        >>> round(float(found[WAVEFORM_INDICES.index("template_correlation")]), 3)
        1.0
    """
    signals = as_numbers(signals, axes=2).astype(np.float64, copy=False)
    check_number("sampling_rate", sampling_rate, positive=True)
    if signals.ndim != 2 or len(peaks) != len(signals) or not signals.shape[1]:
        raise ValueError(
            f"signals have shape {signals.shape} and {len(peaks)} rows of peaks, wanted (windows, samples)"
        )
    if sampling_rate <= 2 * _HIGHEST_HZ:
        raise ValueError(f"sampling_rate is {sampling_rate:g} Hz, the indices look at 0 to {_HIGHEST_HZ:g} Hz")
    check_no_missing(signals, "waveform indices")
    peaks = [np.asarray(row, np.int64) for row in peaks]
    spectrum = _spectrum(signals, sampling_rate)
    # nothing is left above 60 Hz that a lower rate could fold
    step = max(1, int(sampling_rate // _ENOUGH_HZ))
    clean = apply_filter(signals, sampling_rate, _BAND)[:, ::step]
    peaks, sampling_rate = [row // step for row in peaks], sampling_rate / step
    z = clean / (clean.std(axis=1, keepdims=True) + _TINY)
    squares = z * z
    slopes = np.abs(np.diff(clean))
    seconds = _rms_of_seconds(clean, sampling_rate)
    quiet = np.median(slopes, axis=1) / (np.quantile(slopes, 0.98, axis=1) + _TINY)
    burst = _log_ratio(seconds.max(axis=1), np.median(seconds, axis=1))
    columns = {
        "kurtosis": np.mean(squares * squares, axis=1),
        "skewness": np.mean(squares * z, axis=1),
        **spectrum,
        **_beats(clean, peaks, sampling_rate),
        "quiet_slope": quiet,
        "between_beats": np.array([_between(*pair, sampling_rate) for pair in zip(clean, peaks, strict=True)]),
        "burst": burst,
        "largest_over_r": np.array([_largest(*pair) for pair in zip(clean, peaks, strict=True)]),
    }
    return np.stack([columns[name] for name in WAVEFORM_INDICES], axis=1)


def _spectrum(signals: np.ndarray, rate: float) -> dict[str, np.ndarray]:
    """Shares of the power of 0 to 45 Hz below 1 Hz, of that of 1 to 45 Hz in bands; and the entropy of the latter."""
    samples = signals.shape[1]
    centred = (signals - signals.mean(axis=1, keepdims=True)) * np.hanning(samples)
    spectrum = fft.rfft(centred, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    # in steps of 1 Hz: single bins would follow the length of the window
    edges = np.ceil(np.arange(_HIGHEST_HZ + 1) * samples / rate).astype(int)
    steps = np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1)
    above = steps[:, 1:].sum(axis=1, keepdims=True) + _TINY
    shares = steps[:, 1:] / above
    return {
        "baseline_share": steps[:, 0] / (steps[:, 0] + above[:, 0]),
        "slow_share": shares[:, :4].sum(axis=1),
        "qrs_share": shares[:, 4:14].sum(axis=1),
        "fast_share": shares[:, 19:].sum(axis=1),
        "spectral_entropy": -np.sum(shares * np.log(shares + _TINY), axis=1) / np.log(shares.shape[1]),
    }


def _beats(clean: np.ndarray, peaks: list[np.ndarray], rate: float) -> dict[str, np.ndarray]:
    found = np.array([_agreement(*pair, rate) for pair in zip(clean, peaks, strict=True)])
    return dict(zip(_OF_BEATS, found.reshape(-1, len(_OF_BEATS)).T, strict=True))


def _agreement(clean: np.ndarray, peaks: np.ndarray, rate: float) -> list[float]:
    """How far a window's beats agree with their median: `_OF_BEATS`."""
    before, after = (round(edge * rate) for edge in _BEAT_SECONDS)
    inside = peaks[(peaks + before >= 0) & (peaks + after < len(clean))]
    if len(inside) < 3:
        return [0.0] * len(_OF_BEATS)
    beats = clean[inside[:, None] + np.arange(before, after)]
    beats = beats - beats.mean(axis=1, keepdims=True)
    template = np.median(beats, axis=0)
    size = np.linalg.norm(beats, axis=1) * np.linalg.norm(template) + _TINY
    correlation = beats @ template / size
    residual = (beats - template) ** 2
    reach = round(_QRS_SECONDS * rate)
    late = slice(reach - before, None)
    heights = np.ptp(beats[:, -before - reach : late.start], axis=1)
    middle = np.median(heights)
    return [
        float(np.median(correlation)),
        float(np.quantile(correlation, 0.1)),
        _signal_over_residual(template, residual),
        _signal_over_residual(template[late] - template[late].mean(), residual[:, late]),
        float(np.median(np.abs(heights - middle)) / (middle + _TINY)),
        float(_log_ratio(middle, np.median(np.ptp(beats[:, late], axis=1)))),
    ]


def _signal_over_residual(template: np.ndarray, residual: np.ndarray) -> float:
    return float(_log_ratio(np.mean(template**2), np.median(residual.mean(axis=1))))


def _between(clean: np.ndarray, peaks: np.ndarray, rate: float) -> float:
    """Spread farther than 0.12 s from every R peak, over that within."""
    marks = np.zeros(len(clean) + 1, np.int64)
    reach = round(_NEAR_SECONDS * rate)
    np.add.at(marks, np.maximum(peaks - reach, 0), 1)
    np.add.at(marks, np.minimum(peaks + reach + 1, len(clean)), -1)
    near = np.cumsum(marks[:-1]) > 0
    if near.all() or not near.any():
        return 0.0
    return float(_log_ratio(clean[~near].std(), clean[near].std()))


def _largest(clean: np.ndarray, peaks: np.ndarray) -> float:
    size = np.abs(clean)
    return float(_log_ratio(size.max(), np.median(size[peaks]))) if len(peaks) else 0.0


def _rms_of_seconds(clean: np.ndarray, rate: float) -> np.ndarray:
    length = max(1, min(round(rate), clean.shape[1]))
    number = clean.shape[1] // length
    return clean[:, : number * length].reshape(len(clean), number, length).std(axis=2)


def _log_ratio(above, below):
    return np.log10((above + _TINY) / (below + _TINY))
