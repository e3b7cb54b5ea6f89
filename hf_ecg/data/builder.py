"""Preparing a corpus: rows to parquet that plain `load_dataset` reads, whole or not at all."""

import json
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features
from filelock import FileLock, Timeout
from tqdm.auto import tqdm
from transformers.utils import logging

from ..version import __version__
from .card import SUMMARY_NAME, CorpusCard, CorpusCounts, write_card
from .quality_counts import count_quality

logger = logging.get_logger(__name__)

ROWS_PER_GROUP = 128
SHARD_BYTES = 256 * 1024**2
_INCOMPLETE = ".incomplete"
_LOCK = "lock"
# Workers of a killed run hold its lock until they notice, within a second.
_LOCK_SECONDS = 5.0


@dataclass
class Corpus:
    """What a reader hands to `prepare_corpus`.

    Args:
        config_name: configuration of the data set, one a corpus and sampling rate (`ptb_xl_100hz`).
        features: see `schema.row_features`.
        splits: split -> the items that become its rows, light enough to be sent to other processes.
        read: item -> row. ValueError and OSError skip the item, and are counted.
        facts: what the summary shall hold beside the counts; `"simulated": True` for signals nobody recorded.
        card: summary -> what the data-set card says beside the counts.
        front_matter: entries of the card's front matter (licence, name, tags).
        skipped: items known beforehand to have no recording: `{"record": id, "kind": ..., "reason": ...}`.
    """

    config_name: str
    features: Features
    splits: Mapping[str, Sequence]
    read: Callable[[object], dict]
    facts: dict
    card: Callable[[dict], CorpusCard]
    front_matter: dict = field(default_factory=dict)
    skipped: Sequence[dict] = ()


def prepare_corpus(
    corpus: Corpus, output_dir, num_proc: int = 1, strict: bool = False, overwrite: bool = False, progress: bool = True
) -> dict:
    """Write a corpus as parquet with card and summary.

    Everything is written to a folder beside `output_dir` and renamed when it is whole; what a killed run left is
    removed by the next one.

    Args:
        corpus: see `Corpus`.
        output_dir: folder to make.
        num_proc: processes that read.
        strict: raise on the first item that cannot be read, instead of skipping it.
        overwrite: replace the prepared corpus that is in `output_dir`; anything else there is never removed.
        progress: show a progress bar.

    Returns:
        The summary: rows a split, what was skipped and why, labels a class, records and leads a quality flag.

    Raises:
        ValueError: an item that cannot be read (`strict`), or no row at all.
        OSError: `output_dir` is there already, or another run is writing it.
    """
    output_dir = Path(output_dir).absolute()
    if num_proc < 1:
        raise ValueError(f"num_proc is {num_proc}, wanted at least 1")
    output_dir.parent.mkdir(parents=True, exist_ok=True)
    with _workplace(output_dir) as temporary:
        _check_output(output_dir, overwrite)
        summary = _write(corpus, temporary, num_proc, strict, progress)
        _put_in_place(temporary, output_dir)
    return summary


def _check_output(output_dir: Path, overwrite: bool) -> None:
    if not output_dir.exists() or (output_dir.is_dir() and not any(output_dir.iterdir())):
        return
    if not (output_dir / SUMMARY_NAME).is_file():
        raise FileExistsError(f"{output_dir} is there and is no prepared corpus: choose another folder")
    if not overwrite:
        raise FileExistsError(f"{output_dir} is there already: choose another folder, or --overwrite it")


@contextmanager
def _workplace(output_dir: Path) -> Iterator[Path]:
    """An empty folder beside `output_dir` that is this process's alone, gone at the end; restores a former corpus."""
    temporary = output_dir.with_name(f".{output_dir.name}{_INCOMPLETE}")
    temporary.mkdir(exist_ok=True)
    lock = FileLock(temporary / _LOCK)
    try:
        lock.acquire(timeout=_LOCK_SECONDS)
    except Timeout as error:
        raise OSError(f"{output_dir} is being written by another run ({temporary} is locked)") from error
    try:
        leftovers = [path for path in temporary.iterdir() if path.name != _LOCK]
        if leftovers:
            logger.warning("removing what an interrupted run left in %s", temporary)
        for path in leftovers:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        former = _former(output_dir)
        if former.exists() and not output_dir.exists():
            os.rename(former, output_dir)
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        lock.release()


def _write(corpus: Corpus, temporary: Path, num_proc: int, strict: bool, progress: bool) -> dict:
    data_dir = temporary / corpus.config_name
    data_dir.mkdir()
    started = time.perf_counter()
    counts = CorpusCounts(corpus.features, corpus.skipped)
    writers = []
    total = sum(len(items) for items in corpus.splits.values())
    with tqdm(total=total, desc=f"preparing {corpus.config_name}", unit="record", disable=not progress) as bar:
        for split, items in corpus.splits.items():
            writer = _ShardWriter(data_dir, split, corpus.features)
            writers.append(writer)
            for table, skipped, quality, read in _tables(corpus, items, num_proc, strict):
                writer.write(table)
                counts.add(split, table, skipped, quality)
                bar.update(read)
            writer.close()
    seconds = time.perf_counter() - started
    if not sum(counts.rows.values()):
        raise ValueError(f"no record could be read: {counts.reasons()}")
    summary = corpus.facts | {
        "config": corpus.config_name,
        "hf_ecg_version": __version__,
        "rows": counts.rows,
        "patients": {split: len(patients) for split, patients in counts.patients.items()},
        "empty_text": counts.empty_text,
        "classes": counts.classes,
        "quality": counts.quality,
        "skipped": counts.reasons(),
        "skipped_records": counts.skipped,
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
    (temporary / SUMMARY_NAME).write_text(text, encoding="utf-8")
    write_card(temporary, corpus, summary)
    for writer in writers:
        writer.name_shards()
    logger.info("%d rows in %.1f s (%.0f a second)", sum(counts.rows.values()), seconds, total / max(seconds, 1e-9))
    return summary


def _tables(
    corpus: Corpus, items: Sequence, num_proc: int, strict: bool
) -> Iterator[tuple[pa.Table, list, dict, int]]:
    chunks = [items[start : start + ROWS_PER_GROUP] for start in range(0, len(items), ROWS_PER_GROUP)]
    if num_proc == 1 or len(chunks) < 2:
        reader = _ChunkReader(corpus.read, corpus.features, strict)
        yield from map(reader, chunks)
        return
    arguments = (os.getpid(), corpus.read, corpus.features, strict)
    with ProcessPoolExecutor(num_proc, initializer=_start_worker, initargs=arguments) as pool:
        waiting: deque = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(_read_in_worker, chunk))
                # no more in flight than keeps the workers busy: a corpus need not fit in memory
                if len(waiting) >= 2 * num_proc:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


@dataclass
class _ChunkReader:
    read: Callable[[object], dict]
    features: Features
    strict: bool

    def __call__(self, items: Sequence) -> tuple[pa.Table, list, dict, int]:
        rows, skipped = [], []
        for item in items:
            try:
                rows.append(self.read(item))
            except (ValueError, OSError) as error:
                if self.strict:
                    raise
                record = str(getattr(item, "record_id", item))
                skipped.append({"record": record, "kind": _kind(error), "reason": str(error)})
        return rows_to_table(rows, self.features), skipped, count_quality(rows), len(items)


_worker: list[_ChunkReader] = []


def _start_worker(parent: int, *arguments) -> None:
    _worker[:] = [_ChunkReader(*arguments)]
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """Ends a worker whose parent was killed: it would wait for work, and hold the lock, for ever."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _kind(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "file missing"
    known = {"checksum": "wrong checksum", "truncated": "truncated file"}
    return next((kind for word, kind in known.items() if word in str(error)), "unreadable")


def _read_in_worker(items: Sequence):
    return _worker[0](items)


def rows_to_table(rows: Sequence[dict], features: Features) -> pa.Table:
    """Rows as an Arrow table of the features' schema; signals go in as numpy arrays, without Python lists.

    Raises:
        ValueError: a row with other columns than the features, or a class that its label set does not have.
    """
    schema = features.arrow_schema
    for row in rows:
        if set(row) != set(features):
            raise ValueError(
                f"a row has the columns {sorted(row)}, wanted {sorted(features)}:"
                f" {sorted(set(row) ^ set(features))} differ"
            )
    columns = []
    for name in schema.names:
        kind, values = schema.field(name).type, [row[name] for row in rows]
        if name == "signal":
            columns.append(_signals(values, kind))
            continue
        feature = getattr(features[name], "feature", None)
        if hasattr(feature, "str2int"):
            values = [None if labels is None else [feature.str2int(label) for label in labels] for labels in values]
        columns.append(pa.array(values, type=kind))
    return pa.Table.from_arrays(columns, schema=schema)


def _signals(values: list[np.ndarray], kind: pa.DataType) -> pa.Array:
    flat = np.concatenate(
        [np.asarray(value, dtype=np.int16).reshape(-1) for value in values] or [np.empty(0, np.int16)]
    )
    if pa.types.is_fixed_size_list(kind):
        wrong = [len(value) for value in values if len(value) != kind.list_size]
        if wrong:
            raise ValueError(f"a signal has {wrong[0]} counts, all of this configuration have {kind.list_size}")
        return pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.int16()), type=kind)
    offsets = np.concatenate([[0], np.cumsum([len(value) for value in values])]).astype(np.int64)
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(flat, pa.int16()), type=kind)


class _ShardWriter:
    """Shards of a split, cut at `SHARD_BYTES`; until `name_shards` nothing takes them for parquet files."""

    def __init__(self, folder: Path, split: str, features: Features):
        self.folder, self.split, self.schema = folder, split, features.arrow_schema
        self.writer, self.size, self.parts = None, 0, []

    def write(self, table: pa.Table) -> None:
        if self.writer is None or self.size + table.nbytes > SHARD_BYTES:
            self._finish()
            self.parts.append(self.folder / f"{self.split}-{len(self.parts):05d}{_INCOMPLETE}")
            self.writer, self.size = pq.ParquetWriter(self.parts[-1], self.schema, **_parquet_options(self.schema)), 0
        self.writer.write_table(table, row_group_size=ROWS_PER_GROUP)
        self.size += table.nbytes

    def close(self) -> None:
        self._finish()

    def name_shards(self) -> None:
        """Gives the shards their names, once every split is written."""
        for number, part in enumerate(self.parts):
            part.rename(self.folder / f"{self.split}-{number:05d}-of-{len(self.parts):05d}.parquet")

    def _finish(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None


def _parquet_options(schema: pa.Schema) -> dict:
    # Neighbouring counts differ by little, and hardly any two records share theirs: as differences they are written in
    # two thirds of the time, to files a fifth (100 Hz) to two fifths (500 Hz) smaller, than through a dictionary.
    leaves = {field.name: f"{field.name}.list.element" for field in schema if pa.types.is_nested(field.type)}
    others = [leaves.get(name, name) for name in schema.names if name != "signal"]
    return {"use_dictionary": others, "column_encoding": {leaves["signal"]: "DELTA_BINARY_PACKED"}}


def _former(output_dir: Path) -> Path:
    return output_dir.with_name(f".{output_dir.name}.former")


def _put_in_place(temporary: Path, output_dir: Path) -> None:
    paths = [path for path in temporary.rglob("*") if path.name != _LOCK]
    for path in [*paths, temporary]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    former = _former(output_dir)
    shutil.rmtree(former, ignore_errors=True)
    (temporary / _LOCK).unlink()
    if output_dir.exists():
        os.rename(output_dir, former)
    os.rename(temporary, output_dir)
    shutil.rmtree(former, ignore_errors=True)
