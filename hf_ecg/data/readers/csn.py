"""Chapman-Shaoxing-Ningbo: PhysioNet's ecg-arrhythmia 1.0.0 (Zheng et al., 2022), 45,152 records of as many patients.

There is no official split. MERL (arXiv 2403.06659) evaluates 23,026 records with 38 classes, 16,546/1,860/4,620, whose
labels are partly wrong (see `merl_tables`); FG-CLEP (arXiv 2505.11939) 45,152 records with 51 classes,
31,606/4,515/9,031, and published neither its classes nor its split. Figures on the one are not comparable with figures
on the other, nor with those on the folds drawn here.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ...clinical.snomed import classes_of, snomed_meanings
from ..builder import Corpus, UnfitRecord
from ..corpus_card import CorpusCard
from ..schema import row_features
from .columns import TWELVE_LEADS, RowLeads, describe_leads
from .merl_tables import LABELS, read_merl_table
from .snomed_records import (
    EXTRA_COLUMNS,
    UNKNOWN_CODES,
    ListedRecord,
    check_name,
    classes_for,
    find_records,
    header_facts,
    rows_of,
    split_records,
)
from .splits import describe_folds
from .windows import WindowRule

RECORDS_IN_VERSION_1 = 45_152
SECONDS = 10


@dataclass(frozen=True)
class CsnReader:
    """Reads the records of `data_dir`; an instance is what worker processes share."""

    data_dir: Path
    rule: WindowRule
    labels: str
    unknown_codes: str
    channels: RowLeads = TWELVE_LEADS

    def __call__(self, record: ListedRecord) -> list[dict]:
        """The rows of a record, one a window.

        Raises:
            ValueError: damaged samples, other leads, a header that is another record's or cannot be read, an unknown
                code, what the window rule refuses, codes that do not name what MERL's tables say of the record.
            OSError: a file is not there.
        """
        wave = self.channels.read(self.data_dir / record.file, self.data_dir)
        check_name(wave, record.file)
        meanings = snomed_meanings("csn")
        facts = header_facts(wave.comments, f"{record.file}.hea", meanings, unknown_codes=self.unknown_codes)
        columns = {"statements": classes_for(facts.codes, meanings, _classes())}
        if record.merl is not None:
            _check_against(record, facts.codes)
            columns["merl"] = list(record.merl.labels(self.labels))
        return rows_of(record, wave, facts, self.rule, meanings, columns)


@lru_cache
def _classes() -> dict[str, tuple[str, ...]]:
    return classes_of(snomed_meanings("csn"))


def _check_against(record: ListedRecord, codes: tuple[str, ...] | None) -> None:
    meanings = snomed_meanings("csn")
    said = [meanings[code] for code in codes or () if code in meanings]
    named = {name for meaning in said for name in (meaning.acronym, *meaning.also)}
    strangers = [name for name in record.merl.written if name not in named]
    if strangers:
        raise UnfitRecord(
            "codes differ from MERL's tables",
            f"{record.file}.hea: #Dx is {list(codes or ())}, which does not name the {strangers} of MERL's"
            f" {record.merl.split} table: another record, or another version of the corpus",
        )


def csn_corpus(
    data_dir,
    merl_splits=None,
    labels: str = "exact",
    sampling_rate: int = 500,
    window_seconds: float | None = SECONDS,
    short_records: str = "skip",
    max_windows: int | None = None,
    unknown_codes: str = "skip",
    seed: int = 0,
    channels: RowLeads = TWELVE_LEADS,
) -> Corpus:
    """Chapman-Shaoxing-Ningbo as a corpus to prepare.

    Label sets: `statements`, a class for every code of the corpus, always exact; with `merl_splits` also `merl`, the
    38 classes of MERL's tables. A record without #Dx is null in `statements`: not annotated.

    Args:
        data_dir: folder with the WFDB records (.hea, .mat), at any depth, such as PhysioNet's with `WFDBRecords/`.
        merl_splits: folder with MERL's `chapman/` tables: their records and splits alone; train has folds 1 to 8 by
            the hash, val 9, test 10. Without it every record gets a fold of 1 to 10 by a hash of `seed` and its name:
            1-8 train, 9 validation, 10 test.
        labels: of `merl`: "exact" (the classes that the table writes out) or "merl" (its columns as released, with
            their wrong positives, to compare with published figures).
        sampling_rate, window_seconds, short_records, max_windows: see `WindowRule`. The corpus has 10 s at 500 Hz.
        unknown_codes: "skip" leaves records out that have a code of no known meaning, "keep" keeps them; the code then
            stands in `snomed_codes` alone.
        seed: of the folds.
        channels: leads of the rows, and which channels of the records they are.

    Raises:
        ValueError: an unknown option, `labels="merl"` without `merl_splits`, tables that cannot be trusted (see
            `read_merl_table`), a record in two folders.
        OSError: no folder, no record, no table.
    """
    if labels not in LABELS:
        raise ValueError(f"labels is {labels!r}, wanted one of {LABELS}")
    if labels == "merl" and merl_splits is None:
        raise ValueError("labels='merl' wants merl_splits: MERL's labels stand in its split tables")
    if unknown_codes not in UNKNOWN_CODES:
        raise ValueError(f"unknown_codes is {unknown_codes!r}, wanted one of {UNKNOWN_CODES}")
    data_dir, rule = Path(data_dir), WindowRule(sampling_rate, window_seconds, short_records, max_windows)
    table = None if merl_splits is None else read_merl_table(merl_splits, "csn")
    files = find_records(data_dir)
    splits, skipped, left_out = split_records(files, table, seed)
    label_sets = {"statements": list(_classes())}
    facts = {
        "corpus": "Chapman-Shaoxing-Ningbo (ecg-arrhythmia 1.0.0)",
        "sampling_rate": sampling_rate,
        "window_rule": rule.describe(),
        "records_found": len(files),
        "unknown_codes": unknown_codes,
        "seed": seed,
        **channels.facts(),
        "splits": "hash",
    }
    if table is not None:
        label_sets["merl"] = list(table.classes)
        facts |= {
            "splits": "merl",
            "labels": labels,
            "merl_problems": table.problems(),
            "merl_wrong_positives": {
                name: {"wrong": wrong, "positives": total}
                for name, (wrong, total) in table.wrong_positives(labels).items()
            },
        }
    return Corpus(
        config_name=f"csn_{sampling_rate}hz",
        features=row_features(len(channels.leads), rule.num_samples, label_sets, extra=EXTRA_COLUMNS),
        splits=splits,
        read=CsnReader(data_dir, rule, labels, unknown_codes, channels),
        facts=facts,
        card=card,
        front_matter={
            "license": "cc-by-4.0",
            "pretty_name": "Chapman-Shaoxing-Ningbo",
            "language": ["en"],
        },
        skipped=skipped,
        left_out=left_out,
    )


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    splits = describe_folds(summary["seed"])
    notes = [summary["window_rule"], "One record a patient; `snomed_codes` are those of the header."]
    if summary["splits"] == "merl":
        splits = (
            "Splits are those of MERL's tables (38 classes); figures are not comparable with FG-CLEP's (51 classes)."
        )
        notes.append("`merl`: the 38 classes of MERL's tables, those that they write out.")
        if summary["labels"] == "merl":
            counts = summary["merl_wrong_positives"].items()
            wrong = ", ".join(f"{name} {count['wrong']} of {count['positives']}" for name, count in counts)
            notes[-1] = (
                "`merl`: MERL's labels as released, **wrong in part** (acronyms found inside other acronyms; wrong"
                f" positives of all positives: {wrong or 'none'}). For comparison with published figures only."
            )
    found = f"{summary['records_found']} records found ({RECORDS_IN_VERSION_1} in the whole of version 1.0.0)"
    return CorpusCard(
        title=f"Chapman-Shaoxing-Ningbo, {summary['sampling_rate']} Hz",
        source=f"ecg-arrhythmia 1.0.0 (https://physionet.org/content/ecg-arrhythmia/1.0.0/), {found}",
        script="dataset_scripts/csn.py",
        records=describe_leads(summary),
        splits=splits,
        texts='English sentences of the SNOMED codes, joined by ". ", with the meaning they have in this corpus',
        labels=". `AF` is atrial flutter here, `AFIB` fibrillation; `STTU` is the code that elsewhere is ST elevation",
        licence="CC BY 4.0",
        citation="Cite Zheng et al., A large scale 12-lead electrocardiogram database for arrhythmia study (version"
        " 1.0.0), PhysioNet (2022), and PhysioNet.",
        notes=notes,
    )
