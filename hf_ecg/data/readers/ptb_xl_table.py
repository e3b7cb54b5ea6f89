"""The lines of PTB-XL's `ptbxl_database.csv`, checked."""

import math
import posixpath
from dataclasses import dataclass
from pathlib import Path

from ...clinical.scp import Statement, parse_scp_codes
from ...clinical.tables import read_table

FILE_COLUMN = {100: "filename_lr", 500: "filename_hr"}
_COLUMNS = (
    "ecg_id",
    "patient_id",
    "age",
    "sex",
    "device",
    "site",
    "recording_date",
    "report",
    "scp_codes",
    "strat_fold",
)
_OLDEST = 90.0


@dataclass(frozen=True)
class PtbXlRecord:
    """One line of `ptbxl_database.csv`, checked."""

    record_id: str
    patient_id: str
    age: float | None
    sex: str | None
    device: str | None
    site: str | None
    recording_date: str | None
    report: str
    codes: str
    fold: int
    file: str


def read_records(path: Path, sampling_rate: int, statements: dict[str, Statement]) -> list[PtbXlRecord]:
    """The lines of `ptbxl_database.csv`, in its order.

    Raises:
        ValueError: no such table, a number that is none, a fold outside 1 to 10, one ecg_id or one file twice, codes
            that are not a dict or not a statement, or a patient whose records lie in several folds.
        OSError: the file cannot be read.
    """
    column = FILE_COLUMN[sampling_rate]
    lines = read_table(path, (*_COLUMNS, column))
    records, seen, fold_of, owner = [], set(), {}, {}
    accepted: set[str] = set()
    for number, line in enumerate(lines, start=2):
        where = f"{path}, line {number} (ecg_id {line['ecg_id']})"
        record = _record(line, line[column], where)
        if record.record_id in seen:
            raise ValueError(f"{where}: this ecg_id stands there twice")
        seen.add(record.record_id)
        first = owner.setdefault(posixpath.normpath(record.file), record.record_id)
        if record.file and first != record.record_id:
            raise ValueError(f"{where}: {column} is {record.file!r}, which is the recording of ecg_id {first}")
        if fold_of.setdefault(record.patient_id, record.fold) != record.fold:
            raise ValueError(
                f"{where}: patient {record.patient_id} is in folds {fold_of[record.patient_id]} and {record.fold};"
                " folds must not share patients"
            )
        if record.codes not in accepted:
            try:
                unknown = [code for code in parse_scp_codes(record.codes) if code not in statements]
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from error
            if unknown:
                raise ValueError(f"{where}: the codes {unknown} are not in scp_statements.csv")
            accepted.add(record.codes)
        records.append(record)
    if not records:
        raise ValueError(f"{path} has no records")
    return records


def check_inside_folder(record: PtbXlRecord, data_dir: Path) -> None:
    """Raises ValueError for a record path that leaves `data_dir`."""
    if ".." in record.file.split("/") or record.file.startswith("/") or "\\" in record.file:
        raise ValueError(f"ecg_id {record.record_id}: the record path {record.file!r} leaves the folder {data_dir}")


def _record(line: dict, file: str, where: str) -> PtbXlRecord:
    age = _number(line["age"], "age", where)
    sex = _number(line["sex"], "sex", where)
    fold = _number(line["strat_fold"], "strat_fold", where)
    identity = {name: _number(line[name], name, where) for name in ("ecg_id", "patient_id")}
    for name, value in identity.items():
        if value is None or value != int(value):
            raise ValueError(f"{where}: {name} is {line[name]!r}, wanted a whole number")
    if fold is None or fold not in range(1, 11):
        raise ValueError(f"{where}: strat_fold is {line['strat_fold']!r}, wanted 1 to 10")
    if sex not in (None, 0, 1):
        raise ValueError(f"{where}: sex is {line['sex']!r}, wanted 0 (male), 1 (female) or nothing")
    if age is not None and age < 0:
        raise ValueError(f"{where}: age is {line['age']!r}, wanted years")
    return PtbXlRecord(
        record_id=str(int(identity["ecg_id"])),
        patient_id=str(int(identity["patient_id"])),
        # 300 stands for over 89
        age=None if age is None else (_OLDEST if age > 89 else age),
        sex=None if sex is None else ("male", "female")[int(sex)],
        device=" ".join(line["device"].split()) or None,
        site=line["site"].removesuffix(".0") or None,
        recording_date=line["recording_date"] or None,
        report=line["report"],
        codes=line["scp_codes"],
        fold=int(fold),
        file=file,
    )


def _number(text: str, name: str, where: str) -> float | None:
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f"{where}: {name} is {text!r}, wanted a number") from error
    if math.isinf(value):
        raise ValueError(f"{where}: {name} is {text!r}, wanted a finite number")
    return None if math.isnan(value) else value
