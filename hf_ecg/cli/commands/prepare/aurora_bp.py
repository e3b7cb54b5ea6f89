"""Prepare Aurora-BP."""

import click

from ...options import as_command, many
from ...outcomes import Ending
from ...preparing import COLUMNS, PREPARING, finish, lead_name, long_records
from ...words import AURORA_PROTOCOLS


@as_command("aurora_bp")
@click.option("--data_dir", required=True, help="Folder with participants.tsv and the tables of measurements.")
@many(
    "--protocols",
    type=click.Choice(AURORA_PROTOCOLS),
    default=AURORA_PROTOCOLS[:1],
    show_default=True,
    help="Whose measurements.",
)
@click.option(
    "--measurement",
    default="Calibration start 1",
    show_default=True,
    help="That of the initial visit to take, or all: every one of every phase.",
)
@long_records(rate=500)
@lead_name("ECG")
@COLUMNS
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the folds, which are by participant.")
@PREPARING
def command(
    data_dir, protocols, measurement, sampling_rate, window_seconds, max_windows, lead_name, columns, seed, **given
) -> Ending:
    """Prepare Aurora-BP to parquet: a wearable's ECG with systolic and diastolic pressure.

    \b
    hf-ecg prepare aurora_bp --data_dir RAW --output_dir PARQUET [--measurement all]

    RAW/ holds participants.tsv, features.tsv, measurements_auscultatory.tsv and
    measurements_auscultatory/a001/a001.initial.Calibration_start_1.tsv and so on. Numbers: sbp, dbp, baseline_sbp,
    baseline_dbp. Layout by the publishers' page, not checked against the files.
    """
    from ....data.readers.aurora_bp import aurora_bp_corpus

    options = (tuple(protocols), measurement, sampling_rate, window_seconds, max_windows, seed, columns, lead_name)
    return finish(aurora_bp_corpus(data_dir, *options), given)
