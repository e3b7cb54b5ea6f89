"""Prepare MC-MED."""

import click

from ...options import as_command
from ...outcomes import Ending
from ...preparing import COLUMNS, FOLD_SEED, PREPARING, finish, lead_name, long_records
from ...words import MC_MED_SPLITTINGS


@as_command("mc_med")
@click.option("--data_dir", required=True, help="Folder of the data set, or its data/.")
@click.option(
    "--splitting",
    type=click.Choice(MC_MED_SPLITTINGS),
    default=MC_MED_SPLITTINGS[0],
    show_default=True,
    help="The publishers' splits, or by a hash; all by patient.",
)
@long_records(rate=500)
@lead_name("II")
@COLUMNS
@FOLD_SEED
@PREPARING
def command(
    data_dir, splitting, sampling_rate, window_seconds, max_windows, lead_name, columns, seed, **given
) -> Ending:
    """Prepare MC-MED to parquet: lead II of an emergency department, with triage and disposition.

    \b
    hf-ecg prepare mc_med --data_dir RAW --output_dir PARQUET [--splitting random]

    RAW/data/ holds visits.csv, split_chrono_train.csv and so on, and waveforms/NNN/CSN/II/CSN_1.hea. A visit is read
    window by window. Label sets: ed_disposition, discharge_disposition, acuity; numbers: triage_sbp, triage_dbp.
    Layout by the publication, not checked against the files.
    """
    from ....data.readers.columns import RowLeads
    from ....data.readers.mc_med import mc_med_corpus

    channels = RowLeads((lead_name,), None if lead_name == "II" else {"II": lead_name})
    options = (splitting, sampling_rate, window_seconds, max_windows, seed, columns, channels)
    return finish(mc_med_corpus(data_dir, *options), given)
