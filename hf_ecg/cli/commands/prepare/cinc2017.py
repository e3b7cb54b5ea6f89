"""Prepare the Challenge 2017."""

import click

from ...options import as_command
from ...outcomes import Ending
from ...preparing import FOLD_SEED, PREPARING, finish, window_rule, windows


@as_command("cinc2017")
@click.option("--data_dir", required=True, help="Folder with the records and the table of labels, at any depth.")
@click.option("--reference", default="REFERENCE-v3.csv", show_default=True, help="Name of the table of labels.")
@FOLD_SEED
@windows(seconds=0, short_records="keep", rate=300)
@PREPARING
def command(data_dir, reference, seed, **given) -> Ending:
    """Prepare the PhysioNet/CinC Challenge 2017, one lead of a hand-held device, to parquet.

    \b
    hf-ecg prepare cinc2017 --data_dir RAW --output_dir PARQUET [--sampling_rate 100 --window_seconds 10]

    RAW/ holds A00001.hea, A00001.mat and so on, and REFERENCE-v3.csv. PARQUET/ holds
    cinc2017_300hz/{train,validation,test}-*.parquet, README.md (card) and summary.json (what was skipped, and why).
    """
    from ....data.readers.cinc2017 import cinc2017_corpus

    return finish(cinc2017_corpus(data_dir, reference, **window_rule(given), seed=seed), given)
