"""What an SCP-ECG record says in words and numbers: sections 1 (who, when, with what), 7, 8 and 11.

Source: EN 1064:2005 (SCP-ECG) sections 5.4, 5.10, 5.11 and 5.14.
"""

from datetime import date, datetime, time, timedelta, timezone
from typing import NamedTuple

from .stored_fields import StoredFields, day, decoded

_TEXTS = {
    **{0: "name", 1: "first_name", 2: "id", 3: "second_name", 13: "history", 16: "institution"},
    **{17: "institution", 18: "institution", 19: "institution", 20: "physician", 21: "physician", 22: "operator"},
    **{23: "institution", 30: "notes", 31: "accession", 35: "history"},
}
_END = 255
# Lengths that the standard fixes: some devices write another one.
_LENGTHS = {
    **{4: 3, 5: 4, 6: 3, 7: 3, 8: 1, 9: 1, 11: 2, 12: 2, 24: 1, 25: 4, 26: 3, 27: 2, 28: 2, 29: 1, 33: 2},
}
_LANGUAGES = {
    **{0x03: "iso8859_2", 0x0B: "iso8859_4", 0x13: "iso8859_5", 0x1B: "iso8859_6", 0x23: "iso8859_7"},
    **{0x2B: "iso8859_8", 0x33: "iso8859_11", 0x3B: "iso8859_15", 0x07: "utf-16-le", 0x0F: "shift_jis"},
    **{0x17: "euc_jp", 0x1F: "euc_jp", 0x27: "gb2312", 0x2F: "cp949", 0x37: "utf-8"},
}
_MAKERS = (
    *("", "Burdick", "Cambridge", "Compumed", "Datamed", "Fukuda", "Hewlett-Packard", "Marquette Electronics"),
    *("Mortara Instruments", "Nihon Kohden", "Okin", "Quinton", "Siemens", "Spacelabs", "Telemed", "Hellige"),
    *("ESA-OTE", "Schiller", "Picker-Schwarzer", "et medical devices", "Zwönitz"),
)
_AGES = {1: "Y", 2: "M", 3: "W", 4: "D", 5: "H"}
# Not measured, not measurable, no such wave; and what devices write for them.
_NO_NUMBER, _NO_AXIS = (29999, 29998, 19999, 0xFFFF, -32768), 999


class Said(NamedTuple):
    """Of section 1."""

    patient: dict[str, str]
    device: str | None
    start: datetime | time | None
    filters: str
    protocol: int
    encoding: str


def read_about(section: StoredFields | None, remarks: list[str]) -> Said:
    """Who was recorded, when and with what."""
    if section is None:
        return Said({}, None, None, "", 0, "utf-8")
    tags = _tags(section, {})
    if tags is None:
        tags = _tags(section, _LENGTHS)
        remarks.append("a field of section 1 has another length than it says")
    fields = dict(reversed(tags or []))
    machine = StoredFields(fields.get(14, b""), "the machine's field")
    known = len(machine) >= 36
    encoding = _LANGUAGES.get(machine.number(16, "B"), "utf-8") if known else "utf-8"
    patient: dict[str, str] = {}
    for tag, value in tags or []:
        if tag in _TEXTS and (text := decoded(value, encoding)):
            patient[_TEXTS[tag]] = "; ".join(filter(None, (patient.get(_TEXTS[tag], ""), text)))
    given = (patient.pop("first_name", ""), patient.pop("second_name", ""), patient.pop("name", ""))
    patient["name"] = " ".join(filter(None, given))
    patient |= _body(fields)
    device, serial = _device(machine, encoding) if known else (None, "")
    patient["device_serial"] = serial
    filters = [f"{name} {number:g} Hz" for name, number in _filters(fields) if number]
    return Said(patient, device, _start(fields), ", ".join(filters), machine.number(14, "B") if known else 0, encoding)


def _tags(section: StoredFields, lengths: dict[int, int]) -> list[tuple[int, bytes]] | None:
    """Tag and value of each field; None where a length leads beyond the end."""
    tags, place = [], 0
    while place + 3 <= len(section):
        tag, length = section.numbers(place, "BH")
        if tag == _END:
            break
        length, place = lengths.get(tag, length), place + 3
        if place + length > len(section):
            return None
        tags.append((tag, section.part(place, length)))
        place += length
    return tags


def _body(fields: dict[int, bytes]) -> dict[str, str]:
    found = {}
    age, born, sex = (StoredFields(fields.get(tag, b""), "a field") for tag in (4, 5, 8))
    if len(age) >= 3 and age.number(0, "H"):
        found["age"] = f"{age.number(0, 'H')}{_AGES.get(age.number(2, 'B'), '')}"
    if (birth := _date(born)) is not None:
        found["birth_date"] = birth.isoformat()
    if len(sex):
        found["sex"] = {1: "male", 2: "female"}.get(sex.number(0, "B"), "")
    return found


def _filters(fields: dict[int, bytes]) -> list[tuple[str, float]]:
    low, high, notch = (StoredFields(fields.get(tag, b""), "a field") for tag in (27, 28, 29))
    mains = notch.number(0, "B") & 3 if len(notch) else 0
    return [
        ("high-pass", low.number(0, "H") / 100 if len(low) >= 2 else 0),
        ("low-pass", high.number(0, "H") if len(high) >= 2 else 0),
        ("notch", {1: 60, 2: 50}.get(mains, 0)),
    ]


def _device(machine: StoredFields, encoding: str) -> tuple[str | None, str]:
    """Maker and model, and the serial number."""
    code = machine.number(7, "B")
    texts = [decoded(text, encoding) for text in machine.part(36, len(machine) - 36).split(b"\0")] + [""] * 5
    maker = texts[4] or (_MAKERS[code] if code < len(_MAKERS) else "")
    return " ".join(filter(None, (maker, machine.text(8, 6)))) or None, texts[1]


def _date(field: StoredFields) -> date | None:
    return day(*field.numbers(0, "HBB")) if len(field) >= 4 else None


def _start(fields: dict[int, bytes]) -> datetime | time | None:
    on, at, zone = (StoredFields(fields.get(tag, b""), "a field") for tag in (25, 26, 34))
    minutes = zone.number(0, "h") if len(zone) >= 2 else 0x7FFF
    try:
        clock = time(*at.numbers(0, "BBB")) if len(at) >= 3 else None
    except ValueError:
        clock = None
    found = _date(on)
    if clock is None:
        return None
    if found is None:
        return clock
    start = datetime.combine(found, clock)
    return start.replace(tzinfo=timezone(timedelta(minutes=minutes))) if abs(minutes) <= 14 * 60 else start


def read_measurements(section: StoredFields | None) -> dict[str, float]:
    """Of the whole record and of the reference beat, whose waves are told by their ends in milliseconds."""
    if section is None:
        return {}
    blocks, spikes, rr, _ = section.numbers(0, "BBHH")
    found: dict[str, float] = {"rr_ms": rr or 29999}
    if blocks:
        p, p_end, qrs, qrs_end, t_end, *axes = section.numbers(6, "HHHHHhhh")
        for key, first, end in (
            ("p_ms", p, p_end),
            ("pr_ms", p, qrs),
            ("qrs_ms", qrs, qrs_end),
            ("qt_ms", qrs, t_end),
        ):
            if first not in _NO_NUMBER and end not in _NO_NUMBER and end > first:
                found[key] = end - first
        told = zip(("p_axis", "qrs_axis", "t_axis"), axes, strict=True)
        found |= {key: axis for key, axis in told if abs(axis) != _NO_AXIS}
    place = 6 + 16 * blocks + 10 * spikes
    if len(section) >= place + 2:
        place += 2 + section.number(place, "H")
        if len(section) >= place + 6:
            rate, _, corrected = section.numbers(place, "HHH")
            found |= {"heart_rate": rate or 29999, "qtc_ms": corrected or 29999}
    return {key: float(value) for key, value in found.items() if value not in _NO_NUMBER}


def read_statements(section: StoredFields | None, number: int, encoding: str) -> list[str]:
    """Of section 8, words, or 11, which has the kind of each in front."""
    if section is None:
        return []
    found, place = [], 9
    for _ in range(section.number(8, "B")):
        _, size = section.numbers(place, "BH")
        text = section.part(place + 3, size)[1 if number == 11 else 0 :]
        words = [decoded(part, encoding) for part in ([text] if encoding == "utf-16-le" else text.split(b"\0"))]
        found.append(" ".join(filter(None, words)))
        place += 3 + size
    return [line for line in found if line]
