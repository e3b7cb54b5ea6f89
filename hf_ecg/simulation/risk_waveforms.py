"""Single-lead ECGs of patients whose risk explains a stated share of how their waveforms differ."""

from typing import NamedTuple

import numpy as np

# time after the R wave (s), width (s), size (mV): P, Q, R, S and T of lead I
_WAVES = ((-0.16, 0.025, 0.10), (-0.028, 0.010, -0.08), (0.0, 0.012, 1.0), (0.028, 0.012, -0.15), (0.27, 0.05, 0.25))
_BEAT = np.arange(-30, 50)  # samples around the R wave at 100 Hz
_DEFORMATIONS = 8
# root mean square of what makes a patient's beat his own, and of the recording's noise (mV)
_DIFFERENCE, _NOISE = 0.10, 0.04


class RiskWaveforms(NamedTuple):
    """`signals` float32 (records, 1, samples) in mV at 100 Hz; `risk` (records,), log-normal as SCORE2's is."""

    signals: np.ndarray
    risk: np.ndarray


def risk_waveforms(records: int, share: float, seed: int, samples: int = 1000) -> RiskWaveforms:
    """Patients who differ in smooth deformations of the beat, of which one goes with the risk.

    A beat is that of all patients plus a sum of nine deformations, at right angles to each other and of equal energy,
    times normal numbers of the patient. The ninth number is the logarithm of the risk, and its deformation has `share`
    of the variance between patients' beats; the others share the rest. Rate, phase and noise are the recording's. The
    deformations are the same for every seed.

    Args:
        records: how many, one a patient.
        share: in [0, 1] of the variance.
        seed: of patients and recordings.
        samples: of each record.

    Raises:
        ValueError: a share that is not one.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}, wanted 0 to 1")
    random = np.random.default_rng([seed, records])
    seconds = _BEAT / 100
    mean = sum(size * np.exp(-(((seconds - time) / width) ** 2) / 2) for time, width, size in _WAVES)
    patients = random.normal(size=(records, _DEFORMATIONS + 1))
    factors = np.append(np.full(_DEFORMATIONS, np.sqrt((1 - share) / _DEFORMATIONS)), np.sqrt(share))
    beats = mean + _DIFFERENCE * np.sqrt(len(_BEAT)) * (patients * factors) @ _deformations()
    signals = random.normal(0, _NOISE, (records, samples))
    for record, beat in zip(signals, beats, strict=True):
        place, interval = random.uniform(-50, 50), 60 / random.normal(70, 10) * 100
        while place < samples + 50:
            places = int(place) + _BEAT
            inside = (places >= 0) & (places < samples)
            record[places[inside]] += beat[inside]
            place += interval * random.normal(1, 0.02)
    risk = 0.08 * np.exp(0.7 * patients[:, -1])
    return RiskWaveforms(signals[:, None].astype(np.float32), risk)


def _deformations() -> np.ndarray:
    """(deformations + 1, samples of a beat), smooth, at right angles, of unit energy."""
    drawn = np.random.default_rng(0).normal(size=(_DEFORMATIONS + 1, len(_BEAT)))
    window = np.exp(-((np.arange(-12, 13) / 4) ** 2) / 2)
    smooth = np.array([np.convolve(each, window, mode="same") for each in drawn]) * np.hanning(len(_BEAT))
    return np.linalg.qr(smooth.T)[0].T
