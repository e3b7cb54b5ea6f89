"""Text of a table of numbers: its encoding, what separates its columns, how it writes numbers, and where it begins."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..units import known_voltage

# The lines that a table is judged by; none begins later.
FIRST_LINES = 400
_JUDGED_ROWS, _FEWEST_ROWS = 40, 4
_MOST_COLUMNS, _LONGEST_LINE = 4096, 100_000
_COMMENT = re.compile(r"\s*(?:#|%|//|\*)")
_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "--", "missing"})
# with a decimal point, with a decimal comma
_NUMBER = {point: re.compile(rf"[-+]?(?:\d+(?:[{point}]\d*)?|[{point}]\d+)(?:[eE][-+]?\d+)?") for point in (".", ",")}
# A day, a time of the day or both: it holds a colon or two dashes, strokes or points.
_STAMP = re.compile(
    r"\[?(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[T ]\s*\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
    r"|\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?)\s*(?:[AaPp][Mm])?\s*(?:Z|UTC|[-+]\d{2}:?\d{2})?\]?"
)
# the widest separator first: a space stands inside of times too
_SEPARATORS = ("\t", ";", ",", "|", " ")


@dataclass(frozen=True)
class Layout:
    """How a table of numbers is written.

    Attributes:
        separator: between columns; "" where there is one column; " " for any white space.
        point: of a decimal number.
        header: what its columns are called; empty where it does not say.
        units: of its columns, where a line of them stands below the names; else empty.
        first: number of the first line of numbers, from 0.
        above: lines before the table that are not comments.
        comments: above it, without their mark.
        columns: how many.
    """

    separator: str
    point: str
    header: tuple[str, ...]
    units: tuple[str, ...]
    first: int
    above: tuple[str, ...]
    comments: tuple[str, ...]
    columns: int


def decoded(content: bytes) -> tuple[str, str | None]:
    """Text in UTF-8 or UTF-16 with or without a mark, else in Windows-1252, and a remark where that was guessed.

    Raises:
        ValueError: it holds null characters, as text does not.
    """
    remark = None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    elif len(content) > 3 and content[1:4:2] == b"\0\0" and content[0]:
        text = content.decode("utf-16-le", errors="replace")
    elif len(content) > 3 and content[0:3:2] == b"\0\0" and content[1]:
        text = content.decode("utf-16-be", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if error.start >= len(content) - 3:  # the first part of a file ends within a character
                return decoded(content[: error.start])
            text = content.decode("cp1252", errors="replace")
            remark = "its text is not UTF-8, and was read as Windows-1252"
    if "\0" in text:
        raise ValueError("it holds null characters, as text does not")
    return text.removeprefix("\ufeff"), remark


def looks_like_text(head: bytes) -> bool:
    """Whether a file that begins so may be text: no control characters but those of lines, or UTF-16."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or (len(head) > 3 and b"\0\0" in (head[1:4:2], head[0:3:2])):
        return True
    return bool(head) and not any(byte < 32 and byte not in b"\t\n\r\x0c" for byte in head)


def find_layout(lines: Sequence[str], columns: int | None = None) -> Layout | None:
    """How a table is written that begins among these lines; None where there is no table of numbers.

    The rows decide: the separator is the one by which all rows have the same number of columns, each of them numbers,
    times or nothing, and as many as the line of names above them, if there is one; else as many as `columns`, where
    somebody knows.
    """
    lines = lines[:FIRST_LINES]
    kept = [(place, line) for place, line in enumerate(lines) if line.strip() and not _COMMENT.match(line)]
    if not kept or any(len(line) > _LONGEST_LINE for _, line in kept):
        return None
    rows = [line for _, line in kept[-_JUDGED_ROWS:]]
    # the last line may be cut, and the first of few may be names
    rows = rows[len(rows) // 2 : -1] if len(rows) > 2 * _FEWEST_ROWS else rows[-_FEWEST_ROWS:]
    found = [layout for separator in ("", *_SEPARATORS) for layout in _layouts(separator, rows, kept, lines)]
    named = [layout for layout in found if layout.header] or [one for one in found if one.columns == columns]
    return max(named or found, key=lambda layout: layout.columns, default=None)


def _layouts(separator: str, rows: list[str], kept: list[tuple[int, str]], lines: Sequence[str]) -> list[Layout]:
    split = [split_line(row, separator) for row in rows]
    width = len(split[0])
    if any(len(row) != width for row in split) or width > _MOST_COLUMNS or (width == 1) != (separator == ""):
        return []
    for point in ".,":
        # in quotes a number may hold the separator
        if (point != separator or all('"' in row for row in rows)) and all(
            _is_value(cell, point) for row in split for cell in row
        ):
            if any(_NUMBER[point].fullmatch(cell) for row in split for cell in row):
                return _with_header(Layout(separator, point, (), (), 0, (), (), width), kept, lines)
    return []


def _with_header(layout: Layout, kept: list[tuple[int, str]], lines: Sequence[str]) -> list[Layout]:
    """The layout with what stands above its rows, where that fits."""
    # a damaged row among the others is not where the table begins
    rows = [_is_row(line, layout) for _, line in kept]
    place = next((n for n, row in enumerate(rows) if row and any(rows[n + 1 : n + 3])), len(kept) - 1)
    first, above = kept[place][0], [line for _, line in kept[:place]]
    names: list[str] = []
    units: list[str] = []
    if above:
        names = split_line(above.pop(), layout.separator)
        if above and len(names) == layout.columns and all(_is_unit(cell) for cell in names):
            units, names = names, split_line(above.pop(), layout.separator)
        if len(names) == layout.columns + 1 and not names[-1]:
            names.pop()
        elif len(names) == layout.columns - 1 > 1:  # rows that end with a separator
            names.append("")
        if len(names) != layout.columns:
            # a line above the rows that is no line of names, such as "key: value", says nothing of the columns
            if layout.columns > 1 or len(names) == 1:
                above.append(" ".join(names) if layout.separator == "" else layout.separator.join(names))
            else:
                return []
            names = []
    comments = [_COMMENT.sub("", line, count=1).strip() for line in lines[:first] if _COMMENT.match(line)]
    if not names and comments and len(split_line(comments[-1], layout.separator)) == layout.columns > 1:
        names = split_line(comments.pop(), layout.separator)
    lines_above, told = tuple(line.strip() for line in above), tuple(filter(None, comments))
    return [
        Layout(layout.separator, layout.point, tuple(names), tuple(units), first, lines_above, told, layout.columns)
    ]


def split_line(line: str, separator: str) -> list[str]:
    """The cells of a line, without quotes and white space around them."""
    line = line.strip("\r\n \x0c") if separator == "\t" else line.strip()
    if separator == " ":
        cells = line.split()
    elif not separator:
        cells = [line]
    elif '"' in line:
        cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    else:
        cells = line.split(separator)
    return [cell.strip().strip("\"'").strip() for cell in cells]


def _is_row(line: str, layout: Layout) -> bool:
    cells = split_line(line, layout.separator)
    return len(cells) == layout.columns and all(_is_value(cell, layout.point) for cell in cells) and any(cells)


def _is_value(cell: str, point: str) -> bool:
    if cell.casefold() in _MISSING:
        return True
    return _NUMBER[point].fullmatch(cell) is not None or is_stamp(cell)


def is_stamp(cell: str) -> bool:
    """Whether a cell is a day, a time of the day, or both."""
    return _STAMP.fullmatch(cell) is not None and (":" in cell or len(re.findall(r"[-/.]", cell)) >= 2)


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no number."""
    return cell.casefold() in _MISSING


def _is_unit(cell: str) -> bool:
    return cell.strip("[]()'\" ").casefold() in _UNIT_WORDS or known_voltage(cell) is not None


_UNIT_WORDS = frozenset(
    "s|sec|secs|second|seconds|ms|msec|milliseconds|us|\u00b5s|ns|nanoseconds|min|h|hh:mm:ss|hh:mm:ss.mmm|sample #"
    "|samples|nu|adu|counts|bpm|hz|mmhg|g|mg|a.u.|".split("|")
)
