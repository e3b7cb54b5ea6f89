"""Prepare the MIT-BIH Arrhythmia Database."""

import click

from ...options import as_command
from ...outcomes import Ending
from ...preparing import PREPARING, finish
from ...words import MIT_BIH_SPLITTINGS


@as_command("mit_bih")
@click.option("--data_dir", required=True, help="Folder with the records and their annotations, at any depth.")
@click.option(
    "--splitting",
    type=click.Choice(MIT_BIH_SPLITTINGS),
    default=MIT_BIH_SPLITTINGS[0],
    show_default=True,
    help="By patient; DS1 and DS2 as usually published; or leaky, by window.",
)
@click.option("--sampling_rate", type=int, default=360, show_default=True, help="Of the rows, in Hz.")
@click.option("--window_seconds", type=float, default=10.0, show_default=True, help="Of a row.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the leaky split.")
@PREPARING
def command(data_dir, splitting, sampling_rate, window_seconds, seed, **given) -> Ending:
    """Prepare the MIT-BIH Arrhythmia Database to parquet: windows of two leads, and the kinds of beats in them.

    \b
    hf-ecg prepare mit_bih --data_dir RAW --output_dir PARQUET [--splitting leaky]

    RAW/ holds 100.hea, 100.dat, 100.atr and so on. PARQUET/ holds mit_bih_inter_patient_360hz/*.parquet, README.md
    (card) and summary.json (what was left out, and why). The leaky split has the same patients on both sides.
    """
    from ....data.readers.mit_bih import mit_bih_corpus

    return finish(mit_bih_corpus(data_dir, splitting, sampling_rate, window_seconds, seed), given)
