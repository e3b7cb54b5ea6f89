"""WFDB records: header and samples as counts. Format 16 is read directly, everything else by the wfdb package.

Source: WFDB manual, header(5) and signal(5). On one core `wfdb.rdrecord` reads some 800 twelve-lead records of 1,000
samples a second, this reader some 4,000, header, checksums and all.
"""

import os

import numpy as np

from ..record import Record
from ..units import MISSING_COUNT
from .confinement import check_inside
from .wfdb_header import MISSING_IN_FORMAT, SignalLine, parse_header

FORMAT = "WFDB"
# Of the files that name a record: what a folder is searched for.
ENDINGS = (".hea",)


def matches(path: str, head: bytes) -> bool:
    """A header, a file beside its header, or a record's name without ending; what is nowhere may have been one too."""
    return path.endswith((*ENDINGS, ".dat")) or os.path.isfile(record_file(path)) or not os.path.lexists(path)


def read(path: str, root=None) -> Record:
    """Read a WFDB record.

    Args:
        path: of its header, with or without `.hea`; the name of its `.dat` or `.mat` file is taken too.
        root: folder that the record and its signal files may not leave, symbolic links followed.

    Raises:
        OSError: the header or a signal file is not there.
        ValueError: a header that says nothing sensible, a truncated signal file, a wrong checksum, unknown or doubled
            leads, a unit that is not a voltage, no gain, a path that leaves `root`.
    """
    header = record_file(path)
    folder = os.path.dirname(header)
    if root is not None:
        check_inside(header, root)
    try:
        with open(header, "rb") as file:
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{header} is not there (a WFDB record is named by its .hea file)") from error
    if "\0" in text:
        raise ValueError(f"{header} holds null characters: no header, or a damaged one")
    found = parse_header(text, header)
    lines, leads = found.lines, found.leads
    for signal_file in dict.fromkeys(line.file for line in lines):
        if os.path.basename(signal_file) != signal_file or signal_file in (".", "..", "-", "~"):
            raise ValueError(f"{header}: the signal file {signal_file!r} is not beside the header")
        # the folder is the header's, which has been looked at
        if root is not None and os.path.islink(os.path.join(folder, signal_file)):
            check_inside(os.path.join(folder, signal_file), root)
    if all(line.format == 16 and line.per_frame == 1 and line.skew == 0 for line in lines):
        counts = _read_format_16(header, folder, lines, found.num_samples)
        _check_sums(header, counts, lines, leads)
    else:
        counts = _read_by_wfdb(header, lines, leads, found.num_samples)
    return Record(
        name=found.name,
        values=counts,
        gain=np.array([line.gain for line in lines]),
        baseline=np.array([float(line.baseline) for line in lines]),
        leads=leads,
        sampling_rate=found.sampling_rate,
        comments=found.comments,
        lead_names=tuple([line.description for line in lines]),
        units=tuple([line.unit for line in lines]),
        source_format=FORMAT,
        start_time=found.start_time,
    )


def record_file(path: str) -> str:
    """Of the header that belongs to a record's name, its header or its signal file."""
    stem, ending = os.path.splitext(path)
    return f"{stem if ending in ('.hea', '.dat', '.mat') else path}.hea"


def _check_sums(header: str, counts: np.ndarray, lines: list[SignalLine], leads: tuple[str, ...]) -> None:
    """A checksum is the sum of all of a lead's samples in 16 bits (header(5))."""
    # 16-bit sums of 16-bit counts go round by themselves, ten times faster than 64-bit ones
    total = counts.sum(-1, dtype=np.int16 if counts.dtype == np.int16 else np.int64).astype(np.int64) & 0xFFFF
    for found, line, lead in zip(total.tolist(), lines, leads, strict=True):
        if line.checksum is not None and found != line.checksum & 0xFFFF:
            raise ValueError(
                f"{header}: lead {lead} has the checksum {found}, the header says {line.checksum & 0xFFFF}:"
                " the samples are damaged"
            )


def _read_format_16(header: str, folder: str, lines: list[SignalLine], num_samples: int) -> np.ndarray:
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


def _read_by_wfdb(header: str, lines: list[SignalLine], leads: tuple[str, ...], num_samples: int) -> np.ndarray:
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
        missing = row == MISSING_IN_FORMAT.get(line.format, np.iinfo(np.int64).min)
        present = row[~missing]
        if present.size and not MISSING_COUNT < present.min() <= present.max() <= np.iinfo(np.int16).max:
            raise ValueError(
                f"{header}: the counts of lead {lead}, {present.min()} to {present.max()}, exceed 16 bits"
            )
        out[:] = np.where(missing, MISSING_COUNT, row)
    return counts
