"""Signal files of a WFDB record: the stored counts of the signals that are wanted, looked at before they are read.

Sizes are compared with the header first, so a file that is not a signal file of this record costs nothing. Samples are
decoded as they are stored, several a frame included, and the checksums are those of the stored samples.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

import numpy as np

from ...input_files import InputFile, check_is_no_pointer
from ..units import MISSING_COUNT
from .confinement import check_inside
from .wfdb_flac import check_flac, flac_blocks
from .wfdb_header import GAP, SignalLine
from .wfdb_packing import DIFFERENCES, FLAC_BITS, PACKINGS, is_wide, missing_count

# Of one record, all leads together: a day of twelve leads at 1,000 Hz fits.
MOST_SAMPLES = 2**30
# Samples decoded at once: the memory beside the result.
_BLOCK = 2**21
# Bytes with which a file may go on behind the last sample, and at most with as many again as it needs: signal(5) wants
# no particular size, and a checksum says whether it is the record's file.
_MOST_BEHIND = 2**20
# Frames of a multiple of this begin at a whole byte, whatever the format.
ALIGNED = 6


class StoredSignals(NamedTuple):
    """Counts `(signals, samples)` as int16, or as int32 where a format holds more; `missing` says where there is none.

    In int16 a missing sample is -32768 and `missing` is None. `remarks` tell in words what is odd and was read.
    """

    counts: np.ndarray
    missing: np.ndarray | None
    remarks: list[str]


class _Group(NamedTuple):
    """The signals of one file: all lines, samples in a frame, and of those that are wanted row, first sample, line."""

    path: str
    lines: list[SignalLine]
    frame: int
    rows: list[tuple[int, int, SignalLine]]

    @property
    def format(self) -> int:
        return self.lines[0].format

    @property
    def offset(self) -> int:
        return self.lines[0].offset


def read_signals(
    header: str,
    lines: Sequence[SignalLine],
    wanted: Sequence[int],
    num_frames: int,
    root=None,
    frames_of_all: int = 0,
) -> StoredSignals:
    """The stored samples of some signals of a record, which have the same number of samples a frame.

    Args:
        header: its path, beside which the signal files lie.
        lines: of the header, all of them.
        wanted: places of the signals in `lines`, in the order of the result.
        num_frames: of the record; 0 where the header does not say: as many as the files hold.
        root: folder that the files may not leave.
        frames_of_all: of all segments where this is one of several, which may share a file.

    Raises:
        OSError: a file is not there.
        ValueError: a file shorter than the header says, much longer, or of a special kind; a file elsewhere; damaged
            samples; more than `MOST_SAMPLES`.
    """
    groups = signal_groups(header, lines, wanted)
    chosen = [lines[place] for place in wanted]
    with ExitStack() as stack:
        files = []
        for group in groups:
            # the folder is the header's, which has been looked at
            if root is not None and os.path.islink(group.path):
                check_inside(group.path, root)
            files.append(stack.enter_context(open_signal_file(group.path, header)))
        num_frames = num_frames or _frames_of_files(header, groups, files)
        _check_lengths(header, chosen, num_frames)
        # all sizes before any memory is taken
        pairs = list(zip(groups, files, strict=True))
        longer = [check_file_size(header, group, file, num_frames, frames_of_all) for group, file in pairs]
        counts = empty_counts(chosen, num_frames)
        for group, file in pairs:
            _read_group(group, file, num_frames, counts)
    remarks = [remark for remark in longer if remark] + _verify(header, counts, chosen)
    missing = mark_missing(counts, chosen)
    for row, line in enumerate(chosen):
        if line.skew:
            _shift(counts[row], line.skew * line.per_frame, MISSING_COUNT)
            if missing is not None:
                _shift(missing[row], line.skew * line.per_frame, True)
    return StoredSignals(counts, missing, remarks)


def check_sums(header: str, sums: Sequence[int], lines: Sequence[SignalLine]) -> None:
    """Compares the sums of all stored samples with the checksums, which are these in 16 bits; see `_verify`.

    Raises:
        ValueError: the samples are damaged.
    """
    for found, line in zip(sums, lines, strict=True):
        if line.checksum and line.format and found & 0xFFFF != line.checksum & 0xFFFF:
            raise ValueError(
                f"{header}: lead {line.description} has the checksum {found & 0xFFFF}, the header says"
                f" {line.checksum & 0xFFFF}: the samples are damaged"
            )


def check_number(header: str, samples: int, leads: int) -> None:
    """Nothing, when a record of so many samples in all may be read.

    Raises:
        ValueError: more than `MOST_SAMPLES`.
    """
    if samples > MOST_SAMPLES:
        raise ValueError(
            f"{header} says {samples} samples of {leads} leads, wanted at most {MOST_SAMPLES}: choose some by leads="
        )


def signal_groups(header: str, lines: Sequence[SignalLine], wanted: Sequence[int]) -> list[_Group]:
    row_of = {place: row for row, place in enumerate(wanted)}
    files: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        if line.format:
            files.setdefault(line.file, []).append(place)
    return [
        _group(header, file, [(row_of.get(place), lines[place]) for place in places])
        for file, places in files.items()
        if any(place in row_of for place in places)
    ]


def _group(header: str, file: str, signals: list[tuple[int | None, SignalLine]]) -> _Group:
    folder, name = os.path.split(header)
    if os.path.basename(file) != file or file in (".", "..", "-", GAP):
        raise ValueError(f"{header}: the signal file {file!r} is not beside the header")
    first, frame, rows = signals[0][1], 0, []
    for row, line in signals:
        if line.format != first.format or line.offset != first.offset:
            raise ValueError(
                f"{name}: the signals of {file} have the formats {first.format}+{first.offset} and"
                f" {line.format}+{line.offset}, wanted one format and offset for a file"
            )
        if row is not None:
            rows.append((row, frame, line))
        frame += line.per_frame
    return _Group(os.path.join(folder, file), [line for _, line in signals], frame, rows)


def empty_counts(wanted: list[SignalLine], num_frames: int) -> np.ndarray:
    """Room for the counts; signals that have no file are missing throughout."""
    wide = any(is_wide(line.format) for line in wanted)
    counts = np.empty((len(wanted), num_frames * wanted[0].per_frame), np.int32 if wide else np.int16)
    for row, line in enumerate(wanted):
        if line.format == 0:
            counts[row] = MISSING_COUNT
    return counts


def _frames_of_files(header: str, groups: list[_Group], files: list[InputFile]) -> int:
    """Where the header does not say it: of the files, which must agree."""
    found = {}
    for group, file in zip(groups, files, strict=True):
        if group.format in FLAC_BITS:
            raise ValueError(f"{header} does not say how many samples its signals have, wanted it for FLAC files")
        packing = PACKINGS[group.format]
        stored = max(file.size - group.offset, 0)
        blocks, rest = divmod(stored, packing.bytes)
        samples = blocks * packing.samples + max(
            number for number in range(packing.samples) if packing.rest[number] <= rest
        )
        found[group.path] = samples // group.frame
        if samples % group.frame >= packing.samples:
            raise ValueError(
                f"{group.path} holds {stored} bytes after byte {group.offset}, no whole number of frames of"
                f" {group.frame} samples in format {group.format}: truncated, or not the file of {header}"
            )
    if len(set(found.values())) > 1:
        raise ValueError(
            f"{header} does not say how many samples it has, and its files hold different numbers: {found}"
        )
    if not any(found.values()):
        raise ValueError(f"{header}: a record without samples: it says none, and its signal files are empty")
    return next(iter(found.values()))


def _check_lengths(header: str, wanted: list[SignalLine], num_frames: int) -> None:
    check_number(header, num_frames * sum(line.per_frame for line in wanted), len(wanted))
    if num_frames < 1:
        raise ValueError(f"{header}: a record without samples")
    for line in wanted:
        if line.skew >= num_frames:
            raise ValueError(
                f"{header}: signal {line.description!r} has a skew of {line.skew} frames and the record {num_frames}:"
                " nothing is left of it"
            )


def _read_group(group: _Group, file: InputFile, num_frames: int, counts: np.ndarray) -> None:
    if group.format in FLAC_BITS:
        blocks = flac_blocks(file, group.lines, num_frames, _BLOCK)
    else:
        blocks = _blocks(file, group, num_frames)
    start = 0
    for frames in blocks:
        place_frames(frames, group, counts, start)
        start += len(frames)
    if group.format == DIFFERENCES:
        for row, _, line in group.rows:
            counts[row] = counts[row].cumsum(dtype=np.int32)
            counts[row] += line.zero if line.initial is None else line.initial


def place_frames(frames: np.ndarray, group: _Group, counts: np.ndarray, start: int) -> None:
    """Samples `(frames, samples of a frame)` into the rows of the wanted signals."""
    per_frame = group.rows[0][2].per_frame
    if per_frame == 1:
        rows, columns = [row for row, _, _ in group.rows], [first for _, first, _ in group.rows]
        if rows == columns == list(range(frames.shape[1])) and len(rows) == len(counts):
            counts[:, start : start + len(frames)] = frames.T
            return
    for row, first, _ in group.rows:
        counts[row, start * per_frame : (start + len(frames)) * per_frame] = frames[
            :, first : first + per_frame
        ].reshape(-1)


def check_file_size(header: str, group: _Group, file: InputFile, num_frames: int, frames_of_all: int) -> str | None:
    """What is to be told of a file that goes on behind the record; None where there is nothing."""
    if group.format in FLAC_BITS:
        check_flac(file, header, group.lines, num_frames)
        return None
    packing, number, offset, size = PACKINGS[group.format], num_frames * group.frame, group.offset, file.size
    least, most = offset + packing.size(number), offset + packing.whole_size(number)
    if least <= size <= max(most, offset + packing.whole_size(frames_of_all * group.frame)):
        return None
    said = (
        f"{group.path} has {size} bytes, wanted {least}: {os.path.basename(header)} says {num_frames} frames of"
        f" {group.frame} samples in format {group.format}" + (f" after byte {offset}" if offset else "")
    )
    if size < least:
        check_is_no_pointer(file)
        raise ValueError(f"{said}; {'empty' if size == 0 else 'truncated'}, or not its file")
    known = any(line.checksum for _, _, line in group.rows)
    if not known or size - most > min(most - offset, _MOST_BEHIND):
        raise ValueError(f"{said}; longer than its header says, or not its file")
    return f"the signal file is longer than the header says: {size - most} bytes behind its end are not read"


def _blocks(file: InputFile, group: _Group, num_frames: int) -> Iterator[np.ndarray]:
    """The samples `(frames, samples of a frame)` of a file of the right size, block by block."""
    step = max(_BLOCK // group.frame // ALIGNED, 1) * ALIGNED
    for start in range(0, num_frames, step):
        yield read_frames(file, group, start, min(step, num_frames - start))


def read_frames(file: InputFile, group: _Group, first: int, frames: int) -> np.ndarray:
    """`(frames, samples of a frame)` from the frame `first` on, a multiple of `ALIGNED`."""
    packing, frame = PACKINGS[group.format], group.frame
    number = frames * frame
    size, whole = packing.size(number), packing.whole_size(number)
    stored = file.read(group.offset + packing.size(first * frame), whole)
    if len(stored) < size:
        raise ValueError(f"{group.path} ended while it was read: truncated")
    data = np.frombuffer(stored if len(stored) == whole else stored.ljust(whole, b"\0"), np.uint8)
    return packing.unpack(data)[:number].reshape(frames, frame)


def _verify(header: str, counts: np.ndarray, lines: list[SignalLine]) -> list[str]:
    """Compares checksums, which are sums of all stored samples in 16 bits; tells initial values that are others.

    A checksum of 0 beside other samples is what is written where none was computed (CinC Challenge 2017).
    """
    # 16-bit sums of 16-bit counts go round by themselves, ten times faster than 64-bit ones
    sums = counts.sum(-1, dtype=np.int16 if counts.dtype == np.int16 else np.int64).astype(np.int64)
    check_sums(header, sums.tolist(), lines)
    odd = []
    for row, line in enumerate(lines):
        if not line.checksum and line.initial and line.format not in (0, DIFFERENCES):
            # of the first stored sample, or of the first one after the skew
            first = counts[row, 0]
            if line.initial not in (first, counts[row, line.skew * line.per_frame]):
                odd.append(f"{line.description} ({line.initial}, stored {first})")
    if not odd:
        return []
    return [f"the header has no checksum, and its initial value is not the first sample: {', '.join(odd)}"]


def mark_missing(counts: np.ndarray, lines: list[SignalLine]) -> np.ndarray | None:
    """What each format writes for a missing sample becomes -32768; where that may be a count too, a mask tells."""
    codes = [MISSING_COUNT if line.format == 0 else missing_count(line.format) for line in lines]
    if counts.dtype == np.int16:
        for row, code in enumerate(codes):
            if code != MISSING_COUNT:
                counts[row][counts[row] == code] = MISSING_COUNT
        return None
    missing = np.zeros(counts.shape, bool)
    for row, code in enumerate(codes):
        if code is not None:
            np.equal(counts[row], code, out=missing[row])
            counts[row][missing[row]] = MISSING_COUNT
    return missing


def _shift(row: np.ndarray, samples: int, fill) -> None:
    """The row that much earlier; beyond its end there is nothing."""
    row[:-samples] = row[samples:].copy()
    row[-samples:] = fill


def open_signal_file(path: str, header: str) -> InputFile:
    try:
        return InputFile(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} is not there, though {header} names it{_in_other_case(path)}") from error
    except OSError as error:
        name = os.path.basename(path)
        if error.strerror is None:
            raise
        raise OSError(f"{header}: the signal file {name[:80]!r} cannot be read: {error.strerror}") from error


def _in_other_case(path: str) -> str:
    """What Windows takes for the same name, and others do not."""
    folder, name = os.path.split(path)
    try:
        found = [other for other in os.listdir(folder or ".") if other.lower() == name.lower()]
    except OSError:
        return ""
    return f": {found[0]} is; capitals count, so rename it" if found else ""
