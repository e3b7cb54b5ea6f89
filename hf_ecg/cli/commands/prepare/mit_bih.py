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
    help="By patient; DS1 and DS2 as usually published; or leaky, by window or beat.",
)
@click.option("--beats", is_flag=True, help="Rows are single beats, cut midway to their neighbours.")
@click.option("--sampling_rate", type=int, default=360, show_default=True, help="Of the rows, in Hz.")
@click.option("--window_seconds", type=float, help="Of a row (default: 10, of a beat 1).")
@click.option("--lead", help="Of beats, by its name in the records (default: MLII).")
@click.option("--without_paced", is_flag=True, help="Of beats, leave paced hearts out of the leaky split too.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the leaky split.")
@PREPARING
def command(data_dir, splitting, beats, sampling_rate, window_seconds, lead, without_paced, seed, **given) -> Ending:
    """Prepare the MIT-BIH Arrhythmia Database to parquet: windows of two leads and what is in them, or beats.

    \b
    hf-ecg prepare mit_bih --data_dir RAW --output_dir PARQUET [--splitting leaky]
    hf-ecg prepare mit_bih --data_dir RAW --output_dir BEATS --beats --sampling_rate 125

    RAW/ holds 100.hea, 100.dat, 100.atr and so on. PARQUET/ holds mit_bih_inter_patient_360hz/*.parquet, README.md
    (card) and summary.json (what was left out, and why). The leaky split has the same patients on both sides.

    With --beats a row is one beat of one lead with its AAMI class, its symbol and its intervals (arXiv 2411.07252).
    """
    from ....data.readers.mit_bih import mit_bih_corpus
    from ....data.readers.mit_bih_beats import LEAD, mit_bih_beats_corpus

    if beats:
        seconds = 1.0 if window_seconds is None else window_seconds
        cut = {"beat_seconds": seconds, "lead": lead or LEAD, "paced": not without_paced}
        return finish(mit_bih_beats_corpus(data_dir, splitting, sampling_rate, seed=seed, **cut), given)
    if lead or without_paced:
        raise click.UsageError("--lead and --without_paced are for --beats")
    seconds = 10.0 if window_seconds is None else window_seconds
    return finish(mit_bih_corpus(data_dir, splitting, sampling_rate, seconds, seed), given)
