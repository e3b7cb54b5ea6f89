"""Preparing a corpus: rows to parquet that plain `load_dataset` reads, whole or not at all."""

import dataclasses
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path

import pyarrow as pa
from datasets import Features, Value
from transformers.utils import logging

from ..files import atomic_file, replace_folder, synchronise
from ..owned_folders import MARKER, carry_over, mark, others_files, tell_others
from ..progress import progress_bar
from ..version import __version__
from .corpus_card import SUMMARY_NAME, CorpusCard, CorpusCounts, write_card
from .corpus_folder import KIND, WRITTEN, check_output, workplace
from .quality_counts import judge_rows
from .schema import UNUSABLE
from .shard_checks import SHARDS
from .shards import (
    NOTES,
    ROWS_PER_GROUP,
    SHARD_BYTES,
    ShardWriter,
    restore_shards,
    rows_to_table,
)
from .workers import ordered_map

logger = logging.get_logger(__name__)

_FINGERPRINT = "fingerprint"
# Number of the form of the notes on finished shards: those of another one are not taken over.
_NOTES = 2


class UnfitRecord(ValueError):
    """A record that a reader leaves out.

    Args:
        kind: a few words, the same for all such records; the summary counts by them.
        reason: what was found in this one.
    """

    def __init__(self, kind: str, reason: str):
        super().__init__(kind, reason)
        self.kind = kind

    def __str__(self) -> str:
        return self.args[1]


@dataclass
class Corpus:
    """What a reader hands to `prepare_corpus`.

    Args:
        config_name: configuration of the data set, one a corpus and sampling rate (`ptb_xl_100hz`).
        features: see `schema.row_features`.
        splits: split -> the items that become its rows, light enough to be sent to other processes; any sequence
            with a length and slices, so that they need not all be in memory.
        read: item -> row, or a list of rows (windows of a long record). ValueError (such as `UnfitRecord`) and OSError
            skip the item, and are counted.
        facts: what the summary shall hold beside the counts; `"simulated": True` for signals nobody recorded.
        card: summary -> what the data-set card says beside the counts.
        front_matter: entries of the card's front matter (licence, name, language, tags beside those of all corpora).
        skipped: items known beforehand to have no recording: `{"record": id, "kind": ..., "reason": ...}`.
        complete: adds columns to rows that were read together, where many at once are cheaper than each alone.
        left_out: reason -> how many records were not asked for.
        fingerprint: says which items these are; without it, their `repr` does.
    """

    config_name: str
    features: Features
    splits: Mapping[str, Sequence]
    read: Callable[[object], dict | list[dict]]
    facts: dict
    card: Callable[[dict], CorpusCard]
    front_matter: dict = field(default_factory=dict)
    skipped: Sequence[dict] = ()
    complete: Callable[[list[dict]], list[dict]] | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    fingerprint: str | None = None


def prepare_corpus(
    corpus: Corpus,
    output_dir,
    num_proc: int = 1,
    strict: bool = False,
    overwrite: bool = False,
    progress: bool = True,
    resume: bool = True,
    finish: Callable[[Path], None] | None = None,
) -> dict:
    """Write a corpus as parquet with card and summary.

    Rows that no model can use, whatever its recipe, stay and say why in the column `unusable` (`signals.usability`),
    which is "" in all others.

    Everything is written to a folder beside `output_dir` and renamed when it is whole. The next run of the same corpus
    goes on after the last shard that an interrupted one finished; what any other run left is removed.

    Args:
        corpus: see `Corpus`.
        output_dir: folder to make.
        num_proc: processes that read.
        strict: raise on the first item that cannot be read, instead of skipping it.
        overwrite: replace the prepared corpus that is in `output_dir`; anything else there is never removed.
        progress: show a progress bar.
        resume: take over finished shards; without it every file is read anew, such as those repaired meanwhile.
        finish: writes further files into the folder that it is given, before that becomes `output_dir`.

    Returns:
        The summary: rows a split, what was skipped and what is unusable and why, labels a class, records and leads a
        quality flag, size and digest of each shard.

    Raises:
        ValueError: an item that cannot be read (`strict`), or no row at all.
        OSError: `output_dir` is there already, or another run is writing it.
    """
    output_dir = Path(output_dir)
    if num_proc < 1:
        raise ValueError(f"num_proc is {num_proc}, wanted at least 1")
    corpus = dataclasses.replace(corpus, features=Features(dict(corpus.features) | {UNUSABLE: Value("string")}))
    with workplace(output_dir) as temporary:
        check_output(output_dir, overwrite)
        output_dir = Path(os.path.realpath(output_dir))
        _take_over(temporary, corpus, resume)
        summary = _write(corpus, temporary, num_proc, strict, progress)
        if finish is not None:
            finish(temporary)
        _put_in_place(temporary, output_dir)
    return summary


def _take_over(temporary: Path, corpus: Corpus, resume: bool) -> None:
    """Leaves in the folder what an interrupted run of the same corpus finished, and nothing else."""
    note, data_dir, notes = temporary / _FINGERPRINT, temporary / corpus.config_name, temporary / NOTES
    fingerprint = _fingerprint(corpus)
    if resume and note.is_file() and note.read_text(encoding="utf-8") == fingerprint:
        finished = restore_shards(data_dir, notes)
        logger.warning("going on with the interrupted run in %s: %d shards are finished", temporary, finished)
        return
    leftovers = [path for path in temporary.iterdir() if path.name != MARKER]
    if leftovers:
        logger.warning("removing what an interrupted run left in %s", temporary)
    for path in leftovers:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for folder in (data_dir, notes):
        folder.mkdir()
    with atomic_file(note) as file:
        file.write(fingerprint)


def _fingerprint(corpus: Corpus) -> str:
    """Tells runs apart whose shards would differ, as far as that shows without reading the records."""
    what = [__version__, _NOTES, ROWS_PER_GROUP, SHARD_BYTES, corpus.config_name, str(corpus.features.arrow_schema)]
    what += [json.dumps(corpus.facts, default=str), list(corpus.skipped), dict(corpus.left_out), corpus.fingerprint]
    what.append(_plain(corpus.read))  # with the folder that it reads from, and its options
    digest = hashlib.blake2b(repr(what).encode(), digest_size=16)
    for split, items in corpus.splits.items():
        digest.update(f"{split} {len(items)}".encode())
        for item in () if corpus.fingerprint else items:
            digest.update(repr(item).encode())
    return digest.hexdigest()


def _plain(value):
    """What tells readers apart, without addresses in memory and without an order by chance."""
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__qualname__, {one.name: _plain(getattr(value, one.name)) for one in fields(value)}]
    if isinstance(value, os.PathLike):
        return os.path.realpath(value)
    if isinstance(value, Mapping):
        return sorted((str(key), repr(_plain(inner))) for key, inner in value.items())
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, (str, int, float)) else type(value).__qualname__


def _write(corpus: Corpus, temporary: Path, num_proc: int, strict: bool, progress: bool) -> dict:
    data_dir = temporary / corpus.config_name
    started = time.perf_counter()
    counts = CorpusCounts(corpus.features, corpus.skipped)
    writers = []
    total = sum(len(items) for items in corpus.splits.values())
    with progress_bar(total=total, desc=f"preparing {corpus.config_name}", disable=not progress) as bar:
        for split, items in corpus.splits.items():
            writer = ShardWriter(data_dir, temporary / NOTES, split, corpus.features, counts)
            writers.append(writer)
            bar.update(writer.items)
            for table, skipped, quality, read in _tables(corpus, items, writer.items, num_proc, strict):
                writer.write(table, skipped, quality, read)
                bar.update(read)
            writer.close()
    seconds = time.perf_counter() - started
    if not sum(counts.rows.values()):
        shutil.rmtree(temporary / NOTES)  # nothing worth going on with
        # rather one that was tried than one that is known not to be there
        tried = counts.skipped[len(corpus.skipped) :] or counts.skipped
        first = f"; the first one: {tried[0]['reason']}" if tried else ""
        raise ValueError(f"no record could be read: {counts.reasons()}{first}")
    summary = corpus.facts | {
        "config": corpus.config_name,
        "hf_ecg_version": __version__,
        "rows": counts.rows,
        "patients": {split: len(patients) for split, patients in counts.patients.items()},
        "empty_text": counts.empty_text,
        "classes": counts.classes,
        "quality": counts.quality,
        "left_out": dict(corpus.left_out),
        "unusable": counts.unusable_kinds(),
        "unusable_records": counts.unusable,
        "skipped": counts.reasons(),
        "skipped_records": counts.skipped,
    }
    summary[SHARDS] = {name: facts for writer in writers for name, facts in writer.shards().items()}
    text = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
    (temporary / SUMMARY_NAME).write_text(text, encoding="utf-8")
    write_card(temporary, corpus, summary, [writer.split_info() for writer in writers])
    for writer in writers:
        writer.name_shards()
    logger.info("%d rows in %.1f s (%.0f a second)", sum(counts.rows.values()), seconds, total / max(seconds, 1e-9))
    return summary


def _tables(
    corpus: Corpus, items: Sequence, first: int, num_proc: int, strict: bool
) -> Iterator[tuple[pa.Table, list, dict, int]]:
    chunks = (items[start : start + ROWS_PER_GROUP] for start in range(first, len(items), ROWS_PER_GROUP))
    reader = _ChunkReader(corpus.read, corpus.complete, corpus.features, strict)
    return ordered_map(reader, chunks, num_proc if len(items) - first > ROWS_PER_GROUP else 1)


@dataclass
class _ChunkReader:
    read: Callable[[object], dict | list[dict]]
    complete: Callable[[list[dict]], list[dict]] | None
    features: Features
    strict: bool

    def __call__(self, items: Sequence) -> tuple[pa.Table, list, dict, int]:
        rows, skipped = [], []
        for item in items:
            try:
                read = self.read(item)
                rows.extend(read if isinstance(read, list) else [read])
            except (ValueError, OSError) as error:
                if self.strict:
                    raise
                record = str(getattr(item, "record_id", item))
                skipped.append({"record": record, "kind": _kind(error), "reason": str(error)})
        if self.complete is not None:
            rows = self.complete(rows)
        quality, reasons = judge_rows(rows)
        rows = [row | {UNUSABLE: row.get(UNUSABLE) or reason} for row, reason in zip(rows, reasons, strict=True)]
        return rows_to_table(rows, self.features), skipped, quality, len(items)


def _kind(error: Exception) -> str:
    if isinstance(error, UnfitRecord):
        return error.kind
    if isinstance(error, FileNotFoundError):
        return "file missing"
    known = {"checksum": "wrong checksum", "truncated": "truncated file"}
    return next((kind for word, kind in known.items() if word in str(error)), "unreadable")


def _put_in_place(temporary: Path, output_dir: Path) -> None:
    identity = (temporary / _FINGERPRINT).read_text(encoding="utf-8")
    shutil.rmtree(temporary / NOTES)
    (temporary / _FINGERPRINT).unlink()
    names = (path.relative_to(temporary).as_posix() for path in temporary.rglob("*") if path.is_file())
    mark(temporary, KIND, identity, [name for name in names if name != MARKER])
    synchronise(temporary)
    if output_dir.is_dir():
        others = others_files(output_dir, WRITTEN)
        carry_over(output_dir, temporary, others)
        tell_others(output_dir, others)
    replace_folder(temporary, output_dir)
