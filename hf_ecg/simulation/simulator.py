"""A twelve-lead ECG from conditions, commanded intervals and a seed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..signals.leads import STANDARD_LEADS
from .conditions import check_conditions
from .heart import BeatTimes, build_heart
from .lead_field import GAIN, digitise
from .noise import NoiseLevel, lead_noise
from .parameters import Parameters, draw_parameters
from .patient import draw_patient
from .rhythm import Beats, fibrillation_beats, sinus_beats, with_premature_beats


@dataclass(frozen=True)
class SimulatedECG:
    """What `simulate_ecg` made.

    `signal` float32 (12, samples) in mV, in the order of `leads`; `counts` int16, the same numbers times `GAIN`;
    `beats`: true times; `parameters`: what was commanded or drawn.
    """

    signal: np.ndarray
    counts: np.ndarray
    sampling_rate: float
    leads: tuple[str, ...]
    conditions: tuple[str, ...]
    parameters: Parameters
    beats: BeatTimes
    age: int
    sex: str


def simulate_ecg(
    conditions: str | Iterable[str] = "sinus_rhythm",
    sampling_rate: float = 500.0,
    duration: float = 10.0,
    seed: int | Sequence[int] = 0,
    *,
    patient_seed: int | Sequence[int] | None = None,
    heart_rate: float | None = None,
    pr_ms: float | None = None,
    qrs_ms: float | None = None,
    qt_ms: float | None = None,
    axis_degrees: float | None = None,
    age: int | None = None,
    sex: str | None = None,
    noise: float = 1.0,
) -> SimulatedECG:
    """Simulate a resting ECG.

    A wave begins and ends where the length of its heart vector passes a share of its largest value: 5 % of P, 2 % of
    QRS. T ends where its steepest tangent meets zero. PR and QT are counted from there. The axis is that of the net
    QRS area in I and aVF. What is not commanded is drawn.

    Args:
        conditions: names of `CONDITIONS`; without a rhythm among them, the sinus rhythm that fits `heart_rate`.
        sampling_rate: hertz, at least 50.
        duration: seconds, at least 2.
        seed: of the recording: rhythm, noise, and whatever is drawn. Equal arguments give equal bits.
        patient_seed: of the patient: anatomy, age, sex. Default: `seed`. Two recordings of one patient share it.
        heart_rate: mean ventricular rate inside the record, per minute.
        pr_ms, qrs_ms, qt_ms: intervals; there is no PR in atrial fibrillation.
        axis_degrees: frontal QRS axis, 0 to the left, 90 to the feet.
        age, sex: of the patient.
        noise: factor on everything that is not the heart's: wander, muscle, mains, motion. 0 leaves it out.

    Raises:
        ValueError: unknown or contradicting conditions, a value that the conditions rule out or that leaves no room
            for the waves.

    Example:
        >>> from hf_ecg.simulation import simulate_ecg
        >>> ecg = simulate_ecg(["atrial_fibrillation", "left_bundle_branch_block"], sampling_rate=500, seed=7)
        >>> ecg.signal.shape, round(ecg.parameters.heart_rate)
        ((12, 5000), 117)
    """
    for name, value, least in (("sampling_rate", sampling_rate, 50), ("duration", duration, 2), ("noise", noise, 0)):
        if not (np.isfinite(value) and value >= least):
            raise ValueError(f"{name} is {value!r}, wanted a number of at least {least}")
    names = check_conditions(conditions)
    patient = draw_patient(_sequence(seed if patient_seed is None else patient_seed, 0), age, sex)
    # one stream a purpose: more noise must not move a beat
    plan, rhythm, shape, disturbance = (np.random.default_rng(s) for s in _sequence(seed, 1).spawn(4))
    commanded = {"heart_rate": heart_rate, "pr_ms": pr_ms, "qrs_ms": qrs_ms, "qt_ms": qt_ms}
    names, parameters = draw_parameters(plan, names, patient, commanded | {"axis_degrees": axis_degrees})
    heart = build_heart(names, patient, parameters)
    beats = _beats(rhythm, names, parameters, patient.age, duration)
    times = np.arange(round(duration * sampling_rate)) / sampling_rate
    independent = heart.leads(shape, beats, times)
    if noise:
        level = NoiseLevel.drawn(disturbance, noise)
        independent += lead_noise(disturbance, level, len(times), sampling_rate)
    counts = digitise(independent)
    return SimulatedECG(
        signal=(counts / np.float32(GAIN)).astype(np.float32),
        counts=counts,
        sampling_rate=float(sampling_rate),
        leads=STANDARD_LEADS,
        conditions=names,
        parameters=heart.measured(parameters),
        beats=heart.beat_times(beats, duration),
        age=patient.age,
        sex=patient.sex,
    )


def _beats(rng: np.random.Generator, names: Sequence[str], parameters: Parameters, age: int, duration: float) -> Beats:
    if "atrial_fibrillation" in names:
        beats = fibrillation_beats(rng, parameters.heart_rate, duration)
    else:
        # the young breathe into their rhythm, a fast heart hardly
        slowness = np.clip((110 - parameters.heart_rate) / 50, 0.1, 1.0)
        variability = float(np.clip(rng.lognormal(np.log(0.05 - 0.0004 * age), 0.4), 0.005, 0.06) * slowness)
        beats = sinus_beats(rng, parameters.heart_rate, duration, variability)
    if "ventricular_premature_complexes" in names:
        beats = with_premature_beats(rng, beats, duration, parameters.qt_ms / 1000 + 0.02)
    return beats


def _sequence(seed: int | Sequence[int], purpose: int) -> np.random.SeedSequence:
    numbers = [seed] if isinstance(seed, (int, np.integer)) else list(seed)
    if not numbers or any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0 for n in numbers):
        raise ValueError(f"seed is {seed!r}, wanted a whole number of at least 0, or several")
    return np.random.SeedSequence([purpose, *map(int, numbers)])
