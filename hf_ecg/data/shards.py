"""Shards of a split: rows as parquet files, each with a note of what it holds, so that a killed run can go on."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features, SplitInfo

from ..files import atomic_file, synchronise
from ..hidden_places import INCOMPLETE
from .corpus_card import CorpusCounts
from .schema import RISK_INPUTS
from .shard_checks import shard_facts

ROWS_PER_GROUP = 128
SHARD_BYTES = 256 * 1024**2
NOTES = "notes"
# no ending that datasets takes for a table
FINISHED = ".finished"


def rows_to_table(rows: Sequence[dict], features: Features) -> pa.Table:
    """Rows as an Arrow table of the features' schema; signals go in as numpy arrays, without Python lists.

    Inputs of a risk score (`schema.RISK_INPUTS`) that a row does not name are null: not known.

    Raises:
        ValueError: a row with other columns than the features, or a class that its label set does not have.
    """
    schema = features.arrow_schema
    for row in rows:
        if set(row) | set(RISK_INPUTS) != set(features) | set(RISK_INPUTS):
            raise ValueError(
                f"a row has the columns {sorted(row)}, wanted {sorted(features)}:"
                f" {sorted(set(row) ^ set(features) - set(RISK_INPUTS))} differ"
            )
    columns = []
    for name in schema.names:
        kind, values = schema.field(name).type, [row.get(name) for row in rows]
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


class ShardWriter:
    """Shards of a split, cut at `SHARD_BYTES`; until `name_shards` nothing takes them for parquet files.

    Shards that an interrupted run finished are taken over: their counts are in `total`, and `items` says how many of
    the split's items they, and what was written since, account for.

    Args:
        folder: of the shards.
        notes: folder of the notes on finished shards.
        split: its name.
        features: of the rows.
        total: counts of the corpus, to which every finished shard's are added.
    """

    def __init__(self, folder: Path, notes: Path, split: str, features: Features, total: CorpusCounts):
        self.folder, self.notes, self.split, self.features, self.total = folder, notes, split, features, total
        self.writer, self.size, self.parts, self.items = None, 0, [], 0
        self.facts: list[dict] = []
        while self._note().is_file():
            note = json.loads(self._note().read_text(encoding="utf-8"))
            self.items = note["items"]
            self.total.merge(note["counts"])
            self.facts.append(note["shard"])
            self.parts.append(self._part())
        self.counts = CorpusCounts(features)

    def write(self, table: pa.Table, skipped: list, quality: dict, items: int) -> None:
        """Appends the rows of some `items`, with what was skipped of them and their quality counts."""
        if self.writer is not None and self.size + table.nbytes > SHARD_BYTES:
            self._finish()
        if self.writer is None:
            schema = self.features.arrow_schema
            self.writer, self.size = pq.ParquetWriter(self._part(), schema, **_parquet_options(schema)), 0
        self.writer.write_table(table, row_group_size=ROWS_PER_GROUP)
        self.size += table.nbytes
        self.items += items
        self.counts.add(self.split, table, skipped, quality)

    def close(self) -> None:
        if self.writer is not None:
            self._finish()

    def shards(self) -> dict[str, dict]:
        """Name in the corpus -> what is known of each shard, once all are written; see `shard_checks`."""
        return {
            f"{self.folder.name}/{self._name(number)}": {name: facts[name] for name in facts if name != "memory"}
            for number, facts in enumerate(self.facts)
        }

    def split_info(self) -> SplitInfo:
        """What a card tells `datasets` of the split."""
        rows, size = (sum(facts[name] for facts in self.facts) for name in ("rows", "memory"))
        return SplitInfo(self.split, num_bytes=size, num_examples=rows)

    def name_shards(self) -> None:
        """Gives the shards their names, once every split is written."""
        for number, part in enumerate(self.parts):
            part.rename(self.folder / self._name(number))

    def _finish(self) -> None:
        self.writer.close()
        # the shard first: a note must never speak of one that the disk does not hold
        synchronise(self._part())
        rows = sum(self.counts.rows.values())
        shard = shard_facts(self._part(), rows) | {"memory": self.size}
        note = {"items": self.items, "counts": self.counts.state(), "shard": shard}
        with atomic_file(self._note()) as file:
            json.dump(note, file, ensure_ascii=False)
        self.parts.append(self._part())
        self.facts.append(shard)
        self.total.merge(note["counts"])
        self.writer, self.counts = None, CorpusCounts(self.features)

    def _name(self, number: int) -> str:
        return f"{self.split}-{number:05d}-of-{len(self.parts):05d}.parquet"

    def _part(self) -> Path:
        return self.folder / f"{self.split}-{len(self.parts):05d}{INCOMPLETE}"

    def _note(self) -> Path:
        return self.notes / f"{self.split}-{len(self.parts):05d}{FINISHED}"


def restore_shards(folder: Path, notes: Path) -> int:
    """Brings back the working names of finished shards and removes all others; how many are finished.

    A run may have been killed while it gave them their last names.
    """
    finished = {path.stem for path in notes.glob(f"*{FINISHED}")}
    for path in list(folder.iterdir()):
        stem = path.name.removesuffix(INCOMPLETE).split("-of-")[0]
        if stem in finished:
            path.rename(folder / f"{stem}{INCOMPLETE}")
        else:
            path.unlink()
    for path in notes.glob(f"*{INCOMPLETE}"):
        path.unlink()
    return len(finished)


def _parquet_options(schema: pa.Schema) -> dict:
    # Neighbouring counts differ by little, and hardly any two records share theirs: as differences they are written in
    # two thirds of the time, to files a fifth (100 Hz) to two fifths (500 Hz) smaller, than through a dictionary.
    others = [leaf for field in schema if field.name != "signal" for leaf in _leaves(field.name, field.type)]
    (signal,) = _leaves("signal", schema.field("signal").type)
    # Checksums cost a thousandth of the size; `pq.read_table(shard, page_checksum_verification=True)` looks at them.
    return {
        "use_dictionary": others,
        "column_encoding": {signal: "DELTA_BINARY_PACKED"},
        "write_page_checksum": True,
    }


def _leaves(path: str, kind: pa.DataType) -> list[str]:
    """Names of the columns that parquet makes of an Arrow column."""
    if pa.types.is_struct(kind):
        return [leaf for field in kind for leaf in _leaves(f"{path}.{field.name}", field.type)]
    return _leaves(f"{path}.list.element", kind.value_type) if pa.types.is_nested(kind) else [path]
