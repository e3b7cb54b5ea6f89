"""Noise that is added to a recording for a test of strength: by a stated rule, and the same for every model.

Training has `noise_views.electrode_noise`, which draws anew each time. Here the noise of a lead is a function of the
seed, the record, the kind and the lead alone, so that two models, or two sets of leads, meet the same noise; only its
size follows the ratio in decibels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..checks import check_one_of
from ..signals.filters import apply_filter
from ..signals.leads import canonical_leads
from .noise_views import RECORDINGS, noise_of_kind
from .view_base import record_generator

# name of the recording -> the kind of `electrode_noise`
NOISES = {record: kind for kind, record in RECORDINGS.items()}
MIXTURE = "mixture"
RULES = (NSTDB, COMPAT_TOLERANTECG) = ("nstdb", "compat_tolerantecg")
_WITHOUT_WANDER = {
    "name": "highpass",
    "low_hz": 0.5,
    "order": 2,
    "form": "sos",
    "zero_phase": True,
}
_BEAT_SECONDS = 2.0


def signal_power(millivolts: np.ndarray, sampling_rate: float, rule: str = NSTDB) -> np.ndarray:
    """What counts as the power of each lead's signal.

    Args:
        millivolts: (leads, samples); NaN where missing.
        sampling_rate: hertz.
        rule: "nstdb": that of a sine with the peak-to-peak voltage of the lead's beats, so that offset and wander
            count nothing. "compat_tolerantecg": the mean square of the lead as it is, offset and wander included.

    Returns:
        float64 (leads,), millivolts squared; zero of a lead without samples.

    Raises:
        ValueError: an unknown rule.

    Source:
        G. B. Moody's program `nst`, by which the MIT-BIH Noise Stress Test Database was made: the mean of the first
        300 annotated beats. Here the median over stretches of two seconds of the lead above 0.5 Hz takes its place,
        which needs no beat to be found. Of the database's record 118e_6 both rules agree within 0.3 dB.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.data.added_noise import signal_power
        >>> sine = np.sin(2 * np.pi * 5 * np.arange(1000) / 100)[None] + 3  # 1 mV, and 3 mV of offset
        >>> [round(float(signal_power(sine, 100, rule)[0]), 1) for rule in ("nstdb", "compat_tolerantecg")]
        [0.5, 9.5]
    """
    check_one_of("rule", rule, RULES)
    known = np.isfinite(millivolts)
    if rule == COMPAT_TOLERANTECG:
        return np.square(np.where(known, millivolts, 0.0)).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, millivolts, 0.0)
    levels = filled.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, millivolts, levels[:, None])
    stretches = _stretches(apply_filter(filled, sampling_rate, _WITHOUT_WANDER), round(_BEAT_SECONDS * sampling_rate))
    return np.median(np.ptp(stretches, axis=2), axis=1) ** 2 / 8


def noise_power(noise: np.ndarray, sampling_rate: float, rule: str = NSTDB) -> np.ndarray:
    """What counts as the power of noise, by the rule of `signal_power`.

    "nstdb": the square of the mean over seconds of the root mean square about the mean of that second. So wander that
    takes longer counts little, and a stretch of it at 0 dB is larger than one of muscle noise.

    Args:
        noise: (leads, samples).
        sampling_rate: hertz.
        rule: see `signal_power`.

    Returns:
        float64 (leads,).
    """
    check_one_of("rule", rule, RULES)
    if rule == COMPAT_TOLERANTECG:
        return np.square(noise).mean(axis=1)
    return _stretches(noise, round(sampling_rate)).std(axis=2).mean(axis=1) ** 2


def _stretches(values: np.ndarray, length: int) -> np.ndarray:
    """(leads, stretches, length) from the start; the whole where it is shorter than one."""
    length = max(1, min(length, values.shape[1]))
    number = values.shape[1] // length
    return values[:, : number * length].reshape(len(values), number, length)


@dataclass(frozen=True)
class AddedNoise:
    """Noise of one kind at one ratio.

    Args:
        kind: "bw" (baseline wander), "em" (electrode motion), "ma" (muscle), or "mixture", all three in equal parts.
        snr_db: power of the signal over that of the noise, in decibels.
        rule: see `signal_power`.
        recordings: folder with the WFDB records bw, em and ma of the Noise Stress Test Database; None simulates them.
        seed: of the stretches that are drawn.

    Raises:
        ValueError: an unknown kind or rule.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.data.added_noise import AddedNoise
        >>> beats = np.sin(2 * np.pi * 5 * np.arange(1000) / 100)[None].repeat(2, axis=0)
        >>> noisy = AddedNoise("ma", snr_db=6)(beats, 100, "record 1", ["I", "II"])
        >>> alone = AddedNoise("ma", snr_db=6)(beats[1:], 100, "record 1", ["II"])
        >>> bool(np.array_equal(noisy[1:], alone))
        True
    """

    kind: str
    snr_db: float
    rule: str = NSTDB
    recordings: str | None = None
    seed: int = 0

    def __post_init__(self):
        check_one_of("kind", self.kind, (*NOISES, MIXTURE))
        check_one_of("rule", self.rule, RULES)

    def __call__(
        self, millivolts: np.ndarray, sampling_rate: float, record_id: str, leads: Sequence[str]
    ) -> np.ndarray:
        """The recording with noise of its own in every lead, so that limb leads no longer follow from each other.

        Args:
            millivolts: (leads, samples); missing samples stay missing, and a flat lead stays flat.
            sampling_rate: hertz; the noise is resampled to it.
            record_id: which record it is.
            leads: names.

        Returns:
            float64 (leads, samples).

        Raises:
            ValueError: a recording of noise that is shorter than the record.
            OSError: a recording of noise is not there.
        """
        noise = self._drawn(millivolts.shape, sampling_rate, record_id, leads)
        signal, disturbing = (
            power(values, sampling_rate, self.rule)
            for power, values in ((signal_power, millivolts), (noise_power, noise))
        )
        wanted = signal / 10 ** (self.snr_db / 10)
        gain = np.sqrt(np.divide(wanted, disturbing, out=np.zeros_like(wanted), where=disturbing > 0))
        return millivolts + gain[:, None] * noise

    def _drawn(self, shape: tuple[int, ...], sampling_rate: float, record_id: str, leads) -> np.ndarray:
        total = np.zeros(shape)
        for kind in NOISES if self.kind == MIXTURE else [self.kind]:
            views = [f"{record_id}/{kind}/{lead}" for lead in canonical_leads(leads)]
            generators = [record_generator(self.seed, 0, 0, view) for view in views]
            size = (len(views), 1, shape[1])
            drawn = noise_of_kind(NOISES[kind], size, generators, self.recordings, sampling_rate)
            total += drawn[:, 0].double().numpy()
        return total
