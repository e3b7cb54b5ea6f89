"""Simulate a corpus."""

import click

from ...options import as_command
from ...outcomes import Ending
from ...preparing import NUM_PROC, OUTPUT_DIR, OVERWRITE, corpus_ending


@as_command("simulated")
@OUTPUT_DIR
@click.option("--num_records", type=int, default=2000, show_default=True, help="Records to simulate.")
@click.option("--sampling_rate", type=int, default=100, show_default=True, help="Samples a second (Hz).")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything.")
@click.option("--noise", type=float, default=1.0, show_default=True, help="Factor on the noise; 0: none.")
@NUM_PROC
@OVERWRITE
def command(output_dir, num_records, sampling_rate, seed, noise, num_proc, overwrite) -> Ending:
    """Simulate a corpus of 12-lead ECGs as parquet: for demonstrations and tests, never for evidence.

    \b
    hf-ecg prepare simulated --output_dir PARQUET [--num_records 2000] [--sampling_rate 100] [--num_proc 4]

    PARQUET/ holds simulated_100hz/{train,validation,test}-*.parquet, README.md (card) and summary.json. Equal --seed
    and --num_records give equal records, on any number of processes.
    """
    from ....data.preparing import prepare_and_tell
    from ....simulation import simulated_corpus

    corpus = simulated_corpus(num_records, sampling_rate, seed, noise)
    # nothing is read that could be damaged: an error here is an error of the simulator
    summary, told = prepare_and_tell(corpus, output_dir, num_proc, strict=True, overwrite=overwrite)
    return corpus_ending(summary, told, {"output_dir": output_dir})
