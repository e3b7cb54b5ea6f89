"""Prepare Chapman-Shaoxing-Ningbo."""

import click

from ...options import as_command
from ...outcomes import Ending
from ...preparing import FOLD_SEED, PREPARING, ROW_LEADS, finish, row_leads, window_rule, windows
from ...words import MERL_LABELS, UNKNOWN_CODES


@as_command("csn")
@click.option("--data_dir", required=True, help="Folder with the WFDB records, at any depth.")
@click.option("--merl_splits", help="Folder with MERL's split tables: their records and splits alone.")
@click.option(
    "--labels", type=click.Choice(MERL_LABELS), default="exact", help="merl: as released, wrong positives and all."
)
@click.option(
    "--unknown_codes", type=click.Choice(UNKNOWN_CODES), default="skip", help="Records with a code unknown here."
)
@FOLD_SEED
@windows(seconds=10, short_records="skip")
@ROW_LEADS
@PREPARING
def command(data_dir, merl_splits, labels, unknown_codes, seed, **given) -> Ending:
    """Prepare Chapman-Shaoxing-Ningbo: PhysioNet's folder to parquet that plain `load_dataset` reads.

    \b
    hf-ecg prepare csn --data_dir RAW --output_dir PARQUET [--num_proc 4]
    hf-ecg prepare csn --data_dir RAW --output_dir PARQUET --merl_splits SPLITS [--labels merl]

    RAW/ holds the WFDB records at any depth (WFDBRecords/01/010/JS00001.hea). PARQUET/ holds
    csn_500hz/{train,validation,test}-*.parquet, README.md (card) and summary.json (what was skipped, and why). With
    SPLITS, the folder of MERL's tables, it holds their records in their splits; the labels are those that the tables
    write out, or with --labels merl the released ones, which are wrong in part: for comparison with published figures.
    """
    from ....data.readers.csn import csn_corpus

    reading = window_rule(given) | {"unknown_codes": unknown_codes, "seed": seed, "channels": row_leads(given)}
    return finish(csn_corpus(data_dir, merl_splits, labels, **reading), given)
