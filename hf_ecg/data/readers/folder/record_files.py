"""The records of a folder, and which of them a cell of a table names."""

import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ....signals.formats import find_record_files, record_endings
from ...other_files import find_other_files
from .table import Table, known

# A table may name the samples of a WFDB record in place of its header.
_OF_SAMPLES = (".dat", ".mat")
_SHOWN = 3
# How a cell may differ from the file that it names.
OTHER_CASE, OTHER_FOLDER = "written in other capitals than the file", "a path of another folder, taken by its end"
# From the root, or from the letter of a disk.
_ELSEWHERE = re.compile(r"/|[A-Za-z]:/")


@dataclass
class RecordFiles:
    """Records of a folder by their names: path below the folder without ending, with it where two would be one.

    Args:
        folder: that was searched.
        files: name -> path below the folder.
        others: path below the folder of a file that is not a record -> why it is not read.
    """

    folder: Path
    files: Mapping[str, str]
    others: Mapping[str, str] = field(default_factory=dict)
    _exact: dict[str, list[str]] = field(default_factory=dict)
    _folded: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self):
        for name, file in self.files.items():
            whole, bare = _normal(file), _normal(_without_ending(file))
            for key in dict.fromkeys((whole, bare, Path(whole).name, Path(bare).name)):
                self._exact.setdefault(key, []).append(name)
                self._folded.setdefault(key.casefold(), []).append(name)

    def named(self, cell: str) -> tuple[str | None, str]:
        """The record that a cell names, and how far it differs ("" where it does not); None, and why not.

        The cell is a path below the folder, from "/" on, or a bare name; with or without ending; with slashes or
        backslashes.
        """
        path = self._below(cell)
        for key in dict.fromkeys((path, _without_ending(path))):
            found = list(dict.fromkeys(self._exact.get(key, ())))
            if len(found) == 1:
                return found[0], ""
            if found:
                return None, f"{cell!r} may be {_some(self.files[name] for name in found)}: name the folder too"
        found = list(dict.fromkeys(self._folded.get(_without_ending(path).casefold(), ())))
        if len(found) == 1:
            return found[0], OTHER_CASE
        name = self._by_the_end(path) if _ELSEWHERE.match(path) else None
        return (name, OTHER_FOLDER) if name else (None, f"{self.folder} holds no record {cell!r}")

    def _by_the_end(self, path: str) -> str | None:
        """The record by the longest end of a path on another machine."""
        parts = _without_ending(path).split("/")
        for first in range(1, len(parts)):
            found = list(dict.fromkeys(self._exact.get("/".join(parts[first:]), ())))
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def _below(self, cell: str) -> str:
        path = _normal(cell.strip().strip("\"'").replace("\\", "/"))
        for base in (os.path.realpath(self.folder), os.path.abspath(self.folder), os.fspath(self.folder)):
            base = _normal(base).rstrip("/") + "/"
            if path.startswith(base):
                return path[len(base) :]
        return path.removeprefix("./")


@dataclass
class Matches:
    """Rows of a table and their records.

    Attributes:
        records: row -> name of its record.
        skipped: rows without one, as a corpus lists them.
        unlisted: files that no row names.
        told: what a person should know, a sentence each.
    """

    records: dict[int, str]
    skipped: list[dict]
    unlisted: list[str]
    told: list[str]


def find_own_records(folder: Path, but: Path | None = None) -> RecordFiles:
    """The records of a folder, at any depth.

    Args:
        folder: to search.
        but: a file that is none of them, such as the table.

    Raises:
        OSError: it is not there, or holds no record.
    """
    if not folder.exists():
        raise FileNotFoundError(f"{folder} is not there, wanted a folder of records, or a file of an array")
    own = None if but is None else os.path.realpath(but)
    found = find_record_files(folder)
    files = [Path(path).relative_to(folder).as_posix() for path in found if os.path.realpath(path) != own]
    if not files:
        endings = ", ".join(record_endings())
        other = sorted({path.suffix.lower() for path in folder.rglob("*") if path.is_file() and path.suffix})
        raise FileNotFoundError(
            f"{folder} holds no record that can be read, in no folder below it: looked for {endings}; it has"
            f" {_some(other) if other else 'no file'} (numpy.savez with signals, leads, sampling_rate and units writes"
            " .npz)"
        )
    bare = [_without_ending(file) for file in files]
    names = (
        [file if bare.count(name) > 1 else name for file, name in zip(files, bare, strict=True)]
        if len(set(bare)) < len(bare)
        else bare
    )
    others = {
        file: why for file, why in find_other_files(folder, found).items() if os.path.realpath(folder / file) != own
    }
    return RecordFiles(folder, dict(zip(names, files, strict=True)), others)


def match_rows(table: Table, column: str, files: RecordFiles) -> Matches:
    """Which row is of which record.

    Raises:
        ValueError: no such column, two rows of one record, or no row that names a record.
    """
    records: dict[int, str] = {}
    skipped: list[dict] = []
    differing: dict[str, list[int]] = {}
    twice: dict[str, list[int]] = {}
    cells = table.column(column)
    for index, cell in enumerate(cells):
        name, reason = files.named(cell) if known(cell) else (None, "no record is named")
        if name is None:
            entry = {
                "record": cell,
                "kind": "row without a file",
                "reason": f"{table.path.name}, {table.where([index])}: {reason}",
            }
            skipped.append(entry)
            continue
        records[index] = name
        twice.setdefault(name, []).append(index)
        if reason:
            differing.setdefault(reason, []).append(index)
    doubled = {name: rows for name, rows in twice.items() if len(rows) > 1}
    if doubled:
        name, rows = next(iter(doubled.items()))
        more = f", and {len(doubled) - 1} more records as often" if len(doubled) > 1 else ""
        raise ValueError(
            f"{table.path}, {table.where(rows)}: all are of the record {name}{more}; wanted one row a record"
        )
    if not records:
        raise ValueError(
            f"no row of {table.path} names a record of {files.folder}: the column {column!r} holds {_some(cells)}, the"
            f" folder {_some(files.files.values())}"
        )
    told = [f"{table.path.name}, {table.where(rows)}: {how}" for how, rows in differing.items()]
    return Matches(records, skipped, [file for name, file in files.files.items() if name not in twice], told)


def _without_ending(path: str) -> str:
    for ending in (*record_endings(), *_OF_SAMPLES):
        if path.lower().endswith(ending) and not path.lower().endswith(f"/{ending}"):
            return path[: -len(ending)]
    return path


def _normal(text: str) -> str:
    """macOS writes accents as characters of their own; a table does not."""
    return unicodedata.normalize("NFC", text)


def _some(values) -> str:
    values = list(values)
    return ", ".join(map(repr, values[:_SHOWN])) + (
        f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    )
