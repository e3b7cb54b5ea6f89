"""Icentia11k (Tan et al., 2019): up to two weeks of one lead of 11,000 patients, with beats and rhythms.

PhysioNet's icentia11k-continuous-ecg 1.0. Layout by the publication and by public code that reads it, not checked
against the files: `p00/p00000/p00000_s00.hea`, `.dat`, `.atr`, up to 50 segments of some 70 minutes a patient, 250 Hz.
Beats are N, S, V and Q, rhythms `(N`, `(AFIB`, `(AFL`, each ended by `)`. The device records a modified lead I.

CLEF takes of each patient one beat of each kind, from the first segment that has it, and one rhythm of each kind. So
do the rows here. Of a rhythm CLEF takes the samples after its mark, however soon it ends; here the whole window lies
inside the interval.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from datasets import Value

from ...signals.annotations import RecordAnnotations, read_annotations
from ...signals.formats import find_record_files
from ..builder import Corpus, UnfitRecord
from ..corpus_card import CorpusCard
from ..schema import row_features
from .columns import RowLeads, record_columns
from .splits import SPLITS, describe_folds, fold_of, hashed
from .usable_windows import fitted, open_stream

PATIENTS, RATE = 11_000, 250
BEAT, RHYTHM = "beat", "rhythm"
BEATS = ("N", "S", "V")
RHYTHMS = ("N", "AFIB", "AFL")
LEAD = "MLI"
_CLOSED = ")"


@dataclass(frozen=True)
class IcentiaPatient:
    """A patient's segments, below the data folder and without ending, in their order."""

    record_id: str
    files: tuple[str, ...]
    fold: int


@dataclass
class _Wanted:
    """How many examples of each class are still to be found."""

    number: int
    missing: dict[tuple[str, str], int] = field(init=False)

    def __post_init__(self):
        classes = [(BEAT, name) for name in BEATS] + [(RHYTHM, name) for name in RHYTHMS]
        self.missing = dict.fromkeys(classes, self.number)

    def open(self) -> list[tuple[str, str]]:
        return [one for one, number in self.missing.items() if number]


@dataclass(frozen=True)
class IcentiaReader:
    """Reads the segments of `data_dir`; an instance is what worker processes share."""

    data_dir: Path
    sampling_rate: int
    seconds: float
    per_class: int
    seed: int
    channels: RowLeads

    def __call__(self, patient: IcentiaPatient) -> list[dict]:
        """The rows of a patient: windows around beats, and windows of rhythms.

        Segments are read until every class has its examples, or there are no more; of a segment only the windows.

        Raises:
            ValueError: damaged files, a patient without a window of any class.
            OSError: a file is not there.
        """
        wanted, rows = _Wanted(self.per_class), []
        for file in patient.files:
            if not wanted.open():
                break
            rows += self._of_segment(patient, file, wanted)
        if not rows:
            raise UnfitRecord("nothing annotated", f"{patient.record_id}: no beat and no rhythm of any class")
        return rows

    def _of_segment(self, patient: IcentiaPatient, file: str, wanted: _Wanted) -> list[dict]:
        path = self.data_dir / file
        annotations = read_annotations(path, root=self.data_dir)
        length = round(self.seconds * annotations.sampling_rate)
        stream, rows = None, []
        for label_set, name in wanted.open():
            starts = (beat_starts if label_set == BEAT else rhythm_starts)(annotations, name, length)
            for first in self._chosen(starts, f"{file} {label_set} {name}", wanted.missing[label_set, name]):
                stream = stream or open_stream(path, self.data_dir, self.channels)
                part = fitted(stream.part(first, first + length), self.sampling_rate, self.num_samples)
                rows.append(self._row(patient, Path(file).name, first, part, annotations, (label_set, name)))
                wanted.missing[label_set, name] -= 1
        return rows

    @property
    def num_samples(self) -> int:
        """Samples of every row."""
        return round(self.seconds * self.sampling_rate)

    def _chosen(self, starts: np.ndarray, name: str, number: int) -> list[int]:
        """Some of the places, by a hash of the seed and the name."""
        generator = np.random.default_rng(hashed(self.seed, name))
        chosen = generator.choice(starts, size=min(number, len(starts)), replace=False) if len(starts) else []
        return sorted(int(first) for first in chosen)

    def _row(self, patient: IcentiaPatient, segment: str, first: int, part, annotations, label: tuple) -> dict:
        label_set, name = label
        return {
            "record_id": f"{segment}_{first}_{label_set}",
            "patient_id": patient.record_id,
            **record_columns(part),
            "age": None,
            "sex": None,
            "fold": patient.fold,
            "report": None,
            "text": "",
            "window_start": first / annotations.sampling_rate,
            BEAT: [name] if label_set == BEAT else None,
            RHYTHM: [name] if label_set == RHYTHM else None,
        }


def beat_starts(annotations: RecordAnnotations, kind: str, length: int) -> np.ndarray:
    """First samples of the windows with a beat of a kind in their middle that lie inside the record."""
    beats = annotations.beats
    starts = beats.samples[beats.symbols == kind] - length // 2
    return starts[(starts >= annotations.first) & (starts + length <= annotations.end)]


def rhythm_starts(annotations: RecordAnnotations, code: str, length: int) -> np.ndarray:
    """First samples of windows side by side that lie wholly inside intervals of a rhythm."""
    found = [
        np.arange(start, end - length + 1, length)
        for start, end, name in _intervals(annotations)
        if name == code and end - start >= length
    ]
    return np.concatenate(found) if found else np.array([], dtype=int)


def _intervals(annotations: RecordAnnotations) -> Iterator[tuple[int, int, str]]:
    """Intervals of rhythm, ended by `)` where it stands before the next mark."""
    notes = annotations.notes
    closed = np.array([sample for sample, note in zip(annotations.samples, notes, strict=True) if note == _CLOSED])
    for start, end, code in annotations.rhythms:
        inside = closed[(closed > start) & (closed < end)] if len(closed) else closed
        yield start, int(inside[0]) if len(inside) else end, code


def icentia11k_corpus(
    data_dir,
    sampling_rate: int = RATE,
    window_seconds: float = 10.0,
    per_class: int = 1,
    max_patients: int | None = None,
    seed: int = 0,
    lead_name: str = LEAD,
) -> Corpus:
    """Icentia11k as a corpus to prepare. Label sets: `beat` of windows around a beat, `rhythm` of windows of one.

    A row has one of the two; the other is null.

    Args:
        data_dir: folder with `p00/` and so on, at any depth.
        sampling_rate, window_seconds: of the rows.
        per_class: rows of a patient for each kind of beat and rhythm.
        max_patients: take that many patients only, by the order of their names.
        seed: of the folds, drawn by patient, and of the beats that are taken.
        lead_name: of the one channel, whatever the header calls it.

    Raises:
        ValueError: an option out of range, an unknown lead.
        OSError: no folder, or no segment in it.
    """
    for name, value in {"per_class": per_class, "max_patients": max_patients, "sampling_rate": sampling_rate}.items():
        if value is not None and value < 1:
            raise ValueError(f"{name} is {value}, wanted at least 1")
    data_dir, channels = Path(data_dir), RowLeads((lead_name,), {0: lead_name})
    reader = IcentiaReader(data_dir, sampling_rate, window_seconds, per_class, seed, channels)
    if reader.num_samples < 1:
        raise ValueError(f"window_seconds is {window_seconds}, wanted at least one sample")
    splits = _patients(data_dir, max_patients, seed)
    return Corpus(
        config_name=f"icentia11k_{sampling_rate}hz",
        features=row_features(
            1, reader.num_samples, {BEAT: BEATS, RHYTHM: RHYTHMS}, {"window_start": Value("float32")}
        ),
        splits=splits,
        read=reader,
        facts={
            "corpus": "Icentia11k",
            "sampling_rate": sampling_rate,
            "window_rule": f"Windows of {window_seconds:g} s, {per_class} a patient for each kind of beat (in the"
            " middle) and of rhythm (throughout), from the first segments that have them.",
            "patients_found": sum(map(len, splits.values())),
            "leads": [lead_name],
            "single_lead": True,
            "seed": seed,
        },
        card=card,
        front_matter={
            "license": "other",
            "pretty_name": "Icentia11k",
            "language": ["en"],
        },
    )


def _patients(data_dir: Path, most: int | None, seed: int) -> dict[str, list[IcentiaPatient]]:
    if not data_dir.is_dir():
        raise FileNotFoundError(f"{data_dir} is not there, or is not a folder")
    segments: dict[str, list[str]] = {}
    for path in sorted(map(Path, find_record_files(data_dir, (".hea",)))):
        patient, _, segment = path.stem.rpartition("_s")
        if patient and segment.isdecimal():
            segments.setdefault(patient, []).append(path.relative_to(data_dir).with_suffix("").as_posix())
    if not segments:
        raise FileNotFoundError(f"{data_dir} holds no segment such as p00/p00000/p00000_s00.hea")
    split_of = {fold: split for split, folds in SPLITS.items() for fold in folds}
    splits: dict[str, list[IcentiaPatient]] = {split: [] for split in SPLITS}
    for patient in sorted(segments)[:most]:
        fold = fold_of(patient, seed)
        splits[split_of[fold]].append(IcentiaPatient(patient, tuple(segments[patient]), fold))
    return splits


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    return CorpusCard(
        title=f"Icentia11k, {summary['sampling_rate']} Hz",
        source=f"PhysioNet's icentia11k-continuous-ecg 1.0, {summary['patients_found']} patients found"
        f" ({PATIENTS:,} were released)",
        script="dataset_scripts/icentia11k.py",
        records=f"windows of one lead, {summary['leads'][0]}: a modified lead I of a device on the chest",
        splits=describe_folds(summary["seed"]).replace("record's name", "patient's name"),
        texts="empty",
        labels=": the kind of the beat in the middle (N, S, V), or the rhythm of the whole window (N, AFIB, AFL)",
        licence="see PhysioNet's page of the data set",
        citation="Cite Tan et al., Icentia11K: an unsupervised representation learning dataset for arrhythmia subtype"
        " discovery, arXiv 1910.09570 (2019), and PhysioNet's page.",
        notes=[
            summary["window_rule"],
            "Beats were annotated by a device's algorithm and reviewed. Q, which nobody could tell, is not a class.",
            "Layout by the publication, not checked against the files.",
        ],
    )
