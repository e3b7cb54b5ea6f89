"""All values of a record, each with what speaks against it."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..delineation.beats import BEFORE
from ..delineation.measure import wave_axis
from ..delineation.waves import measure_lead
from .evidence import Evidence, judged
from .formulas import CORNELL_MV, NAN, PRODUCT_MM_MS, SOKOLOW_MV, cornell_product, corrected_qt
from .lead_waves import P_END, P_ONSET, P_PEAK, QRS_END, QRS_ONSET, T_END, T_ONSET, T_PEAK
from .result import GOOD, MISSING, BeatTable, ECGMeasurements, Measured
from .rhythm import Rhythm, judge_rhythm
from .shapes import Shape

_INTERVALS = {
    "p_ms": (P_ONSET, P_END),
    "pr_ms": (P_ONSET, QRS_ONSET),
    "qrs_ms": (QRS_ONSET, QRS_END),
    "qt_ms": (QRS_ONSET, T_END),
}
# What is measured of a record, in the order of its table.
VALUE_NAMES = (
    "heart_rate",
    *_INTERVALS,
    *(f"qtc_{name}_ms" for name in corrected_qt(NAN, NAN)),
    *("p_axis", "qrs_axis", "t_axis", "sokolow_lyon_mv", "cornell_mv", "cornell_product_mm_ms"),
)
# mV: net QRS in I and aVF below this has no direction
_NO_DIRECTION = 0.1
# Bazett corrects too much outside, Fridericia's paper and all later ones
_BAZETT_RATES = (60.0, 100.0)
_WIDE_QRS_MS = 120.0


def measured_record(
    name: str,
    seconds: float,
    rate: float,
    leads: Sequence[str],
    rows: Sequence[int],
    shapes: Sequence[Sequence[Shape]],
    beats: BeatTable,
    gaps: np.ndarray,
    left_out: Mapping[str, str],
    why_nothing: str,
    sex: str | None,
    paced: bool = False,
) -> ECGMeasurements:
    """See `measure`.

    Args:
        rows: of the leads that do not follow from others.
        shapes: of each stretch, the usual one first.
        gaps: bool, where something is missing before a beat.
        left_out: lead -> why it was not measured.
        why_nothing: why there are no beats, where there are none.
        paced: whether a pacemaker's spikes come with the beats.
    """
    main = [stretch[0] for stretch in shapes if stretch]
    evidence = Evidence(main, rows, rate, len(beats), int(beats.usual.sum()))
    rhythm = judge_rhythm(beats.r / rate, beats.usual, gaps) if len(beats) else Rhythm()
    nothing = [why_nothing] if why_nothing else []
    by_lead = {lead: _lead(evidence, row) for row, lead in enumerate(leads)} if main else {}
    values = _intervals(evidence, rhythm, nothing, paced)
    values = {"heart_rate": _rate(rhythm, evidence, values["qrs_ms"], nothing)} | values
    values |= _corrected(values["qt_ms"], values["qrs_ms"], rhythm)
    values |= _axes(evidence, leads, nothing)
    values |= _voltages(by_lead, values["qrs_ms"], sex, left_out, evidence, nothing)
    notes = [f"{lead} is left out: {why}" for lead, why in left_out.items()]
    if len(leads) == 1:
        notes.append(f"{leads[0]} alone was measured: in other leads waves may begin earlier and end later")
    if paced:
        notes.append("spikes of a pacemaker come with the beats: they were taken out")
    notes += _criteria(values, sex)
    return ECGMeasurements(name, values, rhythm, by_lead, beats, seconds, tuple([*nothing, *notes]))


def _rate(rhythm: Rhythm, evidence: Evidence, qrs: Measured, nothing: list[str]) -> Measured:
    why = [] if rhythm.word != "unknown" else ["fewer than three intervals between beats"]
    # what has no QRS, or no shape in common, may be noise
    why += qrs.why if qrs.reliability == MISSING else evidence.always
    return judged(60_000 / rhythm.rr_ms, "/min", why, nothing or ["there are no two beats"])


def _intervals(evidence: Evidence, rhythm: Rhythm, nothing: list[str], paced: bool) -> dict[str, Measured]:
    no_p = ["no P wave comes back before QRS"]
    if rhythm.word == "irregular":
        no_p.append("the rhythm is irregular, as in atrial fibrillation")
    if any(shape.p_seen is None for shape in evidence.shapes):
        no_p = ["too few beats to tell a P wave from noise"]
    missing = {"p_ms": no_p, "pr_ms": no_p, "qrs_ms": ["QRS has no clear boundaries"], "qt_ms": ["T has no clear end"]}
    found = {
        name: evidence.interval(first, last, nothing or missing[name]) for name, (first, last) in _INTERVALS.items()
    }
    if paced:
        for name in ("p_ms", "pr_ms"):
            one = found[name]
            found[name] = judged(one.value, "ms", [*one.why, "the heart is paced"])
    return found


def _corrected(qt: Measured, qrs: Measured, rhythm: Rhythm) -> dict[str, Measured]:
    found = {}
    for name, value in corrected_qt(qt.value, rhythm.rr_ms).items():
        why = list(qt.why)
        if rhythm.word == "irregular":
            why.append("the rhythm is irregular")
        if qrs.value >= _WIDE_QRS_MS:
            why.append(f"QRS of {qrs.value:.0f} ms makes QT longer")
        low, high = _BAZETT_RATES
        if name == "bazett" and rhythm.rr_ms > 0 and not low <= 60_000 / rhythm.rr_ms <= high:
            why.append(f"Bazett corrects too much below {low:.0f} and above {high:.0f} /min")
        found[f"qtc_{name}_ms"] = judged(value, "ms", why, why or ["there is no RR interval"])
    return found


def _axes(evidence: Evidence, leads: Sequence[str], nothing: list[str]) -> dict[str, Measured]:
    found = {}
    waves = {"p_axis": (P_ONSET, P_END), "qrs_axis": (QRS_ONSET, QRS_END), "t_axis": (T_ONSET, T_END)}
    if not {"I", "aVF"} <= set(leads):
        why = nothing or ["it needs leads I and aVF, or two limb leads"]
        return {name: Measured(NAN, "degrees", MISSING, tuple(why)) for name in waves}
    names = tuple(leads)
    for name, (first, last) in waves.items():
        turns, sizes = [], []
        for shape in evidence.shapes:
            start, end = BEFORE + shape.whole[[first, last]]
            if np.isfinite(start + end) and end < shape.beat.shape[1]:
                beat = shape.beat - (shape.beat[:, [int(start)]] if name == "p_axis" else 0.0)
                turns.append(np.exp(1j * np.radians(wave_axis(beat, names, int(start), int(end)))))
                part = beat[[names.index("I"), names.index("aVF")], int(start) : int(end) + 1]
                sizes.append(float(np.linalg.norm(part.sum(axis=1)) / max(np.abs(part).max() * part.shape[1], 1e-9)))
        if not turns or not np.isfinite(turns).all():
            found[name] = Measured(NAN, "degrees", MISSING, tuple(nothing or ["the wave was not found"]))
            continue
        why = list(evidence.waves)
        if np.median(sizes) < _NO_DIRECTION:
            why.append("its parts cancel out in I and aVF")
        found[name] = judged(float(np.degrees(np.angle(np.mean(turns)))), "degrees", why)
    return found


def _lead(evidence: Evidence, row: int) -> dict[str, float]:
    """One lead: its own intervals, and voltages between the boundaries of all leads."""
    found = {name: evidence.middle_of_lead(row, first, last) for name, (first, last) in _INTERVALS.items()}
    measured = []
    for shape in evidence.shapes:
        places = BEFORE + shape.whole
        qrs = _whole(places[[QRS_ONSET, QRS_END]])
        t, p = _whole(places[[T_PEAK, T_END]]), _whole(places[[P_ONSET, P_PEAK, P_END]])
        if qrs is not None:
            measured.append(vars(measure_lead(shape.beat[row], qrs, t, p)))
    for name in measured[0] if measured else ():
        values = [one[name] for one in measured if np.isfinite(one[name])]
        found[name] = float(np.median(values)) if values else NAN
    found["noise_mv"] = float(np.median([shape.noise_mv[row] for shape in evidence.shapes]))
    return found


def _whole(places: np.ndarray):
    return tuple(int(place) for place in np.rint(places)) if np.isfinite(places).all() else None


def _voltages(by_lead, qrs: Measured, sex, left_out, evidence: Evidence, nothing) -> dict[str, Measured]:
    def of(lead: str, name: str) -> float:
        return by_lead.get(lead, {}).get(name, NAN)

    def needed(*leads: str) -> list[str]:
        absent = [lead for lead in leads if lead not in by_lead]
        return [f"{lead}: {left_out[lead]}" if lead in left_out else f"{lead} is not there" for lead in absent]

    tallest = np.fmax(of("V5", "r_mv"), of("V6", "r_mv"))
    sokolow, cornell = of("V1", "s_mv") + tallest, of("aVL", "r_mv") + of("V3", "s_mv")
    either = [] if {"V5", "V6"} & set(by_lead) else needed("V5", "V6")
    product = cornell_product(cornell, qrs.value, sex)
    why = list(evidence.waves)
    unknown = [*why, *qrs.why] + ([] if sex else ["without the sex nothing is added for women"])
    return {
        "sokolow_lyon_mv": judged(sokolow, "mV", why, nothing or [*needed("V1"), *either] or qrs.why),
        "cornell_mv": judged(cornell, "mV", why, nothing or needed("aVL", "V3") or qrs.why),
        "cornell_product_mm_ms": judged(product, "mm ms", unknown, nothing or needed("aVL", "V3") or qrs.why),
    }


def _criteria(values: Mapping[str, Measured], sex: str | None) -> list[str]:
    """Which bounds are reached: words, not a diagnosis."""
    notes = []
    bounds = {"sokolow_lyon_mv": SOKOLOW_MV, "cornell_product_mm_ms": PRODUCT_MM_MS}
    if sex:
        bounds["cornell_mv"] = CORNELL_MV[sex]
    for name, bound in bounds.items():
        if values[name].value >= bound and values[name].reliability == GOOD:
            notes.append(f"{name} is {values[name].value:.2f}, its bound for left ventricular hypertrophy {bound:g}")
    return notes
