"""The table on disk: parts beside the output during the work, then one file that appears at once.

`emb.parquet.parts/` holds `job.json` (what is being done) and one parquet file for each stretch of records, named by
the first and the one after the last: `00000000-00000512.parquet`. A part appears when it is complete.
"""

import contextlib
import csv
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from transformers.utils import logging

from ..files import atomic_file, atomic_path, naming_the_file, replace_file, values_digest
from ..hidden_places import INCOMPLETE
from ..locks import OutputLock
from ..owned_folders import is_ours, mark, remove_ours
from ..signals.measuring import VALUE_NAMES
from ..signals.quality import FLAGS

logger = logging.get_logger(__name__)

METADATA_KEY = b"hf_ecg"
_REFUSED_KEY = "refused"
_PART = re.compile(r"(\d{8})-(\d{8})\.parquet")
_JOB = "job.json"
_JOB_KEY = "job"
_KIND = "embeddings in the making"
# what stands in a folder of parts; by these keys the job of one without a marker is known
_WRITTEN = (r"job\.json|part\.incomplete", _PART.pattern)
_JOB_KEYS = {"records_fingerprint", "model_revision", "feature_extractor"}
_REFUSED_COLUMNS = ("record_id", "path", "window", "reason")


def table_schema(size: int, measurements: bool = False) -> pa.Schema:
    """Columns of the table; see `embed_records`."""
    leads = pa.list_(pa.string())
    numbers = [(name, pa.float64()) for name in VALUE_NAMES]
    measured = pa.struct([*numbers, ("beats", pa.int64()), ("rhythm", pa.string()), ("doubts", leads)])
    return pa.schema(
        [
            ("record_id", pa.string()),
            ("path", pa.string()),
            ("window", pa.int32()),
            ("start_s", pa.float64()),
            ("stop_s", pa.float64()),
            ("lead_mask", pa.list_(pa.bool_())),
            ("quality_passed", pa.bool_()),
            ("quality", pa.struct([(flag, leads) for flag in FLAGS])),
            *([("measurements", measured)] if measurements else []),
            ("model", pa.string()),
            ("model_revision", pa.string()),
            ("embedding", pa.list_(pa.float32(), size)),
        ]
    )


def check_table(output: Path, overwrite: bool = False) -> None:
    """Makes sure that a table may be written: better before a model is loaded than after.

    Raises:
        ValueError: `output` does not end with .parquet.
        OSError: it is there already, or it is to be overwritten and is not a table of embeddings.
    """
    if output.suffix != ".parquet":
        raise ValueError(f"output is {output}, wanted a name that ends with .parquet")
    if os.path.lexists(output):
        if not overwrite:
            raise FileExistsError(f"{output} is there already; overwrite (--overwrite) replaces it")
        if output.is_symlink() or not _is_table(output):
            raise FileExistsError(f"{output} is not a table of embeddings: choose another output, or remove it")


def _is_table(path: Path) -> bool:
    if path.is_file() and not path.stat().st_size:
        return True
    try:
        return METADATA_KEY in (pq.read_schema(path).metadata or {})
    except (OSError, ValueError):
        return False


class Parts:
    """Writes parts, knows where an interrupted run stopped, and joins them.

    Args:
        output: the final file, which this object locks until `close`.
        job: everything that decides what the rows are; a restart with another job is refused.
        schema: of the rows.
        overwrite: drop an earlier output and its parts.

    Raises:
        ValueError: `output` does not end with .parquet, or the parts there belong to another job.
        OSError: `output` is there already, another process writes it, or somebody's files are in the way.
    """

    def __init__(self, output: Path, job: dict, schema: pa.Schema, overwrite: bool = False):
        self.output = output
        self.folder = output.with_name(f"{output.name}.parts")
        self.refused_path = output.with_name(f"{output.stem}.refused.csv")
        self.schema = schema
        self.job = json.loads(json.dumps(job))
        self._lock = OutputLock(output)
        self._lock.acquire()
        try:
            check_table(output, overwrite)
            self._check_places()
            if overwrite and self.folder.is_dir():
                remove_ours(self.folder, _WRITTEN)
            self.folder.mkdir(exist_ok=True)
            mark(self.folder, _KIND)
            self._check_job()
            self.parts = self._complete_parts()
        except BaseException:
            self._lock.release()
            raise

    def close(self) -> None:
        """Lets other processes write the output; parts that are there stay."""
        self._lock.release()

    @property
    def done(self) -> int:
        """Records that need not be done again."""
        return int(_PART.fullmatch(self.parts[-1].name)[2]) if self.parts else 0

    @property
    def rows(self) -> int:
        """Of all parts."""
        return sum(pq.read_metadata(part).num_rows for part in self.parts)

    @property
    def pooled(self) -> int:
        """Rows of whole records, which have no window."""
        return sum(pq.read_table(part, columns=["window"])["window"].null_count for part in self.parts)

    def open(self) -> "PartWriter":
        return PartWriter(self)

    def refused(self) -> list[dict]:
        """The refused records of all parts."""
        found = []
        for part in self.parts:
            found += json.loads(pq.read_metadata(part).metadata[_REFUSED_KEY.encode()])
        return found

    def write_refused(self) -> int:
        """Writes the list of what was refused beside the output, or removes an old one; returns its length."""
        refused = self.refused()
        if not refused:
            self.refused_path.unlink(missing_ok=True)
            return 0
        with atomic_file(self.refused_path, newline="") as file:
            writer = csv.DictWriter(file, _REFUSED_COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(refused)
        return len(refused)

    def join(self, metadata: dict) -> None:
        """All parts as the output, which appears when it is whole; the parts are removed.

        Raises:
            OSError: a part is damaged, or the disk is full.
        """
        schema = self.schema.with_metadata({METADATA_KEY: json.dumps(metadata)})
        with (
            atomic_path(self.output) as temporary,
            pq.ParquetWriter(temporary, schema, write_page_checksum=True) as writer,
        ):
            for part in self.parts:
                for table in _tables(part):
                    writer.write_table(table.cast(schema))
        self.discard()

    def discard(self) -> None:
        """Removes the parts."""
        if not remove_ours(self.folder, _WRITTEN):
            self.folder.rmdir()
        self.close()

    def _check_places(self) -> None:
        """Refuses somebody's files where parts and the list of refused records are to be."""
        if self.folder.is_symlink() or (os.path.lexists(self.folder) and not self.folder.is_dir()):
            raise FileExistsError(
                f"{self.folder} is there and is not a folder of parts: remove it, or choose another output"
            )
        names = sorted(os.listdir(self.folder)) if self.folder.is_dir() else []
        if names and not is_ours(self.folder, _KIND) and not _JOB_KEYS <= set(self._job_before() or ()):
            raise FileExistsError(f"{self.folder} holds {names[:3]} and no parts: remove it, or choose another output")
        path = self.refused_path
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file() or not _is_refused_list(path)):
            raise FileExistsError(f"{path} is not a list of refused records: remove it, or choose another output")

    def _job_before(self) -> dict | None:
        """What the parts there are of; None where nothing says so, or its file is torn."""
        path = self.folder / _JOB
        try:
            found = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            logger.warning("%s is torn and is made again: %s", path, error)
            return None
        return found if isinstance(found, dict) else None

    def _check_job(self) -> None:
        before, job = self._job_before(), self.job
        if before is None:
            with atomic_file(self.folder / _JOB) as file:
                json.dump(job, file, indent=1)
            return
        differ = [key for key in sorted(before.keys() | job.keys()) if before.get(key) != job.get(key)]
        if differ:
            self._refuse("; ".join(f"{key}: then {before.get(key)}, now {job.get(key)}" for key in differ))

    def _refuse(self, changes: str):
        raise ValueError(
            f"{self.folder} holds the beginning of another job ({changes}): finish that one, remove the folder, or"
            " overwrite (--overwrite)"
        )

    def _complete_parts(self) -> list[Path]:
        """Parts that follow each other from the first record on; torn ones, and what is behind them, are removed."""
        parts, end = [], 0
        for path in sorted(self.folder.iterdir()):
            name = _PART.fullmatch(path.name)
            if not name:
                continue
            if int(name[1]) != end or not self._is_whole(path):
                path.unlink()
                continue
            parts.append(path)
            end = int(name[2])
        return parts

    def _is_whole(self, path: Path) -> bool:
        try:
            metadata = pq.read_metadata(path).metadata or {}
            json.loads(metadata[_REFUSED_KEY.encode()])
        except (OSError, ValueError, KeyError) as error:
            logger.warning("%s is torn and is made again: %s", path, error)
            return False
        job = metadata.get(_JOB_KEY.encode(), b"").decode()
        if job and job != values_digest(self.job):
            self._refuse(f"{path.name} is of the job {job}, this is {values_digest(self.job)}")
        return True


def _tables(part: Path) -> Iterator[pa.Table]:
    """The row groups of a part, verified by the checksums of their pages."""
    try:
        with pq.ParquetFile(part, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group)
    except (OSError, pa.ArrowException) as error:
        raise OSError(f"{part} is damaged ({error}): remove it, and the same command makes it again") from error


def _is_refused_list(path: Path) -> bool:
    with path.open("rb") as file:
        return file.readline().strip() in (b"", ",".join(_REFUSED_COLUMNS).encode())


class PartWriter:
    """One part: rows as they come, then `close` with the end of its records."""

    def __init__(self, parts: Parts):
        self.parts = parts
        self.first = parts.done
        self.refused: list[dict] = []
        self._temporary = parts.folder / f"part{INCOMPLETE}"
        self._temporary.unlink(missing_ok=True)
        self._writer = pq.ParquetWriter(self._temporary, parts.schema, write_page_checksum=True)

    def write(self, rows: list[dict], embeddings: np.ndarray) -> None:
        """Rows without their embedding, and float32 (rows, size)."""
        if not rows:
            return
        schema = self.parts.schema
        plain = pa.Table.from_pylist(rows, schema=pa.schema([field for field in schema if field.name != "embedding"]))
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(embeddings.ravel()), embeddings.shape[1])
        with naming_the_file(self.parts.output):
            self._writer.write_table(plain.append_column(schema.field("embedding"), vectors))

    def close(self, end: int) -> None:
        refused = sorted(self.refused, key=lambda entry: (entry["item"], entry["window"] or 0))
        metadata = {_REFUSED_KEY: json.dumps(refused), _JOB_KEY: values_digest(self.parts.job)}
        path = self.parts.folder / f"{self.first:08d}-{end:08d}.parquet"
        with naming_the_file(path):
            self._writer.add_key_value_metadata(metadata)
            self._writer.close()
            replace_file(self._temporary, path)
        self.parts.parts.append(path)

    def abandon(self) -> None:
        """Removes the unfinished part."""
        with contextlib.suppress(OSError):  # of the disk that is full: what is in the file does not matter
            self._writer.close()
        self._temporary.unlink(missing_ok=True)
