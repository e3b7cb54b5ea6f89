"""CSV tables of a corpus: read whole, or refused."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from ..input_files import open_input


def read_table(path, columns: Iterable[str]) -> list[dict[str, str]]:
    """Rows of a table whose first line names its columns.

    Args:
        path: CSV with commas, in UTF-8.
        columns: those that must be there, once like all others.

    Raises:
        ValueError: other text than that, a missing column, a name for two columns, a line with more or fewer fields
            than the first one (a download that was cut off, a comma that was not quoted).
        OSError: the file cannot be read.
    """
    path = Path(path)
    try:
        with io.TextIOWrapper(open_input(path), encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = list(reader.fieldnames or ())
            absent = [column for column in columns if column not in names]
            if absent:
                raise ValueError(f"{path} lacks the columns {absent}; it has {names}")
            # a row would hold the last of them, whatever the others say
            if twice := sorted({name for name in names if name and names.count(name) > 1}):
                raise ValueError(f"{path} has the columns {twice} more than once")
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a CSV table in UTF-8: {error}") from error
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            found = len(names) - list(row.values()).count(None) + len(row.get(None) or ())
            raise ValueError(f"{path}, line {number}: {found} fields, wanted the {len(names)} of the first line")
    return rows
