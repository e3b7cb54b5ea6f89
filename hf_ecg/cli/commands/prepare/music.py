"""Prepare MUSIC."""

import click

from ...options import as_command
from ...outcomes import Ending
from ...preparing import COLUMNS, PREPARING, finish, lead_name, long_records


@as_command("music")
@click.option("--data_dir", required=True, help="Folder with subject-info.csv and Holter_ECG/.")
@long_records(rate=200)
@lead_name("X")
@COLUMNS
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the folds, which are by patient.")
@PREPARING
def command(data_dir, sampling_rate, window_seconds, max_windows, lead_name, columns, seed, **given) -> Ending:
    """Prepare MUSIC to parquet: Holter recordings of heart failure, with what became of the patient.

    \b
    hf-ecg prepare music --data_dir RAW --output_dir PARQUET [--max_windows 5]

    RAW/ holds subject-info.csv and Holter_ECG/P0001.hea, P0001.dat and so on. A day is read window by window. Label
    set: outcome, one of survivor, non_cardiac_death, sudden_cardiac_death, pump_failure_death. Layout by the
    publication, not checked against the files.
    """
    from ....data.readers.columns import RowLeads
    from ....data.readers.music import music_corpus

    channels = RowLeads((lead_name,), None if lead_name == "X" else {"X": lead_name})
    options = (sampling_rate, window_seconds, max_windows, seed, columns, channels)
    return finish(music_corpus(data_dir, *options), given)
