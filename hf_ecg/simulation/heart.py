"""A patient's heart in one recording: the waves of its beats, summed over the rhythm, seen by the leads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .conditions import ISCHAEMIC_ST, PREMATURE, PREMATURE_QRS_MS, P, t_wave, ventricles
from .lead_field import INDEPENDENT_LEADS, axis_of, frontal_turn, turn_about_y, turn_about_z
from .parameters import Parameters
from .patient import Patient, varied
from .rhythm import Beats
from .waves import P_EDGE, QRS_EDGE, Wave, plateau

_V1, _V5, _V6 = (INDEPENDENT_LEADS.index(lead) for lead in ("V1", "V5", "V6"))
# Sokolow and Lyon (1949): S in V1 + R in V5 or V6 of 3.5 mV and more is hypertrophy; mV that are drawn.
_SOKOLOW_DRAWN, _SOKOLOW_NORMAL = (3.75, 5.2), 3.1
# Depolarisation begins and ends in an instant, a Gaussian does not: its tails are cut with this flank.
_EDGE_S = 0.002
# Flanks of an ST shift: a third of it has come at the J point, all of it at J + 60 ms, where it is read; it goes with
# T's upstroke.
_ST_RISE_S, _ST_FALL_S = 0.020, 0.035


@dataclass(frozen=True)
class BeatTimes:
    """Seconds from the record's beginning, an entry for each beat whose QRS begins in it; NaN for a wave that is not.

    `ventricular` bool: premature ventricular beats.
    """

    p_onset: np.ndarray
    qrs_onset: np.ndarray
    qrs_end: np.ndarray
    t_end: np.ndarray
    ventricular: np.ndarray


@dataclass(frozen=True)
class _Ventricular:
    """Waves of a ventricular beat in seconds from its onset, and their own ST shift (3,)."""

    qrs: Wave
    t: Wave
    st_vector: np.ndarray
    qrs_seconds: float
    qt_seconds: float


@dataclass(frozen=True)
class Heart:
    """See `build_heart`."""

    patient: Patient
    p: Wave | None
    pr_seconds: float
    conducted: _Ventricular
    premature: _Ventricular

    def leads(self, rng: np.random.Generator, beats: Beats, times: np.ndarray) -> np.ndarray:
        """The eight independent leads (8, times) in mV, without noise."""
        vector = np.zeros((3, len(times)))
        local = np.zeros((6, len(times)))
        breath, phase = rng.uniform(0.2, 0.3), rng.uniform(0, 2 * np.pi)
        sway = np.radians(rng.uniform(1.0, 4.0))
        if self.p is not None:
            for onset in beats.atrial:
                _add(vector, times, onset - self.pr_seconds, -0.1, 0.3, self.p)
        else:
            vector += _fibrillation(rng, times)
        for onset, premature in zip(beats.onsets, beats.ventricular, strict=True):
            beat = self.premature if premature else self.conducted
            # breathing turns the heart and changes its distance: amplitudes follow
            swing = np.sin(2 * np.pi * breath * onset + phase)
            turn = turn_about_y(sway * swing) * (1 + 0.025 * swing + 0.01 * rng.standard_normal())
            span = _span(times, onset - 0.1, onset + beat.qt_seconds + 0.25)
            part = times[span] - onset
            course = plateau(part, -_EDGE_S, beat.qrs_seconds + _EDGE_S, _EDGE_S, _EDGE_S)
            level = plateau(part, beat.qrs_seconds + _ST_RISE_S / 2, _st_end(beat), _ST_RISE_S, _ST_FALL_S)
            waves = beat.qrs.at(part) * course + beat.t.at(part) + beat.st_vector[:, None] * level
            vector[:, span] += turn @ waves
            local[:, span] += self._local(beat, part)
        signals = self.patient.matrix @ vector
        signals[2:] += local
        return signals

    def _local(self, beat: _Ventricular, times: np.ndarray) -> np.ndarray:
        """What the chest electrodes see of the muscle next to them (6, times): no vector explains it."""
        early, late = (
            np.exp(-0.5 * ((times - share * beat.qrs_seconds) / (0.11 * beat.qrs_seconds)) ** 2)
            for share in (0.42, 0.62)
        )
        return self.patient.local @ np.stack([early, late]) + self.patient.local_t[:, None] * beat.t.shape(times)

    def beat_times(self, beats: Beats, duration: float) -> BeatTimes:
        """True times of the beats that begin in the record."""
        inside = (beats.onsets >= 0) & (beats.onsets < duration)
        onsets, ventricular = beats.onsets[inside], beats.ventricular[inside]
        no_p = ventricular | (self.p is None)
        pick = np.where(ventricular, 1, 0)
        lengths = np.array([[b.qrs_seconds, b.qt_seconds] for b in (self.conducted, self.premature)])[pick]
        return BeatTimes(
            p_onset=np.where(no_p, np.nan, onsets - self.pr_seconds),
            qrs_onset=onsets,
            qrs_end=onsets + lengths[:, 0],
            t_end=onsets + lengths[:, 1],
            ventricular=ventricular,
        )

    def measured(self, parameters: Parameters) -> Parameters:
        """The parameters with the axis that the conducted QRS has in the patient's leads."""
        return replace(parameters, axis_degrees=axis_of(self.conducted.qrs.area, self.patient.matrix))


def build_heart(names: Sequence[str], patient: Patient, parameters: Parameters) -> Heart:
    """The heart of a patient with these conditions, at these intervals and this axis.

    Raises:
        ValueError: an axis that the patient's QRS cannot have.
    """
    # by the patient's seed: a second recording shows the same shapes
    rng = np.random.default_rng(patient.seed.spawn(1)[0])
    template = ventricles(names)
    qrs_seconds, qt_seconds = parameters.qrs_ms / 1000, parameters.qt_ms / 1000
    qrs = varied(rng, template.qrs)
    qrs = qrs.placed(0.0, qrs_seconds, qrs.edges(QRS_EDGE))
    turn = frontal_turn(qrs.area, patient.matrix, parameters.axis_degrees)
    qrs = qrs.turned(turn_about_z(turn))
    qrs = qrs.turned(np.eye(3) * _voltage(rng, names, patient, qrs))
    # T and ST go with QRS, half of the way
    half = turn_about_z(turn / 2)
    # in left bundle-branch block T is secondary: as large as QRS makes it
    size = patient.voltage if "left_bundle_branch_block" in names else patient.t_size
    size *= 0.7 if "st_depression" in names else 1.0
    t_vector = half @ np.array(template.t_vector) * size * rng.lognormal(0.0, 0.12, 3)
    st_vector = half @ np.array(template.st_vector)
    if "st_depression" in names:
        st_vector = st_vector + ISCHAEMIC_ST * rng.uniform(1.0, 1.6)
    t = _t_placed(t_vector, qrs_seconds, qt_seconds)
    conducted = _Ventricular(qrs, t, st_vector, qrs_seconds, qt_seconds)
    p, pr_seconds = None, 0.0
    if parameters.pr_ms is not None:
        pr_seconds = parameters.pr_ms / 1000
        length = min(rng.uniform(0.095, 0.118), pr_seconds - 0.02)
        p = varied(rng, P).turned(np.eye(3) * patient.p_size)
        p = p.placed(0.0, length, p.edges(P_EDGE))
    return Heart(patient, p, pr_seconds, conducted, _premature(rng, patient, qt_seconds))


def _premature(rng: np.random.Generator, patient: Patient, qt_seconds: float) -> _Ventricular:
    seconds = rng.uniform(*PREMATURE_QRS_MS) / 1000
    wave = varied(rng, PREMATURE[rng.integers(len(PREMATURE))])
    wave = wave.turned(np.eye(3) * np.clip(patient.voltage, 0.8, 1.2)).placed(0.0, seconds, wave.edges(QRS_EDGE))
    main = wave.area / seconds
    qt = qt_seconds + 0.5 * (seconds - 0.09)
    return _Ventricular(wave, _t_placed(-0.75 * main, seconds, qt), -0.15 * main, seconds, qt)


def _t_placed(vector: np.ndarray, qrs_seconds: float, qt_seconds: float) -> Wave:
    wave = t_wave(vector)
    return wave.placed(qrs_seconds, qt_seconds, (0.0, wave.tangent_end()))


def _voltage(rng: np.random.Generator, names: Sequence[str], patient: Patient, qrs: Wave) -> float:
    """Factor on QRS: the patient's, or what brings the Sokolow-Lyon voltage where the conditions want it."""
    span = float(qrs.centers.max() + 4 * qrs.widths.max())
    leads = patient.matrix @ qrs.at(np.linspace(-0.02, span, 400))
    sokolow = -leads[_V1].min() + max(leads[_V5].max(), leads[_V6].max())
    target = rng.uniform(*_SOKOLOW_DRAWN)
    if "left_ventricular_hypertrophy" in names:
        return float(target / sokolow)
    if "left_bundle_branch_block" in names:
        return patient.voltage
    return min(patient.voltage, _SOKOLOW_NORMAL / float(sokolow))


def _st_end(beat: _Ventricular) -> float:
    """Where an ST shift has half gone: as T rises."""
    return beat.qrs_seconds + 0.55 * (beat.qt_seconds - beat.qrs_seconds)


def _fibrillation(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """Fibrillatory waves (3, times): 4.5 to 8 a second, in sawtooth form, wandering in rate, size and direction.

    After Stridh and Sornmo, Spatiotemporal QRST cancellation techniques for analysis of atrial fibrillation, IEEE
    Trans Biomed Eng 48:105 (2001): a fundamental and its harmonics, modulated in amplitude and frequency.
    """
    size, rate = rng.uniform(0.05, 0.13), rng.uniform(4.5, 8.0)
    drift, depth = rng.uniform(0.1, 0.5, 3), rng.uniform(0.2, 0.6, 3)
    offsets = rng.uniform(0, 2 * np.pi, (3, 2))
    waves = np.zeros((3, len(times)))
    # strongest towards V1: forwards and to the right
    direction = np.array([-0.35, 0.45, -0.9])
    for axis in range(3):
        phase = 2 * np.pi * rate * times + offsets[axis, 0]
        phase = phase + 1.2 * np.sin(2 * np.pi * drift[axis] * times + offsets[axis, 1])
        strength = 1 + depth[axis] * np.sin(2 * np.pi * drift[(axis + 1) % 3] * 1.7 * times + offsets[axis, 0])
        saw = sum(np.sin(k * phase) / k for k in (1, 2, 3))
        waves[axis] = size * direction[axis] * strength * saw
    return waves


def _add(vector: np.ndarray, times: np.ndarray, onset: float, before: float, after: float, wave: Wave) -> None:
    span = _span(times, onset + before, onset + after)
    vector[:, span] += wave.at(times[span] - onset)


def _span(times: np.ndarray, first: float, last: float) -> slice:
    return slice(*np.searchsorted(times, [first, last]))
