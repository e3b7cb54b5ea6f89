"""WFDB records: header and samples as counts. Format 16 is read directly, everything else by the wfdb package.

Source: WFDB manual, header(5) and signal(5). On one core `wfdb.rdrecord` reads some 800 twelve-lead records of 1,000
samples a second, this reader some 4,000, header, checksums and all.
"""

import os
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..leads import canonical_leads
from ..units import MISSING_COUNT, counts_to_millivolts

_UNIT_TO_MV = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "v": 1e3}
# Python takes digits of any script, and 1_000, for numbers.
_GAIN = re.compile(r"(?P<gain>[-+.\deE]+)(\((?P<baseline>[-+]?\d+)\))?(/(?P<units>\S+))?", re.ASCII)
_FORMAT = re.compile(r"(?P<format>\d+)(x(?P<per_frame>\d+))?(:(?P<skew>\d+))?(\+(?P<offset>\d+))?", re.ASCII)
_RATE = re.compile(r"(?P<rate>[-+.\deE]+)(/[-+.\deE]+(\([-+.\deE]+\))?)?", re.ASCII)
_NAME = re.compile(r"[-\w]+")
_INTEGER = re.compile(r"[-+]?\d{1,18}", re.ASCII)
# What each storage format writes for "no sample here": its most negative number (signal(5)); format 8 has none.
_MISSING_IN_FORMAT = {80: -(2**7), 508: -(2**7), 212: -(2**11), 310: -(2**9), 311: -(2**9)}
_MISSING_IN_FORMAT |= {24: -(2**23), 524: -(2**23), 32: -(2**31)}
_MISSING_IN_FORMAT |= dict.fromkeys((16, 61, 160, 516), MISSING_COUNT)
_FORMATS = {8, *_MISSING_IN_FORMAT}


@dataclass
class Record:
    """A WFDB record as it is stored.

    `counts` int16 (leads, samples), -32768 where missing; `gain` counts per millivolt and `baseline` counts, one a
    lead; `leads` canonical names; `sampling_rate` hertz; `comments` the header's, without "#".
    """

    name: str
    counts: np.ndarray
    gain: np.ndarray
    baseline: np.ndarray
    leads: tuple[str, ...]
    sampling_rate: float
    comments: list[str] = field(default_factory=list)

    def to_millivolts(self) -> np.ndarray:
        """float64 (leads, samples), NaN where missing."""
        return counts_to_millivolts(self.counts, self.gain, self.baseline)


class _SignalLine(NamedTuple):
    file: str
    format: int
    per_frame: int
    skew: int
    offset: int
    gain: float
    baseline: int
    checksum: int | None
    description: str


def read_record(path, root=None) -> Record:
    """Read a WFDB record.

    Args:
        path: of its header, with or without `.hea`; the name of its `.dat` or `.mat` file is taken too.
        root: folder that the record and its signal files may not leave, symbolic links followed.

    Raises:
        OSError: the header or a signal file is not there.
        ValueError: a header that says nothing sensible, a truncated signal file, a wrong checksum, unknown or doubled
            leads, a unit that is no voltage, no gain, a path that leaves `root`.
    """
    header = _header_path(path)
    folder = os.path.dirname(header)
    if root is not None:
        _check_inside(header, root)
    try:
        with open(header, "rb") as file:
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError as error:
        given = os.fsdecode(path)
        if os.path.isdir(given):
            raise IsADirectoryError(f"{given} is a folder, wanted one WFDB record, named by its .hea file") from error
        other = f"; {given} is no WFDB record, give what it holds as an array" if os.path.isfile(given) else ""
        raise FileNotFoundError(f"{header} is not there (a WFDB record is named by its .hea file){other}") from error
    if "\0" in text:
        raise ValueError(f"{header} holds null characters: no header, or a damaged one")
    name, sampling_rate, num_samples, lines, comments = _parse_header(text, header)
    leads = _leads(lines, header)
    for signal_file in dict.fromkeys(line.file for line in lines):
        if os.path.basename(signal_file) != signal_file or signal_file in (".", "..", "-", "~"):
            raise ValueError(f"{header}: the signal file {signal_file!r} is not beside the header")
        # the folder is the header's, which has been looked at
        if root is not None and os.path.islink(os.path.join(folder, signal_file)):
            _check_inside(os.path.join(folder, signal_file), root)
    if all(line.format == 16 and line.per_frame == 1 and line.skew == 0 for line in lines):
        counts = _read_format_16(header, folder, lines, num_samples)
        _check_sums(header, counts, lines, leads)
    else:
        counts = _read_by_wfdb(header, lines, leads, num_samples)
    gain = np.array([line.gain for line in lines])
    baseline = np.array([float(line.baseline) for line in lines])
    return Record(name, counts, gain, baseline, leads, sampling_rate, comments)


def _header_path(path) -> str:
    path = os.fsdecode(path)
    stem, ending = os.path.splitext(path)
    return f"{stem if ending in ('.hea', '.dat', '.mat') else path}.hea"


def _check_inside(path: str, root) -> None:
    # Resolving follows every folder from the top of the disk, half of a record's time: needless where the path says
    # that it is inside and no part of it is a link.
    if _is_plainly_inside(path, os.path.join(os.fspath(root), "")):
        return
    # Resolved anew for every record: a relative root means another folder once the working directory changes.
    base = os.path.join(os.path.realpath(root), "")
    if not os.path.realpath(path).startswith(base):
        raise ValueError(f"{path} leaves the folder {root}")


def _is_plainly_inside(path: str, base: str) -> bool:
    if not path.startswith(base):
        return False
    place = base
    for part in path[len(base) :].split(os.sep):
        place = os.path.join(place, part)
        if part == os.pardir or os.path.islink(place):
            return False
    return True


def _check_sums(header: str, counts: np.ndarray, lines: list["_SignalLine"], leads: tuple[str, ...]) -> None:
    """A checksum is the sum of all of a lead's samples in 16 bits (header(5))."""
    # 16-bit sums of 16-bit counts go round by themselves, ten times faster than 64-bit ones
    total = counts.sum(-1, dtype=np.int16 if counts.dtype == np.int16 else np.int64).astype(np.int64) & 0xFFFF
    for found, line, lead in zip(total.tolist(), lines, leads, strict=True):
        if line.checksum is not None and found != line.checksum & 0xFFFF:
            raise ValueError(
                f"{header}: lead {lead} has the checksum {found}, the header says {line.checksum & 0xFFFF}:"
                " the samples are damaged"
            )


def _parse_header(text: str, header: str):
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
        rate = float(_RATE.fullmatch(fields[2])["rate"])
        num_samples = _integer(fields[3]) if len(fields) > 3 else 0
    except (IndexError, TypeError, ValueError) as error:
        raise ValueError(f"{header}: the record line is {content[0]!r}, wanted NAME LEADS RATE SAMPLES") from error
    if number < 1 or len(content) < 2:
        raise ValueError(f"{header} has no signals")
    if len(content) - 1 != number:
        raise ValueError(f"{header} announces {number} signals and describes {len(content) - 1}")
    if not (np.isfinite(rate) and rate > 0) or num_samples < 0:
        raise ValueError(f"{header}: sampling rate {rate}, {num_samples} samples: wanted positive numbers")
    lines = [_parse_signal_line(line, header) for line in content[1:]]
    return fields[0], rate, num_samples, lines, comments


def _parse_signal_line(text: str, header: str) -> _SignalLine:
    fields = text.split(maxsplit=8)
    try:
        if len(fields) < 3:
            raise ValueError("no format or no gain")
        storage, (gain, baseline) = _parse_format(fields[1]), _parse_gain(fields[2])
        # resolution, zero, initial value, checksum, block size: a word among them has shifted the fields
        numbers = [_integer(field) for field in fields[3:8]]
        if min(numbers[:1] + numbers[4:], default=0) < 0:
            raise ValueError("a resolution or block size is negative")
        zero = numbers[1] if len(numbers) > 1 else 0
        checksum = numbers[3] if len(numbers) > 3 else None
    except ValueError as error:
        raise ValueError(f"{header}: the signal line {text!r} cannot be read: {error}") from error
    description = fields[8] if len(fields) > 8 else ""
    return _SignalLine(fields[0], *storage, gain, zero if baseline is None else baseline, checksum, description)


@lru_cache(maxsize=4096)
def _integer(text: str) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no whole number")
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
def _parse_gain(text: str) -> tuple[float, int | None]:
    """Counts per millivolt, and the baseline where the field names one."""
    form = _GAIN.fullmatch(text)
    if form is None:
        raise ValueError(f"no gain in {text!r}")
    value, units = float(form["gain"]), form["units"] or "mV"
    if units.lower() not in _UNIT_TO_MV:
        raise ValueError(f"the unit is {units!r}, wanted a voltage ({', '.join(_UNIT_TO_MV)})")
    if not (np.isfinite(value) and value > 0):
        # header(5) lets a reader take 200 for 0; but then nobody knows the millivolts
        raise ValueError(f"the gain is {value:g}, wanted a positive number (0 says that it was not calibrated)")
    return value / _UNIT_TO_MV[units.lower()], None if form["baseline"] is None else int(form["baseline"])


def _leads(lines: list[_SignalLine], header: str) -> tuple[str, ...]:
    try:
        return canonical_leads([line.description for line in lines])
    except ValueError as error:
        raise ValueError(f"{header}: {error}") from error


def _read_format_16(header: str, folder: str, lines: list[_SignalLine], num_samples: int) -> np.ndarray:
    """Little-endian 16-bit counts, the leads of one file interleaved sample by sample."""
    files: dict[str, list[int]] = {}
    for row, line in enumerate(lines):
        files.setdefault(line.file, []).append(row)
    parts = []
    for signal_file, rows in files.items():
        path, offset, number = os.path.join(folder, signal_file), lines[rows[0]].offset, len(rows)
        try:
            with open(path, "rb") as file:
                file.seek(offset)
                stored = file.read()
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{path} is not there, though {header} names it") from error
        length = num_samples or len(stored) // (2 * number)
        if len(stored) != 2 * length * number or length == 0:
            raise ValueError(
                f"{path} holds {len(stored) / 2:g} samples after byte {offset}, {os.path.basename(header)} says"
                f" {length} for each of {number} leads ({length * number}): truncated, or not its file"
            )
        parts.append(np.frombuffer(stored, dtype="<i2").reshape(length, number).T)
    if len({part.shape[1] for part in parts}) > 1:
        raise ValueError(f"{header}: the signal files differ in length")
    if len(parts) == 1:
        return np.ascontiguousarray(parts[0], dtype=np.int16)
    counts = np.empty((len(lines), parts[0].shape[1]), dtype=np.int16)
    for rows, part in zip(files.values(), parts, strict=True):
        counts[rows] = part
    return counts


def _read_by_wfdb(header: str, lines: list[_SignalLine], leads: tuple[str, ...], num_samples: int) -> np.ndarray:
    import wfdb

    try:
        record = wfdb.rdrecord(os.path.splitext(header)[0], physical=False, smooth_frames=True)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error.filename} is not there, though {header} names it") from error
    except Exception as error:  # wfdb raises whatever its parsing runs into
        raise ValueError(f"{header} cannot be read by wfdb: {type(error).__name__}: {error}") from error
    if record.d_signal is None or record.d_signal.shape[1] != len(lines):
        found = None if record.d_signal is None else record.d_signal.shape
        raise ValueError(f"{header}: wfdb read {found}, wanted {len(lines)} leads")
    stored = record.d_signal.T
    if num_samples and stored.shape[1] != num_samples:
        raise ValueError(f"{header}: wfdb read {stored.shape[1]} samples a lead, the header says {num_samples}")
    # wfdb averages the samples of a frame and shifts skewed leads: only then are these not the samples summed
    if all(line.per_frame == 1 and line.skew == 0 for line in lines):
        _check_sums(header, stored, lines, leads)
    counts = np.empty(stored.shape, dtype=np.int16)
    for row, line, lead, out in zip(stored, lines, leads, counts, strict=True):
        missing = row == _MISSING_IN_FORMAT.get(line.format, np.iinfo(np.int64).min)
        present = row[~missing]
        if present.size and not MISSING_COUNT < present.min() <= present.max() <= np.iinfo(np.int16).max:
            raise ValueError(
                f"{header}: the counts of lead {lead}, {present.min()} to {present.max()}, exceed 16 bits"
            )
        out[:] = np.where(missing, MISSING_COUNT, row)
    return counts
