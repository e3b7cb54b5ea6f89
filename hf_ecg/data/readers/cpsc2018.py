"""CPSC2018: the China Physiological Signal Challenge 2018 (Liu et al., 2018), 6,877 records of as many patients.

Its test set was never released, so there is no official split of what was. MERL (arXiv 2403.06659) has
4,950/551/1,376 records, FG-CLEP (arXiv 2505.11939) 4,800/684/1,383, whose list was not published: figures on the one
are not comparable with figures on the other, nor with those on the folds drawn here. MERL feeds the first 2,500
samples and as many zeros, which is a matter of the feature extractor (crop, pad), not of these rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...clinical.snomed import classes_of, snomed_meanings
from ...clinical.tables import read_table
from ...signals.leads import STANDARD_LEADS
from ...signals.record import Record
from ...signals.units import MISSING_COUNT
from ..builder import Corpus, UnfitRecord
from ..corpus_card import CorpusCard
from ..schema import row_features
from .columns import TWELVE_LEADS, RowLeads, describe_leads
from .merl_tables import LABELS, read_merl_table
from .snomed_records import (
    EXTRA_COLUMNS,
    ListedRecord,
    RecordFacts,
    check_name,
    checked_age,
    checked_sex,
    classes_for,
    find_records,
    header_facts,
    rows_of,
    split_records,
)
from .splits import describe_folds
from .windows import WindowRule

RECORDS = 6_877
REFERENCE = "REFERENCE.csv"
_LABEL_COLUMNS = ("First_label", "Second_label", "Third_label")
# The .mat structs have no rate: the challenge recorded at 500 Hz.
STRUCT_RATE = 500.0
# As the PhysioNet mirror of the same records has it; it rounds by half a microvolt at most.
STRUCT_GAIN = 1000.0


@dataclass(frozen=True)
class Cpsc2018Reader:
    """Reads the records of `data_dir`; an instance is what worker processes share."""

    data_dir: Path
    rule: WindowRule
    labels: str
    reference: Mapping[str, tuple[str, ...]] | None
    channels: RowLeads = TWELVE_LEADS

    def __call__(self, record: ListedRecord) -> list[dict]:
        """The rows of a record, one a window.

        Raises:
            ValueError: damaged samples, other leads, a header or struct that cannot be read, an unknown code, a record
                that REFERENCE.csv does not list, labels that differ from MERL's tables, what the window rule refuses.
            OSError: a file is not there.
        """
        path, meanings = self.data_dir / record.file, snomed_meanings("cpsc2018")
        if path.with_suffix(".hea").is_file():
            wave = self.channels.read(path, self.data_dir)
            check_name(wave, record.file)
            facts = header_facts(wave.comments, f"{record.file}.hea", meanings, _short_names())
        else:
            wave, age, sex = read_struct(path.with_suffix(".mat"), self.data_dir)
            wave = self.channels.take(wave)
            facts = RecordFacts(None, age, sex)
        facts = RecordFacts(self._codes(record, facts.codes), facts.age, facts.sex)
        columns = {"statements": classes_for(facts.codes, meanings, _classes())}
        return rows_of(record, wave, facts, self.rule, meanings, columns)

    def _codes(self, record: ListedRecord, codes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """The header's codes, else those of REFERENCE.csv, else MERL's table; always the table's for MERL's labels."""
        listed = None
        if record.merl is not None:
            listed = tuple(_classes()[name][0] for name in record.merl.labels(self.labels))
        if codes is None and self.reference is not None:
            if record.record_id not in self.reference:
                raise UnfitRecord("not in REFERENCE.csv", f"{record.file}.mat: {REFERENCE} does not list it")
            codes = self.reference[record.record_id]
        if codes is None or (listed is not None and self.labels == "merl"):
            return listed
        if listed is not None and set(listed) != set(codes):
            raise UnfitRecord(
                "codes differ from MERL's tables",
                f"{record.file}: its codes are {sorted(codes)}, MERL's {record.merl.split} table has {sorted(listed)}",
            )
        return codes


@lru_cache
def _classes() -> dict[str, tuple[str, ...]]:
    return classes_of(snomed_meanings("cpsc2018"))


@lru_cache
def _short_names() -> dict[str, str]:
    meanings = snomed_meanings("cpsc2018").values()
    return {name: meaning.code for meaning in meanings for name in (meaning.acronym, *meaning.also)}


def read_struct(path: Path, root: Path) -> tuple[Record, float | None, str | None]:
    """The original layout: a MATLAB struct ECG with sex, age and data, float (12, samples) in millivolts.

    Returns:
        The record, whose counts are thousandths of a millivolt; age and sex.

    Raises:
        ValueError: no such struct, other than twelve leads, no sample, values beyond 16 bits, a path out of `root`.
        OSError: the file is not there.
    """
    from scipy.io import loadmat

    if not path.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"{path} leaves the folder {root}")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there")
    try:
        struct = loadmat(path, variable_names=["ECG"])["ECG"][0, 0]
        sex, age, data = (struct[name] for name in ("sex", "age", "data"))
        written = [str(value.reshape(-1)[0]) if value.size else "" for value in (age, sex)]
        data = np.asarray(data, dtype=np.float64)
    except Exception as error:  # loadmat raises whatever its parsing runs into
        raise ValueError(
            f"{path} holds no struct ECG with sex, age and data, and there is no {path.stem}.hea beside it:"
            f" {type(error).__name__}: {error}"
        ) from error
    if data.ndim != 2 or data.shape[0] != len(STANDARD_LEADS) or not data.shape[1]:
        raise ValueError(f"{path}: data has shape {data.shape}, wanted ({len(STANDARD_LEADS)}, samples)")
    counts = np.rint(data * STRUCT_GAIN)
    if np.isinf(counts).any() or (np.abs(counts[~np.isnan(counts)]) > np.iinfo(np.int16).max).any():
        largest = float(np.nanmax(np.abs(data)))
        raise UnfitRecord("counts beyond 16 bits", f"{path}: data reaches {largest:g}, wanted millivolts under 32.767")
    counts = np.where(np.isnan(counts), MISSING_COUNT, counts).astype(np.int16)
    leads = len(STANDARD_LEADS)
    wave = Record(path.stem, counts, np.full(leads, STRUCT_GAIN), np.zeros(leads), STANDARD_LEADS, STRUCT_RATE)
    return wave, checked_age(written[0], str(path)), checked_sex(written[1], str(path))


def read_reference(path: Path) -> dict[str, tuple[str, ...]]:
    """REFERENCE.csv: record -> the SNOMED codes of its labels 1 to 9, as many as three.

    Raises:
        ValueError: another table, a record twice, no label, or one outside 1 to 9.
        OSError: the file cannot be read.
    """
    codes = list(snomed_meanings("cpsc2018"))
    labels: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(read_table(path, ("Recording", *_LABEL_COLUMNS)), start=2):
        where = f"{path}, line {number} (Recording {line['Recording']!r})"
        if line["Recording"] in labels:
            raise ValueError(f"{where}: this record stands there twice")
        written = [line[name].strip() for name in _LABEL_COLUMNS]
        numbers = [value.removesuffix(".0") for value in written if value.lower() not in ("", "nan")]
        wrong = [value for value in numbers if value not in {str(n) for n in range(1, len(codes) + 1)}]
        if wrong or not numbers:
            raise ValueError(f"{where}: the labels are {written}, wanted one to three of 1 to {len(codes)}")
        labels[line["Recording"]] = tuple(codes[int(value) - 1] for value in dict.fromkeys(numbers))
    return labels


def cpsc2018_corpus(
    data_dir,
    merl_splits=None,
    labels: str = "exact",
    sampling_rate: int = 500,
    window_seconds: float | None = None,
    short_records: str = "keep",
    max_windows: int | None = None,
    seed: int = 0,
    channels: RowLeads = TWELVE_LEADS,
) -> Corpus:
    """CPSC2018 as a corpus to prepare, in either layout or both.

    Layouts: WFDB with #Dx (SNOMED codes, or the short names of the first release), as PhysioNet mirrors it; and the
    original .mat structs with REFERENCE.csv. A record with a .hea is of the first, all others of the second. Label
    set: `statements`, the nine classes; null where neither header nor table says anything.

    Args:
        data_dir: folder with the records, at any depth.
        merl_splits: folder with MERL's `icbeb/` tables: their records and splits alone; train has folds 1 to 8 by the
            hash, val 9, test 10. Without it every record gets a fold of 1 to 10 by a hash of `seed` and its name: 1-8
            train, 9 validation, 10 test.
        labels: "exact" (header, else REFERENCE.csv, else MERL's tables; a record whose own labels differ from those
            tables is left out) or "merl" (the tables' columns).
        sampling_rate, window_seconds, short_records, max_windows: see `WindowRule`. The corpus has 6 to 144 s at 500
        Hz;
            by default records stay whole.
        seed: of the folds.
        channels: leads of the rows, and which channels of the records they are.

    Raises:
        ValueError: an unknown option, `labels="merl"` without `merl_splits`, tables that cannot be trusted, a record
        in
            two folders.
        OSError: no folder, no record, no table.
    """
    if labels not in LABELS:
        raise ValueError(f"labels is {labels!r}, wanted one of {LABELS}")
    if labels == "merl" and merl_splits is None:
        raise ValueError("labels='merl' wants merl_splits: MERL's labels stand in its split tables")
    data_dir, rule = Path(data_dir), WindowRule(sampling_rate, window_seconds, short_records, max_windows)
    table = None if merl_splits is None else read_merl_table(merl_splits, "cpsc2018")
    files = find_records(data_dir, (".hea", ".mat"))
    references = sorted(data_dir.rglob(REFERENCE))
    if len(references) > 1:
        raise ValueError(f"{data_dir} has several {REFERENCE}: {', '.join(map(str, references))}")
    reference = read_reference(references[0]) if references else None
    splits, skipped, left_out = split_records(files, table, seed)
    told = {entry["record"] for entry in skipped}
    for name in reference or ():
        if name not in files and name not in told:
            reason = f"{references[0]} lists {name}, the folder has no such file"
            skipped.append({"record": name, "kind": "file missing", "reason": reason})
    facts = {
        "corpus": "CPSC2018",
        "sampling_rate": sampling_rate,
        "window_rule": rule.describe(),
        "records_found": len(files),
        "reference": bool(references),
        "labels": labels,
        "splits": "hash" if table is None else "merl",
        "merl_problems": [] if table is None else table.problems(),
        "seed": seed,
        **channels.facts(),
    }
    return Corpus(
        config_name=f"cpsc2018_{sampling_rate}hz",
        features=row_features(
            len(channels.leads), rule.num_samples, {"statements": list(_classes())}, extra=EXTRA_COLUMNS
        ),
        splits=splits,
        read=Cpsc2018Reader(data_dir, rule, labels, reference, channels),
        facts=facts,
        card=card,
        front_matter={
            "license": "cc-by-4.0",
            "pretty_name": "CPSC2018",
            "language": ["en"],
        },
        skipped=skipped,
        left_out=left_out,
    )


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    splits = describe_folds(summary["seed"])
    if summary["splits"] == "merl":
        splits = "Splits are those of MERL's tables (4,950/551/1,376), not FG-CLEP's (4,800/684/1,383)."
    return CorpusCard(
        title=f"CPSC2018, {summary['sampling_rate']} Hz",
        source=f"the China Physiological Signal Challenge 2018, {summary['records_found']} records found"
        f" ({RECORDS} were released)",
        script="dataset_scripts/cpsc2018.py",
        records=describe_leads(summary),
        splits=splits,
        texts='English sentences of the labels, joined by ". "',
        labels=". No label is the primary one: headers list them by class",
        licence="CC BY 4.0, as mirrored by PhysioNet (challenge-2020, challenge-2021)",
        citation="Cite Liu et al., An open access database for evaluating the algorithms of ECG rhythm and morphology"
        " abnormality detection, Journal of Medical Imaging and Health Informatics 8:1368-1373 (2018).",
        notes=[
            summary["window_rule"],
            "One record a patient. The same records are in the PhysioNet Challenges 2020 and 2021: do not train on"
            " those and test on these.",
        ],
    )
