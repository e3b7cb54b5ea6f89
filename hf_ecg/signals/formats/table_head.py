"""What the lines above a table say of it: lines of a key and a value, whatever stands between the two."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time

from ..leads import known_lead
from ..record_lines import read_lines
from ..units import known_voltage
from .time_column import stamped

_PAIR = re.compile(r"\s*([^:=,;\t]{1,60}?)\s*[:=,;\t]\s*(\S.*?)\s*[,;\t]*\s*")
_RATE_KEY = re.compile(
    r"(?:.*\W)?(?:sampl\w*|fs|sf|srate|abtast\w*|mess(?:rate|frequenz)|\w*chantillon\w*|muestr\w*|campion\w*|amostra\w*)"
    r"(?:\W.*)?",
    re.IGNORECASE,
)
_RATE = re.compile(r"([\d.,]*\d)\s*(k?)(?:hz|hertz|sps|s/s|samples/s(?:ec(?:ond)?)?|1/s)?\.?", re.IGNORECASE)
_HERTZ = re.compile(r"([\d.,]*\d)\s*(k?)(?:hz|hertz)", re.IGNORECASE)
_UNIT_KEY = re.compile(
    r"(?:.*\W)?(?:units?|einheit(?:en)?|unidad(?:es)?|unit\u00e9s?|unit\u00e0|unidades?)(?:\W.*)?", re.IGNORECASE
)
_LEAD_KEY = re.compile(
    r"(?:leads?|channels?|ableitung(?:en)?|derivaci\u00f3n|derivaciones|d\u00e9rivations?|derivazion[ei])",
    re.IGNORECASE,
)
_START_KEY = re.compile(r".*(?:record|start|date|time|datum|zeit|fecha|hora|heure|data|ora).*", re.IGNORECASE)
_DEVICE_KEY = re.compile(
    r"(?:device|ger\u00e4t|dispositivo|appareil|model|recorder)(?: (?:name|model|type))?", re.IGNORECASE
)
# As `writers.csv_writer` writes them: fields of the record say no less.
_IN_FIELDS = re.compile(r"sampling rate: [\d.e+-]+ Hz|start: [-\dT:.+]+")
_BIRTH = re.compile(r"birth|geb|nac|nais|nasc", re.IGNORECASE)


@dataclass
class Head:
    """What is said above a table; None where nothing is. `said` holds further arguments of `Record`."""

    sampling_rate: float | None = None
    unit: str | None = None
    lead: str | None = None
    start_time: datetime | time | None = None
    device: str | None = None
    comments: tuple[str, ...] = ()
    said: dict = field(default_factory=dict)


def read_head(lines: Sequence[str], comments: Sequence[str]) -> Head:
    """What lines and comments say.

    Raises:
        ValueError: several rates.
    """
    marked, said, _ = read_lines(comments)
    head, rates, kept = Head(said=said, device=said.pop("device", None)), {}, []
    for place, line in enumerate((*lines, *marked)):
        found = _PAIR.fullmatch(line)
        if found is None:
            kept.append(line)
            continue
        key, value = found[1].strip("\"'# "), found[2].strip("\"' ")
        kept.append(f"{key}: {value}" if place < len(lines) else line)
        rate = (_RATE if _RATE_KEY.fullmatch(key) else _HERTZ).fullmatch(value)
        if rate is not None:
            rates[key] = _number(rate[1]) * (1000.0 if rate[2] else 1.0)
        elif _UNIT_KEY.fullmatch(key) and known_voltage(value) and head.unit is None:
            head.unit = value
        elif _LEAD_KEY.fullmatch(key) and known_lead(value) and head.lead is None:
            head.lead = value
        elif _DEVICE_KEY.fullmatch(key) and head.device is None:
            head.device = value
        elif _START_KEY.fullmatch(key) and not _BIRTH.search(key) and head.start_time is None:
            head.start_time = stamped(value)
    if len(set(rates.values())) > 1:  # such as that of a filter
        told = {key: rate for key, rate in rates.items() if _RATE_KEY.fullmatch(key)}
        if len(set(told.values())) != 1:
            raise ValueError(f"its lines give several rates, {rates}, wanted one")
        rates = told
    head.sampling_rate = next(iter(rates.values()), None)
    head.comments = tuple(line for line in kept if not _IN_FIELDS.fullmatch(line))
    return head


def _number(text: str) -> float:
    """512.508 and 512,508, which are both of a rate: no ECG has a rate of half a million."""
    return float(text.replace(",", ".")) if text.count(",") + text.count(".") <= 1 else float(text.replace(",", ""))
