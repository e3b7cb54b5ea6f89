"""MUSIC: Holter recordings of 992 patients with chronic heart failure, and what became of them.

PhysioNet's music-sudden-cardiac-death 1.0.1 (Vazquez et al., European Heart Journal 30:1088, 2009). Layout by the
publication and by public code that reads it, not checked against the files: `subject-info.csv`, separated by
semicolons, and `Holter_ECG/P0001.hea`, `.dat` (24 hours, three orthogonal leads X, Y, Z, 200 Hz).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from datasets import Value

from ..builder import Corpus
from ..corpus_card import CorpusCard
from ..schema import row_features
from .columns import RowLeads, describe_leads, record_columns
from .splits import SPLITS, describe_folds, fold_of
from .table_columns import find_file, open_columns, sex_of
from .usable_windows import UsableWindows, open_stream

PATIENTS, RATE = 992, 200
TABLE, RECORDINGS = "subject-info.csv", "Holter_ECG"
OUTCOME = "outcome"
# code of the cause of death -> class; 7 is a pump failure as 6 is, which the released labels of CLEF leave out
OUTCOMES = {0: "survivor", 1: "non_cardiac_death", 3: "sudden_cardiac_death", 6: "pump_failure_death"}
_SAME_OUTCOME = {7: 6}
COLUMNS = {
    "patient": "Patient ID",
    "cause": "Cause of death",
    "follow_up_days": "Follow-up period from enrollment (days)",
    "age": "Age",
    "sex": "Gender (male=1)",
    "lvef": "LVEF (%)",
}
_OPTIONAL = ("follow_up_days", "age", "sex", "lvef")
LEAD_X = RowLeads(("X",))


@dataclass(frozen=True)
class MusicPatient:
    """A patient with a recording; `record_id` is the patient's, as the file is called."""

    record_id: str
    fold: int
    outcome: int
    age: float | None
    sex: str | None
    follow_up_days: float | None
    lvef: float | None


@dataclass(frozen=True)
class MusicReader:
    """Reads the recordings of `data_dir`; an instance is what worker processes share."""

    data_dir: Path
    windows: UsableWindows
    channels: RowLeads

    def __call__(self, patient: MusicPatient) -> list[dict]:
        """The rows of a patient, one a window.

        Raises:
            ValueError: damaged samples, other leads, no usable window.
            OSError: a file is not there.
        """
        path = self.data_dir / RECORDINGS / patient.record_id
        stream = open_stream(path, self.data_dir, self.channels)
        name = OUTCOMES[patient.outcome]
        return [
            {
                "record_id": f"{patient.record_id}_{number}",
                "patient_id": patient.record_id,
                **record_columns(part),
                "age": patient.age,
                "sex": patient.sex,
                "fold": patient.fold,
                "report": None,
                "text": "",
                "window_start": start,
                "follow_up_days": patient.follow_up_days,
                "lvef": patient.lvef,
                OUTCOME: [name],
            }
            for number, (start, part) in enumerate(self.windows(stream))
        ]


def music_corpus(
    data_dir,
    sampling_rate: int = RATE,
    window_seconds: float = 10.0,
    max_windows: int = 1,
    seed: int = 0,
    columns: Mapping[str, str] | None = None,
    channels: RowLeads = LEAD_X,
) -> Corpus:
    """MUSIC as a corpus to prepare. Label set: `outcome`, exactly one of four a patient.

    Cause 0 counts as survivor, as in CLEF's labels: patients who were lost or transplanted are among them.

    Args:
        data_dir: folder with `subject-info.csv` and `Holter_ECG/`.
        sampling_rate, window_seconds: of the rows.
        max_windows: rows of a patient: the first usable windows. CLEF's evaluation takes one.
        seed: of the folds, drawn by patient: 1-8 train, 9 validation, 10 test.
        columns: what a column of the table is -> its name there, see `COLUMNS`.
        channels: leads of the rows. X runs from right to left as lead I does, and is not lead I.

    Raises:
        ValueError: a table without the columns, a patient twice, an option out of range.
        OSError: no table, or no folder of recordings.
    """
    data_dir, windows = Path(data_dir), UsableWindows(sampling_rate, window_seconds, max_windows)
    table = find_file(data_dir, TABLE, ("",))
    find_file(data_dir, RECORDINGS, ("",))
    splits, skipped, left_out = _patients(data_dir, table, columns, seed)
    extra = dict.fromkeys(("window_start", "follow_up_days", "lvef"), Value("float32"))
    return Corpus(
        config_name=f"music_{sampling_rate}hz",
        features=row_features(len(channels.leads), windows.num_samples, {OUTCOME: list(OUTCOMES.values())}, extra),
        splits=splits,
        read=MusicReader(data_dir, windows, channels),
        facts={
            "corpus": "MUSIC",
            "sampling_rate": sampling_rate,
            "window_rule": windows.describe(),
            "patients_found": sum(map(len, splits.values())),
            "leads": list(channels.leads),
            "single_lead": len(channels.leads) == 1,
            "seed": seed,
            **channels.facts(),
        },
        card=card,
        front_matter={
            "license": "other",
            "pretty_name": "MUSIC",
            "language": ["en"],
        },
        skipped=skipped,
        left_out=left_out,
    )


def _patients(data_dir: Path, path: Path, columns, seed: int) -> tuple[dict, list[dict], dict[str, int]]:
    """Split -> its patients; those whose recording is absent; how many have an outcome that is none of the four."""
    table = open_columns(path, COLUMNS, columns, _OPTIONAL)
    names = table.texts("patient")
    split_of = {fold: split for split, folds in SPLITS.items() for fold in folds}
    splits: dict[str, list[MusicPatient]] = {split: [] for split in SPLITS}
    skipped, left_out, seen = [], {"outcome not known": 0}, set()
    facts = zip(
        names,
        table.numbers("cause"),
        table.ages(),
        table.texts("sex"),
        table.numbers("follow_up_days"),
        table.numbers("lvef"),
        strict=True,
    )
    for name, cause, age, sex, follow_up, lvef in facts:
        if name is None or name in seen:
            raise ValueError(f"{path} has a row of the patient {name}, wanted each once")
        seen.add(name)
        outcome = None if cause is None else _SAME_OUTCOME.get(int(cause), int(cause))
        if outcome not in OUTCOMES:
            left_out["outcome not known"] += 1
        elif not (data_dir / RECORDINGS / f"{name}.hea").is_file():
            skipped.append({"record": name, "kind": "file missing", "reason": f"{name} has no Holter recording"})
        else:
            fold = fold_of(name, seed)
            patient = MusicPatient(name, fold, outcome, age, sex_of(sex), follow_up, lvef)
            splits[split_of[fold]].append(patient)
    return splits, skipped, {reason: number for reason, number in left_out.items() if number}


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    return CorpusCard(
        title=f"MUSIC, {summary['sampling_rate']} Hz",
        source=f"PhysioNet's music-sudden-cardiac-death 1.0.1, {summary['patients_found']} patients with a recording"
        f" found ({PATIENTS} are listed)",
        script="dataset_scripts/music.py",
        records=f"windows of Holter recordings, {describe_leads(summary)}",
        splits=describe_folds(summary["seed"]).replace("record's name", "patient's name"),
        texts="empty",
        labels=": what became of the patient, by the cause of death: " + ", ".join(OUTCOMES.values()),
        licence="see PhysioNet's page of the data set",
        citation="Cite Vazquez et al., The MUSIC Risk Score: a simple method for predicting mortality in ambulatory"
        " patients with chronic heart failure, European Heart Journal 30(9):1088-1096 (2009), and PhysioNet's page.",
        notes=[
            summary["window_rule"],
            "Survivors are those without a cause of death: lost and transplanted patients are among them.",
            "Layout by the publication, not checked against the files.",
        ],
    )
