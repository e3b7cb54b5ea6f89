"""Pretrain on cohorts, and judge inside and outside of each."""

import os
from pathlib import Path

import click

from ...options import BOOTSTRAP, OVERRIDES, as_command, many
from ...outcomes import Ending
from ...reporting import written
from ...studying import BOOTSTRAP_SEED, RUNS, SEEDS


@as_command("cohorts")
@click.option("--study", required=True, help="A name, such as lead_i, or a YAML file.")
@many("--data", required=True, help="COHORT=FOLDER for each cohort of the study: its prepared corpus, or a Hub id.")
@click.option("--minutes", type=float, help="Of a training, in place of the study's.")
@SEEDS
@BOOTSTRAP
@click.option(
    "--minimum",
    type=int,
    default=5,
    show_default=True,
    help="Positives and negatives that a cohort needs to count in a mean.",
)
@BOOTSTRAP_SEED
@RUNS
@OVERRIDES
def command(study, data, output_dir, seeds, **given) -> Ending:
    """Does it hurt to mix hospitals? Pretrain on each cohort, on all mixed, and on all with every batch of one cohort.

    \b
    hf-ecg study cohorts --study lead_i --data PTB-XL=CORPUS0 CPSC2018=CORPUS1 CODE-15=CORPUS2 \\
        Challenge-2017=CORPUS3 --seeds 0,1 --output_dir OUT [section.key=value ...]

    Every arm makes as many steps. Linear probes of the frozen encoders are fitted inside each cohort and on all
    others; one more names the cohort. The report (OUT/cohorts.json, cohorts.md) has their figures with intervals over
    patients, paired differences, the random encoder, and who the patients of each cohort are.

    A study that is broken off goes on where it stood when it is started again.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # see pretrain
    from ....evaluation.options import IntervalOptions
    from ....recipes_found import COHORTS, find_recipe
    from ....studies.ablation import parse_seeds
    from ....studies.cohorts.cohorts_report import study_lines
    from ....studies.cohorts.cohorts_run import REPORT, CohortOptions, run_cohorts

    intervals = IntervalOptions(given.pop("bootstrap"), given.pop("bootstrap_seed"), given.pop("minimum"))
    options = CohortOptions(seeds=parse_seeds(seeds), intervals=intervals, **given)
    report = run_cohorts(find_recipe(study, COHORTS), data, output_dir, options)
    path = Path(output_dir) / REPORT
    return Ending(report, "\n".join(study_lines(report)), [(output_dir, "all runs"), *written(path)])
