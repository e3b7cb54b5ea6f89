"""What lies beyond a record's ends, for what looks there: one rule for resampling and for running windows."""

import numpy as np


def line_between_ends(signals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offset and slope a sample, (..., 1) each, of the line through the first sample and the last one."""
    first = signals[..., :1]
    return first, (signals[..., -1:] - first) / max(1, signals.shape[-1] - 1)


def zero_extension(signals: np.ndarray, before: int, after: int) -> np.ndarray:
    """Lengthened by zeros, as scipy's `resample_poly` does; see `odd_extension`."""
    return np.pad(signals, [(0, 0)] * (signals.ndim - 1) + [(before, after)])


def odd_extension(signals: np.ndarray, before: int, after: int) -> np.ndarray:
    """Lengthened by a reflection at the first and the last sample, in time and in level: level and slope go on there.

    Where more is wanted than there is, the reflection is reflected again. A record of one sample is repeated.

    Args:
        signals: (..., samples).
        before, after: samples to add.
    """
    length = signals.shape[-1]
    if length == 1:
        return np.repeat(signals, before + 1 + after, axis=-1)
    return np.concatenate(
        [_beyond(signals, np.arange(-before, 0)), signals, _beyond(signals, np.arange(length, length + after))],
        axis=-1,
    )


def _beyond(signals: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The extension at these places: odd around either end, so two reflections shift by twice the rise."""
    last = signals.shape[-1] - 1
    turns, within = np.divmod(places, 2 * last)
    mirrored = within > last
    values = signals[..., np.where(mirrored, 2 * last - within, within)]
    values = np.where(mirrored, 2 * signals[..., -1:] - values, values)
    return values + 2 * turns * (signals[..., -1:] - signals[..., :1])
