"""Noise of the electrodes: wander, muscle, mains, motion. Leads are differences of electrodes, so Einthoven holds."""

from dataclasses import dataclass

import numpy as np

# Nine electrodes; the limb electrodes' mean is Wilson's central terminal.
_RA, _LA, _LL, _CHEST = 0, 1, 2, slice(3, 9)
ELECTRODES = 9


@dataclass(frozen=True)
class NoiseLevel:
    """Root mean squares at an electrode in millivolts, and bursts of motion.

    Sizes follow Moody, Muldrow, Mark, A noise stress test for arrhythmia detectors, Computers in Cardiology 11:381
    (1984), in kind, and what resting recordings of PTB-XL show, in size.
    """

    wander: float
    muscle: float
    mains: float
    mains_hz: float
    motion: float
    bursts: int

    @classmethod
    def drawn(cls, rng: np.random.Generator, scale: float) -> "NoiseLevel":
        """A recording's levels, times `scale`."""
        return cls(
            wander=scale * rng.lognormal(np.log(0.045), 0.6),
            muscle=scale * rng.lognormal(np.log(0.009), 0.5),
            mains=scale * rng.uniform(0.0, 0.008),
            mains_hz=float(rng.choice([50.0, 60.0])),
            motion=scale * rng.uniform(0.05, 0.25),
            bursts=int(rng.random() < 0.25),
        )


def lead_noise(rng: np.random.Generator, level: NoiseLevel, samples: int, sampling_rate: float) -> np.ndarray:
    """Noise (8, samples) in mV of the leads I, II, V1 to V6."""
    times = np.arange(samples) / sampling_rate
    electrodes = level.wander * coloured(rng, ELECTRODES, samples, sampling_rate, _wander_power)
    electrodes += level.muscle * coloured(rng, ELECTRODES, samples, sampling_rate, _muscle_power)
    if level.mains_hz < sampling_rate / 2:
        phases = rng.uniform(0, 2 * np.pi, (ELECTRODES, 1))
        sizes = rng.uniform(0.2, 1.0, (ELECTRODES, 1)) * np.sqrt(2) * level.mains
        electrodes += sizes * np.sin(2 * np.pi * level.mains_hz * times + phases)
    for _ in range(level.bursts):
        center, width = rng.uniform(0, times[-1]), rng.uniform(0.2, 0.6)
        shape = np.exp(-0.5 * ((times - center) / width) ** 2)
        burst = coloured(rng, 1, samples, sampling_rate, _motion_power)[0]
        electrodes[rng.integers(ELECTRODES)] += level.motion * shape * burst
    terminal = electrodes[:3].mean(axis=0)
    return np.concatenate(
        [
            (electrodes[_LA] - electrodes[_RA])[None],
            (electrodes[_LL] - electrodes[_RA])[None],
            electrodes[_CHEST] - terminal,
        ]
    )


def coloured(rng: np.random.Generator, rows: int, samples: int, sampling_rate: float, power) -> np.ndarray:
    """Gaussian noise (rows, samples) of unit effective value, with the spectrum that `power` (of hertz) gives."""
    length = 2 * samples  # twice as long, so that its end does not run into its beginning
    hertz = np.fft.rfftfreq(length, 1 / sampling_rate)
    amplitude = np.sqrt(power(hertz))
    amplitude[0] = 0.0
    real, imaginary = rng.standard_normal((2, rows, len(hertz)))
    noise = np.fft.irfft(amplitude * (real + 1j * imaginary), n=length, axis=-1)
    return noise[:, :samples] * length / (2 * np.sqrt(np.sum(amplitude**2)))


def _wander_power(hertz: np.ndarray) -> np.ndarray:
    return np.where(hertz > 0.04, 1.0, 0.0) / (1 + (hertz / 0.2) ** 4)


def _muscle_power(hertz: np.ndarray) -> np.ndarray:
    return (hertz / 25) ** 2 / (1 + (hertz / 25) ** 2) / (1 + (hertz / 150) ** 4)


def _motion_power(hertz: np.ndarray) -> np.ndarray:
    return (hertz / 1.5) ** 2 / (1 + (hertz / 1.5) ** 2) / (1 + (hertz / 6) ** 4)
