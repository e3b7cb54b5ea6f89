"""Judges the verifiers of waveform features on statements that were withheld from the texts.

    python dataset_scripts/ptb_xl.py --data_dir PTB_XL --output_dir CORPUS --withhold form --withhold_share 0.5
    python train/judge_verifier.py --data CORPUS --recipe train/recipes/clep_ptb_xl.yaml --judges JUDGES \
        --output verifiers.json [section.key=value ...]

A verifier that only knows which features go with which diagnosis is no better on a record's own ECG than on another
one with the same diagnosis. JUDGES holds the dual encoders, cross-fitted by patient; they are trained when they are
not there. Writes verifiers.json and verifiers.md.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.command_line import run_command
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.corpus_card import read_summary
from hf_ecg.enrichment.verification.control import SWAPS
from hf_ecg.enrichment.verification.cross_fit import GROUPS, train_cross_fit
from hf_ecg.enrichment.verification.decide import CLEP, MEASURED
from hf_ecg.enrichment.verification.judge import judge_verifiers
from hf_ecg.enrichment.verification.judge_report import judgement_page
from hf_ecg.enrichment.verification.positives import WITHHELD
from hf_ecg.enrichment.verification.thresholds import MINIMUM_POSITIVES, TARGET_PRECISION
from hf_ecg.evaluation.metrics.bootstrap import REPLICATES
from hf_ecg.evaluation.protocol import parse_folds
from hf_ecg.evaluation.reports.evaluation_report import (
    check_report_path,
    command_line,
    machine_facts,
    version_facts,
    write_report,
)
from hf_ecg.training import load_recipe
from hf_ecg.training.recipe import as_override


def main(arguments: list[str] | None = None) -> dict:
    """Command line of the script; the report."""
    args = parse_arguments(arguments)
    check_report_path(args.output)
    summary = read_summary(args.data)
    config = args.config or summary.get("config")
    label_set = args.label_set or (summary.get("withhold") or {}).get("label_set")
    if not label_set:
        raise ValueError(f"{args.data} does not say which statements were withheld: name them by --label_set")
    rows = load_corpus(args.data, config=config)
    if not args.all_rows and WITHHELD not in rows.column_names:
        raise ValueError(f"{args.data} has no column {WITHHELD!r}: prepare it with --withhold, or judge --all_rows")
    models = args.models
    if CLEP in args.verifier and not models:
        if not (args.recipe and args.judges):
            raise ValueError("the verifier clep needs --models, or --recipe and --judges")
        recipe = load_recipe(
            args.recipe, [as_override("data.path", args.data), as_override("data.config", config), *args.overrides]
        )
        # nothing is trained on the texts that come of this: every fold may be judged
        folds = parse_folds(args.folds) if args.folds else sorted(set(rows["fold"]))
        models = train_cross_fit(recipe, args.judges, folds, args.groups)
    report = {
        "corpus": str(args.data),
        "config": config,
        "records": "withheld" if not args.all_rows else "all",
        "minimum": args.minimum,
        "target_precision": args.target_precision,
        "swaps": args.swaps,
        "replicates": args.bootstrap,
        "seed": args.seed,
        "command": command_line(),
        "machine": machine_facts(args.device or "cpu"),
        "versions": version_facts(),
    }
    report |= judge_verifiers(
        *(rows, config, label_set, models, args.verifier),
        withheld_only=not args.all_rows,
        minimum=args.minimum,
        target_precision=args.target_precision,
        swaps=args.swaps,
        replicates=args.bootstrap,
        seed=args.seed,
        num_proc=args.num_proc,
        batch_size=args.batch_size,
        device=args.device,
        cache=args.cache,
    )
    page = write_report(report, args.output, judgement_page)
    print(page.read_text(encoding="utf-8"))
    print(f"written: {args.output}, {page}")
    return report


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="prepared corpus: a folder or a Hub id")
    parser.add_argument("--config", help="configuration of the corpus, such as ptb_xl_100hz")
    parser.add_argument("--label_set", help="statements to judge by (default: those that the corpus withheld)")
    parser.add_argument(
        "--all_rows", action="store_true", help="judge all records, not those with withheld statements"
    )
    parser.add_argument("--verifier", nargs="+", choices=(MEASURED, CLEP), default=[MEASURED, CLEP])
    parser.add_argument("--models", nargs="+", default=[], help="folders of cross-fitted dual encoders")
    parser.add_argument("--recipe", help="or the recipe to train them by")
    parser.add_argument("--judges", help="and the folder to train them in")
    parser.add_argument("--folds", help="to cross-fit in (default: all)")
    parser.add_argument("--groups", type=int, default=GROUPS, help="of folds (default: %(default)s)")
    parser.add_argument("--minimum", type=int, default=MINIMUM_POSITIVES, help="positives that a feature needs")
    parser.add_argument("--target_precision", type=float, default=TARGET_PRECISION, help="default: %(default)s")
    parser.add_argument("--swaps", type=int, default=SWAPS, help="draws of the other ECG (default: %(default)s)")
    parser.add_argument("--bootstrap", type=int, default=REPLICATES, help="replicates (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of swaps and bootstrap")
    parser.add_argument("--num_proc", type=int, default=min(os.cpu_count() or 1, 8), help="processes that measure")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--device", help="cpu, cuda ... (default: the GPU when there is one)")
    parser.add_argument("--cache", help="folder that keeps measurements and embeddings for the next call")
    parser.add_argument("--output", required=True, help="verifiers.json; the Markdown page is written beside it")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="values that replace the recipe's")
    return parser.parse_intermixed_args(arguments)


if __name__ == "__main__":
    run_command(main)
