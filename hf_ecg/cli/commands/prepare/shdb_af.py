"""Prepare SHDB-AF."""

import click

from ...options import as_command, many
from ...outcomes import Ending
from ...preparing import PREPARING, finish
from ...words import AF_RHYTHMS


@as_command("shdb_af")
@click.option("--data_dir", required=True, help="Folder with RECORDS.txt, AdditionalData.csv and the records.")
@click.option("--sampling_rate", type=int, default=200, show_default=True, help="Of the rows, in Hz.")
@click.option("--window_seconds", type=float, default=30.0, show_default=True, help="Of a row, usually 30 or 60.")
@many(
    "--af_rhythms",
    type=click.Choice(AF_RHYTHMS),
    default=AF_RHYTHMS[:1],
    show_default=True,
    help="What counts as AF: fibrillation, or flutter too.",
)
@click.option("--least_share", type=float, default=0.5, show_default=True, help="Of a window in AF, for the label AF.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the folds, which are by subject.")
@PREPARING
def command(data_dir, sampling_rate, window_seconds, af_rhythms, least_share, seed, **given) -> Ending:
    """Prepare SHDB-AF to parquet: windows of Holter days with AF or not, null where nobody annotated.

    \b
    hf-ecg prepare shdb_af --data_dir RAW --output_dir PARQUET [--window_seconds 60 --af_rhythms AFIB AFL]

    RAW/ holds RECORDS.txt, AdditionalData.csv, 001.hea, 001.dat, 001.atr (of the annotated ones) and so on. A day is
    read window by window, in little memory. Folds are by subject; 005 and 020 are one recording, of which 005 is kept.
    """
    from ....data.readers.shdb_af import shdb_af_corpus

    return finish(shdb_af_corpus(data_dir, sampling_rate, window_seconds, af_rhythms, least_share, seed), given)
