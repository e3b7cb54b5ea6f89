"""Prepare a person's own files."""

import itertools
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from ...next_steps import model_for
from ...options import CHANNELS, as_command, comma_separated, options
from ...outcomes import Ending
from ...preparing import FOLD_SEED, READING, corpus_ending, prepare, taken
from ...words import MINIMUM_COUNT, SHORT_RECORDS

# Reasons that are shown of each kind.
_SHOWN = 3
# What `hf-ecg finetune` takes where nothing else is said.
_BATCH = 32
_USUAL_SPLITS = {"train": list(range(1, 9)), "validation": [9], "test": [10]}
_COLUMNS = options(
    click.option("--table", help="CSV or parquet with a row a record; without it nothing is known of them."),
    click.option(
        "--record_column", help="Names the file, or the place from 0 in the array (default there: in order)."
    ),
    click.option("--patient_column", help="Whose record it is. Folds are by patient."),
    click.option(
        "--labels",
        multiple=True,
        metavar="[NAME=]A,B",
        help="Columns of 0 and 1, as the label set `labels` or NAME; may be repeated.",
    ),
    click.option(
        "--label_column",
        "label_columns",
        multiple=True,
        metavar="[NAME=]COLUMN",
        help="Column of class names, several in a cell separated by ; or |; may be repeated.",
    ),
    click.option("--targets", default="", callback=comma_separated, help="Columns of numbers, such as age,ef."),
    click.option("--text_column", help="Report of the record."),
    click.option("--device_texts", is_flag=True, help="Texts are what the devices stated, in their own words."),
    click.option("--age_column", help="Years."),
    click.option("--sex_column", help="male or female, or their first letters."),
    click.option("--fold_column", help="Number of the fold, or train, validation, test (default: folds are dealt)."),
)
_SIGNALS = options(
    CHANNELS,
    click.option("--sampling_rate", type=int, help="Of the rows (default: the records' own); others are resampled."),
    click.option("--units", help="Of an array that does not say them: mV, uV or V."),
    click.option("--dataset", help="Name of the array in an .npz or HDF5 file."),
    click.option("--window_seconds", type=float, help="Cut records into windows side by side (default: whole)."),
    click.option(
        "--short_records",
        type=click.Choice(SHORT_RECORDS),
        default="keep",
        show_default=True,
        help="What to do with records shorter than a window.",
    ),
    click.option("--max_windows", type=int, help="Take that many windows of a record at most."),
)


@as_command("folder")
@click.option("--data_dir", required=True, help="Folder of records at any depth; or one .npy, .npz or HDF5 file.")
@_COLUMNS
@click.option("--output_dir", help="Folder to make (default: NAME_corpus).")
@click.option("--name", help="Of the corpus (default: that of the folder).")
@click.option(
    "--folds", type=int, default=10, show_default=True, help="How many: the last tests, the one before chooses."
)
@FOLD_SEED
@_SIGNALS
@READING
def command(output_dir, **given) -> Ending:
    """Prepare your own files, or one array, with a table of labels, to parquet that plain `load_dataset` reads.

    \b
    hf-ecg prepare folder --data_dir DIR --table labels.csv --record_column file --patient_column patient \\
        --labels AF,LBBB --output_dir PARQUET
    hf-ecg prepare folder --data_dir signals.npy --table labels.csv --sampling_rate 500 --leads I,II,V1 --units mV \\
        --patient_column patient --label_column diagnosis

    DIR holds files of any format that `hf_ecg.read` takes. The array is (records, leads, samples), and row 3 of the
    table is of record 3. PARQUET/ holds the rows in train, validation and test, README.md (card), summary.json, and
    not_read.csv: every record that is not among them, and why. The last line is the command that trains on them.
    """
    from ....data.readers.folder import NOT_READ, own_corpus, write_not_read

    columns = taken(given, "labels", "label_columns", "targets")
    columns |= {name: given.pop(f"{name}_column") for name in ("record", "patient", "text", "age", "sex", "fold")}
    own = own_corpus(_asked(columns, given))
    given["output_dir"] = output_dir or f"{own.corpus.facts['corpus']}_corpus"
    notes = [f"note: {sentence}" for sentence in [*own.told, *_of_counts(own)]]
    summary, told = prepare(own.corpus, given, finish=write_not_read)
    ending = corpus_ending(summary, "\n".join([*notes, told, *_reasons(summary)]), given)
    made = list(ending.made)
    if not_read := len(summary["skipped_records"]) + len(summary["files_without_a_row"]):
        made.append((Path(given["output_dir"]) / NOT_READ, f"the {not_read} that were not read"))
    following = _next(own, given["output_dir"], summary)
    return replace(ending, made=made, next=[following])


def _asked(columns: dict, given: dict):
    from ....data.readers.folder import ColumnChoice, OwnData

    names = ("data_dir", "table", "name", "leads", "rename", "sampling_rate", "units", "dataset", "folds", "seed")
    names += ("device_texts",)
    windows = taken(given, "window_seconds", "short_records", "max_windows")
    windows["window_seconds"] = windows["window_seconds"] or None
    return OwnData(columns=ColumnChoice(**columns), **taken(given, *names), **windows)


def _reasons(summary: Mapping) -> list[str]:
    """The first reasons of each kind."""
    lines = []
    entries = sorted(summary["skipped_records"], key=lambda entry: entry["kind"])
    for _, group in itertools.groupby(entries, key=lambda entry: entry["kind"]):
        found = list(group)
        lines += [f"           {entry['reason']}" for entry in found[:_SHOWN]]
        if len(found) > _SHOWN:
            lines.append(f"           and {len(found) - _SHOWN} more of this kind")
    return lines


def _next(own, output_dir: str, summary: Mapping) -> str:
    """The command that begins with these rows."""
    data = shlex.quote(str(output_dir))
    model, training_rows = model_for(summary), summary["rows"].get("train", 0)
    can_train = own.fewest if own.label_sets else own.targets
    if not can_train or not all(own.splits.values()):
        return f"hf-ecg embed {data} --model {model} --output embeddings.parquet"
    option, names = ("--label_set", own.label_sets) if own.label_sets else ("--target", own.targets)
    what = f"{option} {shlex.quote(','.join(names))}"
    if own.splits != _USUAL_SPLITS:
        what += "".join(f" --{split}_folds {','.join(map(str, folds))}" for split, folds in own.splits.items())
    if own.single_label:
        what += " --problem single_label"
    if own.label_sets and own.fewest < MINIMUM_COUNT:
        what += f" --minimum {own.fewest}"
    # fewer rows than a batch give no step
    batch = "" if training_rows >= _BATCH else f" run.batch_size={max(training_rows // 2, 1)}"
    return f"hf-ecg finetune --model {model} --data {data} {what} --output_dir {data}_model{batch}"


def _of_counts(own) -> list[str]:
    """What to know of the number of records, where labels are to be judged."""
    if own.fewest is None or own.fewest >= MINIMUM_COUNT:
        return []
    if own.fewest == 0:
        return [
            "no class has a record with it and one without it in validation and in test: figures cannot be made, and"
            " fewer --folds may help"
        ]
    number = "1 record" if own.fewest == 1 else f"{own.fewest} records"
    return [
        f"of a class, or without it, validation or test holds {number} at most: figures of so few are rough;"
        f" --minimum {own.fewest} makes them (usual: {MINIMUM_COUNT}), and fewer --folds put more into each"
    ]
