"""Prepare CODE-15%."""

import click

from ...options import as_command
from ...outcomes import Ending
from ...preparing import FOLD_SEED, PREPARING, ROW_LEADS, finish, row_leads, window_rule, windows


@as_command("code15")
@click.option("--data_dir", required=True, help="Folder with exams.csv and HDF5 files, or with WFDB records.")
@FOLD_SEED
@windows(seconds=0, short_records="keep", rate=400)
@ROW_LEADS
@PREPARING
def command(data_dir, seed, **given) -> Ending:
    """Prepare CODE-15%, in either layout, to parquet that plain `load_dataset` reads.

    \b
    hf-ecg prepare code15 --data_dir RAW --output_dir PARQUET [--num_proc 4]

    RAW/ holds exams.csv and exams_part0.hdf5 and so on (any of them; needs h5py), or the WFDB records of the PhysioNet
    Challenge 2025 at any depth. PARQUET/ holds code15_400hz/{train,validation,test}-*.parquet, README.md (card) and
    summary.json (what was skipped, and why). Folds are by patient.
    """
    from ....data.readers.code15 import code15_corpus

    reading = window_rule(given) | {"seed": seed, "channels": row_leads(given)}
    return finish(code15_corpus(data_dir, **reading), given)
