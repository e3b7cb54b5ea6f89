"""Find out which training holds when the patients change."""

import os
from pathlib import Path

import click

from ...options import BOOTSTRAP, CONFIG, MINIMUM, OVERRIDES, as_command
from ...outcomes import Ending
from ...reporting import publish, written
from ...studying import BOOTSTRAP_SEED, RUNS


@as_command("shift")
@click.option("--simulate", is_flag=True, help="Made populations with a known answer, in place of a corpus.")
@click.option("--spec", help="Of a corpus: a name, such as ptb_xl_shift, or a YAML file.")
@click.option("--split", "splits", multiple=True, help="Of a corpus: this one alone; may be repeated (default: all).")
@click.option("--data", help="Prepared corpus: a folder or a Hub id.")
@CONFIG
@click.option("--seeds", help="Such as 0,1,2 (default: 0 to 19 simulated, 0 of a corpus).")
@click.option("--rows", type=int, help="Simulated, of each environment (1000).")
@click.option("--steps", type=int, help="Simulated, of each training (150).")
@click.option("--penalty", type=float, help="Simulated: times the weight of every penalty (1).")
@BOOTSTRAP
@BOOTSTRAP_SEED
@MINIMUM
@RUNS
@OVERRIDES
def command(
    simulate, spec, splits, data, config, seeds, rows, steps, penalty, output_dir, overrides, **given
) -> Ending:
    """Find out which training holds when the patients change: plain, told age and sex, or made invariant.

    \b
    hf-ecg study shift --simulate --output_dir OUT
    hf-ecg study shift --spec ptb_xl_shift --data CORPUS --output_dir OUT [section.key=value ...]

    Simulated: five made populations, small heads, log loss, AUROC and calibration inside and outside, over seeds. The
    true probabilities stand beside where they have a plain form. OUT/simulation.json and simulation.md.

    Of a corpus: every system is trained on some environments and judged on others; the difference to plain training is
    paired by patient. A study that is broken off goes on where it stood. OUT/shift.json and shift.md.
    """
    if simulate == bool(spec or data or splits):
        raise click.UsageError("wanted --simulate, or --spec and --data")
    made = {"rows": rows, "steps": steps, "penalty": penalty}
    if simulate:
        return _simulated(Path(output_dir), seeds, made, overrides, config)
    if not (spec and data) or any(value is not None for value in made.values()):
        raise click.UsageError("a corpus wants --spec and --data, and no --rows, --steps or --penalty")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # see pretrain
    from ....evaluation.options import IntervalOptions
    from ....recipes_found import SHIFTS, find_recipe
    from ....studies.ablation import parse_seeds
    from ....studies.shift.corpus_study import REPORT, ShiftOptions, run_shift

    intervals = IntervalOptions(given["bootstrap"], given["bootstrap_seed"], given["minimum"])
    options = ShiftOptions(tuple(parse_seeds(seeds or "0")), intervals, overrides, splits)
    report = run_shift(find_recipe(spec, SHIFTS), data, output_dir, options, config)
    path = Path(output_dir) / REPORT
    told = [
        f"{split['name']}: {len(split['systems'])} systems, judged on {split['rows']['inside']['records']} records"
        f" inside and {split['rows']['outside']['records']} outside"
        for split in report["splits"]
    ]
    return Ending(report, "\n".join(told), [(output_dir, "all runs"), *written(path)])


def _simulated(folder: Path, seeds: str | None, made: dict, overrides, config) -> Ending:
    if overrides or config:
        raise click.UsageError("--simulate takes no recipe: neither section.key=value nor --config")
    from ....studies.ablation import parse_seeds
    from ....studies.shift.shift_report import render_simulation, simulation_report
    from ....studies.shift.simulated import Simulation, simulate

    asked = made | {"seeds": None if seeds is None else tuple(parse_seeds(seeds))}
    study = Simulation(**{key: value for key, value in asked.items() if value is not None})
    folder.mkdir(parents=True, exist_ok=True)
    told = [f"{len(study.processes)} processes, {len(study.seeds)} seeds: evidence about training, not about patients"]
    report = simulation_report(study, simulate(study))
    return publish(report, folder / "simulation.json", render_simulation, told=told)
