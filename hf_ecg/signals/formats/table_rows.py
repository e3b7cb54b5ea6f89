"""Tables with a row a recording, whose samples are a list of numbers in one cell, as Withings exports them.

    date,type,frequency,duration,wearposition,signal,doctor_assessment,doctor_name,checkup_date
    2024-01-02T03:04:05+00:00,ecg,300,30,left wrist,"[12,15,-3]",,,

The other cells say what `array_record.said_beside` understands. `signal.csv` of "Download your data" of Withings says
no unit and no lead: microvolts of lead I, as of Heart v2 - Get of its API, and a remark says so.
"""

import csv
import re

import numpy as np

from .array_record import ArrayFacts, said_beside, word_of
from .time_column import stamped
from .told import place_of

# A list of so few numbers is something else.
_FEWEST = 8
_LIST = re.compile(rf"\[?\s*(?:[-+]?\d[\d.eE+-]*(?:\s*[,;\s]\s*|\s*\]?\s*$)){{{_FEWEST},}}", re.ASCII)
_WITHINGS = {"wearposition", "signal", "frequency"}
_DATES = ("date", "start_time", "start", "time", "timestamp")
# Who read it, which is the patient's; what that person wrote is not read.
_READER = "doctor_name"


def is_rows(lines: list[str]) -> bool:
    """Whether a table begins so: its first row below the names has a list of numbers under the name of a signal."""
    names, first = _first(lines)
    signals = word_of(names, "signals")
    place = None if signals is None else names.index(signals)
    return place is not None and place < len(first) and _LIST.match(first[place]) is not None


def read_rows(text: str, record: int | str | None) -> ArrayFacts:
    """The recording that is asked for, by its place from 0 or by its date.

    Raises:
        ValueError: several, and nobody says which; a row of another width, a cell that holds something else.
    """
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if any(row)]
    names, rows = rows[0], rows[1:]
    signals = str(word_of(names, "signals"))
    dated = next((name for name in names if name.casefold() in _DATES), None)
    for number, row in enumerate(rows, 2):
        if len(row) != len(names):
            raise ValueError(f"row {number} has {len(row)} columns, wanted {len(names)}: is the file cut?")
    column = [] if dated is None else [row[names.index(dated)] for row in rows]
    place = place_of(record, len(rows), column, "date")
    said = dict(zip(names, rows[place], strict=True))
    values = _numbers(said.pop(signals), place)
    found = {name: _number(cell) for name, cell in said.items() if cell and name != _READER}
    facts = ArrayFacts(values, **said_beside(found))
    facts.other["start_time"] = stamped(column[place]) if dated is not None else facts.other.get("start_time")
    if _WITHINGS <= set(names) and facts.names is None and facts.units is None:
        facts.names, facts.units = ["I"], "uV"
        remark = "layout: it says no unit and no lead: taken as Withings', microvolts of lead I"
        facts.other |= {"device": "Withings", "remarks": (remark,)}
    if said.get(_READER):
        facts.other["patient"] = {"physician": said[_READER]}
    return facts


def _first(lines: list[str]) -> tuple[list[str], list[str]]:
    try:
        # the second line may be cut
        rows = [[cell.strip() for cell in row] for row in csv.reader([line for line in lines[:2] if line])]
    except csv.Error:
        return [], []
    return (rows[0], rows[1]) if len(rows) == 2 else ([], [])


def _numbers(cell: str, place: int) -> np.ndarray:
    try:
        return np.array([float(part) for part in re.split(r"[,;\s]+", cell.strip("[] \t"))])
    except ValueError:
        raise ValueError(f"the list of samples of record {place} holds something that is not a number") from None


def _number(cell: str):
    try:
        return float(cell)
    except ValueError:
        return cell
