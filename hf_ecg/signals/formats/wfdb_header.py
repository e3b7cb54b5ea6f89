"""Headers of WFDB records. Source: WFDB manual, header(5)."""

import re
from datetime import date, datetime, time
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..leads import canonical_leads
from ..units import MISSING_COUNT

_UNIT_TO_MV = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "v": 1e3}
# Python takes digits of any script, and 1_000, for numbers.
_GAIN = re.compile(r"(?P<gain>[-+.\deE]+)(\((?P<baseline>[-+]?\d+)\))?(/(?P<units>\S+))?", re.ASCII)
_FORMAT = re.compile(r"(?P<format>\d+)(x(?P<per_frame>\d+))?(:(?P<skew>\d+))?(\+(?P<offset>\d+))?", re.ASCII)
_RATE = re.compile(r"(?P<rate>[-+.\deE]+)(/[-+.\deE]+(\([-+.\deE]+\))?)?", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d{1,6})?", re.ASCII)
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_NAME = re.compile(r"[-\w]+")
_INTEGER = re.compile(r"[-+]?\d{1,18}", re.ASCII)
# What each storage format writes for "no sample here": its most negative number (signal(5)); format 8 has none.
MISSING_IN_FORMAT = {80: -(2**7), 508: -(2**7), 212: -(2**11), 310: -(2**9), 311: -(2**9)}
MISSING_IN_FORMAT |= {24: -(2**23), 524: -(2**23), 32: -(2**31)}
MISSING_IN_FORMAT |= dict.fromkeys((16, 61, 160, 516), MISSING_COUNT)
_FORMATS = {8, *MISSING_IN_FORMAT}


class SignalLine(NamedTuple):
    """What a header says of one lead; `gain` in counts a millivolt, `unit` as it is written."""

    file: str
    format: int
    per_frame: int
    skew: int
    offset: int
    gain: float
    unit: str
    baseline: int
    checksum: int | None
    description: str


class Header(NamedTuple):
    """A header; `num_samples` is 0 where it does not say, `start_time` None where it does not, or not as header(5)."""

    name: str
    sampling_rate: float
    num_samples: int
    start_time: datetime | time | None
    lines: list[SignalLine]
    leads: tuple[str, ...]
    comments: list[str]


def parse_header(text: str, header: str) -> Header:
    """A header's text; `header` is its path, for errors.

    Raises:
        ValueError: a header that says nothing sensible, unknown or doubled leads, a unit that is not a voltage, no
            gain.
    """
    comments, content = [], []
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("#"):
            comments.append(line[1:].strip())
        elif line:
            content.append(line.partition("#")[0].strip())
    if not content:
        raise ValueError(f"{header} is empty: no record line")
    fields = content[0].split()
    if "/" in fields[0]:
        raise ValueError(
            f"{header} describes a record of several segments ({fields[0]}): read the segments one by one"
        )
    if _NAME.fullmatch(fields[0]) is None:
        raise ValueError(f"{header}: the record's name is {fields[0]!r}, wanted letters, digits, _ and -")
    try:
        number = _integer(fields[1])
        # header(5) lets a reader take 250 for an absent rate; but then nobody knows the seconds
        rate = _rate(fields[2])
        num_samples = _integer(fields[3]) if len(fields) > 3 else 0
    except (IndexError, ValueError) as error:
        raise ValueError(f"{header}: the record line is {content[0]!r}, wanted NAME LEADS RATE SAMPLES") from error
    if number < 1 or len(content) < 2:
        raise ValueError(f"{header} has no signals")
    if len(content) - 1 != number:
        raise ValueError(f"{header} announces {number} signals and describes {len(content) - 1}")
    if not (np.isfinite(rate) and rate > 0) or num_samples < 0:
        raise ValueError(f"{header}: sampling rate {rate}, {num_samples} samples: wanted positive numbers")
    lines = [_parse_signal_line(line, header) for line in content[1:]]
    return Header(fields[0], rate, num_samples, _start(fields[4:6]), lines, _leads(lines, header), comments)


def _rate(text: str) -> float:
    """Of the record line's field, which may also tell the counter's frequency and base."""
    form = _RATE.fullmatch(text)
    if form is None:
        raise ValueError(f"no rate in {text!r}")
    return float(form["rate"])


def _start(fields: list[str]) -> datetime | time | None:
    clock, day = (form.fullmatch(text) for form, text in zip((_TIME, _DATE), (*fields, "", "")[:2], strict=True))
    if clock is None:
        return None
    try:
        hour, minute, second = map(int, clock.groups()[:3])
        moment = time(hour, minute, second, round(float(clock[4] or 0) * 1e6))
        return moment if day is None else datetime.combine(date(*map(int, reversed(day.groups()))), moment)
    except ValueError:  # the 31st of a month of 30 days: nothing that the samples depend on
        return None


def _parse_signal_line(text: str, header: str) -> SignalLine:
    fields = text.split(maxsplit=8)
    try:
        if len(fields) < 3:
            raise ValueError("no format or no gain")
        storage, (gain, unit, baseline) = _parse_format(fields[1]), _parse_gain(fields[2])
        # resolution, zero, initial value, checksum, block size: a word among them has shifted the fields
        numbers = [_integer(field) for field in fields[3:8]]
        if min(numbers[:1] + numbers[4:], default=0) < 0:
            raise ValueError("a resolution or block size is negative")
        zero = numbers[1] if len(numbers) > 1 else 0
        checksum = numbers[3] if len(numbers) > 3 else None
    except ValueError as error:
        raise ValueError(f"{header}: the signal line {text!r} cannot be read: {error}") from error
    description = fields[8] if len(fields) > 8 else ""
    baseline = zero if baseline is None else baseline
    return SignalLine(fields[0], *storage, gain, unit, baseline, checksum, description)


@lru_cache(maxsize=4096)
def _integer(text: str) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


# The leads of a corpus repeat a handful of these fields; parsing them anew took half the time of a record.
@lru_cache(maxsize=256)
def _parse_format(text: str) -> tuple[int, int, int, int]:
    form = _FORMAT.fullmatch(text)
    if form is None:
        raise ValueError(f"no format in {text!r}")
    if int(form["format"]) not in _FORMATS:
        raise ValueError(f"the format is {form['format']}, wanted one of {', '.join(map(str, sorted(_FORMATS)))}")
    return int(form["format"]), int(form["per_frame"] or 1), int(form["skew"] or 0), int(form["offset"] or 0)


@lru_cache(maxsize=256)
def _parse_gain(text: str) -> tuple[float, str, int | None]:
    """Counts per millivolt, the unit, and the baseline where the field names one."""
    form = _GAIN.fullmatch(text)
    if form is None:
        raise ValueError(f"no gain in {text!r}")
    value, units = float(form["gain"]), form["units"] or "mV"
    if units.lower() not in _UNIT_TO_MV:
        raise ValueError(f"the unit is {units!r}, wanted a voltage ({', '.join(_UNIT_TO_MV)})")
    if not (np.isfinite(value) and value > 0):
        # header(5) lets a reader take 200 for 0; but then nobody knows the millivolts
        raise ValueError(f"the gain is {value:g}, wanted a positive number (0 says that it was not calibrated)")
    return value / _UNIT_TO_MV[units.lower()], units, None if form["baseline"] is None else int(form["baseline"])


def _leads(lines: list[SignalLine], header: str) -> tuple[str, ...]:
    try:
        return canonical_leads([line.description for line in lines])
    except ValueError as error:
        raise ValueError(f"{header}: {error}") from error
