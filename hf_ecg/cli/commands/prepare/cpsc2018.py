"""Prepare CPSC2018."""

import click

from ...options import as_command
from ...outcomes import Ending
from ...preparing import FOLD_SEED, PREPARING, ROW_LEADS, finish, row_leads, window_rule, windows
from ...words import MERL_LABELS


@as_command("cpsc2018")
@click.option("--data_dir", required=True, help="Folder with the records, at any depth.")
@click.option("--merl_splits", help="Folder with MERL's split tables: their records and splits alone.")
@click.option(
    "--labels", type=click.Choice(MERL_LABELS), default="exact", help="merl: as released, the tables' columns."
)
@FOLD_SEED
@windows(seconds=0, short_records="keep")
@ROW_LEADS
@PREPARING
def command(data_dir, merl_splits, labels, seed, **given) -> Ending:
    """Prepare CPSC2018, in either layout, to parquet that plain `load_dataset` reads.

    \b
    hf-ecg prepare cpsc2018 --data_dir RAW --output_dir PARQUET [--num_proc 4]
    hf-ecg prepare cpsc2018 --data_dir RAW --output_dir PARQUET --merl_splits SPLITS --window_seconds 10

    RAW/ holds WFDB records with #Dx (PhysioNet's mirror) or the original .mat structs with REFERENCE.csv, at any
    depth. PARQUET/ holds cpsc2018_500hz/{train,validation,test}-*.parquet, README.md (card) and summary.json (what
    was skipped, and why). With SPLITS, the folder of MERL's tables, it holds their records in their splits.
    """
    from ....data.readers.cpsc2018 import cpsc2018_corpus

    reading = window_rule(given) | {"seed": seed, "channels": row_leads(given)}
    return finish(cpsc2018_corpus(data_dir, merl_splits, labels, **reading), given)
