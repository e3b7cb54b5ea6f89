"""Headers of WFDB records. Source: WFDB manual, header(5)."""

import math
import re
from datetime import date, datetime, time
from functools import lru_cache
from typing import NamedTuple

from ..record_lines import read_lines

# Python takes digits of any script, and 1_000, for numbers.
_GAIN = re.compile(r"(?P<gain>[-+.\deE]+)(\((?P<baseline>[-+]?\d{1,18})\))?(/(?P<unit>\S+))?", re.ASCII)
_FORMAT = re.compile(
    r"(?P<format>\d{1,9})(x(?P<per_frame>\d{1,18}))?(:(?P<skew>\d{1,18}))?(\+(?P<offset>\d{1,18}))?", re.ASCII
)
_RATE = re.compile(r"(?P<rate>[-+.\deE]+)(/[-+.\deE]+(\([-+.\deE]+\))?)?", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d{1,6})?", re.ASCII)
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_NAME = re.compile(r"[-\w.]*[-\w]")
_SEGMENTED = re.compile(r"(?P<name>[^/]+)/(?P<number>\d{1,9})", re.ASCII)
_INTEGER = re.compile(r"[-+]?\d{1,18}", re.ASCII)
# Published headers name their record by the signal file: E07835.mat of the Challenge 2021, most of Georgia's of 2020.
_FILE_ENDINGS = (".mat", ".dat", ".hea")
# What a header of today's recorders stays far below; each signal costs memory before a sample is read.
_MOST_SIGNALS = 4096
# Storage formats of signal(5); 0 stands for a signal without samples.
FORMATS = (0, 8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516, 524)
# A segment of this name is a gap.
GAP = "~"
RECORD_LINE = "NAME LEADS RATE SAMPLES"
# Of other text the first word of a line ends so, or begins a mark-up.
_NUMBER = re.compile(r"[-+.,\deE]+", re.ASCII)
_NOT_A_NAME = re.compile(r'["<{\[].*|.*[,;:"]')


class SignalLine(NamedTuple):
    """What a header says of one signal.

    `skew` in frames, `gain` in counts a `unit` (0: not calibrated), `unit` as it is written, `zero` of the ADC,
    `initial` and `checksum` None where it does not say.
    """

    file: str
    format: int
    per_frame: int
    skew: int
    offset: int
    gain: float
    unit: str
    baseline: int
    zero: int
    initial: int | None
    checksum: int | None
    description: str


class Segment(NamedTuple):
    """A part of a record: the name of its own header (`GAP`: nothing was recorded), and its frames."""

    name: str
    num_frames: int


class Header(NamedTuple):
    """A header, of signals or of segments.

    `num_frames` is 0 where it does not say, `start_time` None where it does not, or not as header(5). `said` holds
    further arguments of `Record`, which stand in comments of their own kind.
    """

    name: str
    frame_rate: float
    num_frames: int
    start_time: datetime | time | None
    lines: list[SignalLine]
    segments: list[Segment]
    comments: list[str]
    said: dict


def parse_header(text: str, header: str) -> Header:
    """A header's text; `header` is its path, for errors.

    Raises:
        ValueError: a header that says nothing sensible.
    """
    comments, numbered = _lines(text)
    if not numbered:
        raise ValueError(f"{header} is empty: no record line")
    places, content = [place for place, _ in numbered], [line for _, line in numbered]
    fields = content[0].split()
    # no line is repeated in a message: of another file under this name it may be a patient's
    where = f"{header}, line {places[0]}"
    name, announced = _name(fields[0], content[1:], where)
    try:
        number = _integer(fields[1])
        # header(5) lets a reader take 250 for an absent rate; but then nobody knows the seconds
        rate = _rate(fields[2])
        num_frames = _integer(fields[3]) if len(fields) > 3 else 0
    except (IndexError, ValueError) as error:
        raise ValueError(f"{where}: the record line is not {RECORD_LINE}: is it a WFDB header?") from error
    if number < 1 or len(content) < 2:
        raise ValueError(f"{header} has no signals")
    kind = "signals" if announced is None else "segments"
    wanted = number if announced is None else announced
    if len(content) - 1 != wanted:
        raise ValueError(f"{header} announces {wanted} {kind} and describes {len(content) - 1}")
    if number > _MOST_SIGNALS:
        raise ValueError(f"{header} announces {number} signals, wanted at most {_MOST_SIGNALS}")
    if not (math.isfinite(rate) and rate > 0) or num_frames < 0:
        raise ValueError(f"{header}: sampling rate {rate}, {num_frames} samples: wanted positive numbers")
    lines, segments = [], []
    if announced is None:
        lines = [_parse_signal_line(line, place, header) for place, line in numbered[1:]]
    else:
        segments = [_parse_segment_line(line, place, header) for place, line in numbered[1:]]
    comments, said, zone = read_lines(comments)
    start = _start(fields[4:6])
    if isinstance(start, datetime) and zone is not None:
        start = start.replace(tzinfo=zone)
    return Header(name, rate, num_frames, start, lines, segments, comments, said)


def may_be_header(text: str) -> bool:
    """Whether a file that begins so may be a header, a damaged one too: by its record line, or a line of a signal."""
    content = [line.split() for _, line in _lines(text)[1]]
    if not content:
        return True
    first, rest = content[0], content[1:]
    if _NOT_A_NAME.fullmatch(first[0]) or any(map(_is_row, rest)):
        return False
    record = len(first) > 1 and _INTEGER.fullmatch(first[1]) is not None
    if record and (len(first) == 2 or _RATE.fullmatch(first[2])):
        return True
    return any(_is_signal(line) and not _NUMBER.fullmatch(line[0]) for line in rest)


def _is_row(fields: list[str]) -> bool:
    """Of a table of numbers."""
    return len(fields) > 2 and all(map(_NUMBER.fullmatch, fields)) and not _is_signal(fields)


def _is_signal(fields: list[str]) -> bool:
    form = _FORMAT.fullmatch(fields[1]) if len(fields) > 2 else None
    return form is not None and int(form["format"]) in FORMATS and _GAIN.fullmatch(fields[2]) is not None


def _lines(text: str) -> tuple[list[str], list[tuple[int, str]]]:
    """Comments without their mark, and the other lines that are not blank, with their numbers from 1."""
    comments, content = [], []
    # a text of DOS may end in Control-Z
    for place, line in enumerate(text.rstrip("\x1a").splitlines(), 1):
        line = line.strip()
        if line.startswith("#"):
            comments.append(line[1:].strip())
        elif line:
            content.append((place, line.partition("#")[0].strip()))
    return comments, content


def plain_name(name: str) -> bool:
    """Whether this names a record or a file beside the header, and no other place."""
    return _NAME.fullmatch(name) is not None


def _name(field: str, lines: list[str], where: str) -> tuple[str, int | None]:
    """The record's name, and its number of segments where it has some."""
    form = _SEGMENTED.fullmatch(field)
    # "mitdb/100" above lines of signals is a path; those of segments have two fields
    if form is not None and all(len(line.split()) == 2 for line in lines):
        field = form["name"]
    else:
        form = None
    if not plain_name(field):
        raise ValueError(
            f"{where}: the record's name is not of letters, digits, _, - and . without a folder before it"
        )
    for ending in _FILE_ENDINGS:
        field = field.removesuffix(ending) or field
    return field, None if form is None else int(form["number"])


def _rate(text: str) -> float:
    """Of the record line's field, which may also tell the counter's frequency and base."""
    form = _RATE.fullmatch(text)
    if form is None:
        raise ValueError("no rate")
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


def _parse_segment_line(text: str, place: int, header: str) -> Segment:
    name, number = text.split()
    if (name != GAP and not plain_name(name)) or _INTEGER.fullmatch(number) is None or int(number) < 0:
        raise ValueError(f"{header}, line {place}: the segment line cannot be read, wanted NAME SAMPLES")
    return Segment(name, int(number))


def _parse_signal_line(text: str, place: int, header: str) -> SignalLine:
    fields = text.split(maxsplit=8)
    try:
        if len(fields) < 2:
            raise ValueError("no format")
        shared = _parse_shared(fields[1], fields[2] if len(fields) > 2 else "0", *fields[3:5], *fields[7:8])
        # a word among the numbers has shifted the fields
        initial, checksum = [_integer(fields[n]) if len(fields) > n else None for n in (5, 6)]
    except ValueError as error:
        raise ValueError(f"{header}, line {place}: the signal line cannot be read: {error}") from error
    return SignalLine(fields[0], *shared, initial, checksum, fields[8] if len(fields) > 8 else "")


# The leads of a corpus repeat a handful of these fields; parsing them anew took half the time of a record.
@lru_cache(maxsize=1024)
def _parse_shared(
    storage: str, gain: str, resolution: str = "0", zero: str = "0", block_size: str = "0"
) -> tuple[int, int, int, int, float, str, int, int]:
    """Format, samples a frame, skew, offset, gain, unit, baseline and zero of the ADC."""
    value, unit, baseline = _parse_gain(gain)
    if min(_integer(resolution), _integer(block_size)) < 0:
        raise ValueError("a resolution or block size is negative")
    return *_parse_format(storage), value, unit, _integer(zero) if baseline is None else baseline, _integer(zero)


def _integer(text: str) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise ValueError("a field is not a whole number")
    return int(text)


def _parse_format(text: str) -> tuple[int, int, int, int]:
    form = _FORMAT.fullmatch(text)
    if form is None:
        raise ValueError("its second field holds no format")
    number, per_frame = int(form["format"]), int(form["per_frame"] or 1)
    if number not in FORMATS:
        raise ValueError(f"the format is {number}, wanted one of {', '.join(map(str, FORMATS))}")
    if per_frame < 1:
        raise ValueError(f"{per_frame} samples a frame")
    return number, per_frame, int(form["skew"] or 0), int(form["offset"] or 0)


def _parse_gain(text: str) -> tuple[float, str, int | None]:
    """Counts a unit, the unit (header(5): millivolt where none is said), the baseline where the field names one."""
    form = _GAIN.fullmatch(text)
    if form is None:
        raise ValueError("its third field holds no gain")
    gain = float(form["gain"])
    if not math.isfinite(gain):
        raise ValueError(f"the gain is {gain:g}, wanted a finite number")
    return gain, form["unit"] or "mV", None if form["baseline"] is None else int(form["baseline"])
