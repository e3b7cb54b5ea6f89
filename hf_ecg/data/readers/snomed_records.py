"""What the corpora of the PhysioNet Challenges share: records with their facts and SNOMED codes in the header."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets import List as ListFeature
from datasets import Value

from ...clinical.snomed import SnomedMeaning, compose_snomed_text
from ...signals.formats import find_record_files
from ...signals.record import Record
from ..builder import UnfitRecord
from .columns import record_columns
from .merl_tables import MerlRow, MerlTable
from .splits import SPLITS, fold_in_split, fold_of
from .windows import WindowRule

UNKNOWN_CODES = ("skip", "keep")
EXTRA_COLUMNS = {
    "snomed_codes": ListFeature(Value("string")),
    "window_start": Value("float32"),
    "recorded_seconds": Value("float32"),
    "recorded_sampling_rate": Value("float32"),
}
_OLDEST = 90.0
_SEXES = {"male": "male", "m": "male", "female": "female", "f": "female"}
_NOT_KNOWN = ("", "unknown", "unknows", "nan", "none", "n/a")


@dataclass(frozen=True)
class ListedRecord:
    """A record before its samples are read; `file` is below the data folder, without ending."""

    record_id: str
    file: str
    patient_id: str
    fold: int
    merl: MerlRow | None = None


@dataclass(frozen=True)
class RecordFacts:
    """What a header says beside its samples; `codes` is None where it says nothing of a diagnosis."""

    codes: tuple[str, ...] | None
    age: float | None
    sex: str | None


def find_records(data_dir: Path, endings: Sequence[str] = (".hea",)) -> dict[str, str]:
    """Record name -> its path below `data_dir` without ending, by name, folders searched whole.

    Raises:
        ValueError: one name in two folders.
        OSError: the folder is not there, or holds no such file.
    """
    if not data_dir.is_dir():
        raise FileNotFoundError(f"{data_dir} is not there, or no folder")
    found: dict[str, str] = {}
    for ending in endings:
        for path in map(Path, find_record_files(data_dir, (ending,))):
            file = path.relative_to(data_dir).with_suffix("").as_posix()
            if found.setdefault(path.stem, file) != file:
                raise ValueError(f"{data_dir} has the record {path.stem} twice: {found[path.stem]} and {file}")
    if not found:
        raise FileNotFoundError(f"{data_dir} holds no {' or '.join(endings)} file, in no folder below it")
    return dict(sorted(found.items()))


def split_records(files: Mapping[str, str], table: MerlTable | None, seed: int) -> tuple[dict, list[dict], dict]:
    """Split -> its records; the records that MERL's tables name and the folder lacks; how many they do not name.

    With MERL's tables a record is in their split, and others are left out. Without, folds 1 to 10 are drawn by a hash
    of `seed` and the record's name: these corpora have one record a patient.
    """
    splits: dict[str, list[ListedRecord]] = {split: [] for split in SPLITS}
    if table is None:
        split_of = {fold: split for split, folds in SPLITS.items() for fold in folds}
        for name, file in files.items():
            fold = fold_of(name, seed)
            splits[split_of[fold]].append(ListedRecord(name, file, name, fold))
        return splits, [], {}
    skipped = []
    for name, row in table.rows.items():
        if name in files:
            fold = fold_in_split(name, row.split, seed)
            splits[row.split].append(ListedRecord(name, files[name], name, fold, row))
        else:
            reason = f"MERL's {row.split} table for {table.task} names {name}, the folder has no such record"
            skipped.append({"record": name, "kind": "file missing", "reason": reason})
    others = len(files) - sum(map(len, splits.values()))
    return splits, skipped, {"not in MERL's tables": others} if others else {}


def header_facts(
    comments: Iterable[str],
    where: str,
    known: Mapping[str, SnomedMeaning],
    names: Mapping[str, str] | None = None,
    unknown_codes: str = "skip",
) -> RecordFacts:
    """Codes, age and sex of a header's comments ("Age: 74", "Sex: Male", "Dx: 426783006,164934002").

    Args:
        comments: without "#".
        where: the file, for errors.
        known: the codes of the corpus.
        names: short names that a header may write instead of a code -> the code.
        unknown_codes: "skip" refuses a record with a code that is not known, "keep" takes it along.

    Raises:
        ValueError: as `UnfitRecord`: an unknown code, a field that stands there twice, an age or sex that is none.
    """
    fields: dict[str, str] = {}
    for comment in comments:
        key, colon, value = comment.partition(":")
        key, value = key.strip().lower(), value.strip()
        if colon and fields.setdefault(key, value) != value and key in ("dx", "age", "sex"):
            raise UnfitRecord("header contradicts itself", f"{where}: #{key} is {fields[key]!r} and {value!r}")
    written = fields.get("dx", "")
    codes = None
    if written.lower() not in _NOT_KNOWN:
        tokens = dict.fromkeys(token.strip() for token in written.split(",") if token.strip())
        codes = tuple((names or {}).get(token, token) for token in tokens)
        unknown = [code for code in codes if code not in known]
        # what is not a number is not a code of another table either
        words = [code for code in unknown if not code.isdigit()]
        if words or (unknown and unknown_codes == "skip"):
            reason = f"{where}: #Dx holds {words or unknown}, which the corpus's {len(known)} codes do not name"
            raise UnfitRecord("unknown code", reason)
    return RecordFacts(codes, checked_age(fields.get("age", ""), where), checked_sex(fields.get("sex", ""), where))


def checked_age(written: str, where: str) -> float | None:
    """Years, 90 for all over 89; None where nothing is said (also written NaN and -1).

    Raises:
        ValueError: as `UnfitRecord`, no number.
    """
    if written.lower() in _NOT_KNOWN:
        return None
    try:
        age = float(written)
    except ValueError as error:
        raise UnfitRecord("unreadable age", f"{where}: the age is {written!r}, wanted years") from error
    if age != age or age < 0:
        return None
    return _OLDEST if age > 89 else age


def checked_sex(written: str, where: str) -> str | None:
    """ "male", "female" or None.

    Raises:
        ValueError: as `UnfitRecord`, anything else.
    """
    if written.lower() in _NOT_KNOWN:
        return None
    if written.lower() not in _SEXES:
        raise UnfitRecord("unreadable sex", f"{where}: the sex is {written!r}, wanted Male or Female")
    return _SEXES[written.lower()]


def check_name(record: Record, file: str) -> None:
    """Raises UnfitRecord unless the header is that of its own file."""
    if record.name != Path(file).name:
        raise UnfitRecord("header of another record", f"{file}: the header is that of record {record.name}")


def classes_for(
    codes: Iterable[str] | None, meanings: Mapping[str, SnomedMeaning], order: Mapping[str, object]
) -> list[str] | None:
    """Classes that the codes mean, in the order of the label set; None without codes: not annotated."""
    if codes is None:
        return None
    having = {meanings[code].acronym for code in codes if code in meanings}
    return [name for name in order if name in having]


def rows_of(
    record: ListedRecord,
    wave: Record,
    facts: RecordFacts,
    rule: WindowRule,
    meanings: Mapping[str, SnomedMeaning],
    columns: Mapping[str, object] | Callable[[], Mapping],
) -> list[dict]:
    """The rows of a record, one a window; `columns` are the corpus's own, label sets among them.

    Several windows are named RECORD_0, RECORD_1 and so on; `patient_id` stays the same.

    Raises:
        ValueError: what the rule refuses.
    """
    windows = rule(wave)
    shared = {
        "patient_id": record.patient_id,
        "age": facts.age,
        "sex": facts.sex,
        "fold": record.fold,
        "report": None,
        "text": compose_snomed_text(facts.codes or (), meanings),
        "snomed_codes": None if facts.codes is None else list(facts.codes),
        "recorded_seconds": wave.counts.shape[1] / wave.sampling_rate,
        "recorded_sampling_rate": float(wave.sampling_rate),
        **columns,
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
