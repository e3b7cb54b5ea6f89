"""`AdditionalData.csv` of SHDB-AF: whose the recordings are, and what is known of the patients."""

from dataclasses import dataclass
from pathlib import Path

from ...clinical.tables import read_table
from .snomed_records import checked_age, checked_sex

TABLE = "AdditionalData.csv"
AF_TYPES = ("PAF", "PerAF", "non-AF")
# column of the table -> of a row
DISEASES = {
    "CHF": "heart_failure",
    "HTN": "hypertension",
    "DM": "diabetes",
    "Stroke": "stroke",
    "Vascular_Diseases": "vascular_disease",
}
_COLUMNS = ("Data_ID", "Subject_ID", "Annotated", "Age_at_Holter", "Sex", "AF_Type", *DISEASES)
# Some columns are written in words and some in numbers.
_TRUTH = {"true": True, "false": False, "1.0": True, "0.0": False, "1": True, "0": False, "": None, "nan": None}


@dataclass(frozen=True)
class Holter:
    """One line: a recording and its patient. `annotated` is what the table says of it; `diseases` by column."""

    record_id: str
    subject: str
    annotated: bool | None
    age: float | None
    sex: str | None
    af_type: str | None
    diseases: tuple[tuple[str, bool | None], ...]


def read_holters(path: Path) -> dict[str, Holter]:
    """Record -> its line.

    Raises:
        ValueError: a column is not there (the README that is shipped beside the table names older ones), a record
            twice or without a subject, a value that is neither true nor false, an unknown kind of AF.
        OSError: the file cannot be read.
    """
    try:
        lines = read_table(path, _COLUMNS)
    except ValueError as error:
        raise ValueError(
            f"{error}; SHDB-AF's README names the columns of an older table, wanted that of 1.0.1"
        ) from error
    holters: dict[str, Holter] = {}
    for number, line in enumerate(lines, start=2):
        # a spreadsheet takes the zeros away
        record = line["Data_ID"].strip().zfill(3)
        where = f"{path}, line {number} (record {record})"
        if record in holters:
            raise ValueError(f"{where}: this Data_ID stands there twice")
        if not line["Subject_ID"].strip():
            raise ValueError(f"{where}: no Subject_ID, and records are split by it")
        kind = line["AF_Type"].strip()
        if kind and kind not in AF_TYPES:
            raise ValueError(f"{where}: AF_Type is {kind!r}, wanted one of {', '.join(AF_TYPES)}")
        holters[record] = Holter(
            record_id=record,
            subject=line["Subject_ID"].strip(),
            annotated=_truth(line, "Annotated", where),
            age=checked_age(line["Age_at_Holter"].strip(), where),
            sex=checked_sex(line["Sex"].strip(), where),
            af_type=kind or None,
            diseases=tuple((name, _truth(line, column, where)) for column, name in DISEASES.items()),
        )
    if not holters:
        raise ValueError(f"{path} lists no record")
    return holters


def _truth(line: dict, column: str, where: str) -> bool | None:
    written = line[column].strip()
    if written.lower() not in _TRUTH:
        raise ValueError(f"{where}: {column} is {written!r}, wanted True, False, 1.0, 0.0 or nothing")
    return _TRUTH[written.lower()]
