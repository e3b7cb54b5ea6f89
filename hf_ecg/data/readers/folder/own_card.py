"""The card of a corpus of a person's own records, and the list of what is not in it."""

import csv
import json
from pathlib import Path

from ....files import atomic_file
from ...corpus_card import SUMMARY_NAME, CorpusCard

# Beside the summary: every record that is not in the corpus, and why.
NOT_READ = "not_read.csv"
# Texts of the rows that no person wrote.
DEVICE_STATEMENTS = "device statements"


def card(summary: dict) -> CorpusCard:
    """What the data-set card says beside the counts."""
    folds = (
        f"Folds are those of the column {summary['columns']['fold']!r}"
        if "fold" in summary["columns"]
        else f"Folds are dealt by patient, alike in their rarest classes, with seed {summary['seed']}"
    )
    patients = (
        "" if "patient" in summary["columns"] else " Patients are not known: each record counts as one of its own."
    )
    labels = summary["columns"].get("labels") or summary["columns"].get("label_columns")
    return CorpusCard(
        title=f"{summary['corpus']}, {summary['sampling_rate']} Hz",
        source=f"{summary['records_found']} own records"
        + (f" and the table {summary['table']}" if summary["table"] else " without a table"),
        script="hf-ecg prepare folder",
        records="ECGs",
        splits=f"{folds}; the last one is for tests, the one before for validation; `fold` says which.{patients}",
        texts=_texts(summary),
        labels=f" by the columns {', '.join(labels)}" if labels else "",
        licence="not stated; say it here before you publish the rows",
        citation="",
        notes=[summary["window_rule"], f"Every record that is not here is in `{NOT_READ}`, with the reason."],
    )


def _texts(summary: dict) -> str:
    if summary.get("text_source") == DEVICE_STATEMENTS:
        return "the statements of the devices, as they wrote them; lines that held a name are left out"
    return f"the column {summary['columns']['text']!r}, as it is" if "text" in summary["columns"] else "nothing"


def write_not_read(folder: Path) -> None:
    """Writes `not_read.csv` by the summary of a prepared corpus: every record that is not in it, and why."""
    summary = json.loads((folder / SUMMARY_NAME).read_text(encoding="utf-8"))
    rows = [(entry["record"], entry["kind"], entry["reason"]) for entry in summary["skipped_records"]]
    table = summary["table"]
    rows += [(file, "file without a row", f"{table} has no row for it") for file in summary["files_without_a_row"]]
    with atomic_file(folder / NOT_READ) as file:
        writer = csv.writer(file)
        writer.writerows([("record", "kind", "reason"), *rows])
