"""How alike the beats of a lead are: near one where QRS complexes were found, lower where noise was taken for them.

The idea of a template is Orphanidou's (IEEE J Biomed Health Inform 19:832, 2015). Ours looks at the QRS alone and
takes medians, so that fibrillation waves and some beats of another shape do not count against a lead.
"""

import numpy as np

from ._arrays import as_numbers, check_number
from .filters import apply_filter

_REACH_SECONDS = 0.12
_FEWEST_BEATS = 4
_BAND = {"name": "bandpass", "low_hz": 1.0, "high_hz": 30.0, "order": 2, "form": "sos", "zero_phase": True}
_LOWEST_RATE = 60.0  # hertz, twice the end of the band


def beat_agreement(signals, sampling_rate: float, beats) -> np.ndarray:
    """The median correlation of the beats of each lead with their median beat.

    Args:
        signals: `(leads, samples)`, in any unit, without missing samples.
        sampling_rate: hertz, above 60.
        beats: samples of the R peaks, such as `find_r_peaks` gives.

    Returns:
        float64 `(leads,)`, at most 1; 0 with fewer than four beats.

    Raises:
        ValueError: other axes, missing samples, another rate.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals.beat_agreement import beat_agreement
        >>> time = np.arange(2000) / 200
        >>> spikes = sum(np.exp(-(((time - beat) / 0.02) ** 2)) for beat in range(1, 9))
        >>> noise = np.random.default_rng(0).normal(size=2000)
        >>> beat_agreement([spikes, noise], 200, 200 * np.arange(1, 9)).round(1).tolist()
        [1.0, 0.3]
    """
    parts = _around(signals, sampling_rate, beats)
    if parts is None:
        return np.zeros(len(signals))
    template = np.median(parts, axis=1)
    template -= template.mean(axis=-1, keepdims=True)
    products = np.einsum("lbs,ls->lb", parts, template)
    norms = np.linalg.norm(parts, axis=-1) * np.linalg.norm(template, axis=-1)[:, None]
    return np.median(np.divide(products, norms, out=np.zeros_like(products), where=norms > 0), axis=1)


def pairs_agreement(signals, sampling_rate: float, beats) -> np.ndarray:
    """How alike a beat and the third of the others that are most like it are, in the median: beats of two shapes
    that take turns, as in bigeminy, do not speak against a lead here.

    Args, Returns, Raises: as `beat_agreement`.
    """
    parts = _around(signals, sampling_rate, beats)
    if parts is None:
        return np.zeros(len(signals))
    norms = np.linalg.norm(parts, axis=-1, keepdims=True)
    parts = np.divide(parts, norms, out=np.zeros_like(parts), where=norms > 0)
    alike = np.sort(parts @ parts.transpose(0, 2, 1), axis=-1)[..., :-1]  # without itself
    return np.median(alike[..., -max(alike.shape[-1] // 3, 1)], axis=-1)


def _around(signals, sampling_rate: float, beats) -> np.ndarray | None:
    """(leads, beats, samples) around each beat over their mean; None with fewer than four beats."""
    signals = as_numbers(signals).astype(np.float64)
    check_number("sampling_rate", sampling_rate, positive=True)
    if sampling_rate <= _LOWEST_RATE:
        raise ValueError(f"sampling_rate is {sampling_rate:g} Hz, beats are compared above {_LOWEST_RATE:g} Hz")
    if signals.ndim != 2:
        raise ValueError(f"signals have shape {signals.shape}, wanted (leads, samples)")
    reach = round(_REACH_SECONDS * sampling_rate)
    beats = np.asarray(beats, np.int64)
    beats = beats[(beats >= reach) & (beats + reach < signals.shape[1])]
    if len(beats) < _FEWEST_BEATS:
        return None
    parts = apply_filter(signals, sampling_rate, _BAND)[:, beats[:, None] + np.arange(-reach, reach + 1)]
    return parts - parts.mean(axis=-1, keepdims=True)
