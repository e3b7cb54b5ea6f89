"""Waveforms whose beats are known."""

import numpy as np


def waveform(peaks, leads=12, samples=1000, rate=100, noise=0.01, seed=0):
    """`(leads, samples)`: a spike of R and a slower T wave at each of the peaks, in another size in each lead."""
    random, time = np.random.default_rng(seed), np.arange(samples)
    beat = np.zeros(samples)
    for peak in peaks:
        beat += np.exp(-(((time - peak) / (0.02 * rate)) ** 2))
        beat += 0.25 * np.exp(-(((time - peak - 0.22 * rate) / (0.05 * rate)) ** 2))
    return np.linspace(-1.0, 1.5, leads)[:, None] * beat + noise * random.normal(size=(leads, samples))


def every(seconds, rate=100, samples=1000):
    """Peaks of a regular rhythm, the first one after a quarter of a second."""
    return np.arange(rate // 4, samples - rate // 8, round(seconds * rate))
