"""What a record says besides its samples, as lines "key: value", and read again from them.

For formats that have a place for comments alone. A line that is not of these kinds stays a comment.
"""

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone, tzinfo

from .leads import known_lead
from .record import Record

_DEVICE, _STATEMENT, _REMARK = "Device", "Statement", "Remark"
_RECONSTRUCTED, _ZONE = "Reconstructed, not measured", "Time zone of the start"
_LINE = re.compile(rf"({_DEVICE}|{_STATEMENT}|{_REMARK}|{_RECONSTRUCTED}|{_ZONE}): (.+)")
_MEASUREMENT = re.compile(r"(heart_rate|[a-z]+(?:_[a-z]+)*_(?:ms|axis)): ([-+]?\d[\d.]*(?:e[-+]?\d+)?)", re.ASCII)
_UTC_OFFSET = re.compile(r"UTC(?:([-+])(\d\d):(\d\d))?")


def lines_of(record: Record) -> list[str]:
    """Comments, device, statements, measurements, what its reader found, which leads are reconstructed, and the
    patient; each a line."""
    lines = list(record.comments)
    lines += [f"{_DEVICE}: {record.device}"] if record.device else []
    lines += [f"{_STATEMENT}: {text}" for text in record.statements]
    lines += [f"{name}: {repr(value).removesuffix('.0')}" for name, value in record.measurements.items()]
    lines += [f"{_REMARK}: {text}" for text in record.remarks]
    lines += [f"{_RECONSTRUCTED}: {', '.join(record.reconstructed)}"] if record.reconstructed else []
    lines += [f"{name}: {value}" for name, value in record.patient.items()]
    return [" ".join(line.split()) for line in lines]


def zone_line(record: Record) -> list[str]:
    """A line that tells the zone of the start, for formats that have no place for it."""
    zone = record.start_time.tzinfo if isinstance(record.start_time, datetime) else None
    return [f"{_ZONE}: {zone}"] if zone is not None else []


def read_lines(lines: Sequence[str]) -> tuple[list[str], dict, tzinfo | None]:
    """The comments among the lines, arguments of `Record` that the others give, and the zone of the start."""
    comments: list[str] = []
    said: dict = {}
    found: dict[str, list[str]] = {}
    zone = None
    for line in lines:
        measured = _MEASUREMENT.fullmatch(line)
        known = _LINE.fullmatch(line)
        if measured is not None and math.isfinite(_number(measured[2])):
            said.setdefault("measurements", {}).setdefault(measured[1], _number(measured[2]))
        elif known is not None and known[1] == _ZONE and zone is None:
            zone = _zone(known[2])
            comments += [line] if zone is None else []
        elif known is not None and _fits(known[1], known[2], found):
            found.setdefault(known[1], []).append(known[2])
        else:
            comments.append(line)
    texts = {
        key: tuple(found[word]) for word, key in ((_STATEMENT, "statements"), (_REMARK, "remarks")) if word in found
    }
    said |= texts | ({"device": found[_DEVICE][0]} if _DEVICE in found else {})
    if _RECONSTRUCTED in found:
        said["reconstructed"] = tuple(found[_RECONSTRUCTED][0].split(", "))
    return comments, said, zone


def _fits(word: str, text: str, found: dict[str, list[str]]) -> bool:
    if word in (_DEVICE, _RECONSTRUCTED) and word in found:
        return False
    leads = [known_lead(name) for name in text.split(", ")]
    return word != _RECONSTRUCTED or (None not in leads and len(set(leads)) == len(leads))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _zone(text: str) -> tzinfo | None:
    offset = _UTC_OFFSET.fullmatch(text)
    if offset is None:
        return None
    minutes = 60 * int(offset[2] or 0) + int(offset[3] or 0)
    return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes)) if minutes < 24 * 60 else None
