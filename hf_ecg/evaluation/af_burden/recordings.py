"""Recordings as streams of windows beside what experts annotated: files, or the windows of a prepared corpus."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transformers.utils import logging

from ...data.corpus import load_corpus
from ...data.readers.shdb_af import AF_SHARE, FIBRILLATION, FLUTTER
from ...data.rows import SIGNAL_COLUMNS, RowDataset
from ...processing.inputs import read_row
from ...signals.annotations import RecordAnnotations, read_annotations
from ...signals.formats import find_record_files, record_endings, record_file
from ...signals.record import Record
from ...signals.rhythm_share import rhythm_intervals, rhythm_share, unexplained_codes
from ...signals.streaming import RecordStream

logger = logging.get_logger(__name__)

# columns by which the rows of a corpus are known to be windows of recordings, such as `hf-ecg prepare shdb_af` makes
WINDOW_COLUMNS = ("recording", "window_start", AF_SHARE, "annotated_share")


@dataclass(frozen=True)
class Window:
    """A window: seconds from the recording's start, its samples, and what was annotated of it.

    Attributes:
        af_share, flutter_share: of its annotated part; None where nothing was annotated, or nobody says.
        annotated: seconds.
    """

    start: float
    record: Record
    af_share: float | None
    flutter_share: float | None
    annotated: float


class FileRecording:
    """A record's file, streamed, with the annotations in `.atr` beside it where there are any.

    Args:
        file: of the record.
        window_seconds: of a window; the last one may be shorter.
        rhythms: codes that count as AF.
        leads, rename: see `hf_ecg.read`.

    Raises:
        OSError, ValueError: see `RecordStream` and `read_annotations`.
    """

    def __init__(
        self,
        file: str,
        window_seconds: float,
        rhythms: Collection[str],
        leads: Sequence[str] | None = None,
        rename: Mapping[str | int, str] | None = None,
    ):
        self.file, self._seconds, self._rhythms = file, window_seconds, frozenset(rhythms)
        self._stream = RecordStream(file, leads=leads, rename=rename)
        self.name, self.seconds = self._stream.name, self._stream.seconds
        self.leads, self.sampling_rate = self._stream.leads, self._stream.sampling_rate
        annotated = os.path.splitext(file)[1] == ".hea" and Path(file).with_suffix(".atr").exists()
        self._annotations: RecordAnnotations | None = read_annotations(file) if annotated else None
        unknown = unexplained_codes(self._annotations, self._rhythms) if self._annotations else set()
        if unknown:
            logger.warning("%s: nobody explains the rhythms %s, which count as not annotated", file, sorted(unknown))

    def windows(self) -> Iterator[Window]:
        """Side by side from the start."""
        for first, record in self._stream.windows(self._seconds):
            end = first + record.num_samples
            share = flutter = None
            annotated = 0
            if self._annotations is not None:
                share, annotated = rhythm_share(self._annotations, first, end, self._rhythms)
                flutter, _ = rhythm_share(self._annotations, first, end, {FLUTTER})
            yield Window(first / self.sampling_rate, record, share, flutter, annotated / self.sampling_rate)

    def true_episodes(self) -> list[float] | None:
        """Seconds of each annotated stretch of AF; None without annotations."""
        if self._annotations is None or not self._annotations.rhythms:
            return None
        return [
            (end - start) / self.sampling_rate for start, end in rhythm_intervals(self._annotations, self._rhythms)
        ]


class CorpusRecording:
    """The rows of a prepared corpus that are windows of one recording.

    Args:
        name: of the recording.
        rows: see `load_corpus`, with `WINDOW_COLUMNS`, in the order of time.
        path: of the corpus.
    """

    def __init__(self, name: str, rows, path: str):
        self.name, self.file = name, path
        self._rows, self._labels = RowDataset(rows, SIGNAL_COLUMNS), rows.select_columns(list(WINDOW_COLUMNS))
        first = self._read(0)
        self.leads, self.sampling_rate = first.leads, first.sampling_rate
        self.seconds = float(self._labels[len(rows) - 1]["window_start"]) + first.seconds

    def windows(self) -> Iterator[Window]:
        """In the order of time."""
        for number, labels in enumerate(self._labels):
            record = self._read(number)
            annotated = float(labels["annotated_share"] or 0.0) * record.seconds
            yield Window(float(labels["window_start"]), record, labels[AF_SHARE], None, annotated)

    def true_episodes(self) -> None:
        """Rows do not say where an episode begins."""
        return None

    def _read(self, number: int) -> Record:
        row = self._rows[number]
        found = read_row(row, str(row["record_id"]))
        return Record(
            str(row["record_id"]), found.values, found.gain, found.baseline, found.leads, found.sampling_rate
        )


def find_recordings(names: Sequence[str], config: str | None = None) -> list[str | CorpusRecording]:
    """The recordings that were named: paths of files, and recordings of prepared corpora.

    Args:
        names: files of records, folders of them, searched at any depth, and prepared corpora of windows.
        config: of the corpora.

    Raises:
        OSError: nothing of that name, or a folder without a record.
        ValueError: a corpus whose rows are not windows of recordings.
    """
    found: list[str | CorpusRecording] = []
    for name in map(os.fspath, names):
        path = Path(name)
        if path.is_dir() and (path / "README.md").is_file() and next(path.glob("**/*.parquet"), None) is not None:
            found += _of_corpus(name, config)
        elif path.is_dir():
            files = find_record_files(path)
            if not files:
                raise FileNotFoundError(f"{name} holds no record ({', '.join(record_endings())}), nor a corpus")
            found += files
        else:
            file = record_file(name)
            if file is None:
                raise FileNotFoundError(f"{name} is not there, or not a record ({', '.join(record_endings())})")
            found.append(file)
    return found


def _of_corpus(path: str, config: str | None) -> list[CorpusRecording]:
    rows = load_corpus(path, config, keep_unusable=True)
    absent = [column for column in WINDOW_COLUMNS if column not in rows.column_names]
    if absent:
        raise ValueError(
            f"{path} has no column {', '.join(absent)}: its rows are not windows of long recordings, as those of"
            f" `hf-ecg prepare shdb_af` are; give the files of its records"
        )
    names = np.array(rows.select_columns("recording")["recording"][:])
    starts = np.array(rows.select_columns("window_start")["window_start"][:])
    recordings = []
    for name in dict.fromkeys(names.tolist()):
        places = np.flatnonzero(names == name)
        recordings.append(CorpusRecording(name, rows.select(places[np.argsort(starts[places])]), path))
    return recordings


DEFAULT_RHYTHMS = (FIBRILLATION,)
