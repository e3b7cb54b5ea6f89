"""The header of an EDF, EDF+, BDF or BDF+ file: fields of fixed length in ASCII.

Source: Kemp et al. 1992, Electroencephalogr Clin Neurophysiol 82:391-393; Kemp and Olivan 2003, Clin Neurophysiol
114:1755-1761 (EDF+); for BDF the page of BioSemi, which differs in the first byte and in 24 bits a sample.
"""

import math
import re
from datetime import date, datetime, time
from typing import NamedTuple

from ...input_files import InputFile

EDF_MARK, BDF_MARK = b"0       ", b"\xffBIOSEMI"
_FIXED, _PER_SIGNAL = 256, 256
# Names and lengths of the fields: of the file, and of its signals, where each stands for all signals together.
_FILE_FIELDS = (
    *(("version", 8), ("patient", 80), ("recording", 80), ("date", 8), ("time", 8), ("header_bytes", 8)),
    *(("reserved", 44), ("records", 8), ("duration", 8), ("signals", 4)),
)
_SIGNAL_FIELDS = (
    *(("label", 16), ("transducer", 80), ("unit", 8), ("physical_low", 8), ("physical_high", 8)),
    *(("digital_low", 8), ("digital_high", 8), ("filters", 80), ("samples", 8), ("reserved", 32)),
)
_WHOLE, _NUMBER = re.compile(r"[-+]?\d+"), re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
# What EDF+ writes where a date and a time must stand and none are known.
NO_DATE, NO_TIME = date(1985, 1, 1), time(0)


class Signal(NamedTuple):
    """One signal of the header.

    Attributes:
        label, unit, filters: as written.
        per_record: samples in each data record.
        offset: of its first sample in a data record, in samples.
        step, zero: physical value = (digital - zero) * step, in `unit`; NaN where the header tells no scale.
        lowest: the lowest digital value.
    """

    label: str
    unit: str
    filters: str
    per_record: int
    offset: int
    step: float
    zero: float
    lowest: int

    @property
    def is_annotations(self) -> bool:
        return self.label in ("EDF Annotations", "BDF Annotations")


class Header(NamedTuple):
    """What the header says; `records` is -1 where it does not know how many there are."""

    is_bdf: bool
    size: int
    patient: str
    recording: str
    start: datetime | time | None
    is_plus: bool
    is_discontinuous: bool
    records: int
    duration: float
    signals: list[Signal]
    remarks: list[str]

    @property
    def bytes_a_sample(self) -> int:
        return 3 if self.is_bdf else 2

    @property
    def record_samples(self) -> int:
        return sum(signal.per_record for signal in self.signals)


def read_header(file: InputFile) -> Header:
    """The header of an open file.

    Raises:
        ValueError: it ends within the header, or a field holds no number, or one that cannot be.
    """
    stored = file.read(0, _FIXED)
    if len(stored) < _FIXED:
        raise ValueError(f"it ends after {len(stored)} bytes, and the header alone has {_FIXED}: truncated")
    fields = _split(stored, _FILE_FIELDS)
    remarks: list[str] = []
    number = _whole(fields["signals"], "number of signals")
    if number < 1:
        raise ValueError(f"the header says {number} signals, wanted at least 1")
    size = _FIXED + _PER_SIGNAL * number
    if file.size < size:
        raise ValueError(f"it has {file.size} bytes, and the header of {number} signals has {size}: truncated")
    said = _whole(fields["header_bytes"], "size of the header")
    if said != size:
        raise ValueError(f"the header says that it has {said} bytes, and for {number} signals it has {size}")
    duration = _number(fields["duration"], "duration of a data record", remarks)
    if not duration >= 0:
        raise ValueError(f"a data record lasts {duration:g} s, wanted 0 or more")
    reserved = fields["reserved"].upper()
    return Header(
        is_bdf=stored.startswith(BDF_MARK),
        size=size,
        patient=fields["patient"],
        recording=fields["recording"],
        start=_start(fields, remarks),
        is_plus=reserved.startswith(("EDF+", "BDF+")),
        is_discontinuous=reserved.startswith(("EDF+D", "BDF+D")),
        records=_whole(fields["records"], "number of data records"),
        duration=duration,
        signals=_signals(file.read(_FIXED, size - _FIXED), number, remarks),
        remarks=remarks,
    )


def _split(stored: bytes, fields) -> dict[str, str]:
    found, place = {}, 0
    for name, length in fields:
        found[name] = _text(stored[place : place + length])
        place += length
    return found


def _text(stored: bytes) -> str:
    """ASCII says the standard; names and micro signs are written otherwise too."""
    try:
        text = stored.decode("utf-8")
    except UnicodeDecodeError:
        text = stored.decode("latin-1")
    return text.replace("\0", " ").strip()


def _whole(text: str, what: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"the header's {what} is {_shown(text)}, wanted a whole number")
    return int(text)


def _shown(text: str) -> str:
    """A field, unless it holds words: in a damaged header the fields of the patient may stand in any other's place."""
    return "some words" if any(char.isalpha() for char in text) else repr(text)


def _number(text: str, what: str, remarks: list[str]) -> float:
    if "," in text:
        text = text.replace(",", ".")
        remark = "the header writes numbers with a decimal comma"
        if remark not in remarks:
            remarks.append(remark)
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"the header's {what} is {_shown(text)}, wanted a number")
    return float(text)


def _signals(stored: bytes, number: int, remarks: list[str]) -> list[Signal]:
    columns, place = {}, 0
    for name, length in _SIGNAL_FIELDS:
        part = stored[place : place + length * number]
        columns[name] = [_text(part[length * i : length * (i + 1)]) for i in range(number)]
        place += length * number
    signals: list[Signal] = []
    offset = 0
    for i in range(number):
        label = columns["label"][i]
        per_record = _whole(columns["samples"][i], f"number of samples of signal {i + 1}")
        if per_record < 0:
            raise ValueError(f"signal {i + 1} has {per_record} samples a data record, wanted 0 or more")
        scale = _scale({key: columns[key][i] for key in columns}, remarks)
        signals.append(Signal(label, columns["unit"][i], columns["filters"][i], per_record, offset, *scale))
        offset += per_record
    return signals


def _scale(fields: dict[str, str], remarks: list[str]) -> tuple[float, float, int]:
    """Step, zero and lowest digital value; NaN for the first two where the ranges give no scale."""
    try:
        low, high = (_number(fields[key], key, remarks) for key in ("physical_low", "physical_high"))
        digital_low, digital_high = (_whole(fields[key], key) for key in ("digital_low", "digital_high"))
    except ValueError:
        return math.nan, math.nan, 0
    if high == low or digital_high <= digital_low or not math.isfinite(high - low):
        return math.nan, math.nan, digital_low
    step = (high - low) / (digital_high - digital_low)
    return step, digital_low - low / step, digital_low


def _start(fields: dict[str, str], remarks: list[str]) -> datetime | time | None:
    clock = re.fullmatch(r"(\d\d)[.:](\d\d)[.:](\d\d)", fields["time"])
    day = re.fullmatch(r"(\d\d)[./-](\d\d)[./-](\d\d)", fields["date"])
    try:
        of_day = time(int(clock[1]), int(clock[2]), int(clock[3])) if clock else None
        found = _full_date(fields["recording"])
        if found is None and day:
            # clipped to 1985 to 2084
            year = int(day[3]) + (1900 if int(day[3]) >= NO_DATE.year % 100 else 2000)
            found = date(year, int(day[2]), int(day[1]))
    except ValueError:
        of_day, found = None, None
    if of_day is None:
        remarks.append("the header tells no time of its start that there is")
        return None
    if found is None or found == NO_DATE:
        return None if found == NO_DATE and of_day == NO_TIME else of_day
    return datetime.combine(found, of_day)


def _full_date(recording: str) -> date | None:
    """Of EDF+, which writes the year in full."""
    found = re.match(r"Startdate (\d\d)-([A-Za-z]{3})-(\d{4})\b", recording)
    if found is None or found[2].upper() not in MONTHS:
        return None
    return date(int(found[3]), MONTHS.index(found[2].upper()) + 1, int(found[1]))


def patient_fields(header: Header) -> dict[str, str]:
    """Who was recorded and where, by EDF+'s subfields; EDF has free text in their place."""
    if not header.is_plus:
        return {"name": header.patient, "recording": header.recording}
    names = ("id", "sex", "birth_date", "name")
    found = dict(zip(names, header.patient.split(" "), strict=False))
    names = ("", "", "accession", "operator")
    found |= dict(zip(names, header.recording.split(" "), strict=False))
    found.pop("", None)
    # an X stands for what is not known, an underscore for a blank
    return {key: value.replace("_", " ") for key, value in found.items() if value != "X"}


def device(header: Header) -> str | None:
    """The equipment of EDF+."""
    parts = header.recording.split(" ")
    if not header.is_plus or len(parts) < 5 or parts[4] in ("", "X"):
        return None
    return parts[4].replace("_", " ")
