"""Hum of the mains, taken out where there is some: at rest it looks like the fast part of a wave."""

import numpy as np
from scipy.ndimage import uniform_filter1d

from ..delineation.beats import RATE
from ..delineation.boundaries import samples

_HERTZ = (50.0, 60.0)
# A block is whole periods of both: its mean is free of hum, and a turn of either begins anew with it.
_BLOCK = samples(100)
# The hum of a block is that of the blocks around it, without QRS.
_AROUND = 7
_QRS = samples(90)
# mV, half from peak to peak: less does not move a boundary.
_LEAST_MV = 0.015


def without_mains(signal: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """The signal without hum of 50 or 60 Hz in the leads that have more of it than `_LEAST_MV`.

    Args:
        signal: (leads, samples) at `RATE` hertz in mV.
        marks: samples of the R peaks.
    """
    leads, length = signal.shape
    blocks = length // _BLOCK
    if blocks < 2 * _AROUND:
        return signal
    rest = np.ones(length)
    for mark in marks:
        rest[max(mark - _QRS, 0) : mark + _QRS] = 0.0
    seen = rest[: blocks * _BLOCK].reshape(blocks, _BLOCK)
    share = _around(seen.sum(axis=-1))
    if share.min() < 0.05 * _BLOCK:
        return signal
    fast = signal - uniform_filter1d(signal, _BLOCK, axis=-1, mode="nearest")
    fast = fast[:, : blocks * _BLOCK].reshape(leads, blocks, _BLOCK) * seen
    for hertz in _HERTZ:
        turned = fast @ np.exp(-2j * np.pi * hertz * np.arange(_BLOCK) / RATE)
        hum = 2 * (_around(turned.real) + 1j * _around(turned.imag)) / share
        loud = np.flatnonzero(np.abs(hum).mean(axis=-1) > _LEAST_MV)
        if len(loud):
            signal = signal.copy()
        time, middle = np.arange(length), (np.arange(blocks) + 0.5) * _BLOCK
        for lead in loud:
            signal[lead] -= (np.interp(time, middle, hum[lead]) * np.exp(2j * np.pi * hertz * time / RATE)).real
    return signal


def _around(values: np.ndarray) -> np.ndarray:
    """Sums of the blocks around each one, what is near counting more; nothing lies beyond the ends."""
    for _ in range(2):
        values = uniform_filter1d(values, _AROUND, axis=-1, mode="constant")
    return values
