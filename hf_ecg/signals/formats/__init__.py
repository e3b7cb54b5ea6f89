"""Readers of file formats, chosen by what a file holds and how its name ends.

A format is one module with `FORMAT`, its name; `ENDINGS` of the files that name a record; `matches(path, head)`,
whether it reads the file that begins with these bytes (empty where the file does not exist); and
`read(path, root, choose)`, which raises OSError for a file that is not there. `path` is inside of `root` already; for
what a reader opens beside it, it calls `check_inside` where `root` is given. `choose(names, units, where=path)` tells
which channels are taken. It is added by that module and its place in `FORMATS`. `record_file(path)` is the file that
names the record, where that may be another one. `ENDING_IS_SHARED = True` says that most files of these endings are
something else: in a folder, `matches` then decides. `ASKS = True` says that a file may leave something open: `read`
then takes `told` (see there), too. `may_be(path, head)` says that a file which nothing matches can be read
when the caller says more of it. `parts(path, root, choose)` opens a file of which parts can be read: see
`open_parts`. `NEEDS_NO_ENDING = True` says that files of the format are often called without an ending, or by a
number: in a folder they are found by their first bytes. `BEGINS` says how such a file begins, for one that is
called so and is another.
"""

import logging
import os
import stat
from collections.abc import Mapping, Sequence
from functools import partial

from ...checks import check_bool, shown
from ...input_files import InputFile, check_is_no_pointer
from ...printable import can_be_written
from ..channels import choose_channels
from ..patient_fields import with_patient
from ..record import Record
from . import (
    device_json,
    dicom_waveform,
    edf_file,
    ge_muse_xml,
    hdf5_file,
    hl7_aecg,
    ishne_file,
    kardia_atc,
    matlab_file,
    mfer_file,
    mortara_xml,
    numpy_file,
    parquet_file,
    philips_sierra_xml,
    scp_ecg,
    table_file,
    watch_csv,
    wfdb_record,
)
from .confinement import check_inside
from .no_samples import advice
from .table_text import looks_like_text
from .told import BY_PLACE, Told, check_agrees, check_told

# The first one that matches reads. WFDB takes names of nothing too, and says what it looked for; a table is anything
# else that is text.
FORMATS = (
    *(numpy_file, hdf5_file, parquet_file, dicom_waveform, edf_file, ishne_file, scp_ecg, matlab_file, mfer_file),
    *(hl7_aecg, ge_muse_xml, philips_sierra_xml, mortara_xml),
    *(kardia_atc, watch_csv, device_json, wfdb_record, table_file),
)
# Enough for the marks that formats begin with; DICOM's stands behind 128 bytes.
_HEAD = 512
# AppleDouble, RFC 1740: attributes of a file, kept beside it on disks that have no place for them
_MACOS_PREFIX, _MACOS_MARK = "._", b"\x00\x05\x16\x07"
EMPTY = "is empty, wanted a recording"

logger = logging.getLogger(__name__)


def read(
    path,
    root=None,
    *,
    leads: Sequence[str] | None = None,
    rename: Mapping[str | int, str] | None = None,
    keep_identifiers: bool = False,
    sampling_rate: float | None = None,
    units: str | None = None,
    record: int | str | None = None,
) -> Record:
    """Read a recording from a file of any known format: WFDB, EDF, DICOM, NumPy's `.npz`, a watch's CSV and others.

    Args:
        path: of the file; of a WFDB record its header, its signal file, or its name without ending.
        root: folder that nothing that is read may leave, symbolic links followed.
        leads: those wanted, in the order wanted; default: every channel that is an ECG lead by its name and a voltage
            by its unit, the others are left out with a warning. A record has one rate: of leads of different rates,
            those of one must be chosen, for nothing is resampled here.
        rename: other names for channels, by their names in the file or their places from 0, before `leads` chooses:
            `{"ECG": "I"}`. See `hf_ecg.signals.channels`.
        keep_identifiers: keep what says who was recorded, and where, in `patient`. By default it is emptied, and what
            the file's fields of names and numbers hold is taken out of the record's texts too. Free text may still
            name somebody in words that stand in no such field; the name of the file stays the record's.
        sampling_rate: hertz, for a file that does not say it, such as a table without a column of times. One that does
            must say the same.
        units: mV, uV, nV or V, likewise. `leads` names the channels of a file that does not, in their order.
        record: which one, of a file that holds several (HDF5, parquet): its place from 0, or its name in the file.

    Returns:
        A `Record`: `signals` (leads, samples) in millivolts, `sampling_rate` in hertz.

    Raises:
        OSError: it is not there, or a folder, or a file that it names is not there.
        ValueError: no format that is known, a damaged or cut file, one of another size than its header says or larger
            than memory, a pipe, device or socket, no channel that can be taken, leads of different rates, a path that
            leaves `root`.

    Example:
        >>> import hf_ecg
        >>> record = hf_ecg.read("record.hea")
        >>> len(record.leads), record.sampling_rate, record.source_format
        (12, 500.0, 'WFDB')
        >>> hf_ecg.read("record.hea", leads=["V5", "II"]).leads
        ('V5', 'II')
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise ValueError(f"path is {shown(path)} of type {type(path).__name__}, wanted the path of a recording")
    check_bool("keep_identifiers", keep_identifiers)
    path = os.fsdecode(path)
    if "\0" in path:
        raise ValueError(f"path is {shown(path)}, and no path holds a null character")
    named = BY_PLACE if leads is None and rename is not None else leads
    told = Told(sampling_rate, units, named, record)
    check_told(told)
    choose = partial(choose_channels, leads=leads, rename=rename)
    _check_there(path)
    head = _head(path, root)
    known = _format_of(path, head) or _format_that_may_be(path, head)
    _check_not_empty(path, head, known)
    if known is not None:
        asks = getattr(known, "ASKS", False)
        try:
            found = known.read(path, root, choose, told) if asks else known.read(path, root, choose)
        except MemoryError as error:
            raise ValueError(f"{path} does not fit into memory: choose some of its channels by leads=") from error
        if not asks:
            check_agrees(found, told, path)
        return with_patient(found, keep_identifiers)
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path} is a folder, wanted one record")
    raise ValueError(f"{path} {no_recording(path) or _not_known(path, head)}")


def open_parts(path, root=None, *, leads: Sequence[str] | None = None, rename: Mapping[str | int, str] | None = None):
    """A record of which parts are read, with the methods of `wfdb_stream.WFDBStream`; None where its format has no
    `parts(path, root, choose)`, or that gives None: the file is then read whole.

    Args:
        path, root, leads, rename: see `read`.

    Raises:
        OSError, ValueError: see `read`.
    """
    path = os.fsdecode(path)
    _check_there(path)
    head = _head(path, root)
    known = _format_of(path, head)
    _check_not_empty(path, head, known)
    parts = getattr(known, "parts", None)
    return None if parts is None else parts(path, root, partial(choose_channels, leads=leads, rename=rename))


def record_file(path) -> str | None:
    """The file that names the record at `path` (of a WFDB record its header); None where no known format is there."""
    path = os.fsdecode(path)
    head = _head(path, None)
    known = _format_of(path, head)
    file = None if known is None else _record_file(known, path)
    return file if file is not None and os.path.isfile(file) else None


def _format_of(path: str, head: bytes):
    return next((known for known in FORMATS if known.matches(path, head)), None)


def no_recording(path) -> str | None:
    """What a file is that people take for a recording and that holds none, in words; None for others."""
    head = _head(os.fsdecode(path), None)
    return EMPTY if not head and os.path.isfile(path) else advice(head)


def _record_file(known, path: str) -> str:
    return known.record_file(path) if hasattr(known, "record_file") else path


def _check_not_empty(path: str, head: bytes, known) -> None:
    if head or not os.path.isfile(path):
        return
    file = path if known is None else _record_file(known, path)
    # another file may name the record
    if file == path or not os.path.isfile(file):
        raise ValueError(f"{path} {EMPTY}")


def _format_that_may_be(path: str, head: bytes):
    if not head:
        return None
    return next((known for known in FORMATS if hasattr(known, "may_be") and known.may_be(path, head)), None)


def record_endings() -> tuple[str, ...]:
    """How the names of files end that stand for a record: what to look for in a folder."""
    return tuple(dict.fromkeys(ending for known in FORMATS for ending in known.ENDINGS))


def find_record_files(folder, endings: Sequence[str] | None = None) -> list[str]:
    """The files in a folder, at any depth, that stand for records, by their paths.

    Args:
        folder: to look in.
        endings: of their names; default `record_endings`.

    Raises:
        OSError: a folder in it that cannot be read.

    Links to folders are not followed. What macOS keeps beside a file on foreign disks (`._x.hea`) is not a record; its
    number is logged. So is that of files whose names are not UTF-8: no table can hold their names.
    """
    folders = os.walk(folder, onerror=_raise)
    found = [os.path.join(inside, name) for inside, _, names in folders for name in names]
    known = tuple(endings or record_endings())
    found = sorted(
        path for path in found if path.lower().endswith(known) or (endings is None and _needs_no_ending(path))
    )
    kept = [path for path in found if not os.path.basename(path).startswith(_MACOS_PREFIX)]
    if len(kept) < len(found):
        logger.warning("%s: %d files of macOS (._NAME) are not records, and left out", folder, len(found) - len(kept))
    named = [path for path in kept if can_be_written(os.path.relpath(path, folder))]
    if len(named) < len(kept):
        logger.warning(
            "%s: %d files are left out, as their names are not UTF-8: rename them", folder, len(kept) - len(named)
        )
    kept = named
    shared = tuple(ending for one in FORMATS if _shares_endings(one) for ending in one.ENDINGS)
    if endings is not None:  # who names endings knows that such files are records, damaged ones too
        return kept
    return [path for path in kept if not path.lower().endswith(shared) or _may_be_record(path)]


def _may_be_record(path: str) -> bool:
    """Whether a file of a shared ending is a record, or cannot be looked at: a pipe, say, which its reader refuses."""
    try:
        return record_file(path) == path
    except (OSError, ValueError):
        return True


def _check_there(path: str) -> None:
    """Raises OSError for a file that is not there and whose name ends as those of one format alone do.

    A WFDB record may be named without an ending, and what reads it says which of its files is not there.
    """
    endings = (ending for known in FORMATS if known is not wfdb_record for ending in known.ENDINGS)
    there = os.path.lexists(path) or os.path.isfile(wfdb_record.record_file(path))
    if path.lower().endswith(tuple(endings)) and not there:
        raise FileNotFoundError(f"{path} is not there")


def _needs_no_ending(path: str) -> bool:
    """Whether a name has no ending, or a number as one, and the file is of a format that is often called so."""
    _, dot, ending = os.path.basename(path).rpartition(".")
    formats = [known for known in FORMATS if getattr(known, "NEEDS_NO_ENDING", False)]
    if (dot and not ending.isdigit()) or not os.path.isfile(path):
        return False
    head = _head(path, None)
    return any(known.matches(path, head) for known in formats)


def _shares_endings(known) -> bool:
    return getattr(known, "ENDING_IS_SHARED", False)


def _not_known(path: str, head: bytes) -> str:
    """What is said of a file that is of no format. Of text nothing is shown: it may begin with a patient's name."""
    text = looks_like_text(head)
    begins = "is text" if text else f"begins with the bytes {head[:4].hex(' ')}"
    formats = "; ".join(f"{known.FORMAT}: {', '.join(known.ENDINGS)}" for known in FORMATS)
    table = ". A table needs 8 rows of numbers or more, all of one width" if text else ""
    named = (one for one in FORMATS if hasattr(one, "BEGINS") and path.lower().endswith(one.ENDINGS))
    wanted = "".join(f". It is called as {one.FORMAT}, which wants {one.BEGINS}" for one in named)
    return (
        f"{begins}, which is not a format that is read here ({formats}){table}{wanted}: else give what it holds as an"
        " array"
    )


def _raise(error: OSError) -> None:
    """A folder that cannot be read must not look like an empty one."""
    raise error


def _head(path: str, root) -> bytes:
    if root is not None:
        check_inside(path, root)
    try:
        kind = os.stat(path).st_mode
    except (OSError, ValueError):  # whoever reads it says what is wrong
        return b""
    if stat.S_ISDIR(kind):
        return b""
    with InputFile(path) as file:
        check_is_no_pointer(file)
        head = file.read(0, _HEAD)
    if head.startswith(_MACOS_MARK):
        raise ValueError(
            f"{path} is not a record: it is what macOS keeps beside a file of that name without '._' (AppleDouble)"
        )
    return head
