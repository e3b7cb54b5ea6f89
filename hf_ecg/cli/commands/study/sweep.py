"""Sweep settings of a recipe."""

import os
from pathlib import Path

import click

from ...options import BOOTSTRAP, CONFIG, DATA, MINIMUM, OVERRIDES, as_command
from ...outcomes import Ending
from ...reporting import written
from ...studying import BOOTSTRAP_SEED, RUNS, SEEDS
from ...words import CLOCKS


@as_command("sweep")
@click.option("--sweep", required=True, help="A name, such as encoders_ptb_xl, or a YAML file.")
@DATA
@CONFIG
@click.option("--minutes", type=float, required=True, help="Of training and validating, a run.")
@SEEDS
@click.option(
    "--clock",
    type=click.Choice(CLOCKS),
    default=CLOCKS[0],
    show_default=True,
    help="cpu is steadier where others use the machine; it wants run.num_workers=0.",
)
@BOOTSTRAP
@MINIMUM
@BOOTSTRAP_SEED
@RUNS
@OVERRIDES
def command(sweep, data, config, output_dir, seeds, **given) -> Ending:
    """Try settings of a recipe with time as the budget: which network, which views, in a minute a run?

    \b
    hf-ecg study sweep --sweep encoders_ptb_xl --data CORPUS --minutes 1 --output_dir OUT [section.key=value ...]

    A setting's own steps are measured first; its recipe then gets as many epochs as fit into the time, and the run can
    be repeated from it. Every setting trains on the recipe's training folds and is judged on its validation folds;
    no other fold is read, so that what is chosen here may be judged there. The report (OUT/sweep.json, sweep.md,
    sweep.png) has size, speed and macro AUROC of each setting, with paired differences to the first one.

    A sweep that is broken off goes on where it stood when it is started again.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # see pretrain
    from ....evaluation.options import IntervalOptions
    from ....recipes_found import SWEEPS, find_recipe
    from ....studies.ablation import parse_seeds
    from ....studies.sweep.sweep_report import sweep_lines
    from ....studies.sweep.sweep_run import REPORT, SweepOptions, run_sweep

    given["intervals"] = IntervalOptions(given.pop("bootstrap"), given.pop("bootstrap_seed"), given.pop("minimum"))
    options = SweepOptions(seeds=parse_seeds(seeds), **given)
    report = run_sweep(find_recipe(sweep, SWEEPS), data, output_dir, options, config)
    path = Path(output_dir) / REPORT
    made = [(output_dir, "all runs"), *written(path)]
    return Ending(report, "\n".join(sweep_lines(report)), made)
