"""The PhysioNet/Computing in Cardiology Challenge 2021 (Reyna et al., 2021): 88,253 records of eight sources.

Its training set holds corpora that are also published on their own: CPSC2018 (A), PTB-XL (HR, numbered by ecg_id)
and Chapman-Shaoxing-Ningbo (JS). The column `also_in` names the other publication of a record, and `exclude` leaves
sources out, so that nothing is trained on here and tested on there. The splits of MERL and FG-CLEP are of those
corpora, not of this one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from datasets import Value

from ...clinical.snomed import DIFFERENT_MEANINGS, SnomedMeaning, classes_of, scored_classes, snomed_meanings
from ...clinical.tables import read_table
from ..builder import Corpus
from ..corpus_card import CorpusCard
from ..schema import row_features
from .columns import TWELVE_LEADS, RowLeads, describe_leads
from .snomed_records import (
    EXTRA_COLUMNS,
    UNKNOWN_CODES,
    ListedRecord,
    check_name,
    classes_for,
    find_records,
    header_facts,
    rows_of,
)
from .splits import SPLITS, describe_folds, fold_of
from .windows import WindowRule

SECONDS = 10


@dataclass(frozen=True)
class Source:
    """A source of the Challenge.

    `also_in`: what its records are published as. `corpus`: whose meanings its codes have. `single_records`: whether
    each record is another patient's, as far as is known.
    """

    name: str
    also_in: str | None
    corpus: str
    single_records: bool


# By the letters of a record's name. Headers do not say whose the several records of a patient of PTB, INCART and
# PTB-XL are.
SOURCES = {
    "A": Source("cpsc_2018", "cpsc2018:{name}", "cpsc2018", True),
    "Q": Source("cpsc_2018_extra", None, "cinc2021", True),
    "I": Source("st_petersburg_incart", None, "cinc2021", False),
    "S": Source("ptb", None, "cinc2021", False),
    "HR": Source("ptb_xl", "ptb_xl:{number}", "cinc2021", False),
    "E": Source("georgia", None, "cinc2021", True),
    "JS": Source("chapman_shaoxing", "csn:{name}", "csn", True),
}
# JS00001 to JS10646 are Chapman-Shaoxing, the rest Ningbo.
_LAST_OF_CHAPMAN = 10_646
NINGBO = "ningbo"
NAMES = (*(source.name for source in SOURCES.values()), NINGBO)
_RECORD_NAME = re.compile(r"([A-Z]+)(\d+)", re.ASCII)


def source_of(record: str) -> Source | None:
    """Where a record of this name comes from; None when no source names its records so."""
    match = _RECORD_NAME.fullmatch(record)
    source = SOURCES.get(match[1]) if match else None
    if source is None:
        return None
    number = int(match[2])
    also_in = None if source.also_in is None else source.also_in.format(name=record, number=number)
    name = NINGBO if match[1] == "JS" and number > _LAST_OF_CHAPMAN else source.name
    return replace(source, name=name, also_in=also_in)


@lru_cache
def meanings_in(corpus: str) -> Mapping[str, SnomedMeaning]:
    """The Challenge's codes; those that mean something else in `corpus`, or that only it has, as it means them."""
    meanings = dict(snomed_meanings("cinc2021"))
    for code, own in snomed_meanings(corpus).items():
        # the same meaning in other words stays the Challenge's class
        if code not in meanings or (code in DIFFERENT_MEANINGS and own.sentence != meanings[code].sentence):
            meanings[code] = own
    return meanings


@lru_cache
def _classes() -> dict[str, tuple[str, ...]]:
    classes: dict[str, tuple[str, ...]] = {}
    for corpus in ("cinc2021", "cpsc2018", "csn"):
        for name, codes in classes_of(meanings_in(corpus)).items():
            classes[name] = tuple(dict.fromkeys((*classes.get(name, ()), *codes)))
    return classes


@dataclass(frozen=True)
class Cinc2021Reader:
    """Reads the records of `data_dir`; an instance is what worker processes share."""

    data_dir: Path
    rule: WindowRule
    unknown_codes: str
    channels: RowLeads = TWELVE_LEADS

    def __call__(self, record: ListedRecord) -> list[dict]:
        """The rows of a record, one a window.

        Raises:
            ValueError: damaged samples, other leads, a header that is another record's or cannot be read, an unknown
                code, what the window rule refuses.
            OSError: a file is not there.
        """
        source = source_of(record.record_id)
        wave = self.channels.read(self.data_dir / record.file, self.data_dir)
        check_name(wave, record.file)
        meanings = meanings_in(source.corpus)
        facts = header_facts(wave.comments, f"{record.file}.hea", meanings, unknown_codes=self.unknown_codes)
        scored = None
        if facts.codes is not None:
            scored = [name for name, codes in scored_classes().items() if not set(codes).isdisjoint(facts.codes)]
        columns = {
            "source": source.name,
            "also_in": source.also_in,
            "statements": classes_for(facts.codes, meanings, _classes()),
            "scored": scored,
        }
        return rows_of(record, wave, facts, self.rule, meanings, columns)


def cinc2021_corpus(
    data_dir,
    exclude: Iterable[str] = (),
    ptb_xl_database=None,
    sampling_rate: int = 500,
    window_seconds: float | None = SECONDS,
    short_records: str = "keep",
    max_windows: int | None = None,
    unknown_codes: str = "skip",
    seed: int = 0,
    channels: RowLeads = TWELVE_LEADS,
) -> Corpus:
    """The Challenge's training set as a corpus to prepare.

    Label sets: `statements`, a class for every code, with the meaning that the record's own source gives it (164931005
    is STE in CPSC2018, PTB-XL and Georgia, STTU in Chapman-Shaoxing-Ningbo); `scored`, the Challenge's 26 scored
    classes, by code alone as it scores them. No source annotates all of them: a class that a source never has is not
    negative in it.

    Folds 1 to 10 are drawn by a hash of `seed` and the record's name: 1-8 train, 9 validation, 10 test. Sources with
    several records of a patient, whose patients are not known (PTB, INCART, PTB-XL without its table), are drawn into
    1 to 8 only, so that no patient is on two sides.

    Args:
        data_dir: folder with the records (.hea, .mat), at any depth.
        exclude: sources to leave out, of `NAMES`.
        ptb_xl_database: PTB-XL's `ptbxl_database.csv`: its records then have their patients and folds.
        sampling_rate, window_seconds, short_records, max_windows: see `WindowRule`. The sources have 257 to 1,000 Hz
            and 5 s to 30 min.
        unknown_codes: "skip" leaves records out that have a code of no known meaning, "keep" keeps them; the code then
            stands in `snomed_codes` alone.
        seed: of the folds.
        channels: leads of the rows, and which channels of the records they are.

    Raises:
        ValueError: an unknown option, a table that is not PTB-XL's, a record in two folders.
        OSError: no folder, no record, no table.
    """
    data_dir, exclude = Path(data_dir), tuple(dict.fromkeys(exclude))
    if unknown := [name for name in exclude if name not in NAMES]:
        raise ValueError(f"exclude holds {unknown}, wanted some of {NAMES}")
    if unknown_codes not in UNKNOWN_CODES:
        raise ValueError(f"unknown_codes is {unknown_codes!r}, wanted one of {UNKNOWN_CODES}")
    rule = WindowRule(sampling_rate, window_seconds, short_records, max_windows)
    known = {} if ptb_xl_database is None else _ptb_xl_patients(Path(ptb_xl_database))
    splits: dict[str, list[ListedRecord]] = {split: [] for split in SPLITS}
    split_of = {fold: split for split, folds in SPLITS.items() for fold in folds}
    skipped, found, left_out = [], Counter(), Counter()
    files = find_records(data_dir)
    for name, file in files.items():
        source = source_of(name)
        if source is None:
            reason = f"{file}.hea: no source of the Challenge names its records {name}"
            skipped.append({"record": name, "kind": "unknown source", "reason": reason})
        elif source.name in exclude:
            left_out[f"source {source.name}"] += 1
        else:
            found[source.name] += 1
            patient, fold = known.get(source.also_in, (name, None))
            if fold is None:
                fold = fold_of(name, seed, 10 if source.single_records else len(SPLITS["train"]))
            splits[split_of[fold]].append(ListedRecord(name, file, patient, fold))
    facts = {
        "corpus": "PhysioNet/CinC Challenge 2021",
        "sampling_rate": sampling_rate,
        "window_rule": rule.describe(),
        "sources": dict(found),
        "exclude": list(exclude),
        "ptb_xl_patients": bool(known),
        "unknown_codes": unknown_codes,
        "seed": seed,
        **channels.facts(),
    }
    label_sets = {"statements": list(_classes()), "scored": list(scored_classes())}
    return Corpus(
        config_name=f"cinc2021_{sampling_rate}hz",
        features=row_features(
            len(channels.leads),
            rule.num_samples,
            label_sets,
            extra={"source": Value("string"), "also_in": Value("string"), **EXTRA_COLUMNS},
        ),
        splits=splits,
        read=Cinc2021Reader(data_dir, rule, unknown_codes, channels),
        facts=facts,
        card=card,
        front_matter={
            "license": "cc-by-4.0",
            "pretty_name": "PhysioNet/CinC Challenge 2021",
            "language": ["en"],
        },
        skipped=skipped,
        left_out=dict(left_out),
    )


def _ptb_xl_patients(path: Path) -> dict[str, tuple[str, int]]:
    """`also_in` of a record -> its patient (as the prepared PTB-XL names it) and fold."""
    patients = {}
    for number, line in enumerate(read_table(path, ("ecg_id", "patient_id", "strat_fold")), start=2):
        try:
            ecg, patient, fold = (int(float(line[name])) for name in ("ecg_id", "patient_id", "strat_fold"))
        except (ValueError, OverflowError) as error:
            raise ValueError(
                f"{path}, line {number}: an ecg_id, patient_id or fold is not a number: {error}"
            ) from error
        if fold not in range(1, 11):
            raise ValueError(f"{path}, line {number}: strat_fold is {fold}, wanted 1 to 10")
        patients[f"ptb_xl:{ecg}"] = (str(patient), fold)
    return patients


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    splits = (
        f"{describe_folds(summary['seed'])} Sources with several records of unknown patients (PTB, INCART"
        f"{'' if summary['ptb_xl_patients'] else ', PTB-XL'}) are in 1-8 only"
        f"{'; PTB-XL has its own patients and folds' if summary['ptb_xl_patients'] else ''}."
    )
    sources = ", ".join(f"{name} {count}" for name, count in summary["sources"].items())
    return CorpusCard(
        title=f"PhysioNet/CinC Challenge 2021, {summary['sampling_rate']} Hz",
        source=f"the training set of the Challenge 2021 (https://physionet.org/content/challenge-2021/): {sources}",
        script="dataset_scripts/cinc2021.py",
        records=describe_leads(summary),
        splits=splits,
        texts='English sentences of the SNOMED codes, joined by ". ", as the source of the record means them',
        labels="; a class that a source never has was not looked for there",
        licence="CC BY 4.0",
        citation="Cite Reyna et al., Will Two Do? Varying Dimensions in Electrocardiography: The PhysioNet/Computing"
        " in Cardiology Challenge 2021, Computing in Cardiology 48 (2021), and PhysioNet.",
        notes=[
            summary["window_rule"],
            "`also_in`: the corpus and record as which the same ECG is published elsewhere; leave it out of training"
            " before testing there.",
            "`statements`: a code's meaning in the record's source; `scored`: the Challenge's classes, by code.",
        ],
    )
