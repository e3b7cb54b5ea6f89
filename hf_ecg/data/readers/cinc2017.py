"""The PhysioNet/Computing in Cardiology Challenge 2017 (Clifford et al., 2017): one lead of a hand-held device.

8,528 records of 9 to 61 s at 300 Hz were released, of lead I of an AliveCor device held in both hands. Neither
patients, ages nor sexes are known, so folds are drawn by record: other records of the set may be of the same people.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from datasets import Value

from ...input_files import open_input
from ..builder import Corpus, UnfitRecord
from ..corpus_card import CorpusCard
from ..schema import row_features
from .columns import RowLeads, record_columns
from .snomed_records import ListedRecord, check_name, find_records
from .splits import SPLITS, describe_folds, fold_of
from .windows import WindowRule

RECORDS = 8_528
REFERENCE = "REFERENCE-v3.csv"
LABEL_SET = "rhythm_class"
# what REFERENCE writes -> class and words
CLASSES = {
    "N": ("normal", "normal sinus rhythm"),
    "A": ("AF", "atrial fibrillation"),
    "O": ("other", "other rhythm"),
    "~": ("noisy", "too noisy to classify"),
}
# The headers call the channel ECG; the device records lead I, from hand to hand.
LEAD_I = RowLeads(("I",), {"ECG": "I"})
# Released twice, sample for sample: one patient each, so that no two folds share them.
_SAME = {"A01176": "A00227", "A03123": "A02656"}


@dataclass(frozen=True)
class Cinc2017Reader:
    """Reads the records of `data_dir`; an instance is what worker processes share."""

    data_dir: Path
    rule: WindowRule
    reference: Mapping[str, str]

    def __call__(self, record: ListedRecord) -> list[dict]:
        """The rows of a record, one a window.

        Raises:
            ValueError: damaged samples, another channel than ECG, a record without a label, what the window rule
                refuses.
            OSError: a file is not there.
        """
        if record.record_id not in self.reference:
            raise UnfitRecord("not in the reference", f"{record.file}: the table of labels does not list it")
        wave = LEAD_I.read(self.data_dir / record.file, self.data_dir)
        check_name(wave, record.file)
        name, text = CLASSES[self.reference[record.record_id]]
        windows = self.rule(wave)
        shared = {
            "patient_id": record.patient_id,
            "age": None,
            "sex": None,
            "fold": record.fold,
            "report": None,
            "text": text,
            "recorded_seconds": wave.num_samples / wave.sampling_rate,
            LABEL_SET: [name],
        }
        return [
            {
                "record_id": record.record_id if len(windows) == 1 else f"{record.record_id}_{number}",
                **record_columns(part),
                "window_start": start,
                **shared,
            }
            for number, (start, part) in enumerate(windows)
        ]


def read_reference(path: Path) -> dict[str, str]:
    """A table of labels without a header: record -> N, A, O or ~.

    Raises:
        ValueError: another table, a record twice, an unknown label.
        OSError: the file cannot be read.
    """
    labels: dict[str, str] = {}
    try:
        with io.TextIOWrapper(open_input(path), encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a CSV table in UTF-8: {error}") from error
    for number, line in enumerate(filter(None, lines), start=1):
        where = f"{path}, line {number}"
        if len(line) != 2 or line[1].strip() not in CLASSES:
            raise ValueError(f"{where} is {line}, wanted a record and one of {', '.join(CLASSES)}")
        name, label = map(str.strip, line)
        if name in labels:
            raise ValueError(f"{where}: the record {name} stands there twice")
        labels[name] = label
    if not labels:
        raise ValueError(f"{path} lists no record")
    return labels


def cinc2017_corpus(
    data_dir,
    reference: str = REFERENCE,
    sampling_rate: int = 300,
    window_seconds: float | None = None,
    short_records: str = "keep",
    max_windows: int | None = None,
    seed: int = 0,
) -> Corpus:
    """The Challenge 2017 as a corpus to prepare. Label set: `rhythm_class`, exactly one of four a record.

    Args:
        data_dir: folder with the WFDB records and the table of labels, at any depth.
        reference: name of that table; the labels were revised three times, `REFERENCE-v3.csv` are the last.
        sampling_rate, window_seconds, short_records, max_windows: see `WindowRule`; by default records stay whole.
        seed: of the folds, drawn by a hash of it and the record's name: 1-8 train, 9 validation, 10 test.

    Raises:
        ValueError: an unknown option, a table that cannot be trusted, a record in two folders.
        OSError: no folder, no record, no table.
    """
    data_dir, rule = Path(data_dir), WindowRule(sampling_rate, window_seconds, short_records, max_windows)
    files = find_records(data_dir)
    tables = sorted(data_dir.rglob(reference))
    if len(tables) != 1:
        found = ", ".join(map(str, tables)) or "none"
        others = sorted({path.name for path in data_dir.rglob("REFERENCE*.csv")})
        raise FileNotFoundError(f"{data_dir} wants one table {reference}, found {found}; it has {others}")
    labels = read_reference(tables[0])
    split_of = {fold: split for split, folds in SPLITS.items() for fold in folds}
    splits: dict[str, list[ListedRecord]] = {split: [] for split in SPLITS}
    for name, file in files.items():
        patient = _SAME.get(name, name)
        fold = fold_of(patient, seed)
        splits[split_of[fold]].append(ListedRecord(name, file, patient, fold))
    absent = [
        {"record": name, "kind": "file missing", "reason": f"{tables[0]} lists {name}, the folder has no such file"}
        for name in labels
        if name not in files
    ]
    extra = {"window_start": Value("float32"), "recorded_seconds": Value("float32")}
    classes = [name for name, _ in CLASSES.values()]
    return Corpus(
        config_name=f"cinc2017_{sampling_rate}hz",
        features=row_features(1, rule.num_samples, {LABEL_SET: classes}, extra=extra),
        splits=splits,
        read=Cinc2017Reader(data_dir, rule, labels),
        facts={
            "corpus": "CinC 2017",
            "sampling_rate": sampling_rate,
            "window_rule": rule.describe(),
            "records_found": len(files),
            "leads": list(LEAD_I.leads),
            "reference": reference,
            "seed": seed,
        },
        card=card,
        front_matter={
            "license": "odc-by",
            "pretty_name": "PhysioNet/CinC Challenge 2017",
            "language": ["en"],
        },
        skipped=absent,
    )


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    return CorpusCard(
        title=f"PhysioNet/CinC Challenge 2017, {summary['sampling_rate']} Hz",
        source=f"the training set of the Challenge 2017, {summary['records_found']} records found"
        f" ({RECORDS:,} were released)",
        script="dataset_scripts/cinc2017.py",
        records="lead I of a hand-held device",
        splits=describe_folds(summary["seed"]),
        texts="a sentence for the class of the record",
        labels=f" by {summary['reference']}: exactly one of normal, AF, other, noisy",
        licence="ODC-By 1.0",
        citation="Cite Clifford et al., AF classification from a short single lead ECG recording: the"
        " PhysioNet/Computing in Cardiology Challenge 2017, Computing in Cardiology 44 (2017).",
        notes=[
            summary["window_rule"],
            "Patients are not known: other records may be of the same people. A00227 is A01176 and A02656 is A03123,"
            " sample for sample; they are in one fold.",
        ],
    )
