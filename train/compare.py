"""Compare ways to train by rotation over folds: does A beat B, on the same records, with the same budget?

    python train/compare.py --comparison train/comparisons/clef_ptb_xl.yaml --data CORPUS --seeds 0,1,2 \
        --output_dir OUT [section.key=value ...]

Every fold is tested once: in each of five turns two folds test, the next one chooses, the other seven train. The
report (OUT/comparison.json, comparison.md) pools the scores of all test folds, with intervals over patients and seeds,
and paired differences. A seed counts once all its arms and turns are there.

A run that is broken off goes on where it stood when it is started again. `--share 1/2` and `--share 2/2` in two shells
share the work; whichever ends last writes the whole report.
"""

import argparse
import os
import re
import sys
from pathlib import Path

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # see train/pretrain.py
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from tqdm.auto import tqdm

from hf_ecg.data.corpus_card import read_summary
from hf_ecg.evaluation.loading import pick_device
from hf_ecg.evaluation.metrics.bootstrap import REPLICATES
from hf_ecg.evaluation.metrics.classification import MINIMUM_COUNT
from hf_ecg.evaluation.reports.evaluation_report import render, report_frame, write_report
from hf_ecg.studies.ablation import parse_seeds
from hf_ecg.studies.comparison.arm_runs import alone, enrich_turn, plan_runs, recipe_of, train_run
from hf_ecg.studies.comparison.comparison_report import comparison_tasks, complete_seeds
from hf_ecg.studies.comparison.comparison_spec import load_comparison, rotation
from hf_ecg.studies.comparison.measures import JudgedRows, measure_run
from hf_ecg.training.recipe import as_override

REPORT = "comparison.json"


def main(arguments: list[str] | None = None) -> dict | None:
    """Command line of the script; the report, None while no seed is complete."""
    args = parse_arguments(arguments)
    args.config = args.config or read_summary(args.data).get("config")
    comparison = load_comparison(args.comparison)
    directory, root = Path(args.comparison).parent, Path(args.output_dir)
    judged = JudgedRows(args.data, args.config, comparison.measures)
    turns = rotation(sorted(set(judged.folds.tolist())))
    runs = plan_runs(comparison, turns, args.seeds, root)
    given = [as_override("data.path", args.data), as_override("data.config", args.config), *args.overrides]
    recipes = {run: recipe_of(comparison, run, directory, given) for run in runs}  # all mistakes before the first step
    share, shares = args.share
    places = {(seed, turn): i for i, (seed, turn) in enumerate((s, t) for s in args.seeds for t in turns)}
    # whole turns are shared out: an arm may begin with what another one left
    mine = [run for run in runs if places[run.seed, run.turn] % shares == share - 1]
    for run in tqdm(mine, desc="runs", unit="run"):
        wanted = {name: one for name, one in comparison.measures.items() if run.arm in comparison.arms_of(name)}
        with alone(run):
            enrich_turn(comparison, run, directory, given)
            train_run(comparison, run, recipes[run])
            measure_run(run, wanted, judged)
    seeds = complete_seeds(comparison, turns, args.seeds, root)
    if not any(seeds.values()):
        print(f"share {share} of {shares} is done; no seed has all its arms and turns yet")
        return None
    return report_of(args, comparison, judged, turns, seeds, root)


def report_of(args, comparison, judged, turns, seeds: dict[str, list[int]], root: Path) -> dict:
    """Writes the report of the complete seeds."""
    complete = sorted({seed for each in seeds.values() for seed in each})
    arms = [name for name, arm in comparison.arms.items() if arm.measured]
    models = {arm: [{"folder": arm, "seed": seed} for seed in complete] for arm in arms}
    absent = {name: sorted(set(args.seeds) - set(each)) for name, each in seeds.items()}
    notes = [
        f"rotation over {len(turns)} turns: "
        + "; ".join(f"{turn.name.replace('_', ' ')}, selected on {turn.validation[0]}" for turn in turns),
        "out-of-fold scores, ranked within each turn",
        *(
            f"{name}: without the seeds {left_out}, not all of whose arms and turns are there"
            for name, left_out in absent.items()
            if left_out
        ),
        *comparison.notes,
        *(f"{name}: {one.note}" for name, one in comparison.measures.items() if one.note),
    ]
    folds = sorted(set(judged.folds.tolist()))
    frame = report_frame(comparison.title, args, pick_device("cpu"), folds, [judged.patients], models, notes)
    options = {"replicates": args.bootstrap, "seed": args.bootstrap_seed, "minimum": args.minimum}
    report = frame | {"tasks": comparison_tasks(comparison, judged, turns, seeds, root, **options)}
    page = write_report(report, root / REPORT)
    print(render(report))
    print(f"written: {root / REPORT}, {page}")
    return report


def _share(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"{text!r}, wanted a share such as 1/2")
    return int(match[1]), int(match[2])


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparison", required=True, help="YAML file: recipe, arms, measures, differences")
    parser.add_argument("--data", required=True, help="prepared corpus: a folder or a Hub id")
    parser.add_argument("--config", help="configuration of the corpus, such as ptb_xl_100hz")
    parser.add_argument("--seeds", type=parse_seeds, default=[0], help="such as 0,1,2 (default: 0)")
    parser.add_argument("--share", type=_share, default=(1, 1), help="do a part of the turns only, such as 1/2")
    parser.add_argument("--bootstrap", type=int, default=REPLICATES, help="replicates (default: %(default)s)")
    parser.add_argument("--minimum", type=int, default=MINIMUM_COUNT, help="positives and negatives a class needs")
    parser.add_argument("--bootstrap_seed", type=int, default=0)
    parser.add_argument("--output_dir", required=True, help="folder of all runs and of the report")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="of the recipe, in every arm")
    args = parser.parse_intermixed_args(arguments)
    args.seed = args.bootstrap_seed  # what a report says of its bootstrap
    return args


if __name__ == "__main__":
    main()
