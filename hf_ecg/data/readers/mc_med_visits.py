"""The visits of MC-MED: `visits.csv`, its dispositions in classes, and the publishers' splits."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...input_files import read_input
from .splits import SPLITS
from .table_columns import open_columns, sex_of

TABLE = "visits.csv"
COLUMNS = {
    "visit": "CSN",
    "patient": "MRN",
    "age": "Age",
    "sex": "Gender",
    "ed_disposition": "ED_dispo",
    "discharge_disposition": "DC_dispo",
    "acuity": "Triage_acuity",
    "triage_sbp": "Triage_SBP",
    "triage_dbp": "Triage_DBP",
}
_OPTIONAL = ("age", "sex")
SPLITTINGS = (CHRONOLOGICAL, RANDOM, HASH) = ("chronological", "random", "hash")
SPLIT_WORDS = {
    CHRONOLOGICAL: "By patient: the publishers' chronological split; later visits are validation and test.",
    RANDOM: "By patient: the publishers' random split.",
    HASH: "Folds are drawn by a hash of the patient: 1-8, 9, 10; `fold` says which.",
}
_LISTS = {CHRONOLOGICAL: "split_chrono_{}.csv", RANDOM: "split_random_{}.csv"}
_NAMES = {"train": "train", "validation": "val", "test": "test"}
# class -> how the table writes it, in lower case
ED_DISPOSITIONS = {"discharge": "discharge", "inpatient": "inpatient", "observation": "observation", "icu": "icu"}
ACUITIES = ("1", "2", "3", "4", "5")
# CLEF's six groups: the first whose words stand in the cell; "other" is every cell with none of them
DISCHARGE_DISPOSITIONS = {
    "home": ("home/work", "left against medical advice"),
    "care_facility": ("home health services", "skilled nursing", "residential care", "custodial or supportive care"),
    "hospital_transfer": (
        "acute care hospital",
        "long term care hospital",
        "federal hospital",
        "children's hospital",
        "critical access hospital",
        "planned inpatient readmission",
        "stanford acute care",
    ),
    "end_of_life": ("expired", "hospice", "organ harvest", "donor"),
    "psychiatric_or_rehabilitation": ("psychiatric hospital", "stanford psych", "inpatient rehabilitation"),
    "other": ("",),
}
_IN_FOLDER = 3


@dataclass(frozen=True)
class Visit:
    """What the table says of a visit; `labels` are None where it says nothing, or another word."""

    patient: str
    age: float | None
    sex: str | None
    triage_sbp: float | None
    triage_dbp: float | None
    labels: Mapping[str, str | None]


def waveform_of(waveforms: Path, visit: str) -> Path:
    """The first waveform of lead II of a visit, without ending."""
    return waveforms / visit[-_IN_FOLDER:] / visit / "II" / f"{visit}_1"


def discharge_group(cell: str | None) -> str | None:
    """CLEF's group of a disposition after the visit; None of an empty cell.

    Example:
        >>> from hf_ecg.data.readers.mc_med_visits import discharge_group
        >>> discharge_group("Skilled Nursing Facility"), discharge_group("No disposition"), discharge_group(None)
        ('care_facility', 'other', None)
    """
    if cell is None:
        return None
    words = cell.lower()
    return next(name for name, parts in DISCHARGE_DISPOSITIONS.items() if any(part in words for part in parts))


def read_visits(path: Path, splitting: str, columns: Mapping[str, str] | None) -> tuple[dict, dict | None]:
    """Visits by their number, and the split of each; None where folds are to be drawn.

    Args:
        path: of `visits.csv`; the lists of the splits lie beside it, or in the folder above.
        splitting: one of `SPLITTINGS`.
        columns: see `open_columns`.

    Raises:
        ValueError: a table without the columns, a visit twice or without a patient, a patient in two splits.
        OSError: a list of a split is not there.
    """
    table = open_columns(path, COLUMNS, columns, _OPTIONAL)
    numbers = {name: table.numbers(name) for name in ("triage_sbp", "triage_dbp")}
    texts = {name: table.texts(name) for name in COLUMNS if name not in (*numbers, "age")}
    ages = table.ages()
    visits: dict[str, Visit] = {}
    for row, (number, patient) in enumerate(zip(texts["visit"], texts["patient"], strict=True)):
        if number is None or patient is None or number in visits:
            where = table.table.where([row])
            raise ValueError(f"{path}, {where}: visit {number} of patient {patient}, wanted both, and each visit once")
        visits[number] = Visit(
            patient,
            ages[row],
            sex_of(texts["sex"][row]),
            numbers["triage_sbp"][row],
            numbers["triage_dbp"][row],
            {
                "ed_disposition": _one_of(texts["ed_disposition"][row], ED_DISPOSITIONS),
                "discharge_disposition": discharge_group(texts["discharge_disposition"][row]),
                "acuity": _one_of((texts["acuity"][row] or "")[:1], ACUITIES),
            },
        )
    return visits, None if splitting == HASH else _split_of(path, splitting, visits)


def _one_of(cell: str | None, classes) -> str | None:
    word = (cell or "").strip().lower()
    return word if word in classes else None


def _split_of(path: Path, splitting: str, visits: Mapping[str, Visit]) -> dict[str, str]:
    found: dict[str, str] = {}
    patients: dict[str, str] = {}
    for split in SPLITS:
        name = _LISTS[splitting].format(_NAMES[split])
        places = [folder / name for folder in (path.parent, path.parent.parent)]
        place = next((place for place in places if place.is_file()), None)
        if place is None:
            raise FileNotFoundError(
                f"{name} is not there: looked for {' and '.join(map(str, places))}; splitting='{HASH}' draws folds"
            )
        for line in read_input(place).decode("utf-8-sig").splitlines():
            number = line.partition(",")[0].strip()
            if number not in visits:
                continue  # a head line, or a visit that is not listed
            patient = visits[number].patient
            if patients.setdefault(patient, split) != split:
                raise ValueError(f"{place} has the patient {patient}, who is in {patients[patient]} too")
            found[number] = split
    if not found:
        raise ValueError(f"no visit of {path} is in the lists of the {splitting} split")
    return found
