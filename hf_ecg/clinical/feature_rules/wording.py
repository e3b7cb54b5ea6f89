"""The words of a waveform feature: which leads, which bound, and what is left of it."""

import re
from dataclasses import dataclass

from ...signals.leads import CHEST_LEADS, LIMB_LEADS

_LEAD = r"(?:iii|ii|i|avr|avl|avf|v[1-6])"
_LINK = r"(?:\s*(?:,?\s*(?:and|or|to|through|plus)\b|,|/|&|-)\s*)"
_LEAD_LIST = re.compile(rf"\b(?:leads?\s+)?({_LEAD}(?:{_LINK}(?:leads?\s+)?(?:{_LEAD}|[2-6]))*)\b(?:\s+leads?\b)?")
_RANGE = re.compile(r"v([1-6])\s*(?:to|through|-)\s*v?([1-6])")
_NAMES = {name.lower(): name for name in LIMB_LEADS + CHEST_LEADS}
# Regions, as the Fourth Universal Definition of MI (2018) groups leads.
_REGIONS = {
    "inferior": ("II", "III", "aVF"),
    "lateral": ("I", "aVL", "V5", "V6"),
    "anterior": ("V1", "V2", "V3", "V4"),
    "septal": ("V1", "V2"),
    "anteroseptal": ("V1", "V2", "V3"),
    "anterolateral": ("I", "aVL", "V3", "V4", "V5", "V6"),
    "right precordial": ("V1", "V2", "V3"),
    "left precordial": ("V4", "V5", "V6"),
    "limb": LIMB_LEADS,
    "precordial": CHEST_LEADS,
    "chest": CHEST_LEADS,
}
_REGION = re.compile(rf"\b(?:all (?:the )?)?({'|'.join(sorted(_REGIONS, key=len, reverse=True))}) leads?\b")
_CONTIGUOUS = re.compile(r"\b(?:two|2|at least two|>= 2)(?: or more)? (?:contiguous|adjacent|consecutive) leads\b")
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_UNIT = (
    r"(ms|msec|milliseconds?|s|sec|seconds?|mv|millivolts?|mm|bpm|beats per minute"
    r"|beats/min|/min|degrees?|°)?(?![a-z])"
)
_ABOVE = r"(?:over|above|greater than|more than|longer than|larger than|taller than|exceeding|beyond|>=|>|at least)"
_BELOW = r"(?:below|under|less than|shorter than|smaller than|fewer than|<=|<|at most)"
_BETWEEN = re.compile(rf"(?:between |of )?{_NUMBER} ?(?:and|to) {_NUMBER} ?{_UNIT}")
_OVER = re.compile(rf"{_ABOVE} {_NUMBER} ?{_UNIT}|(?:of )?{_NUMBER} ?{_UNIT} or (?:more|longer|greater|above)")
_UNDER = re.compile(rf"{_BELOW} {_NUMBER} ?{_UNIT}|(?:of )?{_NUMBER} ?{_UNIT} or (?:less|shorter|below)")
_UNIT_AFTER = re.compile(r"\d ?([a-z/°]+(?: per minute)?)")
_UNITS = dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), ("ms", 1.0))
_UNITS |= dict.fromkeys(("s", "sec", "second", "seconds"), ("ms", 1000.0))
_UNITS |= {"mv": ("mV", 1.0), "millivolt": ("mV", 1.0), "millivolts": ("mV", 1.0), "mm": ("mV", 0.1)}
_UNITS |= dict.fromkeys(("bpm", "beats per minute", "beats/min", "/min"), ("/min", 1.0))
_UNITS |= dict.fromkeys(("degree", "degrees", "°"), ("degrees", 1.0))
# Words that change nothing: what a rule is asked has none of them.
_FILLERS = re.compile(
    r"\b(?:a|an|the|is|are|of|with|in|on|at|presence|evidence|complex|complexes|intervals?|segments?|waves?|duration"
    r"|every|each|before|beats?|per|minute|frontal|mild|mildly|marked|markedly|significant|significantly|ventricular"
    r"|lead|leads)\b"
)


@dataclass(frozen=True)
class Wording:
    """A feature's text, taken apart.

    Attributes:
        core: what is left, lower case, without leads, bounds and filling words: "prolonged pr".
        leads: those named; empty when it names none.
        contiguous: it asks for two leads side by side, whichever.
        low, high: bounds in `unit`; None where there is none.
        inclusive: "120 ms or more" and "110 to 119 ms", not "over 200 ms".
        unit: "ms", "mV", "/min", "degrees", or "" when the text has none.
    """

    core: str
    leads: tuple[str, ...] = ()
    contiguous: bool = False
    low: float | None = None
    high: float | None = None
    inclusive: bool = True
    unit: str = ""


def parse_feature(text: str) -> Wording:
    """Takes a feature apart; words that it does not know stay in the core, which then belongs to no rule.

    Example:
        >>> wording = parse_feature("ST-segment elevation >= 1 mm in leads II, III and aVF")
        >>> wording.core, wording.leads, wording.low, wording.unit
        ('st elevation', ('II', 'III', 'aVF'), 0.1, 'mV')
    """
    text = text.lower().strip(" .").replace("≥", ">=").replace("≤", "<=").replace("–", "-").replace("’", "'")
    text = re.sub(r"(>=|<=|>|<)\s*", r" \1 ", re.sub(r"\b(?:than or )?equal to\b", "", text))
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)
    text, contiguous = _CONTIGUOUS.subn(" ", text)
    region = _REGION.search(text)
    if region:
        leads = _REGIONS[region[1]]
        text = text.replace(region[0], " ")
    else:
        text, leads = _take_leads(text)
    text, bounds = _take_bounds(re.sub(r"\s+", " ", text))
    core = " ".join(re.sub(r"[(),;:]", " ", _FILLERS.sub(" ", text)).split())
    return Wording(core, leads, bool(contiguous), **bounds)


def _take_leads(text: str) -> tuple[str, tuple[str, ...]]:
    leads: list[str] = []
    for found in _LEAD_LIST.finditer(text):
        listed = _RANGE.sub(lambda ends: ",".join(f"v{n}" for n in range(int(ends[1]), int(ends[2]) + 1)), found[1])
        leads += [_NAMES[name] for name in re.findall(rf"\b{_LEAD}\b", listed)]
    return _LEAD_LIST.sub(" ", text), tuple(dict.fromkeys(leads))


def _take_bounds(text: str) -> tuple[str, dict]:
    for pattern, names in ((_BETWEEN, ("low", "high")), (_OVER, ("low",)), (_UNDER, ("high",))):
        found = pattern.search(text)
        if not found:
            continue
        written = _UNIT_AFTER.search(found[0].split(" to ")[-1].split(" and ")[-1])
        unit, factor = _UNITS.get(written[1], ("", 1.0)) if written else ("", 1.0)
        values = sorted(round(float(number) * factor, 6) for number in re.findall(_NUMBER, found[0]))
        inclusive = len(names) == 2 or bool(re.search(r">=|<=|at least|at most| or ", found[0]))
        rest = f"{text[: found.start()]} {text[found.end() :]}"
        return rest, dict(zip(names, values, strict=True)) | {"inclusive": inclusive, "unit": unit}
    return text, {}
