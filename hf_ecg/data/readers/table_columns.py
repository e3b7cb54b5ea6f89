"""Tables of a corpus whose columns may be called otherwise than its publishers' pages say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...checks import nearest
from .folder.table import Table, known, read_own_table

_OLDEST = 90.0


@dataclass(frozen=True)
class TableColumns:
    """A table, and what its columns are to a reader.

    Args:
        table: as it was read.
        names: what a column is -> its name in the table; columns that may be missing, and are, are not there.
    """

    table: Table
    names: Mapping[str, str]

    def texts(self, key: str) -> list[str | None]:
        """Cells as they are written; None where empty, unknown or NaN, or where there is no such column."""
        if key not in self.names:
            return [None] * len(self.table)
        return [cell if known(cell) else None for cell in self.table.column(self.names[key])]

    def numbers(self, key: str) -> list[float | None]:
        """Numbers; None where empty, or where there is no such column.

        Raises:
            ValueError: a cell that is not a number.
        """
        return [None] * len(self.table) if key not in self.names else self.table.numbers(self.names[key])

    def ages(self, key: str = "age") -> list[float | None]:
        """Years, 90 for all above 89, also where they are written as ">89" or "90+".

        Raises:
            ValueError: a cell that is neither.
        """

        def age(cell: str) -> float:
            return min(float(cell.strip(">+ ").replace(",", ".")), _OLDEST) if not cell.startswith(">") else _OLDEST

        wanted = 'an age in years, such as 61, ">89" or "90+"'
        return [None] * len(self.table) if key not in self.names else self.table.parsed(self.names[key], wanted, age)


def open_columns(
    path, defaults: Mapping[str, str], given: Mapping[str, str] | None = None, optional: Sequence[str] = ()
) -> TableColumns:
    """A table with the columns that a reader needs.

    Args:
        path: CSV or TSV; its separator is found.
        defaults: what a column is -> how the publishers call it.
        given: the same for tables that call it otherwise; it goes before the default.
        optional: of these, those that the table may lack.

    Raises:
        ValueError: `given` names something that the reader does not know, or the table lacks a column that is not
            optional: both are named, with what there is and how to say it.
        OSError: the table is not there.
    """
    given = dict(given or {})
    for key in given:
        if key not in defaults:
            raise ValueError(f"columns names {key!r}{nearest(key, defaults)}, wanted some of {', '.join(defaults)}")
    table = read_own_table(path)
    names = dict(defaults) | given
    lacking = {key: name for key, name in names.items() if name not in table.columns}
    for key, name in lacking.items():
        if key not in optional or key in given:
            raise ValueError(
                f"{table.path} has no column {name!r}{nearest(name, table.columns)}, which is the {key}; it has"
                f" {table.some_columns()}: name it by --columns {key}=COLUMN"
            )
    return TableColumns(table, {key: name for key, name in names.items() if key not in lacking})


def find_file(data_dir: Path, name: str, folders: Sequence[str] = ("", "data")) -> Path:
    """A file of a corpus, in its folder or in one of some folders in it.

    Raises:
        OSError: it is in none of them; says where it was looked for.
    """
    places = [Path(data_dir, folder, name) for folder in folders]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise FileNotFoundError(f"{name} is not there: looked for {' and '.join(map(str, places))}")
    return found


SEXES = {"m": "male", "male": "male", "1": "male", "f": "female", "female": "female", "0": "female"}


def sex_of(cell: str | None) -> str | None:
    """ "male" or "female" of M, F, 1 (male) and 0; None for everything else."""
    return None if cell is None else SEXES.get(cell.strip().lower().removesuffix(".0"))
