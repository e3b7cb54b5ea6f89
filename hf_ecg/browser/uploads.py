"""Uploaded files: read once, deleted, and spoken of without their names."""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..signals.formats import read, record_file
from ..signals.record import Record

MOST_BYTES = 64 * 2**20
MOST_FILES = 12
# What a page shows of a record: two minutes are more than any model here sees at once.
LONGEST_S = 120.0
NAME = "your ECG"
# a name of an upload that is shorter would be found inside other words
_SHORTEST_NAME = 4


def read_upload(paths: Sequence[str | Path], lead: str | None = None) -> tuple[Record, tuple[str, ...]]:
    """The record of some uploaded files, which are deleted, whatever happens.

    Args:
        paths: one file, or those of one record (a WFDB header with its signals), each in a folder of its own.
        lead: what the only channel of a file is that calls it otherwise.

    Returns:
        The record, without a name, a patient, comments, statements and annotations; and what a reader should know.

    Raises:
        ValueError: no record that can be read, in one sentence that does not hold a file's name.
    """
    with deleted_afterwards(paths):
        try:
            record, remarks = _read(paths)
        except (OSError, ValueError, ImportError) as error:
            raise ValueError(without_names(str(error), paths)) from None
    if lead is None or record.leads == (lead,) or len(record.leads) != 1:
        return record, remarks
    return with_lead(record, lead, remarks)


def with_lead(record: Record, lead: str, remarks: tuple[str, ...] = ()) -> tuple[Record, tuple[str, ...]]:
    """The record of one channel as that lead, and one remark more."""
    return replace(record, leads=(lead,), lead_names=()), (*remarks, f"its only channel is taken for lead {lead}")


def _read(paths: Sequence[str | Path]) -> tuple[Record, tuple[str, ...]]:
    if not paths:
        raise ValueError("no file came")
    if len(paths) > MOST_FILES:
        raise ValueError(f"{len(paths)} files came, wanted those of one record, {MOST_FILES} at most")
    total = sum(os.path.getsize(path) for path in paths)
    if total > MOST_BYTES:
        raise ValueError(f"the files have {total / 2**20:.0f} MB, wanted at most {MOST_BYTES / 2**20:.0f}")
    folder = Path(paths[0]).parent
    for path in paths[1:]:  # a header and its signals must lie side by side
        if not (folder / Path(path).name).exists():
            shutil.move(path, folder / Path(path).name)
    inside = [folder / Path(path).name for path in paths]
    found = list(dict.fromkeys(file for path in inside if (file := record_file(path)) is not None))
    record = read(found[0] if found else inside[0], root=folder)
    remarks = list(record.remarks)
    if len(found) > 1:
        remarks.append(f"{len(found)} records came, this is the first")
    if record.seconds > LONGEST_S:
        remarks.append(f"it lasts {record.seconds:.0f} s, and the first {LONGEST_S:.0f} are shown")
        record = record.cut(0, int(LONGEST_S * record.sampling_rate))
    return nameless(record), tuple(without_names(remark, paths) for remark in remarks)


def nameless(record: Record) -> Record:
    """The waveform with its leads and rate, and nothing that may name somebody. What was simulated stays called so."""
    kept = ["simulated: no patient was recorded"] if record.is_simulated else []
    return Record(
        NAME,
        np.asarray(record.to_millivolts(), dtype=np.float32),
        None,
        None,
        record.leads,
        record.sampling_rate,
        comments=kept,
        source_format=record.source_format,
        reconstructed=record.reconstructed,
    )


@contextmanager
def deleted_afterwards(paths: Sequence[str | Path]) -> Iterator[None]:
    """The files are gone at the end of the block, and so are their folders where nothing else is in them."""
    try:
        yield
    finally:
        places = [Path(path) for path in paths]
        for path in [*places, *(places[0].parent / path.name for path in places)]:
            path.unlink(missing_ok=True)
        for path in places:
            with suppress(OSError):
                path.parent.rmdir()


def without_names(message: str, paths: Sequence[str | Path]) -> str:
    """A sentence without paths, names of uploads and bytes that were read: they may name a patient."""
    for path in map(Path, paths):
        for name in (str(path), str(path.parent), path.name, path.stem):
            if len(name) >= _SHORTEST_NAME:
                message = message.replace(name, "the file")
    message = re.sub(r"""b'(?:[^'\\]|\\.)*'|b"(?:[^"\\]|\\.)*\"""", "unknown bytes", message)
    # what is left of a folder before it
    return re.sub(r"\S*[/\\]the file", "the file", message)
