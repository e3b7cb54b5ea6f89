"""Targets of a corpus from another table."""

from dataclasses import replace

import click

from ...next_steps import line, model_for
from ...options import CONFIG, DATA, as_command, comma_separated
from ...outcomes import Ending
from ...preparing import NUM_PROC, OUTPUT_DIR, OVERWRITE, PUSH, corpus_ending
from ...words import TIES, WHEN


@as_command("targets")
@DATA
@CONFIG
@click.option("--table", required=True, help="CSV, TSV or parquet with a row a study, such as echocardiograms.")
@click.option("--patient_column", required=True, help="Whose study it is, written as in the corpus.")
@click.option("--date_column", required=True, help="When the study was: a date, or date and time.")
@click.option("--targets", default="", callback=comma_separated, help="Columns of numbers, such as lvef,tapse.")
@click.option(
    "--labels",
    multiple=True,
    metavar="[NAME=]A,B",
    help="Columns of 0 and 1, as the label set `labels` or NAME; may be repeated.",
)
@click.option(
    "--label_column",
    "label_columns",
    multiple=True,
    metavar="[NAME=]COLUMN",
    help="Column of class names, several in a cell separated by ; or |; may be repeated.",
)
@click.option("--days", type=float, default=30, show_default=True, help="A study is at most so far from the ECG.")
@click.option(
    "--when", type=click.Choice(WHEN), default=WHEN[0], show_default=True, help="Studies on which side of the ECG."
)
@click.option(
    "--ties",
    type=click.Choice(TIES),
    default=TIES[0],
    show_default=True,
    help="What to do with studies that are equally near and differ.",
)
@click.option("--date_format", help="Of the dates in the table, such as %d.%m.%Y (default: 2024-03-31).")
@click.option(
    "--record_date_column",
    default="recording_date",
    show_default=True,
    help="Column of the corpus with the date of the ECG.",
)
@OUTPUT_DIR
@NUM_PROC
@OVERWRITE
@PUSH
def command(data, **given) -> Ending:
    """Add numbers and labels from another table to a prepared corpus, by patient and date.

    \b
    hf-ecg prepare targets --data PARQUET --table echo.csv --patient_column subject --date_column study_date \\
        --targets lvef,tapse --days 30 --output_dir JOINED
    hf-ecg finetune --model OUT/encoder --data JOINED --target lvef --output_dir LVEF

    JOINED is PARQUET with the columns of the nearest study of each record's patient, and `days_to_study`. A record
    without one has nulls, and training and evaluation leave it out. The log says once why how many have none.
    """
    from ....data.joined_targets import JOINED, OtherTable, prepare_joined
    from ....data.study_match import Window

    other = OtherTable(
        path=given["table"],
        patient=given["patient_column"],
        date=given["date_column"],
        record_date=given["record_date_column"],
        window=Window(given["days"], given["when"], given["ties"]),
        **{name: given[name] for name in ("targets", "labels", "label_columns", "date_format")},
    )
    wanted = {name: given[name] for name in ("output_dir", "config", "num_proc", "overwrite")}
    summary = prepare_joined(data, other, **wanted)
    told = f"rows {summary['rows']}, {summary[JOINED]['records with a study']} with a study"
    ending = corpus_ending(summary, told, given)
    label_sets = [one if "=" in one else f"labels={one}" for one in other.labels] + [*other.label_columns]
    option, joined = ("--target", other.targets) if other.targets else ("--label_set", label_sets)
    learned = (option, joined[0].partition("=")[0])
    words = ("finetune", "--model", model_for(summary), "--data", given["output_dir"], *learned)
    return replace(ending, next=[line(*words, "--output_dir", "out/finetuned")])
