"""Prepare the PhysioNet/CinC Challenge 2021."""

import click

from ...options import as_command, comma_separated
from ...outcomes import Ending
from ...preparing import FOLD_SEED, PREPARING, ROW_LEADS, finish, row_leads, window_rule, windows
from ...words import CINC2021_SOURCES, UNKNOWN_CODES


@as_command("cinc2021")
@click.option("--data_dir", required=True, help="Folder with the WFDB records, at any depth.")
@click.option(
    "--exclude", default="", callback=comma_separated, help=f"Sources to leave out, of {','.join(CINC2021_SOURCES)}."
)
@click.option("--ptb_xl_database", help="PTB-XL's ptbxl_database.csv, for its patients and folds.")
@click.option(
    "--unknown_codes", type=click.Choice(UNKNOWN_CODES), default="skip", help="Records with a code unknown here."
)
@FOLD_SEED
@windows(seconds=10, short_records="keep")
@ROW_LEADS
@PREPARING
def command(data_dir, exclude, ptb_xl_database, unknown_codes, seed, **given) -> Ending:
    """Prepare the PhysioNet/CinC Challenge 2021: its training set to parquet that plain `load_dataset` reads.

    \b
    hf-ecg prepare cinc2021 --data_dir RAW --output_dir PARQUET --exclude ptb_xl,cpsc_2018 [--num_proc 4]

    RAW/ holds the WFDB records at any depth (training/georgia/g1/E00001.hea). PARQUET/ holds
    cinc2021_500hz/{train,validation,test}-*.parquet, README.md (card) and summary.json (what was skipped, and why).
    The column also_in names the corpus that publishes the same ECG too: leave such sources out before testing on it.
    """
    from ....data.readers.cinc2021 import cinc2021_corpus

    reading = window_rule(given) | {"unknown_codes": unknown_codes, "seed": seed, "channels": row_leads(given)}
    return finish(cinc2021_corpus(data_dir, exclude, ptb_xl_database, **reading), given)
