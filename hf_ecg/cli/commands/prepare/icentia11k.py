"""Prepare Icentia11k."""

import click

from ...options import as_command
from ...outcomes import Ending
from ...preparing import PREPARING, finish, lead_name


@as_command("icentia11k")
@click.option("--data_dir", required=True, help="Folder with p00/p00000/p00000_s00.hea and so on, at any depth.")
@click.option("--sampling_rate", type=int, default=250, show_default=True, help="Of the rows, in Hz.")
@click.option("--window_seconds", type=float, default=10.0, show_default=True, help="Of a row.")
@click.option("--per_class", type=int, default=1, show_default=True, help="Rows of a patient for each class.")
@click.option("--max_patients", type=int, help="Take that many patients only.")
@lead_name("MLI")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the folds, and of the beats taken.")
@PREPARING
def command(data_dir, sampling_rate, window_seconds, per_class, max_patients, lead_name, seed, **given) -> Ending:
    """Prepare Icentia11k to parquet: beats (N, S, V) and rhythms (N, AFIB, AFL) of one lead.

    \b
    hf-ecg prepare icentia11k --data_dir RAW --output_dir PARQUET [--per_class 3 --max_patients 500]

    Of each patient, windows around one beat of every kind and windows of every rhythm, from the first segments that
    have them; of a segment only these windows are read. Layout by the publication, not checked against the files.
    """
    from ....data.readers.icentia11k import icentia11k_corpus

    options = (sampling_rate, window_seconds, per_class, max_patients, seed, lead_name)
    return finish(icentia11k_corpus(data_dir, *options), given)
