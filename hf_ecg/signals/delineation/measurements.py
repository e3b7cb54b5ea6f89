"""The measurements of one record, from its signal or as the electrocardiograph stored them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..machine_measurements import MEASUREMENT_RANGES, SENTINELS

NAN = math.nan


@dataclass(frozen=True)
class LeadMeasurements:
    """One lead of the median beat, in mV over the level just before QRS, and ms; NaN where it cannot be had.

    Attributes:
        r_mv, s_mv: tallest positive deflection of QRS; deepest negative one after it, as a positive number. A QRS
            without a positive deflection has r_mv 0, and its depth as q_mv and s_mv.
        q_mv, q_ms: depth (positive) and duration of a negative deflection that begins QRS; 0 when there is none.
        r_prime_mv: height of the last of several positive peaks of QRS, 0 when there is one or none.
        r_peaks: number of positive peaks of QRS, a notch among them.
        r_time_ms: from the beginning of QRS in any lead to this lead's tallest peak.
        s_ms: duration of the last negative deflection of QRS, 0 when it does not end in one.
        qrs_range_mv: from the lowest to the highest point of QRS.
        j_mv, st_60_mv, st_80_mv: level at the end of QRS in any lead, and 60 and 80 ms later.
        t_mv: the T wave's largest deflection, with its sign.
        t_low_mv, t_high_mv: the T wave's lowest and highest point.
        p_mv, p_low_mv: the P wave's highest and lowest point over the line through its ends.
    """

    r_mv: float = NAN
    s_mv: float = NAN
    q_mv: float = NAN
    q_ms: float = NAN
    r_prime_mv: float = NAN
    r_peaks: float = NAN
    r_time_ms: float = NAN
    s_ms: float = NAN
    qrs_range_mv: float = NAN
    j_mv: float = NAN
    st_60_mv: float = NAN
    st_80_mv: float = NAN
    t_mv: float = NAN
    t_low_mv: float = NAN
    t_high_mv: float = NAN
    p_mv: float = NAN
    p_low_mv: float = NAN


_NO_LEAD = LeadMeasurements()


@dataclass(frozen=True)
class Measurements:
    """What `measure_ecg` found, or a machine; NaN where it cannot be had.

    Attributes:
        source: "signal" or "machine".
        beats: QRS complexes found.
        heart_rate: per minute, of the mean RR interval.
        rr_variation: standard deviation of the RR intervals over their mean.
        rmssd_ms: root mean square of successive differences of the RR intervals.
        rr_irregularity: median distance of the RR intervals from their median, over it: some early beats do not move
            it as they move the two above.
        premature_beats: beats that come in less than 85 % of the usual interval, in a rhythm that is regular else.
        premature_wide_beats: those among them of another shape, as ventricular ones are; their QRS is not timed.
        prematurity: of the earliest beat, the share of the usual interval that is missing.
        wide_prematurity, narrow_prematurity: the same for the earliest beat of another shape, and of the usual one; 0
            when there is none.
        p_waves_present: 1.0 or 0.0.
        p_consistency: mean correlation of what precedes each QRS with the mean of the other beats there.
        p_amplitude_mv: largest deflection of P in any lead.
        p_duration_ms, pr_ms, qrs_ms, qt_ms: of the median beat, first sign in any lead to last.
        qtc_ms: by Fridericia, QT / RR^(1/3).
        p_axis, qrs_axis, t_axis: degrees in the frontal plane, 0 to the left, 90 to the feet.
        leads: name -> what was measured there; a lead without a usable signal is absent.
    """

    source: str
    beats: int = 0
    heart_rate: float = NAN
    rr_variation: float = NAN
    rmssd_ms: float = NAN
    rr_irregularity: float = NAN
    premature_beats: float = NAN
    premature_wide_beats: float = NAN
    prematurity: float = NAN
    wide_prematurity: float = NAN
    narrow_prematurity: float = NAN
    p_waves_present: float = NAN
    p_consistency: float = NAN
    p_amplitude_mv: float = NAN
    p_duration_ms: float = NAN
    pr_ms: float = NAN
    qrs_ms: float = NAN
    qt_ms: float = NAN
    qtc_ms: float = NAN
    p_axis: float = NAN
    qrs_axis: float = NAN
    t_axis: float = NAN
    leads: Mapping[str, LeadMeasurements] = field(default_factory=dict)

    def lead(self, name: str) -> LeadMeasurements:
        """That lead's measurements, all NaN when it was not there."""
        return self.leads.get(name, _NO_LEAD)

    @property
    def sokolow_mv(self) -> float:
        """S in V1 + the taller R of V5 and V6 (Sokolow and Lyon 1949)."""
        return self.lead("V1").s_mv + _largest(self.lead("V5").r_mv, self.lead("V6").r_mv)

    @property
    def cornell_mv(self) -> float:
        """R in aVL + S in V3 (Casale et al. 1987)."""
        return self.lead("aVL").r_mv + self.lead("V3").s_mv

    @classmethod
    def from_machine(cls, row: Mapping) -> "Measurements":
        """What the electrocardiograph measured.

        Args:
            row: with some of the columns rr_interval, p_onset, p_end, qrs_onset, qrs_end, t_end (ms), p_axis,
                qrs_axis, t_axis (degrees) of MIMIC-IV-ECG's machine_measurements.csv; numbers, their text, or None.
                The machine's "not measurable" (29999 and so on), values out of range, and times in an impossible
                order are missing. P that was not measured may be there all the same: `p_waves_present` is then NaN.

        Raises:
            ValueError: none of the columns is there, or a field is not a number.

        Example:
            >>> row = {"p_onset": 40, "p_end": 150, "qrs_onset": 260, "qrs_end": 350, "t_end": 29999}
            >>> Measurements.from_machine(row).pr_ms
            220.0
        """
        if not any(name in row for name in MEASUREMENT_RANGES):
            raise ValueError(f"the row has {sorted(map(str, row))[:20]}, wanted {', '.join(MEASUREMENT_RANGES)}")
        value = {name: _machine_number(row.get(name), name) for name in MEASUREMENT_RANGES}
        rr = value["rr_interval"]
        has_p = value["p_onset"] < value["p_end"] <= value["qrs_onset"]
        qt = _between(value["qrs_onset"], value["t_end"])
        return cls(
            source="machine",
            heart_rate=60_000 / rr,
            p_waves_present=1.0 if has_p else NAN,
            p_duration_ms=value["p_end"] - value["p_onset"] if has_p else NAN,
            pr_ms=value["qrs_onset"] - value["p_onset"] if has_p else NAN,
            qrs_ms=_between(value["qrs_onset"], value["qrs_end"]),
            qt_ms=qt,
            qtc_ms=fridericia(qt, rr),
            p_axis=value["p_axis"],
            qrs_axis=value["qrs_axis"],
            t_axis=value["t_axis"],
        )


def fridericia(qt_ms: float, rr_ms: float) -> float:
    """QT corrected for rate, ms. Source: Fridericia, Acta Med Scand 53:469 (1920)."""
    return qt_ms / (rr_ms / 1000) ** (1 / 3)


def _machine_number(value, name: str) -> float:
    if value is None or value == "":
        return NAN
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is {value!r}, wanted a number") from error
    lowest, highest = MEASUREMENT_RANGES[name]
    return number if number not in SENTINELS and lowest <= number <= highest else NAN


def _between(first: float, last: float) -> float:
    return last - first if last > first else NAN


def _largest(*values: float) -> float:
    present = [value for value in values if not math.isnan(value)]
    return max(present) if present else NAN
