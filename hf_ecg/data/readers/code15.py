"""CODE-15% (Ribeiro et al., 2021): 345,779 exams of 233,770 patients of the Telehealth Network of Minas Gerais.

Two layouts: as published, `exams.csv` beside `exams_part0.hdf5` to `exams_part17.hdf5`; and as prepared for the
PhysioNet Challenge 2025, WFDB records with `#Patient ID`, `#Age`, `#Sex` and `#Chagas label`. The published tracings
have 7 or 10 s at 400 Hz, with zeros on both sides up to 4,096 samples, which are taken away here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets import Value

from ...clinical.tables import read_table
from ...input_files import read_input
from ...signals.formats.code15_layout import RATE
from ..builder import Corpus, UnfitRecord
from ..corpus_card import CorpusCard
from ..schema import row_features
from .code15_tracings import exam_rows, read_tracing, refuse_twice
from .columns import TWELVE_LEADS, RowLeads, describe_leads, record_columns
from .snomed_records import check_name, checked_age, checked_sex, find_records
from .splits import SPLITS, describe_folds, fold_of
from .windows import WindowRule

EXAMS = "exams.csv"
# columns of exams.csv -> class and words
DIAGNOSES = {
    "1dAVb": ("1dAVb", "first degree atrioventricular block"),
    "RBBB": ("RBBB", "complete right bundle branch block"),
    "LBBB": ("LBBB", "complete left bundle branch block"),
    "SB": ("SB", "sinus bradycardia"),
    "AF": ("AF", "atrial fibrillation"),
    "ST": ("ST", "sinus tachycardia"),
    "normal_ecg": ("normal", "normal ECG"),
}
CHAGAS = ["chagas"]
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_NOT_SAID: tuple[str, ...] = ("", "nan", "none", "unknown")


@dataclass(frozen=True)
class Exam:
    """An exam before its samples are read.

    Args:
        file: below the data folder; without ending in the WFDB layout.
        row: of the HDF5 file; None in the WFDB layout.
        diagnoses: classes of `DIAGNOSES`, None where not known.
        chagas: whether the patient has Chagas disease, None where not known.
    """

    record_id: str
    patient_id: str
    fold: int
    file: str
    row: int | None
    age: float | None
    sex: str | None
    diagnoses: tuple[str, ...] | None = None
    chagas: bool | None = None


@dataclass(frozen=True)
class Code15Reader:
    """Reads the exams of `data_dir`; an instance is what worker processes share."""

    data_dir: Path
    rule: WindowRule
    channels: RowLeads = TWELVE_LEADS

    def __call__(self, exam: Exam) -> list[dict]:
        """The rows of an exam, one a window.

        Raises:
            ValueError: damaged samples, another rate or other leads, what the window rule refuses.
            OSError: a file is not there.
        """
        path = self.data_dir / exam.file
        if exam.row is None:
            wave = self.channels.read(path, self.data_dir)
            check_name(wave, exam.file)
        else:
            wave = self.channels.take(read_tracing(path, exam.row, exam.record_id))
        if wave.sampling_rate != RATE:
            raise UnfitRecord("another rate", f"{exam.file}: {wave.sampling_rate:g} Hz, wanted {RATE:g} Hz")
        windows = self.rule(wave)
        words = [text for name, text in DIAGNOSES.values() if name in (exam.diagnoses or ())]
        shared = {
            "patient_id": exam.patient_id,
            "age": exam.age,
            "sex": exam.sex,
            "fold": exam.fold,
            "report": None,
            "text": ". ".join(words),
            "recorded_seconds": wave.num_samples / wave.sampling_rate,
            "diagnoses": None if exam.diagnoses is None else list(exam.diagnoses),
            "chagas": None if exam.chagas is None else CHAGAS * exam.chagas,
        }
        return [
            {
                "record_id": exam.record_id if len(windows) == 1 else f"{exam.record_id}_{number}",
                **record_columns(part),
                "window_start": start,
                **shared,
            }
            for number, (start, part) in enumerate(windows)
        ]


def published_exams(data_dir: Path, seed: int) -> tuple[list[Exam], list[dict], dict[str, int]]:
    """The exams of `exams.csv` whose HDF5 file is there; those without a patient or not in it; how many have no file.

    Raises:
        ValueError: a table or file that cannot be trusted: an exam that stands in it twice, a file in another folder.
    """
    wanted = ("exam_id", "age", "is_male", "patient_id", "trace_file", *DIAGNOSES)
    by_file: dict[str, list[dict[str, str]]] = {}
    table = read_table(data_dir / EXAMS, wanted)
    refuse_twice([line["exam_id"] for line in table], data_dir / EXAMS)
    for line in table:
        name = line["trace_file"].strip()
        if name != Path(name).name:
            raise ValueError(f"{data_dir / EXAMS}, exam {line['exam_id']}: {name!r} is not a file beside the table")
        by_file.setdefault(name, []).append(line)
    exams, skipped, absent = [], [], 0
    for name, lines in sorted(by_file.items()):
        if not (data_dir / name).is_file():
            absent += len(lines)
            continue
        rows = exam_rows(data_dir / name)
        for line in lines:
            if line["patient_id"].strip().lower() in _NOT_SAID:
                reason = f"{EXAMS} says no patient of exam {line['exam_id']}, by whom folds are drawn"
                skipped.append({"record": line["exam_id"], "kind": "no patient", "reason": reason})
            elif line["exam_id"] in rows:
                exams.append(_listed(line, name, rows[line["exam_id"]], f"{data_dir / EXAMS}", seed))
            else:
                reason = f"{EXAMS} places exam {line['exam_id']} in {name}, which does not hold it"
                skipped.append({"record": line["exam_id"], "kind": "exam missing", "reason": reason})
    return exams, skipped, {"HDF5 file not in the folder": absent} if absent else {}


def _listed(line: Mapping[str, str], file: str, row: int, table: str, seed: int) -> Exam:
    where = f"{table}, exam {line['exam_id']}"
    flags = {column: truth(line[column], f"{where}: {column}") for column in DIAGNOSES}
    male = truth(line["is_male"], f"{where}: is_male")
    known = all(flag is not None for flag in flags.values())
    return Exam(
        record_id=line["exam_id"],
        patient_id=line["patient_id"],
        fold=fold_of(line["patient_id"], seed),
        file=file,
        row=row,
        age=checked_age(line["age"], where),
        sex=None if male is None else "male" if male else "female",
        diagnoses=tuple(DIAGNOSES[column][0] for column, flag in flags.items() if flag) if known else None,
    )


def wfdb_exams(data_dir: Path, seed: int) -> tuple[list[Exam], list[dict]]:
    """The exams of the WFDB layout by what their headers say; those whose header says no patient.

    Raises:
        ValueError: a record in two folders.
        OSError: no folder, no record.
    """
    exams, skipped = [], []
    for name, file in find_records(data_dir).items():
        try:
            exams.append(_headed(data_dir, name, file, seed))
        except ValueError as error:
            kind = error.kind if isinstance(error, UnfitRecord) else "unreadable header"
            skipped.append({"record": name, "kind": kind, "reason": str(error)})
    return exams, skipped


def _headed(data_dir: Path, name: str, file: str, seed: int) -> Exam:
    header = f"{file}.hea"
    lines = read_input(data_dir / header).decode("utf-8", errors="replace").splitlines()
    fields = {}
    for line in lines:
        key, colon, value = line.lstrip("#").partition(":")
        if line.startswith("#") and colon:
            fields[key.strip().lower()] = value.strip()
    patient = fields.get("patient id", "")
    if patient.lower() in _NOT_SAID:
        raise UnfitRecord("no patient", f"{header} says no #Patient ID, by which folds are drawn")
    return Exam(
        record_id=name,
        patient_id=patient,
        fold=fold_of(patient, seed),
        file=file,
        row=None,
        age=checked_age(fields.get("age", ""), header),
        sex=checked_sex(fields.get("sex", ""), header),
        chagas=truth(fields.get("chagas label", ""), f"{header}: #Chagas label"),
    )


def truth(written: str, where: str) -> bool | None:
    """True and False as tables write them; None where nothing is said.

    Raises:
        ValueError: anything else.
    """
    value = written.strip().lower()
    if value in _NOT_SAID:
        return None
    if value not in _TRUTH:
        raise ValueError(f"{where} is {written!r}, wanted True or False")
    return _TRUTH[value]


def code15_corpus(
    data_dir,
    sampling_rate: int = 400,
    window_seconds: float | None = None,
    short_records: str = "keep",
    max_windows: int | None = None,
    seed: int = 0,
    channels: RowLeads = TWELVE_LEADS,
) -> Corpus:
    """CODE-15% as a corpus to prepare, as published where `exams.csv` is there, else in the WFDB layout.

    Label sets: `diagnoses`, the six of the publishers and "normal", null in the WFDB layout; `chagas`, null in the
    published one. A record with none of the six is not normal for that.

    Args:
        data_dir: folder with exams.csv and HDF5 files, any of the 18; or with WFDB records at any depth.
        sampling_rate, window_seconds, short_records, max_windows: see `WindowRule`; by default records stay whole.
        seed: of the folds, drawn by a hash of it and the patient: 1-8 train, 9 validation, 10 test.
        channels: leads of the rows, and which channels of the records they are.

    Raises:
        ValueError: an unknown option, tables or files that cannot be trusted.
        OSError: no folder, no record.
        ImportError: HDF5 files and no h5py.
    """
    data_dir, rule = Path(data_dir), WindowRule(sampling_rate, window_seconds, short_records, max_windows)
    published, left_out = (data_dir / EXAMS).is_file(), {}
    exams: Sequence[Exam]
    if published:
        exams, skipped, left_out = published_exams(data_dir, seed)
    else:
        exams, skipped = wfdb_exams(data_dir, seed)
    splits = {split: [exam for exam in exams if exam.fold in folds] for split, folds in SPLITS.items()}
    labels = {"diagnoses": [name for name, _ in DIAGNOSES.values()], "chagas": CHAGAS}
    extra = {"window_start": Value("float32"), "recorded_seconds": Value("float32")}
    return Corpus(
        config_name=f"code15_{sampling_rate}hz",
        features=row_features(len(channels.leads), rule.num_samples, labels, extra=extra),
        splits=splits,
        read=Code15Reader(data_dir, rule, channels),
        facts={
            "corpus": "CODE-15%",
            "sampling_rate": sampling_rate,
            "window_rule": rule.describe(),
            "records_found": len(exams),
            "layout": "hdf5" if published else "wfdb",
            "seed": seed,
            **channels.facts(),
        },
        card=card,
        front_matter={
            "license": "cc-by-4.0",
            "pretty_name": "CODE-15%",
            "language": ["en"],
        },
        skipped=skipped,
        left_out=left_out,
    )


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    layout = {"hdf5": "as published", "wfdb": "as prepared for the PhysioNet Challenge 2025"}[summary["layout"]]
    return CorpusCard(
        title=f"CODE-15%, {summary['sampling_rate']} Hz",
        source=f"CODE-15%, {layout}, {summary['records_found']} exams found (345,779 were released)",
        script="dataset_scripts/code15.py",
        records=describe_leads(summary),
        splits=describe_folds(summary["seed"]).replace("the record's name", "the patient's number"),
        texts='English sentences of the labels, joined by ". "; empty where none is known',
        labels=". No flag does not mean a normal ECG",
        licence="CC BY 4.0",
        citation="Cite Ribeiro et al., CODE-15%: a large scale annotated dataset of 12-lead ECGs, Zenodo 4916206"
        " (2021), and Lima et al., Nature Communications 12:5117 (2021).",
        notes=[
            summary["window_rule"],
            "The publishers do not name the unit; the numbers are taken as millivolts, as PhysioNet does. Ranges are"
            " about twice those of PTB-XL.",
        ],
    )
