"""The measured verifier: a feature is kept when the number it speaks of lies on its side of the bound."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

from ...signals.delineation import Measurements
from .rules import LeadRule, RecordRule, rules_for
from .verdict import Verdict, undecided
from .wording import Wording, parse_feature

# Leads that lie side by side (UDMI 2018: aVL, I, -aVR, II, aVF, III; V1 to V6). aVR looks the other way.
CONTIGUOUS = (
    ("aVL", "I"), ("I", "II"), ("II", "aVF"), ("aVF", "III"),
    ("V1", "V2"), ("V2", "V3"), ("V3", "V4"), ("V4", "V5"), ("V5", "V6"),
)  # fmt: skip


def measured_verdicts(measurements: Measurements, features: Sequence[str]) -> list[Verdict]:
    """What measurements say of each feature.

    A feature is taken apart into words, leads and a bound (`wording.py`); where one rule has just these words
    (`rules.py`), its number is held against the text's bound, or the rule's. The score is how far the number lies on
    the feature's side of the bound, in the number's own unit. Of several leads it is that of the worst that counts:
    half of those named must show an ST deviation, a T inversion or a Q wave, two at least; of "contiguous leads" the
    best pair.

    Args:
        measurements: see `signals.delineation`.
        features: texts, such as "prolonged PR interval" or "ST elevation >= 1 mm in leads II, III and aVF".

    Returns:
        One verdict a feature, in order. Undecided: words that no rule has ("delta wave", and anything negated or
        hedged), a unit that is not the number's, or a number that could not be had.

    Raises:
        ValueError: features is one string.

    Example:
        >>> from hf_ecg.signals.delineation import Measurements
        >>> found = Measurements("machine", pr_ms=230.0, qrs_ms=96.0)
        >>> asked = ["prolonged PR interval", "wide QRS complex", "delta wave"]
        >>> [verdict.verdict for verdict in measured_verdicts(found, asked)]
        ['kept', 'rejected', 'undecided']
    """
    if isinstance(features, str):
        raise ValueError(f"features is the string {features!r}, wanted a sequence of texts")
    return [_verdict(measurements, feature) for feature in features]


def feature_margin(measurements: Measurements, feature: str) -> tuple[float, bool]:
    """The score of `measured_verdicts`, NaN where it is undecided, and whether the feature is kept."""
    ruling = _ruling(feature)
    if ruling is None:
        return math.nan, False
    rule, wording = ruling
    if isinstance(rule, RecordRule):
        margin = _record_margin(rule, rule.value(measurements), wording)
    else:
        margin = _lead_margin(rule, _lead_margins(rule, measurements, wording), wording)
    if not math.isfinite(margin):
        return math.nan, False
    return margin, margin > 0 or (margin == 0 and _inclusive(rule, wording))


@lru_cache(maxsize=65536)
def _ruling(feature: str) -> tuple[RecordRule | LeadRule, Wording] | None:
    """The one rule that decides a feature, and its words; the same few texts are asked of every record."""
    wording = parse_feature(feature)
    rules = [rule for rule in rules_for(wording.core) if _fits(rule, wording)]
    return (rules[0], wording) if len(rules) == 1 else None


def _verdict(measurements: Measurements, feature: str) -> Verdict:
    ruling = _ruling(feature)
    if ruling is None:
        return undecided(feature, "no measurement decides these words")
    rule, wording = ruling
    margin, keep = feature_margin(measurements, feature)
    reason = (_record_reason if isinstance(rule, RecordRule) else _lead_reason)(rule, measurements, wording, margin)
    if math.isnan(margin):
        return undecided(feature, reason)
    source = "the text's own bound" if _has_own_bound(rule, wording) else rule.source
    return Verdict(feature, "measured", margin, keep, f"{reason} ({source})")


def _fits(rule: RecordRule | LeadRule, wording: Wording) -> bool:
    bound = wording.low is not None or wording.high is not None
    if bound and wording.unit != rule.unit and not (rule.unit in ("/min", "degrees") and not wording.unit):
        return False
    if isinstance(rule, RecordRule):
        if wording.contiguous or (rule.leads and set(rule.leads) != set(wording.leads)):
            return False
        return bound or rule.low is not None or rule.high is not None
    if not (wording.leads or rule.leads or rule.pairs):
        return False
    if wording.contiguous and not rule.pairs:
        return False
    if bound:
        return (wording.high is not None) == rule.upper and (wording.low is None) == rule.upper
    named = wording.leads or rule.leads
    return bool(rule.least) and all(lead in rule.least or "" in rule.least for lead in named)


def _has_own_bound(rule: RecordRule | LeadRule, wording: Wording) -> bool:
    return not rule.fixed and (wording.low is not None or wording.high is not None)


def _inclusive(rule: RecordRule | LeadRule, wording: Wording) -> bool:
    return wording.inclusive if _has_own_bound(rule, wording) else rule.inclusive


def _record_bounds(rule: RecordRule, wording: Wording) -> tuple[float | None, float | None]:
    return (wording.low, wording.high) if _has_own_bound(rule, wording) else (rule.low, rule.high)


def _record_margin(rule: RecordRule, value: float, wording: Wording) -> float:
    low, high = _record_bounds(rule, wording)
    if not math.isfinite(value):
        return math.nan
    return min(value - low if low is not None else math.inf, high - value if high is not None else math.inf)


def _record_reason(rule: RecordRule, measurements: Measurements, wording: Wording, margin: float) -> str:
    if math.isnan(margin):
        return f"{rule.name} could not be measured"
    bounds = zip(("from", "to"), _record_bounds(rule, wording), strict=True)
    wanted = " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
    return f"{rule.name} {_number(rule.value(measurements), rule.unit)}, wanted {wanted}"


def _lead_margins(rule: LeadRule, measurements: Measurements, wording: Wording) -> dict[str, float]:
    """Of each lead that is asked, in the order in which it is."""

    def margin(lead: str) -> float:
        least = wording.low if wording.low is not None else rule.least.get(lead, rule.least.get("", math.nan))
        if wording.high is not None:
            least = -wording.high
        return rule.value(lead, measurements.lead(lead)) - least

    leads = _named_leads(rule, wording) or dict.fromkeys(lead for pair in _pairs(rule) for lead in pair)
    return {lead: margin(lead) for lead in leads}


def _named_leads(rule: LeadRule, wording: Wording) -> tuple[str, ...]:
    return wording.leads or (() if rule.pairs or wording.contiguous else rule.leads)


def _pairs(rule: LeadRule) -> list[tuple[str, str]]:
    return [pair for pair in CONTIGUOUS if not set(pair) & set(rule.skip)]


def _lead_margin(rule: LeadRule, margins: Mapping[str, float], wording: Wording) -> float:
    leads = _named_leads(rule, wording)
    if not leads:
        return _best([_nth([margins[lead] for lead in pair], 2) for pair in _pairs(rule)])
    need = {"all": len(leads), "any": 1, "most": min(len(leads), max(2, -(-len(leads) // 2)))}[rule.need]
    return _best([_nth([margins[lead] for lead in leads], need)])


def _lead_reason(rule: LeadRule, measurements: Measurements, wording: Wording, margin: float) -> str:
    if math.isnan(margin):
        where = ", ".join(_named_leads(rule, wording)) or "neighbouring leads"
        return f"{rule.name} could not be measured in {where}"
    margins = _lead_margins(rule, measurements, wording)
    shown = ", ".join(f"{lead} {value:+.2f}" for lead, value in margins.items() if math.isfinite(value))
    return f"{rule.name} less its bound ({rule.unit}): {shown}"


def _nth(margins: list[float], need: int) -> float:
    """The `need`-th largest; of leads that were not measured it is unknown on which side they are."""
    present = sorted((value for value in margins if math.isfinite(value)), reverse=True)
    absent = len(margins) - len(present)
    if need <= len(present) and (not absent or present[need - 1] >= 0):
        return present[need - 1]
    # even with every absent lead showing it there are not enough
    if absent and need > absent and len(present) >= need - absent and present[need - absent - 1] < 0:
        return present[need - absent - 1]
    return math.nan


def _best(margins: list[float]) -> float:
    present = [value for value in margins if math.isfinite(value)]
    if present and (max(present) >= 0 or len(present) == len(margins)):
        return max(present)
    return math.nan


def _number(value: float, unit: str) -> str:
    return f"{value:.2f} {unit}".strip() if abs(value) < 10 else f"{value:.0f} {unit}"
