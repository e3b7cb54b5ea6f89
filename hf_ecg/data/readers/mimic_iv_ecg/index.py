"""One SQLite file that joins what the tables say about each record: memory stays flat however many there are."""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ....files import atomic_path
from ....signals.machine_measurements import MEASUREMENT_RANGES, SENTINELS
from ..splits import fold_of, hashed
from .risk_inputs import CLINICAL_TABLES, RISK_COLUMNS, add_risk_inputs
from .tables import NUMBER, TEXT, TIME, WHOLE, find_table, seconds, stream_table

RECORDS, MEASUREMENTS = "record_list", "machine_measurements"
REPORT_LINES = tuple(f"report_{number}" for number in range(18))
CART = {"device": "cart_id", "bandwidth": "bandwidth", "filtering": "filtering"}
# Which record of a patient is taken: the ORDER BY that puts it first.
ONE_RECORD = {"first": "time, study_id", "last": "time DESC, study_id DESC", "random": "draw, study_id"}
_FORMAT = 1
_COLUMNS = (*CART, *MEASUREMENT_RANGES, *RISK_COLUMNS)


@dataclass(frozen=True)
class MimicRecord:
    """A record before its samples are read; `columns` go into the row as they are."""

    record_id: str
    file: str
    report: str | None
    columns: dict


class MimicRecords(Sequence):
    """The records of a split, by patient and time; only the slice that is asked for is in memory."""

    def __init__(self, index: Path, split: str):
        self.index, self.split = index, split
        with closing(_open(index)) as database:
            (self._length,) = database.execute("SELECT COUNT(*) FROM item WHERE split = ?", (split,)).fetchone()

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, place):
        start, stop, step = (place if isinstance(place, slice) else slice(place, place + 1)).indices(len(self))
        if step != 1 or (start >= stop and not isinstance(place, slice)):
            raise IndexError(f"{place} of {len(self)} records")
        query = f"""SELECT study_id, path, report, record.subject_id, fold, strftime('%Y-%m-%d %H:%M:%S', time,
            'unixepoch'), {", ".join(_COLUMNS)} FROM item JOIN record USING (study_id)
            LEFT JOIN measurement USING (study_id) LEFT JOIN risk USING (study_id)
            WHERE split = ? AND position >= ? AND position < ? ORDER BY position"""
        with closing(_open(self.index)) as database:
            lines = database.execute(query, (self.split, start, stop)).fetchall()
        records = [_record(*line) for line in lines]
        return records if isinstance(place, slice) else records[0]


def _record(study, path, report, patient, fold, time, *values) -> MimicRecord:
    columns = dict(zip(_COLUMNS, values, strict=True))
    for name in ("smoker", "diabetes", "prior_disease"):
        columns[name] = None if columns[name] is None else bool(columns[name])
    columns |= {"patient_id": str(patient), "fold": fold, "recording_date": time}
    return MimicRecord(str(study), path, report, columns)


def _open(index: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{index.absolute().as_uri()}?mode=ro", uri=True)


def build_index(
    index: Path,
    data_dir: Path,
    mimic_iv_dir: Path | None,
    splits: Mapping[str, Sequence[int]],
    seed: int,
    one_record_per_patient: str | None,
    limit: int | None,
    max_age_years: float,
    progress: bool = True,
) -> dict:
    """Makes the index, or takes one of the same tables and options; what it found on the way.

    Raises:
        ValueError: a table that is not MIMIC's, a study twice, a record path that leaves the folder, measurements of
            another patient.
        OSError: a table is not there.
    """
    tables = {name: find_table(data_dir, name) for name in (RECORDS, MEASUREMENTS)}
    for name, path in tables.items():
        if path is None:
            raise FileNotFoundError(f"{data_dir} has no {name}.csv: it is not a folder of MIMIC-IV-ECG")
    for name in CLINICAL_TABLES if mimic_iv_dir is not None else ():
        tables[name] = find_table(mimic_iv_dir, name)
    if mimic_iv_dir is not None and tables["hosp/patients"] is None:
        raise FileNotFoundError(f"{mimic_iv_dir} has no hosp/patients.csv: it is not a folder of MIMIC-IV")
    there = {name: path for name, path in tables.items() if path is not None}
    stamps = [
        (name, str(path.absolute()), path.stat().st_size, path.stat().st_mtime_ns) for name, path in there.items()
    ]
    options = [
        {name: list(folds) for name, folds in splits.items()},
        seed,
        one_record_per_patient,
        limit,
        max_age_years,
    ]
    fingerprint = hashlib.blake2b(repr([_FORMAT, stamps, options]).encode(), digest_size=16).hexdigest()
    found = read_facts(index)
    if found is not None and found["fingerprint"] == fingerprint:
        return found
    with atomic_path(index) as building, closing(sqlite3.connect(building)) as database:
        # a file that is not whole is never used: no journal to bring it back
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        listed, patients = _add_records(database, there[RECORDS], seed, progress)
        refused, without_record = _add_measurements(database, there[MEASUREMENTS], progress)
        risk_inputs = add_risk_inputs(database, there, patients, max_age_years, progress)
        left_out = _select(database, splits, one_record_per_patient, limit)
        query = "SELECT COUNT(*) FROM item LEFT JOIN measurement USING (study_id) WHERE report IS NULL"
        (without_report,) = database.execute(query).fetchone()
        facts = {
            "fingerprint": fingerprint,
            "records_listed": listed,
            "patients_listed": len(patients),
            "records_without_report": without_report,
            "measurements_without_record": without_record,
            "measurements_set_null": refused,
            "tables": sorted(there),
            "risk_inputs": risk_inputs,
            "left_out": left_out,
        }
        database.execute("CREATE TABLE facts (json TEXT)")
        database.execute("INSERT INTO facts VALUES (?)", (json.dumps(facts),))
        database.commit()
    return facts


def read_facts(index: Path) -> dict | None:
    """What `build_index` returned when it made this file; None when it is none."""
    if not index.is_file():
        return None
    try:
        with closing(_open(index)) as database:
            return json.loads(database.execute("SELECT json FROM facts").fetchone()[0])
    except sqlite3.DatabaseError:
        return None


def _add_records(database: sqlite3.Connection, path: Path, seed: int, progress: bool) -> tuple[int, pa.Array]:
    database.execute(
        "CREATE TABLE record (study_id INTEGER PRIMARY KEY, subject_id INTEGER, time INTEGER, path TEXT, fold INTEGER,"
        " draw INTEGER)"
    )
    types = {"subject_id": WHOLE, "study_id": WHOLE, "ecg_time": TIME, "path": TEXT}
    number = 0
    for batch in stream_table(path, types, progress):
        columns = [*(batch[name].to_pylist() for name in ("study_id", "subject_id")), seconds(batch["ecg_time"])]
        lines = list(zip(*columns, batch["path"].to_pylist(), strict=True))
        for study, patient, time, file in lines:
            if None in (study, patient, time, file):
                raise ValueError(f"{path}: study {study} has an empty field: {(patient, time, file)}")
            if ".." in file.split("/") or file.startswith("/") or "\\" in file:
                raise ValueError(f"{path}: study {study}: the record path {file!r} leaves the folder")
        folds = {patient: fold_of(patient, seed) for patient in {line[1] for line in lines}}
        rows = ((*line, folds[line[1]], hashed(seed, f"study {line[0]}")) for line in lines)
        _insert(database, "record", 6, rows, path)
        number += len(lines)
    if not number:
        raise ValueError(f"{path} has no records")
    patients = database.execute("SELECT DISTINCT subject_id FROM record").fetchall()
    return number, pa.array([patient for (patient,) in patients], pa.int64())


def _add_measurements(database: sqlite3.Connection, path: Path, progress: bool) -> tuple[dict, int]:
    names = [*CART, *MEASUREMENT_RANGES]
    database.execute(
        f"CREATE TABLE measurement (study_id INTEGER PRIMARY KEY, subject_id INTEGER, report TEXT, {', '.join(names)})"
    )
    types = {"study_id": WHOLE, "subject_id": WHOLE} | dict.fromkeys((*CART.values(), *REPORT_LINES), TEXT)
    types |= dict.fromkeys(MEASUREMENT_RANGES, NUMBER)
    refused: Counter = Counter()
    for batch in stream_table(path, types, progress):
        # filled lines may follow empty ones; joining with null_handling="skip" loses whole rows (pyarrow 26)
        lines = [pc.fill_null(pc.utf8_trim_whitespace(batch[name]), "") for name in REPORT_LINES]
        report = pc.binary_join_element_wise(*lines, "\n", null_handling="emit_null")
        report = pc.utf8_trim_whitespace(pc.replace_substring_regex(report, r"\n+", "\n"))
        report = pc.if_else(pc.equal(report, ""), None, report)
        columns = [batch["study_id"], batch["subject_id"], report, *(batch[name] for name in CART.values())]
        for name, (lowest, highest) in MEASUREMENT_RANGES.items():
            values = batch[name]
            sentinel = pc.is_in(values, pa.array(SENTINELS, pa.float64()))
            valid = pc.and_(pc.greater_equal(values, lowest), pc.less_equal(values, highest))
            columns.append(pc.if_else(valid, values, None).cast(pa.int32(), safe=False))
            refused[name, "not measurable"] += pc.sum(sentinel).as_py() or 0
            refused[name, "out of range"] += pc.sum(pc.and_not(pc.invert(valid), sentinel)).as_py() or 0
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        _insert(database, "measurement", len(columns), rows, path)
    query = "FROM measurement LEFT JOIN record USING (study_id) WHERE record.subject_id"
    strangers = database.execute(f"SELECT study_id {query} != measurement.subject_id LIMIT 3").fetchall()
    if strangers:
        studies = [study for (study,) in strangers]
        raise ValueError(f"{path}: the studies {studies} are of other patients than in {RECORDS}.csv")
    (without_record,) = database.execute(f"SELECT COUNT(*) {query} IS NULL").fetchone()
    counts = {
        name: {kind: refused[name, kind] for kind in ("not measurable", "out of range") if refused[name, kind]}
        for name in MEASUREMENT_RANGES
    }
    return {name: kinds for name, kinds in counts.items() if kinds}, without_record


def _insert(database: sqlite3.Connection, table: str, columns: int, rows, path: Path) -> None:
    try:
        database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})", rows)
    except sqlite3.IntegrityError as error:
        raise ValueError(f"{path}: a study_id stands there twice, or is none: {error}") from error


def _select(
    database: sqlite3.Connection, splits: Mapping, one_record: str | None, limit: int | None
) -> dict[str, int]:
    """Fills `item`: what becomes a row, in which split and order."""
    database.execute(
        "CREATE TABLE item (split TEXT, position INTEGER, study_id INTEGER, PRIMARY KEY (split, position))"
        " WITHOUT ROWID"
    )
    order = ONE_RECORD[one_record] if one_record else "time, study_id"
    case = " ".join(f"WHEN fold IN ({', '.join(map(str, folds))}) THEN '{name}'" for name, folds in splits.items())
    database.execute(f"""INSERT INTO item
        SELECT split, ROW_NUMBER() OVER (PARTITION BY split ORDER BY subject_id, time, study_id) - 1, study_id
        FROM (SELECT *, CASE {case} END AS split, ROW_NUMBER() OVER (PARTITION BY subject_id ORDER BY {order}) AS place
            FROM record)
        WHERE {"place = 1" if one_record else "TRUE"}
        ORDER BY subject_id, time, study_id LIMIT {-1 if limit is None else limit}""")
    counts = [database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in ("record", "item")]
    chosen = counts[0]
    if one_record:
        (chosen,) = database.execute("SELECT COUNT(DISTINCT subject_id) FROM record").fetchone()
    left_out = {
        f"not the {one_record} record of its patient": counts[0] - chosen,
        "beyond the limit": chosen - counts[1],
    }
    return {reason: number for reason, number in left_out.items() if number}
