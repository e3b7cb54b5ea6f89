"""The benchmark of MERL and FG-CLEP: six tasks by prompts, by the ensemble of leads, and by linear probe.

    python train/benchmark.py --model OUT0 OUT1 --data PTB_XL CPSC2018 CSN --random --supervised BCE0 BCE1 \
        --output_dir BENCHMARK
    python train/benchmark.py --recipe train/recipes/clep_ptb_xl.yaml --seeds 0,1,2 \
        --setting model.config.mitigation_weight=0,0.5,1 --data PTB_XL --output_dir ABLATION data.path=PTB_XL
    python train/benchmark.py --stages train/stages/fg_clep_ptb_xl.yaml --setting proposer.name=table,local \
        --setting verification.target_precision=0.8,0.9 --data PTB_XL --output_dir ABLATION proposer.model=MODEL.gguf

Several model folders are seeds of one model. A task whose corpus is not given is a row not run. BENCHMARK/ holds
benchmark.json and benchmark.md (all tasks, published figures and which of them can be compared), a report for each
corpus (ptb_xl.json, as a model card reads it) and parts/: what is there is not computed again. With --recipe or
--stages, every setting is trained with every seed in a folder of its own under ABLATION/runs/, and
ABLATION/ablation.json and ablation.md hold one table. Settings of stages change the file of stages; `first.`, `third.`
and `both.` before a key change the recipes. What a setting does not concern, such as the first stage beside a
threshold, is made once.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # see train/pretrain.py
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.evaluation.benchmark.benchmark_run import run_benchmark
from hf_ecg.evaluation.benchmark.settings import PARTS, BenchmarkSettings
from hf_ecg.evaluation.benchmark.summary import render_summary
from hf_ecg.evaluation.benchmark.tasks import TASKS, choose_tasks, open_corpora, parse_prompts
from hf_ecg.evaluation.judging.linear_probe import STRENGTHS, parse_percentages
from hf_ecg.evaluation.loading import pick_device
from hf_ecg.evaluation.metrics.bootstrap import REPLICATES
from hf_ecg.evaluation.metrics.classification import MINIMUM_COUNT
from hf_ecg.evaluation.protocol import parse_folds
from hf_ecg.evaluation.reports.evaluation_report import write_report
from hf_ecg.studies.ablation import (
    ablation_summary,
    parse_seeds,
    plan_arms,
    recipe_plan,
    render_ablation,
    train_arm,
)
from hf_ecg.studies.fg_clep.stages import stages_plan


def main(arguments: list[str] | None = None) -> dict:
    """Command line of the script; the summary of the benchmark, or of the ablation."""
    args = parse_arguments(arguments)
    if sum(map(bool, (args.model, args.recipe, args.stages))) != 1:
        raise ValueError("wanted --model, --recipe or --stages, one of them")
    if args.model and (args.setting or args.overrides):
        raise ValueError(f"{args.setting + args.overrides} change a recipe, and there is no --recipe and no --stages")
    tasks, folds = choose_tasks(args.tasks), {s: parse_folds(getattr(args, f"{s}_folds")) for s in SPLITS}
    settings = BenchmarkSettings(
        folds=folds,
        parts=tuple(args.parts or PARTS),
        percentages=tuple(parse_percentages(args.fractions)),
        strengths=tuple(args.strengths),
        prompts=parse_prompts(args.prompts, tasks),
        random=args.random,
        bootstrap=args.bootstrap,
        minimum=args.minimum,
        seed=args.seed,
        batch_size=args.batch_size,
        device=pick_device(args.device),
        allow_training_folds=args.allow_training_folds,
    )
    output = Path(args.output_dir)
    if not args.model:  # every mistake in a setting is told before the first step
        plan = recipe_plan(args.recipe, args.overrides) if args.recipe else None
        if args.stages:
            config = args.config[0] if args.config else None
            plan = stages_plan(args.stages, args.data[0], output / "shared", args.overrides, config)
        arms = plan_arms(plan, args.setting, parse_seeds(args.seeds), output / "runs")
    corpora = open_corpora(args.data, args.config, folds, tasks)
    options = {"supervised": args.supervised, "explicit_parts": args.parts is not None}
    if args.model:
        summary = run_benchmark(args.model, corpora, tasks, settings, output, **options)
        print(render_summary(summary))
        return summary
    found = {}
    for arm in arms:
        models = [str(folder) for folder in train_arm(arm)]
        found[arm.name] = run_benchmark(models, corpora, tasks, settings, arm.folder / "benchmark", **options)
    summary = ablation_summary(args.recipe or args.stages, arms, found)
    page = write_report(summary, output / "ablation.json", render_ablation)
    print(page.read_text(encoding="utf-8"))
    return summary


SPLITS = ("train", "validation", "test")


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", default=[], help="folders of dual encoders or encoders, seeds of one")
    parser.add_argument("--data", nargs="+", required=True, help="prepared corpora: folders or Hub ids")
    parser.add_argument("--config", nargs="+", default=[], help="configurations, where a corpus has several")
    parser.add_argument("--tasks", nargs="+", metavar="TASK", help=f"of {', '.join(t.name for t in TASKS)}")
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="default: all that the model can answer")
    parser.add_argument(
        "--prompts",
        nargs="+",
        default=[],
        help="statements (default), names, MERL's CKEPE_prompt.json, or TASK=FILE.yaml",
    )
    parser.add_argument("--train_folds", default="1-8", help="of the probe (default: %(default)s)")
    parser.add_argument("--validation_folds", default="9", help="choose the probe's strength (default: %(default)s)")
    parser.add_argument("--test_folds", default="10", help="judged (default: %(default)s)")
    parser.add_argument("--fractions", default="1,10,100", help="percentages of training patients for the probe")
    parser.add_argument("--strengths", type=float, nargs="+", default=list(STRENGTHS), help="values of C to try")
    parser.add_argument("--supervised", nargs="+", default=[], help="folders of classifiers of the same budget")
    parser.add_argument("--random", action="store_true", help="also judge the ECG encoder with weights drawn anew")
    parser.add_argument("--allow_training_folds", action="store_true", help="judge folds that models were trained on")
    parser.add_argument("--bootstrap", type=int, default=REPLICATES, help="replicates (default: %(default)s)")
    parser.add_argument("--minimum", type=int, default=MINIMUM_COUNT, help="positives and negatives a class needs")
    parser.add_argument("--seed", type=int, default=0, help="of patient shares, random encoder and bootstrap")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--device", help="cpu, cuda ... (default: the GPU when there is one)")
    parser.add_argument("--output_dir", required=True)
    parser.add_argument("--recipe", help="recipe to train, in the place of --model")
    parser.add_argument("--stages", help="or FG-CLEP's stages, of which the first of --data is enriched")
    parser.add_argument("--seeds", default="0", help="of the recipes, such as 0,1,2 (default: %(default)s)")
    parser.add_argument(
        "--setting", action="append", default=[], metavar="KEY=A,B", help="values to try; several make all pairs"
    )
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="changes in every run")
    return parser.parse_intermixed_args(arguments)


if __name__ == "__main__":
    main()
