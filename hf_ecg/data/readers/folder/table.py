"""A person's own table: CSV of any separator, or parquet, as rows of text."""

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ....checks import nearest, shown
from ....input_files import read_input

_SEPARATORS = (",", ";", "\t", "|")
_TRUTH = {"1": True, "true": True, "yes": True, "y": True, "0": False, "false": False, "no": False, "n": False}
# As programs write a value that is not known. "none" and "unknown" may be classes, so a class name is not among them.
_EMPTY = ("", "nan", "na", "n/a", "null", "<na>")
_NOT_KNOWN = (*_EMPTY, "none", "unknown", "?")
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
# Lines that an error names.
_NAMED = 3
_PARQUET, _ZIP, _OLD_EXCEL = b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_SNIFFED = 50
# Column names that an error lists.
_SHOWN = 30


@dataclass(frozen=True)
class Table:
    """Rows of text.

    Args:
        path: where it was read.
        columns: their names.
        rows: a text for each column, "" where nothing stands.
        lines: of each row, where it stands in the file.
        separator: of the columns; "" in parquet.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Sequence[dict[str, str]]
    lines: Sequence[int]
    separator: str = ","

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> list[str]:
        """The texts of a column.

        Raises:
            ValueError: there is none of this name; the nearest is named.
        """
        if name not in self.columns:
            raise ValueError(
                f"{self.path} has no column {name!r}{nearest(name, self.columns)}; it has {self.some_columns()}"
            )
        return [row[name] for row in self.rows]

    def some_columns(self) -> str:
        """Names of columns for a sentence; of many the first ones."""
        more = len(self.columns) - _SHOWN
        return ", ".join(self.columns[:_SHOWN]) + (f" and {more} more" if more > 0 else "")

    def truths(self, name: str) -> list[bool | None]:
        """A column of 0 and 1, false and true, no and yes; None where empty.

        Raises:
            ValueError: no such column, or other values in it.
        """
        wanted = "0 or 1 (or no, yes, false, true), or nothing where it is not known; --label_column takes class names"
        return self.parsed(name, wanted, _truth)

    def numbers(self, name: str) -> list[float | None]:
        """A column of numbers; None where empty. A decimal comma is one where columns are not separated by commas.

        Raises:
            ValueError: no such column, or what is not a finite number.
        """
        return self.parsed(name, "a number, or nothing where it is not known", self._number)

    def classes(self, name: str) -> list[tuple[str, ...] | None]:
        """A column of class names, several of a cell separated by ";" or "|"; None where empty.

        Raises:
            ValueError: no such column.
        """
        return [_names(cell) for cell in self.column(name)]

    def places(self, name: str) -> list[int | None]:
        """A column of whole numbers; None where empty.

        Raises:
            ValueError: no such column, or what is not a whole number of at least 0.
        """
        return self.parsed(name, "a whole number of at least 0", _place)

    def where(self, indices: Iterable[int]) -> str:
        """ "line 3", or "lines 3, 7, 9 and 12 more", of these rows."""
        lines = [self.lines[index] for index in indices]
        named, more = lines[:_NAMED], len(lines) - _NAMED
        word = "row" if not self.separator else "line"
        text = f"{word}{'s' if len(lines) > 1 else ''} {', '.join(map(str, named))}"
        return text + (f" and {more} more" if more > 0 else "")

    def parsed(self, name: str, wanted: str, parse: Callable[[str], object]) -> list:
        """A column by `parse`, which raises ValueError; None where empty.

        Raises:
            ValueError: no such column, or what `parse` refuses: it names the lines, and says what was `wanted`.
        """
        values, wrong = [], []
        cells = self.column(name)
        for index, cell in enumerate(cells):
            try:
                values.append(None if cell.casefold() in _NOT_KNOWN else parse(cell))
            except ValueError:
                wrong.append(index)
        if wrong:
            found = shown(cells[wrong[0]], 60)
            raise ValueError(f"{self.path}, {self.where(wrong)}: the column {name!r} has {found}, wanted {wanted}")
        return values

    def _number(self, cell: str) -> float:
        if self.separator != "," and _DECIMAL_COMMA.fullmatch(cell):
            cell = cell.replace(",", ".")
        value = decimal(cell)
        if not math.isfinite(value):
            raise ValueError(cell)
        return value


def decimal(cell: str) -> float:
    """A number as tables have it; in Python's own spelling "1_0" is 10.

    Raises:
        ValueError: it is none.
    """
    if "_" in cell:
        raise ValueError(cell)
    return float(cell)


def known(cell: str) -> bool:
    """Whether a cell says something: it is not empty, NaN, unknown or the like."""
    return cell.casefold() not in _NOT_KNOWN


def read_own_table(path) -> Table:
    """A table whose first line names its columns.

    Args:
        path: CSV in UTF-8 (or UTF-16 with its mark, as Excel writes it), separated by commas, semicolons, tabs or
            bars; or parquet.

    Raises:
        ValueError: an Excel workbook or another file, no row, a name for two columns, a line of more or fewer fields
            than the first one.
        OSError: it cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"the table {path} is not there")
    content = read_input(path)
    if content.startswith((_ZIP, _OLD_EXCEL)):
        raise ValueError(f"{path} is an Excel workbook: save its sheet as 'CSV UTF-8' and name that file")
    table = _parquet(path) if content.startswith(_PARQUET) else _text(path, _decoded(path, content))
    if not table.rows:
        raise ValueError(f"{path} has no row below its header ({table.some_columns()})")
    return table


def _decoded(path: Path, content: bytes) -> str:
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        place = content[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}, line {place} is not text in UTF-8: save the table as 'CSV UTF-8'") from error
    if "\0" in text:
        raise ValueError(f"{path} is not a table: it holds null characters")
    return text


def _text(path: Path, text: str) -> Table:
    first = text.partition("\n")[0].strip().strip('"')
    skipped = 0
    if first.lower().startswith("sep=") and len(first) == 5:  # a line by which Excel is told the separator
        separator, text, skipped = first[4], text.partition("\n")[2], 1
    else:
        separator = _sniffed(text)
    try:
        records = list(_records(text, separator))
    except csv.Error as error:
        raise ValueError(f"{path} is not a CSV table: {error}") from error
    if not records:
        raise ValueError(f"{path} is empty, wanted a table whose first line names its columns")
    _, names = records[0]
    rows, lines = [], []
    for line, cells in records[1:]:
        if len(cells) != len(names):
            fields = f"{len(cells)} fields, wanted the {len(names)} of the first line (separated by {separator!r})"
            raise ValueError(f"{path}, line {line + skipped}: {fields}")
        rows.append(dict(zip(names, cells, strict=True)))
        lines.append(line + skipped)
    return _named(path, names, rows, lines, separator)


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of each record, without blank ones."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    for cells in reader:
        # a row of empty cells stays: it has its place in the order
        if len(cells) > 1 or any(cell.strip() for cell in cells):
            yield reader.line_num, [cell.strip() for cell in cells]


def _sniffed(text: str) -> str:
    """The separator by which the first lines have most columns, and all as many as the first one."""
    best, most = ",", (False, 0)
    for separator in _SEPARATORS:
        widths = []
        try:
            for _, cells in _records(text, separator):
                widths.append(len(cells))
                if len(widths) >= _SNIFFED:
                    break
        except csv.Error:
            continue
        if not widths:
            continue
        found = (len(set(widths)) == 1 and widths[0] > 1, widths[0])
        if found > most:
            best, most = separator, found
    return best


def _parquet(path: Path) -> Table:
    import pyarrow
    import pyarrow.parquet

    try:
        content = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{path} is not a whole parquet file: {error}") from error
    columns = {
        name: list(map(_written, content.column(place).to_pylist())) for place, name in enumerate(content.column_names)
    }
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    return _named(path, content.column_names, rows, range(1, len(rows) + 1), "")


def _written(value) -> str:
    """A value of parquet as a CSV would have it."""
    if value is None or value != value:
        return ""
    if isinstance(value, (list, tuple)):
        return ";".join(map(_written, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _named(path: Path, names: Sequence[str], rows: list[dict], lines: Sequence[int], separator: str) -> Table:
    # such as the index that pandas writes; nobody can ask for it
    columns = tuple(name for name in names if name)
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise ValueError(f"{path} has the columns {twice} more than once")
    return Table(path, columns, rows, lines, separator)


def _truth(cell: str) -> bool:
    key = cell.casefold()
    if key.endswith(".0"):  # pandas writes a column with gaps as 1.0
        key = key[:-2]
    if key not in _TRUTH:
        raise ValueError(cell)
    return _TRUTH[key]


def _place(cell: str) -> int:
    value = decimal(cell)
    if value < 0 or not value.is_integer():
        raise ValueError(cell)
    return int(value)


def _names(cell: str) -> tuple[str, ...] | None:
    if cell.casefold() in _EMPTY:
        return None
    return tuple(dict.fromkeys(name for name in (part.strip() for part in re.split(r"[;|]", cell)) if name)) or None
