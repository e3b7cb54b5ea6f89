"""SHDB-AF, the Saitama Heart Database of Atrial Fibrillation (Tsutsui et al., Scientific Data, 2025): Holter days.

128 recordings of some 24 hours at 200 Hz in two leads are listed, of 122 patients; 98 have annotations of rhythm. What
is said of the files here is secondary knowledge (the notes of the package ecgbench), tried on made files alone.

A row is a window, which is read by itself, so that a day costs no memory. Its labels are null where nobody annotated.
The code `(N` means "no supraventricular arrhythmia was annotated", which is not sinus rhythm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from datasets import Value

from ...signals.annotations import RecordAnnotations, read_annotations
from ...signals.channels import ChannelError
from ...signals.rhythm_share import rhythm_share
from ...signals.streaming import RecordStream
from ..builder import Corpus, UnfitRecord
from ..corpus_card import CorpusCard
from ..schema import row_features
from .columns import record_columns
from .shdb_af_table import DISEASES, TABLE, Holter, read_holters
from .snomed_records import find_records
from .splits import SPLITS, describe_folds, fold_of
from .windows import WindowRule, at_rate

RECORDS = 128
LIST = "RECORDS.txt"
# The channels as the paper describes them: a modified CC5, and NASA.
LEADS = {"ECG1": "CC5", "ECG2": "NASA"}
RHYTHMS = {
    "AFIB": "atrial fibrillation",
    "AFL": "atrial flutter",
    "AT": "atrial tachycardia",
    "PAT": "another supraventricular tachycardia",
    "NOD": "nodal tachycardia",
}
AF_RHYTHMS = (FIBRILLATION, FLUTTER) = ("AFIB", "AFL")
AF, RHYTHM, AF_SHARE = "af", "rhythm", "af_share"
# one recording, sample for sample, annotated twice
_AGAIN = {"020": "005"}
_WITHDRAWN = ("016", "030")
_EXTRA = {
    "recording": Value("string"),
    "window_start": Value("float32"),
    AF_SHARE: Value("float32"),
    "annotated_share": Value("float32"),
    "af_type": Value("string"),
    **{name: Value("bool") for name in DISEASES.values() if name != "diabetes"},
}


@dataclass(frozen=True, slots=True)
class Window:
    """The how many-th window of a record, before its samples are read."""

    record_id: str
    number: int


@dataclass(frozen=True)
class SHDBAFReader:
    """Reads windows; an instance is what worker processes share. `files` and `holters` by record."""

    data_dir: Path
    files: Mapping[str, str]
    holters: Mapping[str, Holter]
    rule: WindowRule
    af_rhythms: tuple[str, ...]
    least_share: float
    seed: int

    def __call__(self, item: Window) -> dict:
        """The row of a window.

        Raises:
            ValueError: damaged samples or annotations, or other channels, anywhere in the record.
            OSError: a file is not there.
        """
        holter = self.holters[item.record_id]
        stream, annotations = _opened(self.data_dir, self.files[item.record_id])
        length = round(self.rule.seconds * stream.sampling_rate)
        first = item.number * length
        wave = at_rate(stream.part(first, first + length), self.rule.sampling_rate)
        return {
            "record_id": f"{item.record_id}_{item.number}",
            "patient_id": holter.subject,
            **record_columns(wave),
            "age": holter.age,
            "sex": holter.sex,
            "fold": fold_of(holter.subject, self.seed),
            "report": None,
            "recording": item.record_id,
            "window_start": first / stream.sampling_rate,
            "af_type": holter.af_type,
            **dict(holter.diseases),
            **self._labels(annotations, first, first + length),
        }

    def _labels(self, annotations: RecordAnnotations | None, first: int, end: int) -> dict:
        """Null where less than half of the window is annotated."""
        known = 0
        if annotations is not None:
            share, known = rhythm_share(annotations, first, end, self.af_rhythms)
        labels = {"annotated_share": known / (end - first)}
        if annotations is None or share is None or 2 * known < end - first:
            return labels | {"text": "", AF_SHARE: None, AF: None, RHYTHM: None}
        inside = {rhythm.code for rhythm in annotations.cut(first, end).rhythms}
        found = [code for code in RHYTHMS if code in inside]
        return labels | {
            "text": ". ".join(RHYTHMS[code] for code in found),
            AF_SHARE: share,
            AF: ["AF"] if share >= self.least_share else [],
            RHYTHM: found,
        }


def _opened(data_dir: Path, file: str) -> tuple[RecordStream, RecordAnnotations | None]:
    found = _tried(data_dir, file)
    if isinstance(found, Exception):
        raise found
    return found


# windows come in order: a record is looked at as a whole once in each process
@lru_cache(maxsize=2)
def _tried(data_dir: Path, file: str) -> tuple[RecordStream, RecordAnnotations | None] | Exception:
    """A record whose checksums were compared, with its annotations if there are any; or why it cannot be used."""
    path = data_dir / file
    try:
        stream = _stream(data_dir, file)
        for _ in stream.windows(600):
            pass
        annotated = path.with_name(f"{path.name}.atr").exists()
        return stream, read_annotations(path, root=data_dir) if annotated else None
    except (OSError, ValueError) as error:
        return error


def _stream(data_dir: Path, file: str) -> RecordStream:
    try:
        stream = RecordStream(data_dir / file, data_dir, leads=list(LEADS.values()), rename=LEADS)
    except ChannelError as error:
        raise UnfitRecord("other leads", str(error)) from error
    if stream.name != Path(file).name:
        raise UnfitRecord("header of another record", f"{file}: the header is that of record {stream.name}")
    return stream


def shdb_af_corpus(
    data_dir,
    sampling_rate: int = 200,
    window_seconds: float = 30.0,
    af_rhythms: Sequence[str] = (FIBRILLATION,),
    least_share: float = 0.5,
    seed: int = 0,
) -> Corpus:
    """SHDB-AF as a corpus to prepare. Label sets: `af`, AF or not, and `rhythm`, what was annotated in a window.

    Args:
        data_dir: folder with `RECORDS.txt`, `AdditionalData.csv` and the records, at any depth.
        sampling_rate: of the rows, in hertz. The recorder's was 125 Hz, so nothing is above 62.5 Hz.
        window_seconds: of the rows, usually 30 or 60; the rest at a record's end is not used.
        af_rhythms: what counts as AF: "AFIB", or "AFIB" and "AFL".
        least_share: of the annotated part of a window that is AF, for the label AF; `af_share` holds the share.
        seed: of the folds, drawn by a hash of it and the subject: 1-8 train, 9 validation, 10 test.

    Raises:
        ValueError: an unknown rhythm, a share that is none, a table or list that cannot be trusted, a record in two
            folders.
        OSError: no folder, no record, no list, no table.
    """
    if not af_rhythms or set(af_rhythms) - set(AF_RHYTHMS) or len(set(af_rhythms)) < len(af_rhythms):
        raise ValueError(f"af_rhythms is {list(af_rhythms)}, wanted some of {', '.join(AF_RHYTHMS)}, each once")
    if not 0 < least_share <= 1:
        raise ValueError(f"least_share is {least_share}, wanted above 0 and at most 1")
    data_dir = Path(data_dir)
    rule = WindowRule(sampling_rate, window_seconds, "skip")
    files = find_records(data_dir)
    listed = _read_list(_only(data_dir, LIST))
    holters = read_holters(_only(data_dir, TABLE))
    kept, left_out, skipped = _chosen(files, listed, holters)
    splits: dict[str, list[Window]] = {split: [] for split in SPLITS}
    split_of = {fold: split for split, folds in SPLITS.items() for fold in folds}
    for name in kept:
        try:
            stream = _stream(data_dir, files[name])
        except (OSError, ValueError) as error:
            kind = error.kind if isinstance(error, UnfitRecord) else "unreadable"
            skipped.append({"record": name, "kind": kind, "reason": str(error)})
            continue
        number = stream.num_samples // round(window_seconds * stream.sampling_rate)
        splits[split_of[fold_of(holters[name].subject, seed)]] += [Window(name, place) for place in range(number)]
    flutter = "_with_flutter" if FLUTTER in af_rhythms else ""
    return Corpus(
        config_name=f"shdb_af_{window_seconds:g}s{flutter}_{sampling_rate}hz",
        features=row_features(2, rule.num_samples, {AF: ["AF"], RHYTHM: list(RHYTHMS)}, extra=_EXTRA),
        splits=splits,
        read=SHDBAFReader(
            data_dir, files, {name: holters[name] for name in kept}, rule, tuple(af_rhythms), least_share, seed
        ),
        facts={
            "corpus": "SHDB-AF",
            "sampling_rate": sampling_rate,
            "window_seconds": window_seconds,
            "records_listed": len(listed),
            "records_used": len(kept),
            "records_annotated": sum((data_dir / f"{files[name]}.atr").exists() for name in kept),
            "annotated_by_table_only": [
                name for name in kept if holters[name].annotated and not (data_dir / f"{files[name]}.atr").exists()
            ],
            "af_rhythms": list(af_rhythms),
            "least_share": least_share,
            "seed": seed,
        },
        card=card,
        front_matter={
            "license": "odc-by",
            "pretty_name": "SHDB-AF",
            "language": ["en"],
        },
        skipped=skipped,
        left_out=left_out,
    )


def _only(data_dir: Path, name: str) -> Path:
    found = sorted(data_dir.rglob(name))
    if len(found) != 1:
        raise FileNotFoundError(f"{data_dir} wants one {name}, found {', '.join(map(str, found)) or 'none'}")
    return found[0]


def _read_list(path: Path) -> list[str]:
    names = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"{path} lists {len(names)} records, {len(set(names))} different ones, wanted each once")
    return names


def _chosen(files: Mapping, listed: Sequence[str], holters: Mapping) -> tuple[list[str], dict, list[dict]]:
    """The records to read; reason -> how many others are left out; those that are listed and cannot be read."""
    again = [name for name, first in _AGAIN.items() if name in files and first in files]
    withdrawn = [name for name in _WITHDRAWN if name in files]
    unlisted = [name for name in files if name not in {*listed, *withdrawn}]
    reasons = {
        "the recording of 005 under another number, annotated a second time": len(again),
        "withdrawn by the publishers in 1.0.1": len(withdrawn),
        f"not in {LIST}": len(unlisted),
    }
    skipped, kept = [], []
    for name in listed:
        if name in {*again, *_WITHDRAWN}:
            continue
        if name not in files:
            reason = f"{LIST} lists {name}, the folder has no such record"
            skipped.append({"record": name, "kind": "file missing", "reason": reason})
        elif name not in holters:
            reason = f"{TABLE} does not list {name}: whose it is is not known"
            skipped.append({"record": name, "kind": "subject not known", "reason": reason})
        else:
            kept.append(name)
    return kept, {reason: number for reason, number in reasons.items() if number}, skipped


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    seconds, rhythms = f"{summary['window_seconds']:g} s", " or ".join(summary["af_rhythms"])
    return CorpusCard(
        title=f"SHDB-AF, windows of {seconds}, {summary['sampling_rate']} Hz",
        source=f"SHDB-AF 1.0.1, {summary['records_used']} of {summary['records_listed']} listed records"
        f" ({RECORDS} were released), {summary['records_annotated']} of them annotated",
        script="dataset_scripts/shdb_af.py",
        records=f"windows of {seconds} of two Holter leads, a modified CC5 (ECG1) and NASA (ECG2)",
        splits=describe_folds(summary["seed"]).replace("record's name", "subject"),
        texts="the arrhythmias that were annotated in the window, in words",
        labels=f": `af` is AF where {rhythms} has at least {summary['least_share']:g} of the window's annotated part"
        " (`af_share`), else empty; `rhythm` lists what was annotated. Both are null where less than half was",
        licence="ODC-By 1.0",
        citation="Cite Tsutsui et al., SHDB-AF, Scientific Data 12 (2025), s41597-025-04777-4, and Goldberger et al.,"
        " PhysioBank, PhysioToolkit, and PhysioNet, Circulation 101(23):e215 (2000).",
        notes=[
            "An empty `rhythm` is not sinus rhythm: `(N` means that no supraventricular arrhythmia was annotated.",
            "The code `(AB` is not documented; where it stands, nothing counts as annotated.",
            "005 and 020 are one recording, annotated twice: 020 is left out. Records 016 and 030 were withdrawn.",
            "The recorder's rate was 125 Hz. Each lead was scaled to fill 16 bits, with a gain of its own.",
            "The corpus was published as a test of detectors that were trained elsewhere.",
        ],
    )
