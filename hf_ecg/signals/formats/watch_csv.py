"""One lead of a watch as CSV, as Apple's Health app exports it: lines of "key,value", then one number a line.

    Name,"..."
    Recorded Date,2019-03-28 07:27:13 +0000
    Classification,Sinus Rhythm
    Device,"Watch4,3"
    Sample Rate,512.508 hertz

    Lead,Lead I
    Unit,µV

    -57.2
    -55.9

The keys are in the language of the telephone, so lines are known by their values: a rate in hertz, a lead, a voltage.
Numbers may have a decimal comma. Name and birth date are not read into the record.
"""

import csv
import os
import re
from collections.abc import Callable
from datetime import datetime

import numpy as np

from ...input_files import InputFile, read_input
from ..channels import Channels, choose_channels
from ..leads import known_lead
from ..record import Record
from ..units import known_voltage, to_millivolts
from .confinement import check_inside

FORMAT = "CSV of a watch"
ENDINGS = (".csv",)
# Most files of this ending are something else.
ENDING_IS_SHARED = True
# The lines before the numbers are shorter in every export.
_HEADER_BYTES = 4096
_RATE = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:hz|her[tc]\w*)", re.IGNORECASE)
_RATE_LINE = re.compile(rf"^[^,\n]+,\s*\"?{_RATE.pattern}\"?\s*$", re.IGNORECASE | re.MULTILINE)
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?|nan", re.IGNORECASE)
# What may be kept of it: the watch's own words on the record.
_COMMENTS = ("Classification", "Symptoms", "Software Version")


def matches(path: str, head: bytes) -> bool:
    """By a line with a rate in hertz among the first ones; other tables have none."""
    if not path.lower().endswith(ENDINGS) or not head:
        return False
    with InputFile(path) as file:
        return _RATE_LINE.search(file.read(0, _HEADER_BYTES).decode("utf-8-sig", errors="replace")) is not None


def record_file(path: str) -> str:
    """The file itself."""
    return path


def read(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> Record:
    """Read a record; see the page of this module.

    Args:
        path: of the file.
        root: folder that it may not leave, symbolic links followed.
        choose: which channels; see `choose_channels`.

    Raises:
        OSError: it is not there.
        ValueError: it is not UTF-8; no rate, lead or unit, or two rates; a line that is not a number, or an infinite
            one; a path that leaves `root`.
    """
    if root is not None:
        check_inside(path, root)
    try:
        lines = read_input(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8: {error}") from error
    try:
        fields, first = _header(lines)
        rate, unit, lead = _rate(fields), _unit(fields), _lead(fields)
        values = _numbers(lines, first)
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path}: {error}") from error
    chosen = choose([lead], [unit], where=path)
    return Record(
        name=os.path.splitext(os.path.basename(path))[0],
        values=to_millivolts(values[None], unit),
        gain=None,
        baseline=None,
        leads=chosen.leads,
        sampling_rate=rate,
        comments=[f"{key}: {value}" for key, value in fields if key in _COMMENTS and value],
        lead_names=(lead,),
        units=(unit,),
        source_format=FORMAT,
        device=next((value for key, value in fields if key == "Device" and value), None),
        start_time=_start_time(fields),
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
            fields.append((parts[0].strip(), ",".join(parts[1:]).strip()))
    return fields, len(lines)


def _rate(fields: list[tuple[str, str]]) -> float:
    found = {key: float(rate[1].replace(",", ".")) for key, value in fields if (rate := _RATE.fullmatch(value))}
    if not found:
        raise ValueError("no line says the rate, such as 'Sample Rate,512 hertz'")
    if len(set(found.values())) > 1:  # such as that of a filter; keys are in any language
        raise ValueError(f"its lines give several rates, {found}, wanted one")
    return next(iter(found.values()))


def _unit(fields: list[tuple[str, str]]) -> str:
    unit = next((value for _, value in fields if known_voltage(value)), None)
    if unit is None:
        raise ValueError("no line says the unit, such as 'Unit,µV'")
    return unit


def _lead(fields: list[tuple[str, str]]) -> str:
    """The value of the line for the lead, which repeats its key in every language: "Ableitung,Ableitung I"."""
    for key, value in fields:
        word, _, name = value.rpartition(" ")
        if word.casefold() == key.casefold() and known_lead(name):
            return name
    raise ValueError("no line says the lead, such as 'Lead,Lead I'")


def _numbers(lines: list[str], first: int) -> np.ndarray:
    kept = [(place, line.strip().strip('"')) for place, line in enumerate(lines[first:], first + 1) if line.strip()]
    for place, line in kept:
        if not _NUMBER.fullmatch(line):
            raise ValueError(f"line {place} is {line[:40]!r}, wanted one number")
    if not kept:
        raise ValueError("there is no number below the lines that describe the record")
    values = np.array([float(line.replace(",", ".")) for _, line in kept])
    if np.isinf(values).any():
        place, line = kept[int(np.isinf(values).argmax())]
        raise ValueError(f"line {place} is {line[:40]!r}, wanted a finite number")
    return values


def _start_time(fields: list[tuple[str, str]]) -> datetime | None:
    for _, value in fields:
        # a birth date has no time of day
        if re.match(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d", value):
            try:
                return datetime.fromisoformat(re.sub(r"\s+(?=[-+]\d{4}$)", "", value))
            except ValueError:
                return None
    return None
