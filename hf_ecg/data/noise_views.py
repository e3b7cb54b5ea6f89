"""Noise as electrodes give it: baseline wander, electrode motion, muscle; from recordings, or simulated.

The kinds and their names are those of the MIT-BIH Noise Stress Test Database (records bw, em, ma), which CLEF
(arXiv 2512.02180) adds to its views.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ..signals.formats.wfdb_signals import read_signals
from ..signals.formats.wfdb_waveform import read_header
from ..signals.resampling import resample
from ..signals.units import MISSING_COUNT
from .view_base import Generators, Strength, Waveforms, add_disturbance, draw, standard_deviation, strength, uniform

RECORDINGS = {"baseline": "bw", "electrode": "em", "motion": "ma"}
KINDS = ("none", *RECORDINGS, "mixture")
# Recordings and simulation alike: a lead of nothing has no size to be scaled to.
_SMALLEST_RMS = 1e-6
# Counts a millivolt of a WFDB header that tells none.
_USUAL_GAIN = 200.0


def electrode_noise(
    waveforms: Waveforms,
    generator: Generators,
    *,
    kinds: tuple[str, ...] = KINDS,
    rms: Strength | None = None,
    snr_db: Strength | None = None,
    per_lead: bool = False,
    lead_probability: float = 1.0,
    kind_probability: float | None = None,
    recordings: str | None = None,
    sampling_rate: float,
) -> Waveforms:
    """Noise of one kind, drawn evenly for each record, in every present lead; each lead's noise has the wanted size.

    With `kind_probability` noise of several kinds together, as TolerantECG (arXiv 2507.09887) adds it.

    Simulated noise is Gaussian, with a spectrum below 0.5 Hz ("baseline"), of 0.5 to 10 Hz that comes in bursts
    ("electrode"), or of 20 Hz and more ("motion", which is muscle). Recorded noise is a random stretch of a random
    channel of the recording of that kind. "mixture" is all three in equal parts.

    Args:
        waveforms: records.
        generator: one for the batch, or one per record.
        kinds: among "none", "baseline", "electrode", "motion", "mixture".
        rms: the noise's root mean square in the unit of the input (millivolt); CLEF 0.1. Exactly one of `rms` and
            `snr_db` is given.
        snr_db: power of the lead over that of the noise in decibels; about the mean of the lead.
        per_lead: a size drawn for each lead of its own, in place of one for the record.
        lead_probability: that noise of a kind is in a lead.
        kind_probability: each of `kinds` is there with this probability, one at least, and their sum has the size.
        recordings: folder with the WFDB records bw, em and ma; None simulates.
        sampling_rate: hertz of the waveforms.

    Raises:
        ValueError: not exactly one of `rms` and `snr_db`, or a recording shorter than the waveforms.
        OSError: a recording is not there.
    """
    values = waveforms.input_values
    if (rms is None) == (snr_db is None):
        raise ValueError("electrode_noise takes exactly one of rms and snr_db")
    shape = (len(values), values.shape[1] if per_lead else 1, 1)
    size = strength(generator, snr_db if rms is None else rms, shape, values)
    if rms is None:
        size = standard_deviation(values, waveforms.sample_mask) * 10 ** (-size / 20)
    chosen = _drawn_kinds(generator, len(values), len(kinds), kind_probability)
    noise = torch.zeros_like(values)
    for number, kind in enumerate(kinds):
        rows = chosen[:, number].nonzero()[:, 0].tolist()
        if kind == "none" or not rows:
            continue
        own = generator if isinstance(generator, torch.Generator) else [generator[row] for row in rows]
        parts = [
            noise_of_kind(part, (len(rows), *values.shape[1:]), own, recordings, sampling_rate)
            for part in _parts(kind)
        ]
        made = _unit_rms(sum(parts))
        if lead_probability < 1:
            drawn = uniform(own, (len(rows), values.shape[1], 1), torch.device("cpu"), torch.float64)
            made = made * (drawn < lead_probability)
        noise[rows] += made.to(values)
    if kind_probability is not None:
        noise = _unit_rms(noise)
    return add_disturbance(waveforms, noise.mul_(size))


def _drawn_kinds(generator: Generators, rows: int, kinds: int, probability: float | None) -> torch.Tensor:
    """bool (rows, kinds): which of the kinds a record has."""
    cpu = torch.device("cpu")
    if probability is None:
        drawn = uniform(generator, (rows,), cpu, torch.float64)
        return (drawn * kinds).long().clamp(max=kinds - 1)[:, None] == torch.arange(kinds)
    drawn = uniform(generator, (rows, kinds), cpu, torch.float64)
    return (drawn < probability) | (drawn == drawn.amin(dim=1, keepdim=True))


def _parts(kind: str) -> tuple[str, ...]:
    return tuple(RECORDINGS) if kind == "mixture" else (kind,)


def noise_of_kind(
    kind: str, shape, generator: Generators, recordings: str | None, sampling_rate: float
) -> torch.Tensor:
    """Noise of one kind, see `electrode_noise`: float32 of `shape` (records, leads, samples), on the CPU.

    Its mean is zero, and its root mean square one in each lead.
    """
    if recordings is not None:
        return _unit_rms(_recorded(_recording(recordings, kind, sampling_rate), shape, generator))
    return _unit_rms(_simulated(kind, shape, generator, sampling_rate))


def _recorded(recording: torch.Tensor, shape, generator: Generators) -> torch.Tensor:
    channels, available = recording.shape
    records, leads, samples = shape
    if available < samples:
        raise ValueError(f"the noise recording has {available} samples, the waveforms have {samples}")
    cpu = torch.device("cpu")
    place = uniform(generator, (records, leads, 2), cpu, torch.float64)
    channel = (place[..., 0] * channels).long().clamp(max=channels - 1)
    start = (place[..., 1] * (available - samples + 1)).long().clamp(max=available - samples)
    return recording[channel[..., None], start[..., None] + torch.arange(samples)]


def _simulated(kind: str, shape, generator: Generators, sampling_rate: float) -> torch.Tensor:
    records, leads, samples = shape
    # twice as long, so that the end does not run on into the beginning
    white = draw("normal_", generator, (records, leads, 2 * samples), torch.device("cpu"), torch.float32)
    hertz = torch.fft.rfftfreq(2 * samples, 1 / sampling_rate)
    noise = torch.fft.irfft(torch.fft.rfft(white) * _amplitude(kind, hertz), n=2 * samples)[..., :samples]
    if kind != "electrode":
        return noise
    # a few seconds of a bad contact in a quiet recording
    place = uniform(generator, (records, leads, 2, 1), torch.device("cpu"), torch.float32)
    seconds = torch.arange(samples) / sampling_rate
    centre, width = place[:, :, 0] * samples / sampling_rate, 0.3 + 1.2 * place[:, :, 1]
    return noise * (0.1 + torch.exp(-0.5 * ((seconds - centre) / width) ** 2))


def _amplitude(kind: str, hertz: torch.Tensor) -> torch.Tensor:
    if kind == "baseline":
        return (hertz > 0.02) / (1 + (hertz / 0.3) ** 4)
    if kind == "electrode":
        return (hertz / 0.5) ** 2 / (1 + (hertz / 0.5) ** 2) / (1 + (hertz / 3) ** 3)
    return (hertz / 25) ** 2 / (1 + (hertz / 25) ** 2)


def _unit_rms(noise: torch.Tensor) -> torch.Tensor:
    noise = noise - noise.mean(-1, keepdim=True)
    return noise / noise.square().mean(-1, keepdim=True).sqrt().clamp(min=_SMALLEST_RMS)


def check_recordings(folder, kinds=tuple(RECORDINGS)) -> None:
    """Nothing where a folder holds the recordings of these kinds of noise, whole.

    Raises:
        ValueError: a damaged one.
        OSError: one is not there.
    """
    for kind in kinds:
        _stored(str(folder), kind)


@lru_cache(maxsize=8)
def _stored(folder: str, kind: str) -> tuple[np.ndarray, float]:
    """Counts (channels, samples), and hertz."""
    path = Path(folder) / f"{RECORDINGS[kind]}.hea"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: recordings wants a folder with bw, em and ma")
    header = read_header(str(path))
    if not header.lines:
        raise ValueError(f"{path} has no signals")
    stored = read_signals(str(path), header.lines, range(len(header.lines)), header.num_frames)
    if stored.missing is not None or (stored.counts == MISSING_COUNT).any():
        raise ValueError(f"{path} has missing samples")
    return stored.counts, header.frame_rate


@lru_cache(maxsize=8)
def _recording(folder: str, kind: str, sampling_rate: float) -> torch.Tensor:
    """float32 (channels, samples) at the wanted rate."""
    counts, rate = _stored(folder, kind)
    # its headers tell no gain: the size is set afterwards
    return torch.from_numpy(resample(counts / _USUAL_GAIN, rate, sampling_rate, "polyphase")).float()
