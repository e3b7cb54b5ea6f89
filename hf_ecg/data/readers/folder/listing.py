"""Which records there are, and the row of the table for each."""

from dataclasses import dataclass, field
from pathlib import Path

from .array_file import ArrayFile
from .record_files import find_own_records, match_rows
from .table import Table
from .table_facts import TableFacts

_NOTHING_KNOWN = {"age": None, "sex": None, "report": None, "text": ""}


@dataclass(frozen=True)
class ListedRecord:
    """A record of the folder or the array.

    Args:
        name: of the record.
        source: its file below the folder, or its row of the array.
        patient: whose it is.
        fold: the table's; None where folds are dealt.
        columns: what the table says of it, for the columns of the corpus.
    """

    name: str
    source: str | int
    patient: str
    fold: int | None
    columns: dict


@dataclass
class Listing:
    """All records.

    Attributes:
        records: that are to be read.
        skipped: rows of the table without a record or a patient, and files that are not records, as a corpus lists
            them.
        unlisted: files that no row names.
        told: what a person should know, a sentence each.
    """

    records: list[ListedRecord] = field(default_factory=list)
    skipped: list[dict] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


def list_records(
    path: Path, array: ArrayFile | None, table: Table | None, facts: TableFacts, column: str | None
) -> Listing:
    """The records of a folder or an array, each with its row of the table.

    Args:
        path: of the folder.
        array: in place of the folder.
        table: None: all records, of which nothing is known.
        facts: of the table.
        column: of the table, which names the record.

    Raises:
        ValueError: rows and records do not fit each other, or no row has a patient.
        OSError: the folder is not there, or holds no record.
    """
    listing = Listing()
    if array is not None:
        rows = _rows_of_array(listing, array, table, column)
        found: list[tuple[str, str | int, int | None]] = [(str(place), place, row) for place, row in rows.items()]
    else:
        found = _rows_of_folder(listing, path, table, column)
    for name, source, row in found:
        if row is None or table is None:
            listing.records.append(ListedRecord(name, source, name, None, dict(_NOTHING_KNOWN)))
            continue
        patient = name if facts.patients is None else facts.patients[row]
        if patient is None:
            where = f"{table.path.name}, {table.where([row])}"
            listing.skipped.append({"record": name, "kind": "no patient", "reason": f"{where}: no patient is named"})
            continue
        fold = None if facts.folds is None else facts.folds[row]
        listing.records.append(ListedRecord(name, source, patient, fold, facts.rows[row]))
    if not listing.records and table is not None:
        raise ValueError(f"no row of {table.path} names a patient: the column is empty")
    return listing


def _rows_of_folder(listing: Listing, path: Path, table: Table | None, column: str | None) -> list:
    files = find_own_records(path, None if table is None else table.path)
    listing.skipped += [
        {"record": file, "kind": "not a record", "reason": f"{file}: {why}"} for file, why in files.others.items()
    ]
    if table is None:
        return [(name, file, None) for name, file in files.files.items()]
    if column is None:
        raise ValueError(
            f"which column of {table.path} names the file? It has {table.some_columns()}: say by --record_column"
        )
    matches = match_rows(table, column, files)
    listing.skipped += matches.skipped
    listing.unlisted += matches.unlisted
    listing.told += matches.told
    return [(name, files.files[name], row) for row, name in matches.records.items()]


def _rows_of_array(
    listing: Listing, array: ArrayFile, table: Table | None, column: str | None
) -> dict[int, int | None]:
    """Place in the array -> row of the table: in its order, or by a column of places from 0."""
    if table is None:
        return dict.fromkeys(range(len(array)))
    if column is None:
        if len(table) != len(array):
            raise ValueError(
                f"{table.path} has {len(table)} rows and {array.path} {len(array)} records: wanted as many in the same"
                " order, or a column of places from 0, named by --record_column"
            )
        return {place: place for place in range(len(array))}
    rows: dict[int, int | None] = {}
    for row, place in enumerate(table.places(column)):
        if place is None or place >= len(array):
            found = f"{table.path}, {table.where([row])}: the column {column!r} has {table.rows[row][column]!r}"
            raise ValueError(f"{found}, wanted the place of a record, 0 to {len(array) - 1}")
        if place in rows:
            raise ValueError(f"{table.path}, {table.where([rows[place], row])}: both are of the record {place}")
        rows[place] = row
    listing.unlisted += [str(place) for place in range(len(array)) if place not in rows]
    return rows
