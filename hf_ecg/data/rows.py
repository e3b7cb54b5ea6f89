"""Rows of a corpus for a loader: counts come out of Arrow as numpy views, never as Python lists."""

import hashlib
import json
from collections.abc import Iterable, Sequence

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from torch.utils.data import Dataset

from ..checks import nearest

# What an ECGFeatureExtractor needs of a row, and the name that its errors give.
SIGNAL_COLUMNS = ("record_id", "signal", "num_samples", "sampling_rate", "leads", "gain", "baseline")

_ROWS_AT_ONCE = 256
# of the rows that this process has digested
_fingerprints: dict[tuple, str] = {}


class RowDataset(Dataset):
    """A corpus as a data set of torch: `rows[(epoch, index)]`, or `rows[index]` in epoch 0.

    A row is a dict of the wanted columns, with `epoch` and `record_index` added. `signal` is the flat, lead-major
    int16 array; other lists of numbers are arrays too (null is None), everything else is plain Python. Arrays may be
    read-only. Loaders ask for whole batches (`__getitems__`), which is much faster.

    Args:
        dataset: rows as `load_corpus` gives them, selected and filtered as you like.
        columns: those to read; `SIGNAL_COLUMNS` and what the collator wants.

    Raises:
        ValueError: a column that the corpus does not have (the nearest is named).
    """

    def __init__(self, dataset: datasets.Dataset, columns: Iterable[str] = SIGNAL_COLUMNS):
        self.columns = list(dict.fromkeys(columns))
        for column in self.columns:
            if column not in dataset.column_names:
                raise ValueError(
                    f"the corpus has no column {column!r}{nearest(column, dataset.column_names)};"
                    f" it has {dataset.column_names}"
                )
        self._rows = dataset.select_columns(self.columns).with_format("arrow")

    def __len__(self) -> int:
        return len(self._rows)

    def next_record(self, index: int) -> int:
        """The record behind this one; behind the last one comes the first."""
        return (index + 1) % len(self)

    def __getitem__(self, key: tuple[int, int] | int) -> dict:
        return self.__getitems__([key])[0]

    def __getitems__(self, keys: Sequence[tuple[int, int] | int]) -> list[dict]:
        pairs = [key if isinstance(key, tuple) else (0, key) for key in keys]
        indices = [int(index) for _, index in pairs]
        table = self._rows[indices]
        columns = {name: column_values(table.column(name), name) for name in self.columns}
        return [
            {**{name: values[row] for name, values in columns.items()}, "epoch": int(epoch), "record_index": index}
            for row, ((epoch, _), index) in enumerate(zip(pairs, indices, strict=True))
        ]


def rows_fingerprint(dataset: datasets.Dataset, columns: Iterable[str] = SIGNAL_COLUMNS) -> str:
    """Digest of rows in their order, signals and all: tells whether work goes on with the rows it began with.

    Two corpora of the same records at another gain, rate or filter differ; where a corpus lies does not count.

    Args:
        dataset: rows as `load_corpus` gives them, selected and filtered as you like.
        columns: those that count beside `SIGNAL_COLUMNS`.
    """
    wanted = [name for name in sorted({*SIGNAL_COLUMNS, *columns}) if name in dataset.column_names]
    key = (dataset._fingerprint, *wanted)  # datasets' own: of path, time and selection
    if key not in _fingerprints:
        digests = {name: xxhash.xxh3_128() for name in wanted}
        for table in dataset.select_columns(wanted).with_format("arrow").iter(batch_size=_ROWS_AT_ONCE):
            for name, digest in digests.items():
                _add_values(digest, table.column(name))
        found = [[name, digest.hexdigest()] for name, digest in digests.items()]
        _fingerprints[key] = hashlib.blake2b(json.dumps(found).encode(), digest_size=16).hexdigest()
    return _fingerprints[key]


def _add_values(digest, column: pa.ChunkedArray) -> None:
    """Adds values to a digest, however they are cut into chunks."""
    kind = column.type
    is_list = pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind)
    lists = column.combine_chunks() if is_list and _is_number(kind.value_type) and not column.null_count else None
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.chunk(0) if lists.num_chunks else None
    values = None if lists is None else lists.flatten()
    if values is None or values.null_count:
        digest.update("".join(f"{json.dumps(value, default=str)}\n" for value in column.to_pylist()).encode())
        return
    digest.update(pc.list_value_length(lists).cast(pa.int64()).to_numpy().tobytes())
    digest.update(np.ascontiguousarray(values.to_numpy(zero_copy_only=False)).data)


def column_values(column: pa.ChunkedArray, name: str) -> Sequence:
    """One value per row: an array for a list of numbers, None for null, else a Python object.

    Args:
        column: as Arrow stores it.
        name: for the error.

    Raises:
        ValueError: a missing value inside a list of integers; a missing sample is -32768, not null.
    """
    kind = column.type
    is_list = pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind)
    is_text = is_list and pa.types.is_string(kind.value_type)
    if not len(column) or not is_list or not (is_text or _is_number(kind.value_type)):
        return column.to_pylist()
    # datasets gives each row as a chunk of its own: one copy is cheaper than looking at every chunk
    lists = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if pa.types.is_fixed_size_list(kind):
        starts = (np.arange(len(lists)) + lists.offset) * kind.list_size
        stops = starts + kind.list_size
    else:
        offsets = lists.offsets.to_numpy()
        starts, stops = offsets[:-1], offsets[1:]
    low = int(starts[0])
    values = lists.values.slice(low, int(stops[-1]) - low)
    # what stands in the place of a list that is null does not matter, null or not
    present = lists.is_valid().to_pylist()
    missing = values.is_null().to_numpy(zero_copy_only=False) if values.null_count else None
    if missing is not None and pa.types.is_integer(kind.value_type):
        values = values.fill_null(0)  # else to_numpy would make floats of them
    items = values.to_numpy(zero_copy_only=False)
    if is_text:
        items = items.tolist()
    rows = []
    for row, (start, stop) in enumerate(zip((starts - low).tolist(), (stops - low).tolist(), strict=True)):
        if missing is not None and pa.types.is_integer(kind.value_type) and present[row] and missing[start:stop].any():
            raise ValueError(f"column {name}: a list of integers holds null; a missing sample is written as -32768")
        rows.append(items[start:stop] if present[row] else None)
    return rows


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)
