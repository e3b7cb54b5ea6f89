"""What is to be embedded: files of records, folders of them, prepared corpora, as one list in a fixed order."""

import bisect
import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from transformers.utils import logging

from ..data.corpus import load_corpus
from ..data.other_files import find_other_files
from ..data.rows import SIGNAL_COLUMNS, RowDataset, rows_fingerprint
from ..files import values_digest
from ..named_sources import may_be_on_hub, nearest_name
from ..printable import can_be_written, one_line
from ..processing.inputs import read_row
from ..signals.formats import find_record_files, read, record_endings, record_file
from ..signals.record import Record
from ..signals.streaming import RecordStream, open_long

logger = logging.get_logger(__name__)


class RecordFiles:
    """Records by the files that name them, such as the headers of WFDB records; `leads` and `rename` as `read` takes
    them."""

    def __init__(self, files: list[str], leads=None, rename=None):
        self.files = files
        self._channels = {"leads": leads, "rename": rename}

    def __len__(self) -> int:
        return len(self.files)

    def origin(self, index: int) -> tuple[str, str]:
        """Name of the record, and its file."""
        return Path(self.files[index]).stem, self.files[index]

    def read(self, index: int) -> Record | RecordStream:
        """Whole, or where it is long and its format allows it as a stream of which windows are cut."""
        return open_long(self.files[index], **self._channels) or read(self.files[index], **self._channels)

    def fingerprint(self) -> str:
        """Of the names, sizes and times of the files, and of the files of the same name beside them: the samples of a
        record lie in another one than its header."""
        digest = hashlib.blake2b(digest_size=16)
        folders: dict[str, dict[str, list[str]]] = {}
        for file in self.files:
            folder, name = os.path.split(file)
            if folder not in folders:
                folders[folder] = _by_stem(folder)
            digest.update(f"{file}\n".encode())
            # what is not there is told by the reader, when its turn comes
            for line in folders[folder].get(Path(name).stem, ()):
                digest.update(line.encode())
        return digest.hexdigest()


def _by_stem(folder: str) -> dict[str, list[str]]:
    """Name without ending -> name, size and time of the files that are called so."""
    found: dict[str, list[str]] = {}
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            with contextlib.suppress(OSError):
                status = entry.stat()
                line = f"{entry.name}\0{status.st_size}\0{status.st_mtime_ns}\n"
                found.setdefault(Path(entry.name).stem, []).append(line)
    return found


class RecordRows:
    """Rows of a prepared corpus; the signals stay on the disk until they are read."""

    def __init__(self, name: str, dataset):
        self.name = name
        self._dataset = dataset
        self._rows = RowDataset(dataset, SIGNAL_COLUMNS)

    def __len__(self) -> int:
        return len(self._rows)

    def origin(self, index: int) -> tuple[str, str]:
        """Name of the record, and the corpus."""
        return str(self._dataset[index : index + 1]["record_id"][0]), self.name

    def read(self, index: int) -> Record:
        row = self._rows[index]
        found = read_row(row, str(row["record_id"]))
        return Record(
            str(row["record_id"]),
            found.values,
            found.gain,
            found.baseline,
            found.leads,
            found.sampling_rate,
            source_format="row of a corpus",
        )

    def fingerprint(self) -> str:
        """Of the rows, signals and all, and of the name that stands in the table beside them."""
        return values_digest([self.name, rows_fingerprint(self._dataset, ())])


class RecordList:
    """All records, source after source."""

    def __init__(self, sources: Sequence[RecordFiles | RecordRows]):
        self._sources = [source for source in sources if len(source)]
        self._starts = np.cumsum([0, *map(len, self._sources)]).tolist()

    def __len__(self) -> int:
        return self._starts[-1]

    def origin(self, index: int) -> tuple[str, str]:
        source, place = self._place(index)
        return source.origin(place)

    def read(self, index: int) -> Record | RecordStream:
        source, place = self._place(index)
        return source.read(place)

    def fingerprint(self) -> str:
        """Tells whether a restarted run has the records that it began with."""
        parts = [source.fingerprint() for source in self._sources]
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()

    def _place(self, index: int):
        place = bisect.bisect_right(self._starts, index) - 1
        return self._sources[place], index - self._starts[place]


def find_records(
    records: Iterable[str | os.PathLike],
    config: str | None = None,
    split: str | None = None,
    folds: Iterable[int] | None = None,
    *,
    leads: Sequence[str] | None = None,
    rename: Mapping[str | int, str] | None = None,
) -> RecordList:
    """Finds what was named; nothing is read but the rows' names.

    Args:
        records: files of records, as `hf_ecg.read` takes them; folders, searched for such files at any depth in the
            order of their paths; prepared corpora, which are folders with a card, or Hub ids. A record that is named
            twice is taken once.
        config, split, folds: of every corpus; see `load_corpus`.
        leads, rename: which channels of every file are taken, under which names; see `hf_ecg.read`.

    Raises:
        OSError: nothing of that name, or a folder without a record.
        ValueError: no name; config, split or folds without a corpus, leads or rename with one; see `load_corpus`.
    """
    names = [os.fspath(records)] if isinstance(records, (str, os.PathLike)) else [os.fspath(name) for name in records]
    if not names:
        raise ValueError("there are no records to embed")
    folds = None if folds is None else list(folds)
    sources: list[RecordFiles | RecordRows] = []
    seen: set[str] = set()
    repeated = 0
    for name in names:
        files = _files(name)
        if files is None:
            if name in seen:
                repeated += 1
                continue
            seen.add(name)
            if leads is not None or rename is not None:
                raise ValueError(f"leads and rename choose channels of files, and {name} is a prepared corpus")
            sources.append(RecordRows(name, load_corpus(name, config, folds, split)))
            continue
        fresh = []
        for file in files:
            real = os.path.realpath(file)
            if real in seen:
                repeated += 1
            else:
                seen.add(real)
                fresh.append(file)
        sources.append(RecordFiles(fresh, leads, rename))
    if repeated:
        logger.warning("%d records or corpora were named more than once, and are taken once", repeated)
    options = {"config": config, "split": split, "folds": folds}
    unused = [option for option, value in options.items() if value is not None]
    if unused and not any(isinstance(source, RecordRows) for source in sources):
        raise ValueError(f"{unused} select rows of a prepared corpus, and {names} hold none")
    return RecordList(sources)


def _files(name: str) -> list[str] | None:
    """Files of the records that `name` stands for; None for a corpus."""
    path, endings = Path(name), record_endings()
    if not can_be_written(name):
        raise ValueError(f"the name of {one_line(name)} is not UTF-8, and no table can hold it: rename the file")
    if path.is_dir():
        if (path / "README.md").is_file() and next(path.glob("**/*.parquet"), None) is not None:
            return None
        files = find_record_files(path)
        if not files:
            raise FileNotFoundError(f"{name} holds neither a record ({', '.join(endings)}) nor a prepared corpus")
        _tell_others(name, files)
        return files
    file = record_file(name)
    if file is not None and (file != name or os.path.getsize(file)):
        return [file]
    if path.is_file():
        read(name)  # which says why it is not a record, or what it leaves open
        return [name]
    if path.exists():
        raise ValueError(f"{name} is neither a file nor a folder")
    if path.suffix or name.count("/") != 1 or not may_be_on_hub(name):
        raise FileNotFoundError(
            f"{name} is not there{nearest_name(name)}: wanted a file of a record, a folder of them, or a prepared"
            " corpus, which on the Hub is named OWNER/NAME"
        )
    return None


def _tell_others(folder: str, records: list[str]) -> None:
    others = find_other_files(folder, records)
    if others:
        file, why = next(iter(others.items()))
        logger.warning("%s: files that are not read: %d (the first one is %s: %s)", folder, len(others), file, why)
