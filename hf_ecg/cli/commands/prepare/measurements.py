"""Measure a corpus."""

import click

from ...options import CONFIG, DATA, as_command
from ...outcomes import Ending
from ...preparing import NUM_PROC, OUTPUT_DIR, OVERWRITE, PUSH, corpus_ending


@as_command("measurements")
@DATA
@CONFIG
@OUTPUT_DIR
@NUM_PROC
@click.option("--measurements", metavar="FOLDER", help="Keeps what was measured, for corpora of the same signals.")
@OVERWRITE
@PUSH
def command(data, **given) -> Ending:
    """Measure a prepared corpus, and tell the waveform features that follow: weak labels, made without a label.

    \b
    hf-ecg prepare measurements --data PARQUET --output_dir MEASURED [--num_proc 4]

    MEASURED is PARQUET with the columns `measurements` (numbers, named in summary.json), `true_features` and
    `false_features` (classes are the features' texts; in neither: undecided). Any rate, any leads. Killed at any
    moment, the same call goes on.
    """
    from ....data.feature_truth import FEATURE_TRUTH
    from ....data.measured_corpus import prepare_measured

    wanted = {name: given[name] for name in ("output_dir", "config", "num_proc", "overwrite", "measurements")}
    summary = prepare_measured(data, **wanted)
    decided = f"{summary[FEATURE_TRUTH]['decided']:.0%} of {summary[FEATURE_TRUTH]['features']} features decided"
    return corpus_ending(summary, f"rows {summary['rows']}, {decided}", given)
