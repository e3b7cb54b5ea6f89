"""Readers of file formats, chosen by what a file holds and how its name ends.

A format is one module with `FORMAT`, its name; `ENDINGS` of the files that name a record; `matches(path, head)`,
whether it reads the file that begins with these bytes (none when there is no such file); `record_file(path)`, the file
that names the record; and `read(path, root)`. It is added by that module and its place in `FORMATS`.
"""

import os

from ..record import Record
from . import numpy_file, wfdb_record
from .confinement import check_inside

# The first one that matches reads. WFDB is last: it takes names of nothing too, and says what it looked for.
FORMATS = (numpy_file, wfdb_record)
# Enough for the marks that formats begin with.
_HEAD = 64


def read(path, root=None) -> Record:
    """Read a recording from a file of any known format: WFDB, or NumPy's `.npz` (see `numpy_file`).

    Args:
        path: of the file; of a WFDB record its header, its signal file, or its name without ending.
        root: folder that nothing that is read may leave, symbolic links followed.

    Raises:
        OSError: it is not there, or a folder, or a file that it names is not there.
        ValueError: no format that is known, a damaged file, unknown leads, no voltage, a path that leaves `root`.

    Example:
        >>> import hf_ecg
        >>> record = hf_ecg.read("record.hea")
        >>> len(record.leads), record.sampling_rate, record.source_format
        (12, 500.0, 'WFDB')
    """
    path = os.fsdecode(path)
    head = _head(path, root)
    for known in FORMATS:
        if known.matches(path, head):
            return known.read(path, root)
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path} is a folder, wanted one record")
    raise ValueError(
        f"{path} begins with {head[:16]!r}, which is not a format that is read here ("
        + "; ".join(f"{known.FORMAT}: {', '.join(known.ENDINGS)}" for known in FORMATS)
        + "): give what it holds as an array"
    )


def record_file(path) -> str | None:
    """The file that names the record at `path` (of a WFDB record its header); None where no known format is there."""
    path = os.fsdecode(path)
    head = _head(path, None)
    for known in FORMATS:
        if known.matches(path, head):
            file = known.record_file(path)
            return file if os.path.isfile(file) else None
    return None


def record_endings() -> tuple[str, ...]:
    """How the names of files end that stand for a record: what to look for in a folder."""
    return tuple(ending for known in FORMATS for ending in known.ENDINGS)


def _head(path: str, root) -> bytes:
    if not os.path.isfile(path):
        return b""
    if root is not None:
        check_inside(path, root)
    with open(path, "rb") as file:
        return file.read(_HEAD)
