"""What identifies a recording whatever was done to it since: its waveform, in a band that every preparation keeps.

Two recordings of a heart have the same beats; the order of the intervals and the noise, sample by sample, are of one
recording alone. So the waveform itself is compared, lead by lead and at every lag. Beside it stand short codes of the
stretches around its most active places, by which a search among millions finds what is worth comparing. No model is
involved. Figures: tests/benchmarks/near_duplicates.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ._arrays import as_double
from .filters import apply_filter
from .leads import canonical_leads
from .missing import fill_missing
from .resampling import resample

# III, aVR, aVL and aVF are combinations of I and II: they would count the limb leads three times.
FINGERPRINT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
RATE = 100
LOWEST_RATE = 60
# Inside the band of monitors (0.67-40 Hz), far enough from its lower end for the phase of a causal filter there.
BAND = {"name": "bandpass", "low_hz": 4.0, "high_hz": 24.0, "order": 2, "form": "sos", "zero_phase": True}
# What filters and resampling make of the ends, they do not make of the same place within a longer record.
EDGE_SECONDS = 0.4
# Of the codes: lower, so that a place that is found 10 ms beside itself is still like itself.
CODE_BAND = {"name": "lowpass", "high_hz": 14.0, "order": 2, "form": "sos", "zero_phase": True}
CODE_SIZE, CODE_SECONDS, CODE_BEFORE_SECONDS, CODE_STEP = 128, 3.0, 0.3, 3
PLACE_DISTANCE_SECONDS, PLACE_HEIGHT = 0.3, 0.3
SHORTEST_SECONDS = 5.0
MOST_MISSING = 0.05
# An artefact is cut at this multiple of the usual height, the median over blocks: it must not be all that is compared.
BLOCK_SECONDS, HIGHEST = 2.0, 2.0
# A lead whose usual height is under this share of its highest one has nothing but an artefact.
FLATTEST = 0.02


@dataclass(frozen=True)
class Fingerprint:
    """A recording as it is compared.

    Args:
        waveform: float32 (leads, samples) at 100 Hz, 4-24 Hz, without unit and without the ends; zero where a lead is
            not usable.
        usable: bool (leads,).
        codes: float32 (places, 128), unit length; the product of two is about the correlation of two stretches of 3 s.
    """

    waveform: np.ndarray
    usable: np.ndarray
    codes: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """How alike two recordings are where they are most alike.

    Args:
        correlation: mean over the leads usable in both, of the part that overlaps.
        lag_seconds: time in the second recording minus time in the first of the same event.
        overlap_seconds: length of that part, without the ends.
        num_leads: leads compared.
    """

    correlation: float
    lag_seconds: float
    overlap_seconds: float
    num_leads: int


def fingerprint(
    signals: np.ndarray, sampling_rate: float, leads: Sequence[str], wanted: Sequence[str] = FINGERPRINT_LEADS
) -> Fingerprint:
    """The fingerprint of one recording.

    Scale (also by lead), offset, sampling rate and filters that pass 4-24 Hz do not change it; the sign does.

    Args:
        signals: (leads, samples), any unit, NaN where missing.
        sampling_rate: hertz.
        leads: names of the leads.
        wanted: leads to compare by; those that the recording lacks are not usable.

    Raises:
        ValueError: a recording that cannot be compared: shorter than 5 s, a rate under 60 Hz, or no usable lead
            (absent, flat, or more than 5 % of its samples missing).

    Example:
        >>> from hf_ecg.signals import read
        >>> from hf_ecg.signals.fingerprint import compare_fingerprints, fingerprint
        >>> record = read("record.hea")
        >>> whole = fingerprint(record.to_millivolts(), record.sampling_rate, record.leads)
        >>> round(compare_fingerprints(whole, whole).correlation, 3)
        1.0
    """
    signals, _ = as_double(signals)
    leads, wanted = canonical_leads(leads), canonical_leads(wanted)
    if signals.ndim != 2 or len(signals) != len(leads):
        raise ValueError(f"signals have shape {signals.shape}, wanted (leads, samples) of {len(leads)} leads")
    if not sampling_rate >= LOWEST_RATE:
        raise ValueError(f"the sampling rate is {sampling_rate} Hz, wanted at least {LOWEST_RATE} for 4-24 Hz")
    seconds = signals.shape[1] / sampling_rate
    if seconds < SHORTEST_SECONDS:
        raise ValueError(f"the recording has {seconds:.3g} s, wanted at least {SHORTEST_SECONDS:g}")
    found: dict[str, np.ndarray] = {}
    problems: dict[str, list[str]] = {}
    for lead in wanted:
        if lead not in leads:
            problems.setdefault("absent", []).append(lead)
            continue
        try:
            found[lead] = _waveform(signals[leads.index(lead)], sampling_rate)
        except ValueError as error:
            problems.setdefault(str(error), []).append(lead)
    if not found:
        reasons = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in problems.items())
        raise ValueError(f"no lead can be compared ({reasons})")
    length = len(next(iter(found.values())))
    waveform = np.stack([found.get(lead, np.zeros(length)) for lead in wanted])
    usable = np.array([lead in found for lead in wanted])
    return Fingerprint(waveform.astype(np.float32), usable, _codes(waveform, usable))


def compare_fingerprints(
    first: Fingerprint, second: Fingerprint, shortest_overlap: float = SHORTEST_SECONDS
) -> Comparison | None:
    """Compare two recordings at every lag.

    Args:
        first, second: made with the same leads wanted.
        shortest_overlap: seconds that must overlap, ends included (or all of the shorter recording).

    Returns:
        The best comparison; None where the two have no usable lead in common.
    """
    both = first.usable & second.usable
    if not both.any():
        return None
    x, y = first.waveform[both].astype(np.float64), second.waveform[both].astype(np.float64)
    n, m = x.shape[1], y.shape[1]
    shortest = min(round((shortest_overlap - 2 * EDGE_SECONDS) * RATE), n, m)
    lags = np.arange(shortest - n, m - shortest + 1)
    size = 1 << (n + m - 1).bit_length()
    products = np.fft.irfft(np.conj(np.fft.rfft(x, size)) * np.fft.rfft(y, size), size)[:, lags % size]
    starts, ends = np.maximum(0, -lags), np.minimum(n, m - lags)
    energies = _sums(x, starts, ends) * _sums(y, starts + lags, ends + lags)
    lag = int(lags[np.mean(products / np.sqrt(np.maximum(energies, 1e-12)), axis=0).argmax()])
    start, end = max(0, -lag), min(n, m - lag)
    correlation, fraction = _between_samples(x[:, start:end], y[:, start + lag : end + lag])
    return Comparison(correlation, (lag + fraction) / RATE, (end - start) / RATE, int(both.sum()))


def _waveform(values: np.ndarray, sampling_rate: float) -> np.ndarray:
    """One lead at 100 Hz in the band, its usual height 1, its artefacts cut, its ends left out."""
    missing = ~np.isfinite(values)
    if missing.mean() > MOST_MISSING:
        raise ValueError(f"more than {MOST_MISSING:.0%} of the samples are missing")
    if missing.any():
        values = fill_missing(np.where(missing, np.nan, values))
    values = values - np.median(values)
    if not np.ptp(values) > 0:
        raise ValueError("flat")
    values = values / np.ptp(values)
    if sampling_rate != RATE:
        values = resample(values, sampling_rate, RATE, "polyphase")
    edge = round(EDGE_SECONDS * RATE)
    values = apply_filter(values, RATE, BAND)[edge:-edge]
    block = round(BLOCK_SECONDS * RATE)
    heights = np.abs(values[: len(values) // block * block]).reshape(-1, block).max(axis=1)
    usual = float(np.median(heights))
    if not usual > max(FLATTEST * float(heights.max()), 1e-9):
        raise ValueError("flat")
    return np.clip(values / usual, -HIGHEST, HIGHEST)


def _codes(waveform: np.ndarray, usable: np.ndarray) -> np.ndarray:
    slow = np.zeros_like(waveform)
    slow[usable] = apply_filter(waveform[usable], RATE, CODE_BAND)
    before, after = round(CODE_BEFORE_SECONDS * RATE), round((CODE_SECONDS - CODE_BEFORE_SECONDS) * RATE)
    places = _active_places(slow)
    places = places[(places >= before) & (places + after <= slow.shape[1])]
    if not len(places):
        places = np.arange(before, slow.shape[1] - after + 1, round(PLACE_DISTANCE_SECONDS * RATE))
    stretches = slow[:, places[:, None] + np.arange(-before, after, CODE_STEP)].transpose(1, 0, 2)
    # each lead counts alike, as in the comparison
    stretches = stretches / np.maximum(np.linalg.norm(stretches, axis=2, keepdims=True), 1e-12)
    codes = stretches.reshape(len(places), -1) @ _random_directions(stretches[0].size)
    return (codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def _active_places(slow: np.ndarray) -> np.ndarray:
    """Where all leads together change most: the QRS complexes, mostly, or whatever else the recording has."""
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import find_peaks

    steps = np.diff(slow, axis=1, prepend=slow[:, :1])
    activity = np.sqrt(uniform_filter1d((steps**2).sum(axis=0), round(0.12 * RATE)))
    height = PLACE_HEIGHT * np.quantile(activity, 0.95)
    return find_peaks(activity, height=height, distance=round(PLACE_DISTANCE_SECONDS * RATE))[0]


@lru_cache(maxsize=8)
def _random_directions(size: int) -> np.ndarray:
    """They keep products: of unit vectors with the product r to within about (1 - r^2) / sqrt(128)."""
    generator = np.random.default_rng(0)
    return generator.standard_normal((size, CODE_SIZE)) / np.sqrt(CODE_SIZE)


def _sums(values: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Sum of squares from each start to each end, by lead."""
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values**2, axis=1)], axis=1)
    return total[:, ends] - total[:, starts]


def _between_samples(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Correlation at the best lag within a sample of zero, in eighths: another rate's samples lie between."""
    size = 1 << (2 * x.shape[1] - 1).bit_length()
    cross = np.conj(np.fft.rfft(x, size)) * np.fft.rfft(y, size)
    cross /= np.sqrt(np.maximum((x**2).sum(axis=1) * (y**2).sum(axis=1), 1e-12))[:, None]
    spectrum = cross.mean(axis=0)
    # of a real signal every frequency but the first and the last stands for two
    spectrum[1:-1] *= 2
    fractions = np.arange(-8, 9) / 8
    turns = np.exp(2j * np.pi * np.arange(len(spectrum)) * fractions[:, None] / size)
    correlations = (turns @ spectrum).real / size
    best = int(correlations.argmax())
    return min(float(correlations[best]), 1.0), float(fractions[best])
