"""WFDB records: header and samples as counts. Format 16 is read directly, everything else by the wfdb package.

Source: WFDB manual, header(5) and signal(5). `wfdb.rdrecord` reads some 800 twelve-lead records a second, numpy some
ten thousand.
"""

import os
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from .leads import canonical_leads
from .units import MISSING_COUNT, counts_to_millivolts

_UNIT_TO_MV = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "v": 1e3}
_DEFAULT_GAIN = 200.0
_GAIN = re.compile(r"(?P<gain>[-+.\deE]+)(\((?P<baseline>[-+]?\d+)\))?(/(?P<units>\S+))?")
_FORMAT = re.compile(r"(?P<format>\d+)(x(?P<per_frame>\d+))?(:(?P<skew>\d+))?(\+(?P<offset>\d+))?")


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


@dataclass
class _SignalLine:
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
            leads, a unit that is no voltage, a path that leaves `root`.
    """
    header = _header_path(path)
    if root is not None:
        _check_inside(header, root)
    try:
        text = header.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{header} is not there (a WFDB record is named by its .hea file)") from error
    name, sampling_rate, num_samples, lines, comments = _parse_header(text, header)
    leads = _leads(lines, header)
    for file in dict.fromkeys(line.file for line in lines):
        if Path(file).name != file:
            raise ValueError(f"{header}: the signal file {file!r} is not beside the header")
        if root is not None:
            _check_inside(header.parent / file, root)
    direct = all(line.format == 16 and line.per_frame == 1 and line.skew == 0 for line in lines)
    counts = _read_format_16(header, lines, num_samples) if direct else _read_by_wfdb(header, len(lines))
    for row, line, lead in zip(counts, lines, leads, strict=True):
        # the checksum is the sum of all samples in 16 bits
        found = int(row.sum(dtype=np.int64)) & 0xFFFF
        if direct and line.checksum is not None and found != line.checksum & 0xFFFF:
            raise ValueError(
                f"{header}: lead {lead} has the checksum {found}, the header says {line.checksum & 0xFFFF}:"
                " the samples are damaged"
            )
    gain = np.array([line.gain for line in lines])
    baseline = np.array([float(line.baseline) for line in lines])
    return Record(name, counts, gain, baseline, leads, sampling_rate, comments)


def _header_path(path) -> Path:
    path = Path(os.fspath(path))
    return path.with_suffix(".hea") if path.suffix in (".hea", ".dat", ".mat") else path.with_name(f"{path.name}.hea")


def _check_inside(path: Path, root) -> None:
    # realpath follows symbolic links, as Path.resolve does, at a third of its cost
    if not Path(os.path.realpath(path)).is_relative_to(_real_folder(os.fspath(root))):
        raise ValueError(f"{path} leaves the folder {root}")


@lru_cache(maxsize=8)
def _real_folder(root: str) -> str:
    return os.path.realpath(root)


def _parse_header(text: str, header: Path):
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
    try:
        number = int(fields[1])
        rate = float(re.split(r"[/(]", fields[2])[0]) if len(fields) > 2 else 250.0
        num_samples = int(fields[3]) if len(fields) > 3 else 0
    except (IndexError, ValueError) as error:
        raise ValueError(f"{header}: the record line is {content[0]!r}, wanted NAME LEADS RATE SAMPLES") from error
    if number < 1 or len(content) < 2:
        raise ValueError(f"{header} has no signals")
    if len(content) - 1 != number:
        raise ValueError(f"{header} announces {number} signals and describes {len(content) - 1}")
    if not (np.isfinite(rate) and rate > 0) or num_samples < 0:
        raise ValueError(f"{header}: sampling rate {rate}, {num_samples} samples: wanted positive numbers")
    lines = [_parse_signal_line(line, header) for line in content[1:]]
    return fields[0], rate, num_samples, lines, comments


def _parse_signal_line(text: str, header: Path) -> _SignalLine:
    fields = text.split(maxsplit=8)
    form = _FORMAT.fullmatch(fields[1]) if len(fields) > 1 else None
    gain = _GAIN.fullmatch(fields[2]) if len(fields) > 2 else None
    if form is None or (len(fields) > 2 and gain is None):
        raise ValueError(f"{header}: the signal line {text!r} has no format or gain that can be read")
    try:
        zero = int(fields[4]) if len(fields) > 4 else 0
        checksum = int(fields[6]) if len(fields) > 6 else None
        value = float(gain["gain"]) if gain else 0.0
    except ValueError as error:
        raise ValueError(f"{header}: the signal line {text!r} has a field that is no number") from error
    units = (gain["units"] if gain else None) or "mV"
    if units.lower() not in _UNIT_TO_MV:
        raise ValueError(f"{header}: the unit of {text!r} is {units!r}, wanted a voltage ({', '.join(_UNIT_TO_MV)})")
    # gain 0 means "uncalibrated: take the default"
    value = value or _DEFAULT_GAIN
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{header}: the gain of {text!r} is {value}, wanted a positive number")
    baseline = int(gain["baseline"]) if gain and gain["baseline"] is not None else zero
    return _SignalLine(
        file=fields[0],
        format=int(form["format"]),
        per_frame=int(form["per_frame"] or 1),
        skew=int(form["skew"] or 0),
        offset=int(form["offset"] or 0),
        gain=value / _UNIT_TO_MV[units.lower()],
        baseline=baseline,
        checksum=checksum,
        description=fields[8] if len(fields) > 8 else "",
    )


def _leads(lines: list[_SignalLine], header: Path) -> tuple[str, ...]:
    try:
        return canonical_leads([line.description for line in lines])
    except ValueError as error:
        raise ValueError(f"{header}: {error}") from error


def _read_format_16(header: Path, lines: list[_SignalLine], num_samples: int) -> np.ndarray:
    """Little-endian 16-bit counts, the leads of one file interleaved sample by sample."""
    files: dict[str, list[int]] = {}
    for row, line in enumerate(lines):
        files.setdefault(line.file, []).append(row)
    parts: dict[int, np.ndarray] = {}
    for file, rows in files.items():
        path = header.parent / file
        offset = lines[rows[0]].offset
        try:
            stored = np.fromfile(path, dtype="<i2", offset=offset)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{path} is not there, though {header} names it") from error
        length = num_samples or len(stored) // len(rows)
        if len(stored) != length * len(rows) or length == 0:
            raise ValueError(
                f"{path} holds {len(stored)} samples after byte {offset}, {header.name} says {length} for each of"
                f" {len(rows)} leads ({length * len(rows)}): truncated, or not its file"
            )
        for place, row in enumerate(rows):
            parts[row] = stored.reshape(length, len(rows))[:, place]
    if len({len(part) for part in parts.values()}) > 1:
        raise ValueError(f"{header}: the signal files differ in length")
    return np.ascontiguousarray(np.stack([parts[row] for row in range(len(lines))]), dtype=np.int16)


def _read_by_wfdb(header: Path, number: int) -> np.ndarray:
    import wfdb

    try:
        record = wfdb.rdrecord(str(header.with_suffix("")), physical=False, smooth_frames=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # wfdb raises whatever its parsing runs into
        raise ValueError(f"{header} cannot be read by wfdb: {type(error).__name__}: {error}") from error
    stored = record.d_signal
    if stored is None or stored.shape[1] != number:
        raise ValueError(f"{header}: wfdb read {None if stored is None else stored.shape}, wanted {number} leads")
    missing = np.isnan(stored) if stored.dtype.kind == "f" else stored == MISSING_COUNT
    counts = np.where(missing, MISSING_COUNT, stored)
    limits = np.iinfo(np.int16)
    if counts.size and (counts.min() < limits.min or counts.max() > limits.max):
        raise ValueError(f"{header}: counts from {counts.min()} to {counts.max()} do not fit 16 bits")
    return np.ascontiguousarray(counts.T.astype(np.int16))
