"""A prepared corpus with targets from another table: echocardiograms, laboratory values, by patient and date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from datasets import ClassLabel, Features, List, Value
from huggingface_hub import DatasetCard
from transformers.utils import logging

from ..checks import nearest as nearest_name
from ..checks import shown
from ..cores import default_processes
from ..files import values_digest
from ..locks import output_lock
from .builder import Corpus, check_output, prepare_corpus
from .corpus_card import CorpusCard
from .extended_corpus import OpenedCorpus, extended_corpus, old_words, open_corpus
from .readers.folder.table import Table, known, read_own_table
from .readers.folder.table_facts import ColumnChoice, TableFacts, table_facts
from .rows import rows_fingerprint
from .study_match import Dated, Matches, Window, nearest_studies, parse_times

logger = logging.get_logger(__name__)

# Added: how many days after the ECG the study was.
DAYS = "days_to_study"
JOINED = "joined_targets"


@dataclass(frozen=True)
class OtherTable:
    """A table with a row a study, and which of its columns say what.

    Args:
        path: CSV, TSV or parquet.
        patient: column of the patient, written as in the corpus.
        date: column of the date, or date and time.
        targets: columns of numbers, or "NAME=COLUMN".
        labels: each a label set: "a,b" of columns of 0 and 1, or "NAME=a,b".
        label_columns: each a label set: a column of class names, or "NAME=COLUMN".
        date_format: of `datetime.strptime`, such as "%d.%m.%Y"; None reads ISO 8601.
        record_date: column of the corpus with the date of the ECG.
        window: which studies count.
    """

    path: str | Path
    patient: str
    date: str
    targets: Sequence[str] = ()
    labels: Sequence[str] = ()
    label_columns: Sequence[str] = ()
    date_format: str | None = None
    record_date: str = "recording_date"
    window: Window = field(default_factory=Window)


@dataclass(frozen=True)
class StudyOfRows:
    """Further columns by the number of a row.

    Args:
        matches: the study of each row.
        values: what each study says.
        empty: what a row without a study has.
    """

    matches: Matches
    values: Sequence[Mapping]
    empty: Mapping

    def __call__(self, number: int, row: dict) -> dict:
        study = int(self.matches.studies[number])
        if study < 0:
            return dict(self.empty)
        return {**self.values[study], DAYS: float(self.matches.days[number])}


def prepare_joined(
    path,
    other: OtherTable,
    output_dir,
    config: str | None = None,
    num_proc: int | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> dict:
    """Writes `joined_corpus`; killed at any moment, the same call goes on.

    Args:
        path, other, config: as of `joined_corpus`.
        output_dir: folder to make.
        num_proc: processes that write; None takes one a core, eight at most.
        overwrite: replace a corpus that is there.
        progress: show progress bars.

    Returns:
        The summary; `joined_targets` holds the counts.

    Raises:
        ValueError: see `joined_corpus`.
        OSError: `output_dir` is there, or the corpus or the table cannot be read.
    """
    output_dir = Path(output_dir).absolute()
    with output_lock(output_dir):
        check_output(output_dir, overwrite, [path])
        corpus = joined_corpus(path, other, config)
        return prepare_corpus(corpus, output_dir, default_processes(num_proc), overwrite=overwrite, progress=progress)


def joined_corpus(path, other: OtherTable, config: str | None = None) -> Corpus:
    """The corpus to write: the same rows, and the columns of the nearest study of each row's patient.

    All targets of a row come from one study, the nearest that knows any of them; what it does not know is null. A row
    without such a study has nulls throughout, and training and evaluation leave it out. `days_to_study` says how many
    days after the ECG it was.

    Args:
        path: prepared corpus, a folder or a Hub id.
        other: the table.
        config: configuration of the corpus; may be left out when there is one.

    Raises:
        ValueError: a column that is not there or is taken, a date that cannot be read, no patient on both sides, ties
            where they are an error, no study in the window of any record.
        OSError: the corpus or the table cannot be read.

    Example:
        >>> from hf_ecg.data.joined_targets import OtherTable, prepare_joined
        >>> echo = OtherTable("echo.csv", patient="subject", date="date", targets=["lvef"])  # doctest: +SKIP
        >>> summary = prepare_joined("corpus", echo, "corpus_with_lvef")  # doctest: +SKIP
    """
    opened = open_corpus(path, config, keep_unusable=True)
    table = read_own_table(other.path)
    facts = _facts(table, other)
    added = _added(facts, opened)
    names = [name for name in added if name != DAYS]
    says = [any(row[name] is not None for name in names) for row in facts.rows]
    values = [tuple(_hashable(row[name]) for name in names) for row in facts.rows]
    records, studies = _records(opened, other), _studies(table, other, says)
    matches = nearest_studies(records, studies, values, other.window)
    matches.counts["studies that know no target"] = says.count(False)
    _tell(matches, other)
    add = StudyOfRows(matches, [{name: row[name] for name in names} for row in facts.rows], dict.fromkeys(added))
    told = {JOINED: _told(matches, other, facts)}
    fingerprint = values_digest([matches.studies, matches.days, repr(values), names]) + rows_fingerprint(
        opened.rows, opened.rows.column_names
    )
    return extended_corpus(opened, added, add, told, partial(_card, tuple(facts.label_sets)), fingerprint)


def _facts(table: Table, other: OtherTable) -> TableFacts:
    choice = ColumnChoice(labels=other.labels, label_columns=other.label_columns, targets=other.targets)
    if not choice.any():
        raise ValueError(f"{table.path}: no column is asked for, wanted targets, labels or label_columns")
    facts = table_facts(table, choice)
    for sentence in facts.told:
        logger.warning(sentence)
    shared = [name for name in facts.target_names if name not in facts.targets]
    if shared:
        raise ValueError(
            f"every row has a column {shared[0]!r} of its own: write NAME={shared[0]} to call it otherwise"
        )
    return facts


def _added(facts: TableFacts, opened: OpenedCorpus) -> Features:
    labels = {name: List(ClassLabel(names=classes)) for name, classes in facts.label_sets.items()}
    added = Features({**facts.targets, **labels, DAYS: Value("float32")})
    if DAYS in facts.targets or DAYS in labels:
        raise ValueError(
            f"{DAYS!r} is how many days after the ECG the study was: write NAME=COLUMN, with another name"
        )
    taken = sorted(set(added) & set(opened.rows.column_names))
    if taken:
        raise ValueError(f"{opened.path} has the columns {taken} already: write NAME=COLUMN to call them otherwise")
    return added


def _hashable(value):
    return tuple(value) if isinstance(value, list) else value


def _records(opened: OpenedCorpus, other: OtherTable) -> Dated:
    rows, column = opened.rows, other.record_date
    if column not in rows.column_names:
        raise ValueError(
            f"{opened.path} has no column {column!r} with the date of the ECG"
            f"{nearest_name(column, rows.column_names)}: record_date names it"
        )
    values = rows.select_columns(["record_id", "patient_id", column]).with_format(None)[:]
    texts = [None if value is None or not known(str(value)) else str(value) for value in values[column]]
    times, wrong = parse_times(texts)
    names = [f"record {name}" for name in values["record_id"]]
    if wrong:
        raise ValueError(
            f"{opened.path}, {names[wrong[0]]}{_more(wrong)}: {column} is {shown(texts[wrong[0]])}, wanted a date such"
            " as 2024-03-31 or 2024-03-31 17:05:00"
        )
    return Dated(names, values["patient_id"], times)


def _studies(table: Table, other: OtherTable, says: Sequence[bool]) -> Dated:
    """Of every row of the table."""
    texts = [cell if known(cell) else None for cell in table.column(other.date)]
    patients = [cell if known(cell) else None for cell in table.column(other.patient)]
    times, wrong = parse_times(texts, other.date_format)
    if wrong:
        wanted = other.date_format or "2024-03-31 or 2024-03-31 17:05:00; date_format reads others"
        found = f"{other.date} is {shown(texts[wrong[0]])}"
        raise ValueError(f"{table.path}, {table.where(wrong)}: {found}, wanted a date such as {wanted}")
    return Dated([table.where([number]) for number in range(len(table))], patients, times, says)


def _more(wrong: Sequence[int]) -> str:
    return f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""


def _tell(matches: Matches, other: OtherTable) -> None:
    window = other.window
    told = ", ".join(f"{number} {what}" for what, number in matches.counts.items() if number)
    logger.warning("studies within %g days of the ECG (%s): %s", window.days, window.when, told)


def _told(matches: Matches, other: OtherTable, facts: TableFacts) -> dict:
    days = np.abs(matches.days[matches.studies >= 0])
    return {
        "table": Path(other.path).name,
        "days": other.window.days,
        "when": other.window.when,
        "ties": other.window.ties,
        "targets": list(facts.target_names),
        "label_sets": list(facts.label_sets),
        "median_days": float(np.median(days)),
        **matches.counts,
    }


def _card(label_sets: Sequence[str], old: DatasetCard, summary: dict) -> CorpusCard:
    words, facts = old_words(old, summary), summary[JOINED]
    columns = ", ".join(f"`{name}`" for name in (*facts["targets"], *facts["label_sets"]))
    side = {"both": "before or after", "before": "before", "after": "after"}[facts["when"]]
    notes = [
        f"{columns}: of the patient's study in {facts['table']} that is nearest to the ECG, at most {facts['days']:g}"
        f" days {side} it; the median is {facts['median_days']:g}. `{DAYS}` says how many days after the ECG it was.",
        f"{facts['records with a study']} records have a study; the others have null.",
    ]
    kept = [name for name in summary["classes"] if name in label_sets] or list(summary["classes"])
    return CorpusCard(
        **words | {"title": f"{words['title']}, with {facts['table']}"},
        script="hf-ecg prepare targets",
        label_sets=kept,
        notes=notes,
    )
