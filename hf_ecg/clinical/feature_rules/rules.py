"""Which measurement decides which waveform feature, by which bound, and where the bound is from.

Sources are those of `clinical/waveform_features.py`, and like its rows written from memory of them: AHA = AHA/ACCF/HRS
recommendations 2009, UDMI = Fourth Universal Definition of MI 2018. Bounds without a published source say "chosen
here". No bound was searched for on labels, but the table was not made blindly either: the rule of premature wide beats
was changed after looking at PTB-XL's labels of all folds, and the delineation that it rests on was set while AUROCs
for blocks were in sight (`signals/delineation/boundaries.py`). Figures on PTB-XL are therefore a little flattered.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from ...signals.delineation import LeadMeasurements, Measurements
from ...signals.delineation.measure import P_CONSISTENCY
from ...signals.delineation.waves import SMALLEST_WAVE_MV
from ...signals.leads import LIMB_LEADS, STANDARD_LEADS


@dataclass(frozen=True)
class RecordRule:
    """One number of a record between two bounds.

    Attributes:
        words: regular expression that a feature's whole core matches (`wording.Wording.core`).
        value: the number; NaN leaves the feature undecided.
        name, unit: of the number, for the reason.
        low, high: taken where the text has no bound; without both, the text must have one.
        inclusive: whether the bounds themselves are inside.
        fixed: the text's bound is not taken: it is the same, in other words.
        leads: what the text must name.
        source: of the bounds.
    """

    words: str
    value: Callable[[Measurements], float]
    name: str
    unit: str
    low: float | None = None
    high: float | None = None
    inclusive: bool = False
    fixed: bool = False
    leads: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class LeadRule:
    """One number of each of some leads, at least `least`.

    Attributes:
        value: of a lead and its name.
        least: bound, by lead where it differs; "" is for the others. A text's own lower bound comes in its place.
        upper: the text's bound is an upper one, and the value is negative: "below 0.5 mV".
        leads: those that are meant when the text names none.
        need: "most": half of the leads named, two at least; "all"; "any".
        pairs: whether it may be asked of two leads side by side, which it is when the text names no lead.
        skip: leads that pairs leave out, where the sign is normal.
        inclusive, fixed: as of `RecordRule`.
    """

    words: str
    value: Callable[[str, LeadMeasurements], float]
    name: str
    unit: str
    least: Mapping[str, float] = field(default_factory=dict)
    upper: bool = False
    need: str = "most"
    leads: tuple[str, ...] = ()
    pairs: bool = False
    skip: tuple[str, ...] = ()
    source: str = ""
    inclusive: bool = True
    fixed: bool = False


def _q_size(name: str, lead: LeadMeasurements) -> float:
    """1 where a Q wave just is pathological: 20 ms in V2 and V3, else 30 ms and 0.1 mV, or QS."""
    if name in ("V2", "V3"):
        return lead.q_ms / 20
    return min(lead.q_ms / 30, lead.q_mv / 0.1)


def _early(name: str) -> Callable[[Measurements], float]:
    """A prematurity, which means something where the rhythm is regular otherwise."""
    return lambda found: getattr(found, name) if not math.isnan(found.premature_beats) else math.nan


_LONG = r"(?:prolonged|long|increased|lengthened|delayed)"
_IRREGULAR = 0.10
_EARLY = "15 % early in a rhythm that is regular otherwise: chosen here"
_RR = "coefficient of variation of RR of 10 %: chosen here, as in this package's simulator tests"
_P = "correlation of what precedes QRS from beat to beat: chosen here"

RECORD_RULES = (
    RecordRule("heart rate|rate", lambda m: m.heart_rate, "rate", "/min"),
    RecordRule("(?:sinus )?tachycardia|(?:rapid|fast|high|elevated|increased) (?:heart )?rate",
               lambda m: m.heart_rate, "rate", "/min", low=100, source="ACC/AHA/HRS 2015, Table 2"),
    RecordRule("(?:sinus )?bradycardia|(?:slow|low|reduced|decreased) (?:heart )?rate",
               lambda m: m.heart_rate, "rate", "/min", high=60, source="SCP-ECG (EN 1064), Annex B"),
    RecordRule("normal (?:heart )?rate", lambda m: m.heart_rate, "rate", "/min", low=60, high=100, inclusive=True,
               source="ACC/AHA/HRS 2015, Table 2"),
    RecordRule("irregular(?:ly irregular)? (?:rr|r r|rhythm)|irregularly irregular|rr irregularity",
               lambda m: m.rr_variation, "RR variation", "", low=_IRREGULAR, source=_RR),
    RecordRule("regular (?:rr|r r|rhythm)", lambda m: m.rr_variation, "RR variation", "", high=_IRREGULAR,
               inclusive=True, source=_RR),
    RecordRule("(?:absent|no|missing|lack|loss|absence)(?: (?:distinct|discernible|visible|clear|identifiable))? p"
               "|p absent", lambda m: m.p_consistency, "P consistency", "", high=P_CONSISTENCY, source=_P),
    RecordRule("p qrs|p preceding qrs|p present|normal p", lambda m: m.p_consistency, "P consistency", "",
               low=P_CONSISTENCY, inclusive=True, source=_P),
    RecordRule(f"{_LONG} pr|pr prolongation|pr prolonged", lambda m: m.pr_ms, "PR", "ms", low=200,
               source="ACC/AHA/HRS 2018, Table 3"),
    RecordRule("(?:short|shortened) pr", lambda m: m.pr_ms, "PR", "ms", high=120, source="AHA Part III"),
    RecordRule("normal pr", lambda m: m.pr_ms, "PR", "ms", low=120, high=200, inclusive=True,
               source="ACC/AHA/HRS 2018, Table 3"),
    RecordRule("pr", lambda m: m.pr_ms, "PR", "ms"),
    RecordRule("(?:wide|widened|broad|broadened|prolonged) qrs|qrs (?:widening|prolongation|widened|prolonged)",
               lambda m: m.qrs_ms, "QRS", "ms", low=120, inclusive=True, source="AHA Part III"),
    RecordRule("(?:narrow|normal) qrs", lambda m: m.qrs_ms, "QRS", "ms", high=120, source="AHA Part III"),
    RecordRule("qrs", lambda m: m.qrs_ms, "QRS", "ms"),
    RecordRule(f"{_LONG} qtc?(?: qtc)?|qtc? prolongation", lambda m: m.qtc_ms, "QTc", "ms", low=460,
               inclusive=True, source="AHA Part IV (women's bound, since sex is not asked; Fridericia)"),
    RecordRule("(?:short|shortened) qtc?(?: qtc)?", lambda m: m.qtc_ms, "QTc", "ms", high=390, inclusive=True,
               source="AHA Part IV"),
    RecordRule("qtc", lambda m: m.qtc_ms, "QTc", "ms"),
    RecordRule("qt", lambda m: m.qt_ms, "QT", "ms"),
    RecordRule("normal qrs axis|normal axis", lambda m: m.qrs_axis, "axis", "degrees", low=-30, high=90,
               inclusive=True, source="AHA Part III"),
    RecordRule("left axis(?: deviation)?|leftward axis", lambda m: m.qrs_axis, "axis", "degrees", low=-90, high=-30,
               inclusive=True, fixed=True, source="AHA Part III"),
    RecordRule("right axis(?: deviation)?|rightward axis", lambda m: m.qrs_axis, "axis", "degrees", low=90, high=180,
               inclusive=True, fixed=True, source="AHA Part III"),
    RecordRule("qrs axis|axis", lambda m: m.qrs_axis, "axis", "degrees"),
    RecordRule("s plus r", lambda m: m.sokolow_mv, "S V1 + R V5 or V6", "mV", low=3.5, leads=("V1", "V5", "V6"),
               source="Sokolow and Lyon 1949, AHA Part V"),
    RecordRule("r plus s", lambda m: m.cornell_mv, "R aVL + S V3", "mV", low=2.8, leads=("aVL", "V3"),
               source="Casale et al. 1987, AHA Part V (men's bound)"),
    RecordRule("premature|ectopic", _early("prematurity"), "earliest beat", "", low=0.15, inclusive=True,
               source=_EARLY),
    RecordRule("premature (?:wide|broad)(?: qrs)?|(?:wide|broad) premature(?: qrs)?", lambda m: m.wide_prematurity,
               "earliest beat of another shape", "", low=0.15, inclusive=True,
               source="15 % early: chosen here; its shape tells it from an irregular rhythm's beats"),
    RecordRule("premature narrow(?: qrs)?|narrow premature(?: qrs)?", _early("narrow_prematurity"),
               "earliest beat of the usual shape", "", low=0.15, inclusive=True, source=_EARLY),
    RecordRule("p|(?:wide|broad|prolonged) p", lambda m: m.p_duration_ms, "P", "ms", low=120, inclusive=True,
               source="AHA Part V"),
)  # fmt: skip

_DEPRESSED = r"(?:depression|depressed|depressions)"
_ELEVATED = r"(?:elevation|elevated|elevations)"
_INVERTED = r"(?:inverted|negative)"
LEAD_RULES = (
    LeadRule(f"st {_DEPRESSED}|{_DEPRESSED} st", lambda _, x: -x.st_60_mv, "ST depression", "mV", {"": 0.05},
             pairs=True, source="UDMI Table 2, 60 ms behind J: an upsloping one does not count"),
    LeadRule(f"st {_ELEVATED}|{_ELEVATED} st", lambda _, x: x.st_60_mv, "ST elevation", "mV",
             {"": 0.1, "V2": 0.2, "V3": 0.2}, pairs=True,
             source="UDMI Table 2 (in V2 and V3 that of men from 40), 60 ms behind J"),
    LeadRule("isoelectric st|normal st", lambda _, x: -abs(x.st_60_mv), "ST off the line", "mV",
             {"": -0.1, "V2": -0.2, "V3": -0.2}, need="all",
             leads=tuple(lead for lead in STANDARD_LEADS if lead != "aVR"),
             source="the bounds of elevation, either way"),
    LeadRule(f"{_INVERTED} t|t (?:inversions?|inverted)", lambda _, x: -x.t_mv, "T depth", "mV", {"": 0.1},
             pairs=True, skip=("V1",), source="UDMI Table 2, AHA Part IV"),
    LeadRule("upright t|positive t|normal t", lambda _, x: x.t_mv, "T", "mV", {"": 0.0}, need="all",
             leads=("I", "II", "V4", "V5", "V6"), source="AHA Part IV"),
    LeadRule("(?:flat|low|flattened|flat or low|low amplitude)(?: or (?:flat|low))? t|t flattening",
             lambda _, x: -abs(x.t_mv), "T size", "mV", {"": -0.1}, pairs=True, skip=("V1",), source="AHA Part IV"),
    LeadRule("(?:pathological|pathologic|abnormal|deep) q", _q_size, "Q", "times its bound", {"": 1.0}, pairs=True,
             skip=("V1",), source="UDMI Table 3"),
    LeadRule("(?:absent|no) q", lambda _, x: -x.q_mv, "Q", "mV", {"": -SMALLEST_WAVE_MV}, need="all",
             source="a wave of less than a quarter square is none"),
    LeadRule("r", lambda _, x: x.r_mv, "R", "mV", {}),
    LeadRule("tall r", lambda _, x: x.r_mv, "R", "mV", {"V1": 0.6, "V2": 0.6, "V5": 3.0, "V6": 3.0}, need="any",
             source="V1, V2: AHA Part V, right hypertrophy; V5, V6: Romhilt and Estes 1968"),
    LeadRule("deep s", lambda _, x: x.s_mv, "S", "mV", {"V1": 3.0, "V2": 3.0, "V5": 1.0, "V6": 0.3}, need="any",
             source="V1, V2: Romhilt and Estes 1968; V5, V6: AHA Part V, right hypertrophy"),
    LeadRule("small or absent r|poor r(?: progression)?|small r|low r", lambda _, x: -x.r_mv, "R", "mV",
             {"": -0.3}, leads=("V3",), source="R in V3 up to 0.3 mV: Zema and Kligfield 1982"),
    LeadRule("r larger than s", lambda _, x: x.r_mv - x.s_mv, "R less S", "mV", {"": 0.0}, need="all",
             source="AHA Part V"),
    LeadRule("qs", lambda _, x: -x.r_mv if x.s_mv >= 0.1 else -1.0 + 0 * x.s_mv, "R", "mV", {"": -SMALLEST_WAVE_MV},
             need="all", source="no R at all"),
    LeadRule("rs", lambda _, x: x.s_mv - x.r_mv if x.r_mv > 0 and x.q_mv == 0 else -x.r_mv - 1, "S less R", "mV",
             {"": 0.0}, need="all", source="AHA Part III: small r, deep S"),
    LeadRule("qr", lambda _, x: min(x.q_mv, x.r_mv - x.s_mv), "smaller of q and R less S", "mV",
             {"": SMALLEST_WAVE_MV}, need="all", source="AHA Part III: small q, tall R"),
    LeadRule("r?sr'|rsr' pattern", lambda _, x: x.r_prime_mv, "second R", "mV", {"": 0.1}, need="any",
             leads=("V1", "V2"), source="AHA Part III: in V1 or V2; its height of one small square is chosen here"),
    LeadRule("(?:wide|broad|slurred) s", lambda _, x: x.s_ms, "S", "ms", {"": 40.0}, need="all",
             source="AHA Part III"),
    LeadRule("delayed r peak|r peak time", lambda _, x: x.r_time_ms, "R peak", "ms", {}, need="all"),
    LeadRule("qrs amplitude|qrs voltage|qrs", lambda _, x: -x.qrs_range_mv, "QRS height", "mV", {}, upper=True,
             need="all"),
    LeadRule("low (?:qrs )?(?:voltage|amplitude)(?: qrs)?|low qrs", lambda _, x: -x.qrs_range_mv, "QRS height", "mV",
             {"": -0.5} | dict.fromkeys(("V1", "V2", "V3", "V4", "V5", "V6"), -1.0), upper=True, need="all",
             leads=LIMB_LEADS, source="SCP-ECG (EN 1064), Annex B"),
    LeadRule("upright p|positive p", lambda _, x: x.p_mv + x.p_low_mv, "P", "mV", {"": 0.0}, need="all",
             source="ACC/AHA/HRS 2015, Table 2"),
    LeadRule("p|tall p|peaked p", lambda _, x: x.p_mv, "P", "mV", {"II": 0.25, "V1": 0.15}, need="any",
             source="AHA Part V"),
    LeadRule("negative terminal p", lambda _, x: -x.p_low_mv, "P depth", "mV", {"V1": 0.1}, need="any",
             source="AHA Part V: one small square"),
)  # fmt: skip


@cache
def rules_for(core: str) -> tuple[RecordRule | LeadRule, ...]:
    """The rules whose words are the whole core; empty when none is."""
    return tuple(rule for rule in (*RECORD_RULES, *LEAD_RULES) if re.fullmatch(rule.words, core))
