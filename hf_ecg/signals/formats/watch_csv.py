"""One lead of a watch as CSV, as Apple's Health app exports it: lines of "key,value", then one number a line.

    Name,"..."
    Date of Birth,"..."
    Recorded Date,2019-03-28 07:27:13 +0000
    Classification,Sinus Rhythm
    Symptoms,
    Software Version,1.00
    Device,"Watch4,3"
    Sample Rate,512.508 hertz

    Lead,Lead I
    Unit,µV

    -57.2
    -55.9

The keys are in the language of the telephone, so lines are known by their values (a rate in hertz, a lead, a voltage)
and by their places around that of the date. Numbers may have a decimal comma. What stands before the date says who was
recorded, and goes into `Record.patient`.
"""

import csv
import os
import re
from collections.abc import Callable
from datetime import datetime

import numpy as np

from ...input_files import InputFile, read_input
from ..channels import Channels, choose_channels
from ..leads import STANDARD_LEADS, known_lead
from ..record import Record
from ..units import known_voltage, to_millivolts
from .table_text import decoded, looks_like_text
from .told import named_errors

FORMAT = "CSV of a watch"
ENDINGS = (".csv",)
# Most files of this ending are something else.
ENDING_IS_SHARED = True
# The lines before the numbers are shorter in every export.
_HEADER_BYTES = 4096
# In Latin, Cyrillic, Greek, Chinese, Japanese, Korean, Arabic, Hebrew, Thai and Hindi letters.
_HERTZ = r"(?:hz|her[tc]\w*|гц|герц\w*|χερτζ|赫兹|赫茲|赫|ヘルツ|헤르츠|هرتز|הרץ|เฮิรตซ์|हर्ट्ज़|हर्ट्ज)"
_RATE = re.compile(rf"(\d+(?:[.,٫]\d+)?)\s*{_HERTZ}\.?", re.IGNORECASE)
# thousands apart are known by another sign before the decimals
_NUMBER = re.compile(
    r"[-+−]?(?:\d+(?:[.,٫]\d+)?|\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:\.\d{3})+,\d+)(?:[eE][-+]?\d+)?|nan", re.IGNORECASE
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*")
# The lines that follow that of the date, in every language.
_STATEMENT, _SYMPTOMS, _SOFTWARE, _DEVICE = 1, 2, 3, 4
_PATIENT = ("name", "birth_date")


def matches(path: str, head: bytes) -> bool:
    """By lines with a rate in hertz and a lead or a unit among the first ones, and single numbers below them."""
    # in the first line of an export a comma stands behind the word for a name
    if b"," not in head.partition(b"\n")[0] or not looks_like_text(head):
        return False
    with InputFile(path) as file:
        content = file.read(0, _HEADER_BYTES)
    try:
        fields, first = _header(decoded(content)[0].splitlines())
    except (ValueError, csv.Error):
        return False
    values = [value for _, value in fields]
    known = any(known_voltage(value) for value in values) or _lead_among(fields) is not None
    return known and any(map(_RATE.fullmatch, values))


def read(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> Record:
    """Read a record; see the page of this module.

    Raises:
        ValueError: it is not text; no rate, lead or unit, or two rates; a line that is not a number, or an infinite
            one.
    """
    with named_errors(path, csv.Error):
        text, remark = decoded(read_input(path))
        lines = text.splitlines()
        fields, first = _header(lines)
        rate, unit, lead = _rate(fields), _unit(fields), _lead_among(fields)
        if lead is None:
            raise ValueError("no line says the lead, such as 'Lead,Lead I'")
        values = _numbers(lines, first)
    chosen = choose([lead], [unit], where=path)
    date = next((place for place, (_, value) in enumerate(fields) if _DATE.fullmatch(value)), None)
    after = {} if date is None else {place - date: field for place, field in enumerate(fields)}
    statement = after.get(_STATEMENT, ("", ""))[1]
    return Record(
        name=os.path.splitext(os.path.basename(path))[0],
        values=to_millivolts(values[None], unit),
        gain=None,
        baseline=None,
        leads=chosen.leads,
        sampling_rate=rate,
        comments=[
            f"{after[place][0]}: {after[place][1]}"
            for place in (_STATEMENT, _SYMPTOMS, _SOFTWARE)
            if place in after and after[place][1] and not _RATE.fullmatch(after[place][1])
        ],
        lead_names=(lead,),
        units=(unit,),
        source_format=FORMAT,
        device=_device(fields, after),
        start_time=None if date is None else _start_time(fields[date][1]),
        remarks=() if remark is None else (remark,),
        patient=dict(zip(_PATIENT, (value for _, value in fields[: date or 0]), strict=False)),
        statements=(statement,) if statement and not _RATE.fullmatch(statement) else (),
    )


def _header(lines: list[str]) -> tuple[list[tuple[str, str]], int]:
    """Keys and values of the lines before the first number; the place of that line."""
    fields: list[tuple[str, str]] = []
    for place, line in enumerate(lines):
        # 57,2 is a number with a decimal comma, not a key with a value
        if _NUMBER.fullmatch(line.strip().strip('"')):
            return fields, place
        parts = next(csv.reader([line]), [])
        if len(parts) > 1 and parts[0].strip():
            value = ",".join(parts[1:]).strip().strip('"')
            fields.append((parts[0].strip(), value))
    return fields, len(lines)


def _rate(fields: list[tuple[str, str]]) -> float:
    found = {key: _value(rate[1]) for key, value in fields if (rate := _RATE.fullmatch(value))}
    if not found:
        raise ValueError("no line says the rate, such as 'Sample Rate,512 hertz'")
    if len(set(found.values())) > 1:  # such as that of a filter; keys are in any language
        raise ValueError(f"its lines give several rates, {found}, wanted one")
    return next(iter(found.values()))


def _value(text: str) -> float:
    """A number with a point or a comma, a minus sign of its own and the digits of any script."""
    if "," in text and "." in text:
        text = text.replace(min(",", ".", key=text.index), "")
    return float(text.translate({ord(","): ".", ord("٫"): ".", ord("−"): "-"}))


def _unit(fields: list[tuple[str, str]]) -> str:
    unit = next((value for _, value in fields if known_voltage(value)), None)
    if unit is None:
        raise ValueError("no line says the unit, such as 'Unit,µV'")
    return unit


def _lead_among(fields: list[tuple[str, str]]) -> str | None:
    """The value that is a lead: it repeats its key ("Ableitung,Ableitung I"), or stands before the unit."""
    for place, (key, value) in enumerate(fields):
        words = value.split()
        repeats = len(words) > 1 and key.casefold() in (word.casefold() for word in words)
        before_unit = place + 1 < len(fields) and known_voltage(fields[place + 1][1]) is not None
        if repeats or before_unit:
            rest = [value, *(word for word in words if word.casefold() != key.casefold())]
            # the value as it stands, where its word for a lead is known, else what is beside that word
            for name in rest if before_unit or len(rest) == 2 else rest[:1]:
                if known_lead(name) in STANDARD_LEADS:
                    return value if known_lead(value) else name
    return None


def _device(fields: list[tuple[str, str]], after: dict[int, tuple[str, str]]) -> str | None:
    named = next((value for key, value in fields if key == "Device" and value), None)
    if named is None and _DEVICE in after and not _RATE.fullmatch(after[_DEVICE][1]):
        named = after[_DEVICE][1] or None
    return named


def _numbers(lines: list[str], first: int) -> np.ndarray:
    kept = [(place, line.strip().strip('"')) for place, line in enumerate(lines[first:], first + 1) if line.strip()]
    for place, line in kept:
        if not _NUMBER.fullmatch(line):
            # what stands there is not told: of two exports in one file it is the patient's name
            raise ValueError(f"line {place} is not a number, wanted one in each line: is it one record, and whole?")
    if not kept:
        raise ValueError("there is no number below the lines that describe the record")
    values = np.array([_value(line) for _, line in kept])
    if np.isinf(values).any():
        place, _ = kept[int(np.isinf(values).argmax())]
        raise ValueError(f"line {place} is infinite, wanted a finite number")
    return values


def _start_time(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(re.sub(r"\s+(?=[-+]\d{4}$)", "", value))
    except ValueError:
        return None
