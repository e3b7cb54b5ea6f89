"""The numbers of a table: by pyarrow in pieces, or line by line where it holds what pyarrow does not take."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .table_text import Layout, is_missing, is_stamp, split_line

# A table that pyarrow does not take is read line by line, which needs much memory.
_MOST_SLOW_BYTES = 2**25
# What is read at once; and as many numbers as are kept in double precision: a day of two leads is kept in single.
_PIECE_BYTES, _MOST_DOUBLES = 2**22, 2**24
_NULLS = ["", "NaN", "nan", "NAN", "NA", "N/A", "null", "None"]


class Column(NamedTuple):
    """A column of times.

    Attributes:
        values: numbers, whole ones where all are, or the texts of dates and clocks.
        digits: behind the point, in the first rows.
    """

    values: np.ndarray | list[str]
    digits: int


class _Unfit(Exception):
    """Something that only the slow way takes."""


def read_cells(
    content: bytes, layout: Layout, places: Sequence[int], times: Sequence[int]
) -> tuple[np.ndarray, list[Column]]:
    """Numbers of the columns at `places`, (places, rows), and the columns of times.

    Raises:
        ValueError: a line with another number of columns, or with something that is not a number; an infinite number.
    """
    body = memoryview(content)[_start_of(content, layout.first) :]
    if layout.separator == " ":
        body = memoryview(re.sub(rb"[ \t]+", b"\t", re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", body)))
    try:
        values, found = _in_pieces(body, layout, places, times)
    except _Unfit:
        values, found = _line_by_line(bytes(body), layout, places, times)
    if np.isinf(values).any():
        channel, row = np.argwhere(np.isinf(values))[0].tolist()
        raise ValueError(f"row {row + 1} of the table has an infinite value in column {places[channel] + 1}")
    return values, found


def _start_of(content: bytes, first: int) -> int:
    """Where that line begins, whatever ends a line."""
    if first == 0:
        return 0
    for number, found in enumerate(re.finditer(rb"\r\n|\n|\r", content), 1):
        if number == first:
            return found.end()
    return 0


def _first_cells(body: memoryview, layout: Layout) -> list[list[str]]:
    lines = bytes(body[: 2**16]).decode("utf-8", errors="replace").splitlines()[:-1]
    rows = [split_line(line, "\t" if layout.separator == " " else layout.separator) for line in lines if line.strip()]
    return [row for row in rows if len(row) == layout.columns]


def _in_pieces(body: memoryview, layout: Layout, places, times) -> tuple[np.ndarray, list[Column]]:
    import pyarrow
    from pyarrow import csv

    first = _first_cells(body, layout)
    kinds = {str(n): pyarrow.float64() for n in places}
    for n in times:
        cells = [row[n] for row in first]
        if any(map(is_stamp, cells)) or not cells:
            kinds[str(n)] = pyarrow.string()
        else:
            kinds[str(n)] = (
                pyarrow.int64() if all(cell.lstrip("-").isdecimal() for cell in cells) else pyarrow.float64()
            )
    columns = [str(n) for n in range(layout.columns)]
    separator = "\t" if layout.separator == " " else layout.separator
    rows = bytes(body).count(b"\n") + bytes(body).count(b"\r") + 1 if len(body) < 2**20 else _count(body) + 1
    dtype = np.float64 if rows * len(places) <= _MOST_DOUBLES else np.float32
    values: np.ndarray = np.empty((len(places), rows), dtype)
    parts: dict[int, list] = {n: [] for n in times}
    end = 0
    try:
        reader = csv.open_csv(
            pyarrow.BufferReader(pyarrow.py_buffer(body)),
            read_options=csv.ReadOptions(column_names=columns, use_threads=False, block_size=_PIECE_BYTES),
            # a sign that no text has, for a single column
            parse_options=csv.ParseOptions(delimiter=separator or "\x1f"),
            convert_options=csv.ConvertOptions(
                column_types=kinds,
                include_columns=list(kinds),
                decimal_point=layout.point,
                null_values=_NULLS,
                strings_can_be_null=True,
            ),
        )
        for batch in reader:
            for row, n in enumerate(places):
                values[row, end : end + len(batch)] = batch.column(str(n)).to_numpy(zero_copy_only=False)
            for n in times:
                column = batch.column(str(n))
                if column.null_count:
                    raise _Unfit
                parts[n].append(column.to_pylist() if kinds[str(n)] == pyarrow.string() else column.to_numpy())
            end += len(batch)
    except pyarrow.ArrowInvalid as error:
        raise _Unfit from error
    return values[:, :end], [_column(parts[n], [row[n] for row in first], layout.point) for n in times]


def _count(body: memoryview) -> int:
    """Lines, without a copy of the whole."""
    pieces = (bytes(body[place : place + 2**24]) for place in range(0, len(body), 2**24))
    return sum(piece.count(b"\n") + piece.count(b"\r") for piece in pieces)


def _column(parts: list, first: list[str], point: str) -> Column:
    digits = max((len(cell.partition(point)[2]) for cell in first[:200] if "e" not in cell.lower()), default=0)
    if parts and isinstance(parts[0], list):
        return Column([cell for part in parts for cell in part], digits)
    return Column(np.concatenate(parts) if parts else np.empty(0), digits)


def _line_by_line(body: bytes, layout: Layout, places, times) -> tuple[np.ndarray, list[Column]]:
    """With comments between the rows, spaces or signs; it tells where something is wrong, but not what stands there,
    which may be of a patient."""
    if len(body) > _MOST_SLOW_BYTES:
        raise ValueError(
            f"its {len(body)} bytes hold a line that is not like the others, wanted rows of numbers alone"
        )
    rows: list[list[float]] = []
    texts: list[list[str]] = [[] for _ in times]
    separator = "\t" if layout.separator == " " else layout.separator
    for number, line in enumerate(body.decode("utf-8", errors="replace").splitlines(), layout.first + 1):
        if not line.strip() or line.lstrip().startswith(("#", "%", "//")):
            continue
        cells = split_line(line, separator)
        if len(cells) != layout.columns:
            raise ValueError(f"line {number} has {len(cells)} columns, wanted {layout.columns}: is the file cut?")
        rows.append([_number(cells[n], layout.point, number, n) for n in places])
        for column, n in zip(texts, times, strict=True):
            if is_missing(cells[n]):
                raise ValueError(f"line {number} has no time in column {n + 1}")
            column.append(cells[n])
    values = np.array(rows, dtype=np.float64).reshape(-1, len(places)).T
    return values, [_times(column, layout.point, n) for column, n in zip(texts, times, strict=True)]


def _number(cell: str, point: str, line: int, column: int) -> float:
    try:
        return np.nan if is_missing(cell) else float(cell.replace(",", ".") if point == "," else cell)
    except ValueError:
        raise ValueError(f"line {line} holds something that is not a number, in column {column + 1}") from None


def _times(cells: list[str], point: str, place: int) -> Column:
    if cells and is_stamp(cells[0]):
        return Column(cells, 0)
    texts = [cell.replace(",", ".") if point == "," else cell for cell in cells]
    try:
        whole = all(text.lstrip("+-").isdecimal() for text in texts)
        numbers = np.array([int(text) for text in texts]) if whole else np.array(texts, dtype=np.float64)
    except (ValueError, OverflowError):
        raise ValueError(f"column {place + 1} holds something that is no time") from None
    return _column([numbers.astype(np.float64) if numbers.dtype.kind == "O" else numbers], texts, ".")
