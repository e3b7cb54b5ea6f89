"""The MIT-BIH Arrhythmia Database (Moody and Mark, 2001): 48 half hours of two leads, every beat annotated.

Rows are windows, and their labels the kinds of beats in them. Two splits are made of it: by patient, and by window as
in TolerantECG's evaluation (arXiv 2507.09887), which has the same patients on both sides and is called leaky.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from datasets import Value

from ...checks import check_one_of
from ...signals.annotations import read_annotations
from ...signals.formats import read
from ...signals.record import Record
from ..builder import Corpus
from ..corpus_card import CorpusCard
from ..schema import row_features
from .columns import record_columns
from .snomed_records import check_name, find_records
from .splits import SPLITS, describe_folds, fold_of
from .windows import WindowRule

RECORDS = 48
LABEL_SET = "beats"
# symbol of the annotation -> words
BEATS = {
    "N": "normal beats",
    "L": "left bundle branch block beats",
    "R": "right bundle branch block beats",
    "A": "atrial premature beats",
    "V": "ventricular premature beats",
}
SPLITTINGS = (INTER_PATIENT, COMPAT_DS1_DS2, LEAKY) = ("inter_patient", "compat_ds1_ds2", "leaky")
# de Chazal, O'Dwyer, Reilly, IEEE Trans Biomed Eng 51:1196 (2004)
_DS1 = "101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230".split()
_DS2 = "100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234".split()
# of DS1, chosen so that both it and the rest hold every kind of beat
_VALIDATION = ("115", "124", "207", "223")
_PACED = ("102", "104", "107", "217")
# one man: https://physionet.org/content/mitdb, the notes on the records
_SAME_PATIENT = {"202": "201"}
_OLDEST = 90
_SEXES = {"M": "male", "F": "female"}


@dataclass(frozen=True)
class SplitRecord:
    """A record with the part of it that belongs to a split; `fold` is None where each window has its own."""

    record_id: str
    file: str
    split: str
    fold: int | None


@dataclass(frozen=True)
class MITBIHReader:
    """Reads the records of `data_dir`; an instance is what worker processes share."""

    data_dir: Path
    rule: WindowRule
    seed: int

    def __call__(self, item: SplitRecord) -> list[dict]:
        """The rows of a record, one a window.

        Raises:
            ValueError: damaged samples or annotations, what the window rule refuses.
            OSError: a file is not there.
        """
        wave = read(self.data_dir / item.file, root=self.data_dir)
        check_name(wave, item.file)
        wave = replace(wave, leads=tuple("II" if lead == "MLII" else lead for lead in wave.leads))
        marks = read_annotations(self.data_dir / item.file, root=self.data_dir)
        seconds, symbols = marks.samples / marks.sampling_rate, marks.symbols
        age, sex = _age_and_sex(wave)
        rows = []
        for number, (start, part) in enumerate(self.rule(wave)):
            name = f"{item.record_id}_{number}"
            fold = fold_of(name, self.seed) if item.fold is None else item.fold
            if fold not in SPLITS[item.split]:
                continue
            inside = symbols[(seconds >= start) & (seconds < start + part.seconds)]
            found = [beat for beat in BEATS if beat in inside]
            rows.append(
                {
                    "record_id": name,
                    "patient_id": _SAME_PATIENT.get(item.record_id, item.record_id),
                    **record_columns(part),
                    "age": age,
                    "sex": sex,
                    "fold": fold,
                    "report": None,
                    "text": ". ".join(BEATS[beat] for beat in found),
                    "window_start": start,
                    LABEL_SET: found,
                }
            )
        return rows


def _age_and_sex(record: Record) -> tuple[int | None, str | None]:
    """Of the first remark in the header, such as "69 M 1085 1629 x1"; an age of -1 is not known."""
    words = record.comments[0].split() if record.comments else []
    if len(words) < 2 or not words[0].lstrip("-").isdigit():
        return None, None
    age = int(words[0])
    return (min(age, _OLDEST) if age >= 0 else None), _SEXES.get(words[1])


def mit_bih_corpus(
    data_dir,
    splitting: str = INTER_PATIENT,
    sampling_rate: int = 360,
    window_seconds: float = 10.0,
    seed: int = 0,
) -> Corpus:
    """The MIT-BIH Arrhythmia Database as a corpus to prepare. Label set: `beats`, the kinds of beats in a window.

    MLII is taken as lead II; the other lead keeps its name. So rows have two leads each, not all the same two.

    Args:
        data_dir: folder with the WFDB records and their annotations, at any depth.
        splitting: "inter_patient": de Chazal's DS1 (four of its records are the validation) and DS2, without the four
            records of paced hearts, and without 202, whose patient is that of 201 on the other side.
            "compat_ds1_ds2": the same with 202 in the test, as usually published. "leaky": every window of all records
            is put into a split by a hash, so that patients are in several; TolerantECG stratifies by class instead.
        sampling_rate: of the rows, in hertz.
        window_seconds: of the rows.
        seed: of the leaky split.

    Raises:
        ValueError: an unknown splitting, a record in two folders.
        OSError: no folder, or no record.
    """
    check_one_of("splitting", splitting, SPLITTINGS)
    data_dir = Path(data_dir)
    rule = WindowRule(sampling_rate, window_seconds, "skip")
    files = find_records(data_dir)
    splits, left_out = _splits(files, splitting)
    name = splitting if splitting != COMPAT_DS1_DS2 else "ds1_ds2"
    return Corpus(
        config_name=f"mit_bih_{name}_{sampling_rate}hz",
        features=row_features(2, rule.num_samples, {LABEL_SET: list(BEATS)}, extra={"window_start": Value("float32")}),
        splits=splits,
        read=MITBIHReader(data_dir, rule, seed),
        facts={
            "corpus": "MIT-BIH",
            "sampling_rate": sampling_rate,
            "window_rule": f"Records are cut into windows of {window_seconds:g} s, side by side from the start.",
            "records_found": len(files),
            "splitting": splitting,
            "seed": seed,
        },
        card=card,
        front_matter={
            "license": "odc-by",
            "pretty_name": "MIT-BIH Arrhythmia Database",
            "language": ["en"],
            "tags": ["ecg", "electrocardiogram", "hf_ecg"],
        },
        left_out=left_out,
    )


def _splits(files: Mapping[str, str], splitting: str) -> tuple[dict[str, list[SplitRecord]], dict[str, int]]:
    """Split -> its records; reason -> how many are left out."""
    if splitting == LEAKY:
        splits = {split: [SplitRecord(name, file, split, None) for name, file in files.items()] for split in SPLITS}
        return splits, {}
    names = {"validation": _VALIDATION, "test": _DS2, "train": [name for name in _DS1 if name not in _VALIDATION]}
    left_out = {"of a paced heart": sum(name in files for name in _PACED)}
    if splitting == INTER_PATIENT:
        names["test"] = [name for name in _DS2 if _SAME_PATIENT.get(name) not in _DS1]
        left_out["of a patient who is on the other side"] = sum(name in files for name in _SAME_PATIENT)
    splits = {
        split: [
            SplitRecord(name, files[name], split, list(SPLITS[split])[place % len(SPLITS[split])])
            for place, name in enumerate(name for name in names[split] if name in files)
        ]
        for split in SPLITS
    }
    known = {name for each in names.values() for name in each}
    left_out["not of DS1 or DS2"] = sum(name not in {*known, *_PACED, *_SAME_PATIENT} for name in files)
    return splits, {reason: number for reason, number in left_out.items() if number}


_SPLIT_WORDS = {
    INTER_PATIENT: "By patient: DS1 of de Chazal et al. (2004), four records of it for validation, and DS2.",
    COMPAT_DS1_DS2: "DS1 and DS2 of de Chazal et al. (2004), four records of DS1 for validation. Records 201 (DS1) and"
    " 202 (DS2) are of one patient.",
}


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    splitting = summary["splitting"]
    leaky = f"LEAKY: every window by itself, so that all patients are in all splits. {describe_folds(summary['seed'])}"
    return CorpusCard(
        title=f"MIT-BIH Arrhythmia Database, {summary['sampling_rate']} Hz",
        source=f"the MIT-BIH Arrhythmia Database 1.0.0, {summary['records_found']} records found"
        f" ({RECORDS} were released)",
        script="dataset_scripts/mit_bih.py",
        records="windows of two leads: II (MLII) and a chest lead, in a few records two chest leads",
        splits=_SPLIT_WORDS.get(splitting, leaky),
        texts="the kinds of beats in words",
        labels=": the kinds of beats that the window holds, by the annotations: " + ", ".join(BEATS),
        licence="ODC-By 1.0",
        citation="Cite Moody and Mark, The impact of the MIT-BIH Arrhythmia Database, IEEE Eng Med Biol 20(3):45-50"
        " (2001), and Goldberger et al., PhysioBank, PhysioToolkit, and PhysioNet, Circulation 101(23):e215 (2000).",
        notes=[
            summary["window_rule"],
            "MLII, a modified lead of the chest, is taken as lead II.",
            "Beats of other kinds are not labels: a window of paced beats alone has an empty list.",
        ],
    )
