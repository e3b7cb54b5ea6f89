"""The records of the MIT-BIH Arrhythmia Database (Moody and Mark, 2001) and the sides on which they stand.

48 half hours of 47 people: 201 and 202 are of one man, and de Chazal's sets have him on both sides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ...signals.annotations import RecordAnnotations, read_annotations
from ...signals.channels import ChannelError, take_channels
from ...signals.formats import read
from ...signals.record import Record
from ..builder import UnfitRecord
from .snomed_records import check_name
from .splits import SPLITS

RECORDS = 48
SPLITTINGS = (INTER_PATIENT, COMPAT_DS1_DS2, LEAKY) = ("inter_patient", "compat_ds1_ds2", "leaky")
# de Chazal, O'Dwyer, Reilly, IEEE Trans Biomed Eng 51:1196 (2004)
DS1 = tuple("101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230".split())
DS2 = tuple("100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234".split())
# of DS1, chosen so that both it and the rest hold every kind of beat
VALIDATION = ("115", "124", "207", "223")
PACED = ("102", "104", "107", "217")
# one man: https://physionet.org/content/mitdb, the notes on the records
SAME_PATIENT = {"202": "201"}
# the codes of rhythms that the records hold; https://physionet.org/content/mitdb
RHYTHMS = ("AB", "AFIB", "AFL", "B", "BII", "IVR", "N", "NOD", "P", "PREX", "SBR", "SVTA", "T", "VFL", "VT")
_OLDEST = 90
_SEXES = {"M": "male", "F": "female"}
# MLII, a modified lead of the chest, is the nearest to lead II
_TAKEN_AS = {"MLII": "II"}


@dataclass(frozen=True)
class SplitRecord:
    """A record with the part of it that belongs to a split; `fold` is None where each row has its own."""

    record_id: str
    file: str
    split: str
    fold: int | None

    @property
    def patient_id(self) -> str:
        return SAME_PATIENT.get(self.record_id, self.record_id)


@dataclass(frozen=True)
class RecordSplits:
    """Split -> its records; reason -> how many are left out; and what a summary says of records that are not there."""

    splits: dict[str, list[SplitRecord]]
    left_out: dict[str, int]
    absent: list[dict]


def split_records(files: Mapping[str, str], splitting: str, paced: bool = True) -> RecordSplits:
    """The records of a folder on their sides.

    Args:
        files: name of a record -> its path.
        splitting: one of `SPLITTINGS`.
        paced: of the leaky splitting, whether the four records of paced hearts are in it; de Chazal's sets lack them.
    """
    if splitting == LEAKY:
        names = {name: file for name, file in files.items() if paced or name not in PACED}
        splits = {split: [SplitRecord(name, file, split, None) for name, file in names.items()] for split in SPLITS}
        left_out = {"of a paced heart": len(files) - len(names)}
        wanted = dict.fromkeys((*DS1, *DS2, *(PACED if paced else ())), "the database")
    else:
        sides = {"validation": VALIDATION, "test": DS2, "train": tuple(name for name in DS1 if name not in VALIDATION)}
        left_out = {"of a paced heart": sum(name in files for name in PACED)}
        if splitting == INTER_PATIENT:
            sides["test"] = tuple(name for name in DS2 if SAME_PATIENT.get(name) not in DS1)
            left_out["of a patient who is on the other side"] = sum(name in files for name in SAME_PATIENT)
        splits = {
            split: [
                SplitRecord(name, files[name], split, list(SPLITS[split])[place % len(SPLITS[split])])
                for place, name in enumerate(name for name in sides[split] if name in files)
            ]
            for split in SPLITS
        }
        wanted = dict.fromkeys(DS1, "DS1") | {name: "DS2" for name in sides["test"]}
        known = {*DS1, *DS2, *PACED}
        left_out["not of DS1 or DS2"] = sum(name not in known for name in files)
    absent = [
        {"record": name, "kind": "file missing", "reason": f"{where} has the record {name}, which the folder lacks"}
        for name, where in sorted(wanted.items())
        if name not in files
    ]
    return RecordSplits(splits, {reason: number for reason, number in left_out.items() if number}, absent)


def read_record(data_dir: Path, file: str, lead: str | None = None) -> Record:
    """A record by its leads' names, MLII as lead II.

    Args:
        data_dir, file: the record's path below the folder.
        lead: the one wanted, by its name here; None takes both as they are stored.

    Raises:
        ValueError: as `UnfitRecord`: it lacks the lead, or its header is that of another record; damaged samples.
        OSError: a file is not there.
    """
    wave = read(data_dir / file, root=data_dir)
    check_name(wave, file)
    wave = replace(wave, leads=tuple(_TAKEN_AS.get(name, name) for name in wave.leads))
    if lead is None:
        return wave
    try:
        return take_channels(wave, [_TAKEN_AS.get(lead, lead)], None)
    except ChannelError as error:
        raise UnfitRecord("other leads", f"{file} has {' and '.join(wave.lead_names)}: {error}") from error


def read_marks(data_dir: Path, file: str) -> RecordAnnotations:
    """Beats and rhythms of a record.

    Raises:
        ValueError, OSError: see `read_annotations`; a rhythm that is none of `RHYTHMS`.
    """
    marks = read_annotations(data_dir / file, root=data_dir)
    unknown = sorted({one.code for one in marks.rhythms} - set(RHYTHMS))
    if unknown:
        raise ValueError(f"{file}.atr has the rhythms {unknown}, wanted those of the database: {', '.join(RHYTHMS)}")
    return marks


def age_and_sex(record: Record) -> dict:
    """The columns `age` and `sex`, of the first remark in the header ("69 M 1085 1629 x1"); -1 is not known."""
    words = record.comments[0].split() if record.comments else []
    if len(words) < 2 or not words[0].lstrip("-").isdigit():
        return {"age": None, "sex": None}
    age = int(words[0])
    return {"age": min(age, _OLDEST) if age >= 0 else None, "sex": _SEXES.get(words[1])}


FRONT_MATTER = {
    "license": "odc-by",
    "pretty_name": "MIT-BIH Arrhythmia Database",
    "language": ["en"],
}
CITATION = (
    "Cite Moody and Mark, The impact of the MIT-BIH Arrhythmia Database, IEEE Eng Med Biol 20(3):45-50 (2001), and"
    " Goldberger et al., PhysioBank, PhysioToolkit, and PhysioNet, Circulation 101(23):e215 (2000)."
)
SPLIT_WORDS = {
    INTER_PATIENT: "By patient: DS1 of de Chazal et al. (2004), four records of it for validation, and DS2 without"
    " record 202, whose patient is that of 201 in DS1.",
    COMPAT_DS1_DS2: "DS1 and DS2 of de Chazal et al. (2004), four records of DS1 for validation. Records 201 (DS1) and"
    " 202 (DS2) are of one patient.",
}


def source_words(summary: Mapping) -> str:
    """Where the rows are from, for a card."""
    return f"the MIT-BIH Arrhythmia Database 1.0.0, {summary['records_found']} records found ({RECORDS} were released)"
