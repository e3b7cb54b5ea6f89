"""The files of a folder that no reader takes: what a person may have thought was read."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from ..owned_folders import MARKER
from ..printable import can_be_written
from ..signals.formats import no_recording

# Text about records that comes with them, by the names that PhysioNet gives it.
_DOCUMENTS = {"README", "LICENSE", "RECORDS", "ANNOTATORS", "SHA256SUMS"}
_SAMPLES = (".dat", ".mat")
_NOT_UTF8 = "its name is not UTF-8: rename it"
_OTHER_KIND, _NO_HEADER = "not a kind of file that is read", "no header (.hea) is there that names it"


def find_other_files(folder, records: Iterable[str]) -> dict[str, str]:
    """The files below a folder that are neither records nor belong to one.

    What is named as a record but for its ending belongs to it, and so do the files that a header names. Hidden files,
    documents such as README and RECORDS, and folders that hf_ecg made are passed over.

    Args:
        folder: that was searched.
        records: what `find_record_files` found in it.

    Returns:
        Path below the folder -> why it is not read.
    """
    known = {os.path.relpath(record, folder) for record in records}
    stems = {os.path.splitext(record)[0] for record in known}
    found = []
    for inside, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if not one.startswith(".") and not _is_ours(inside, one)]
        below = os.path.relpath(inside, folder)
        for name in names:
            stem = os.path.splitext(name)[0]
            if name.startswith(".") or stem.upper() in _DOCUMENTS:
                continue
            if os.path.normpath(os.path.join(below, stem)) not in stems:
                found.append(os.path.normpath(os.path.join(below, name)))
    if found:
        named = _named_by_headers(Path(folder), known)
        found = sorted(file for file in found if file not in named)
    return {
        os.fsencode(Path(file).as_posix()).decode("utf-8", "backslashreplace"): _why(folder, file) for file in found
    }


def _why(folder, file: str) -> str:
    if not can_be_written(file):
        return _NOT_UTF8
    with contextlib.suppress(OSError, ValueError):
        if why := no_recording(os.path.join(folder, file)):
            return f"it {why}"
    return _NO_HEADER if file.lower().endswith(_SAMPLES) else _OTHER_KIND


def _is_ours(inside: str, name: str) -> bool:
    return os.path.isfile(os.path.join(inside, name, MARKER))


def _named_by_headers(folder: Path, records: Iterable[str]) -> set[str]:
    """Files of samples, which may be called otherwise than their record."""
    named = set()
    for record in records:
        if record.lower().endswith(".hea"):
            try:
                lines = (folder / record).read_text(encoding="utf-8", errors="replace").splitlines()
            except OSError:  # its reader says what is wrong
                continue
            words = (line.split(maxsplit=1)[0] for line in lines if line.strip() and not line.startswith("#"))
            named |= {os.path.normpath(os.path.join(os.path.dirname(record), word)) for word in words}
    return named
