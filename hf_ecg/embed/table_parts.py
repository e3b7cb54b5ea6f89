"""The table on disk: parts beside the output during the work, then one file that appears at once.

`emb.parquet.parts/` holds `job.json` (what is being done) and one parquet file for each stretch of records, named by
the first and the one after the last: `00000000-00000512.parquet`. A part appears when it is complete.
"""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..files import INCOMPLETE, atomic_file, atomic_path, replace_file
from ..signals.quality import FLAGS

METADATA_KEY = b"hf_ecg"
_REFUSED_KEY = "refused"
_PART = re.compile(r"(\d{8})-(\d{8})\.parquet")
_JOB = "job.json"


def table_schema(size: int) -> pa.Schema:
    """Columns of the table; see `embed_records`."""
    leads = pa.list_(pa.string())
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
            ("model", pa.string()),
            ("model_revision", pa.string()),
            ("embedding", pa.list_(pa.float32(), size)),
        ]
    )


class Parts:
    """Writes parts, knows where an interrupted run stopped, and joins them.

    Args:
        output: the final file.
        job: everything that decides what the rows are; a restart with another job is refused.
        schema: of the rows.
        overwrite: drop an earlier output and its parts.

    Raises:
        ValueError: `output` does not end with .parquet, or the parts there belong to another job.
        OSError: `output` is there already.
    """

    def __init__(self, output: Path, job: dict, schema: pa.Schema, overwrite: bool = False):
        self.output = output
        self.folder = output.with_name(f"{output.name}.parts")
        self.refused_path = output.with_name(f"{output.stem}.refused.csv")
        self.schema = schema
        if output.suffix != ".parquet":
            raise ValueError(f"output is {output}, wanted a name that ends with .parquet")
        if output.exists() and not overwrite:
            raise FileExistsError(f"{output} is there already; overwrite (--overwrite) replaces it")
        if overwrite:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._check_job(json.loads(json.dumps(job)))
        self.parts = self._complete_parts()

    @property
    def done(self) -> int:
        """Records that need not be done again."""
        return int(_PART.fullmatch(self.parts[-1].name)[2]) if self.parts else 0

    @property
    def windows(self) -> int:
        """Rows of all parts."""
        return sum(pq.read_metadata(part).num_rows for part in self.parts)

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
            writer = csv.DictWriter(file, ["record_id", "path", "window", "reason"], extrasaction="ignore")
            writer.writeheader()
            writer.writerows(refused)
        return len(refused)

    def join(self, metadata: dict) -> None:
        """All parts as the output, which appears when it is whole; the parts are removed."""
        schema = self.schema.with_metadata({METADATA_KEY: json.dumps(metadata)})
        with atomic_path(self.output) as temporary, pq.ParquetWriter(temporary, schema) as writer:
            for part in self.parts:
                with pq.ParquetFile(part) as file:
                    for group in range(file.num_row_groups):
                        writer.write_table(file.read_row_group(group).cast(schema))
        self.discard()

    def discard(self) -> None:
        """Removes the parts."""
        shutil.rmtree(self.folder)

    def _check_job(self, job: dict) -> None:
        path = self.folder / _JOB
        if not path.exists():
            with atomic_file(path) as file:
                json.dump(job, file, indent=1)
            return
        before = json.loads(path.read_text(encoding="utf-8"))
        differ = [key for key in sorted(before.keys() | job.keys()) if before.get(key) != job.get(key)]
        if differ:
            changes = "; ".join(f"{key}: then {before.get(key)}, now {job.get(key)}" for key in differ)
            raise ValueError(
                f"{self.folder} holds the beginning of another job ({changes}): finish that one, remove the folder, or"
                " overwrite (--overwrite)"
            )

    def _complete_parts(self) -> list[Path]:
        """Parts that follow each other from the first record on."""
        parts, end = [], 0
        for path in sorted(self.folder.iterdir()):
            name = _PART.fullmatch(path.name)
            if name and int(name[1]) == end:
                parts.append(path)
                end = int(name[2])
        return parts


class PartWriter:
    """One part: rows as they come, then `close` with the end of its records."""

    def __init__(self, parts: Parts):
        self.parts = parts
        self.first = parts.done
        self.refused: list[dict] = []
        self._temporary = parts.folder / f"part{INCOMPLETE}"
        self._writer = pq.ParquetWriter(self._temporary, parts.schema)

    def write(self, rows: list[dict], embeddings: np.ndarray) -> None:
        """Rows without their embedding, and float32 (rows, size)."""
        if not rows:
            return
        schema = self.parts.schema
        plain = pa.Table.from_pylist(rows, schema=pa.schema([field for field in schema if field.name != "embedding"]))
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(embeddings.ravel()), embeddings.shape[1])
        self._writer.write_table(plain.append_column(schema.field("embedding"), vectors))

    def close(self, end: int) -> None:
        refused = sorted(self.refused, key=lambda entry: (entry["item"], entry["window"] or 0))
        self._writer.add_key_value_metadata({_REFUSED_KEY: json.dumps(refused)})
        self._writer.close()
        path = self.parts.folder / f"{self.first:08d}-{end:08d}.parquet"
        replace_file(self._temporary, path)
        self.parts.parts.append(path)

    def abandon(self) -> None:
        self._writer.close()
        self._temporary.unlink(missing_ok=True)
