"""Compare ways to train."""

import os
import re
from pathlib import Path

import click

from ...options import BOOTSTRAP, CONFIG, DATA, MINIMUM, OVERRIDES, as_command
from ...outcomes import Ending
from ...reporting import written
from ...studying import BOOTSTRAP_SEED, RUNS, SEEDS


def _share(ctx, param, text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter(f"{text!r}, wanted a share such as 1/2", ctx, param)
    return int(match[1]), int(match[2])


@as_command("compare")
@click.option("--comparison", required=True, help="A name, such as clef_ptb_xl, or a YAML file.")
@DATA
@CONFIG
@SEEDS
@click.option("--share", default="1/1", callback=_share, help="Do a part of the turns only, such as 1/2.")
@BOOTSTRAP
@MINIMUM
@BOOTSTRAP_SEED
@click.option(
    "--scores",
    help="Folder for the scores of finished runs: small files. A run that has one there is not trained again, wherever"
    " its weights are, even if the code has changed since.",
)
@RUNS
@OVERRIDES
def command(comparison, data, output_dir, seeds, **given) -> Ending:
    """Compare ways to train by rotation over folds: does A beat B, on the same records, with the same budget?

    \b
    hf-ecg study compare --comparison clef_ptb_xl --data CORPUS --seeds 0,1,2 --output_dir OUT [section.key=value ...]

    Every fold is tested once: in each of five turns two folds test, the next one chooses, the other seven train. The
    report (OUT/comparison.json, comparison.md) pools the scores of all test folds, with intervals over patients and
    seeds, and paired differences. A seed counts once all its arms and turns are there.

    A run that is broken off goes on where it stood when it is started again. `--share 1/2` and `--share 2/2` in two
    shells share the work; whichever ends last writes the whole report.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # see pretrain
    from ....evaluation.options import IntervalOptions
    from ....evaluation.reports.short_summary import report_summary
    from ....recipes_found import COMPARISONS, find_recipe
    from ....studies.ablation import parse_seeds
    from ....studies.comparison.comparison_run import REPORT, run_comparison

    seeds = parse_seeds(seeds)
    given["intervals"] = IntervalOptions(given.pop("bootstrap"), given.pop("bootstrap_seed"), given.pop("minimum"))
    report = run_comparison(find_recipe(comparison, COMPARISONS), data, output_dir, seeds=seeds, **given)
    if report is None:
        share, shares = given["share"]
        told = f"share {share} of {shares} is done; no seed has all its arms and turns yet"
        return Ending(told=told, made=[(output_dir, "runs so far")])
    path = Path(output_dir) / REPORT
    made = [(output_dir, "all runs"), *written(path)]
    return Ending(report, "\n".join(report_summary(report)), made)
