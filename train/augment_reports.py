"""Enriches the reports of a corpus: proposes the waveform features that each implies, keeps what the signal supports.

    python train/augment_reports.py propose --data PARQUET --output_dir PROPOSALS
    python train/augment_reports.py propose --data PARQUET --output_dir PROPOSALS --proposer endpoint \
        --base_url http://localhost:8000/v1 --model meta-llama/Meta-Llama-3-8B-Instruct --concurrency 32
    python train/augment_reports.py propose --data PARQUET --output_dir PROPOSALS --proposer local --model MODEL.gguf
    python train/augment_reports.py propose --data PARQUET --output_dir PROPOSALS --proposer local --model MODEL.gguf \
        --prompt waveform_features_small_v1 --no_chat --begin ' ["' --stop ] --repetition_penalty 1.1   # very small
    python train/augment_reports.py verify --data PARQUET --proposals PROPOSALS --output_dir AUGMENTED \
        --recipe train/recipes/clep_ptb_xl.yaml --judges JUDGES [section.key=value ...]

verify asks what the signal measures, then dual encoders that never saw the record: those in JUDGES, trained by the
recipe where they are not there, in its training and validation folds. AUGMENTED is PARQUET with `augmented_report` and
`waveform_features`, and verification.md.

The key of an endpoint is read from the environment (HF_ECG_API_KEY). Identical reports are asked about once; answers
are kept in answers.jsonl, so the same command goes on after any stop. Exit status 75: some reports were given up; the
same command asks about them again.
"""

import argparse
import json
import os
import sys
from dataclasses import fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.clinical.reports import REPORT_RULES
from hf_ecg.command_line import run_command
from hf_ecg.data.corpus import load_corpus
from hf_ecg.enrichment.proposals.asking import Patience
from hf_ecg.enrichment.proposals.choose import PROPOSERS, TABLE, ProposerSection, make_proposer
from hf_ecg.enrichment.proposals.prompt import DEFAULT_PROMPT
from hf_ecg.enrichment.proposals.proposal_run import PROPOSALS, propose
from hf_ecg.enrichment.verification.cross_fit import GROUPS, train_cross_fit
from hf_ecg.enrichment.verification.decide import CLEP, MEASURED
from hf_ecg.enrichment.verification.thresholds import MINIMUM_POSITIVES, TARGET_PRECISION
from hf_ecg.enrichment.verification.verification_run import ClepOptions, verify
from hf_ecg.evaluation.protocol import parse_folds
from hf_ecg.training import load_recipe
from hf_ecg.training.recipe import as_override

GIVEN_UP_STATUS = getattr(os, "EX_TEMPFAIL", 75)


def main(arguments: list[str] | None = None) -> dict:
    """Command line of the script; what the step counted."""
    args = parse_arguments(arguments)
    return args.step(args)


def run_propose(args: argparse.Namespace) -> dict:
    patience = Patience(args.concurrency, args.retries, stop_after=args.stop_after)
    given = {entry.name: getattr(args, entry.name) for entry in fields(ProposerSection) if hasattr(args, entry.name)}
    proposer = make_proposer(ProposerSection(name=args.proposer, **given))
    folds = parse_folds(args.folds) if args.folds else None
    rows = load_corpus(args.data, config=args.config, folds=folds)
    if args.text_column not in rows.column_names:
        raise ValueError(f"{args.data} has no column {args.text_column!r}, only {rows.column_names}")
    texts = (
        text for batch in rows.select_columns([args.text_column]).iter(10_000) for text in batch[args.text_column]
    )
    rules = REPORT_RULES[args.rules] if args.rules else None
    summary = propose(texts, proposer, args.output_dir, args.answers, patience, rules, args.limit)
    print(json.dumps({name: value for name, value in summary.items() if name != "prompt"}, indent=2))
    print(f"written: {Path(args.output_dir) / PROPOSALS}")
    return summary


def run_verify(args: argparse.Namespace) -> dict:
    models = args.models
    if CLEP in args.verifier and not models:
        if not (args.recipe and args.judges):
            raise ValueError("the verifier clep needs --models, or --recipe and --judges")
        overrides = [as_override("data.path", args.data), as_override("data.config", args.config)]
        recipe = load_recipe(args.recipe, [*overrides, *args.overrides])
        models = train_cross_fit(recipe, args.judges, groups=args.groups)
    options = ClepOptions(
        models, args.target_precision, args.minimum, args.compat_fixed_threshold, args.batch_size, args.device
    )
    statistics = verify(
        *(args.data, args.proposals, args.output_dir, args.verifier, options),
        config=args.config,
        text_column=args.text_column,
        controls=args.controls,
        num_proc=args.num_proc,
        seed=args.seed,
        overwrite=args.overwrite,
        measurements=args.measurements,
    )
    counts = ("rows", "proposals", "kept", "rejected", "undecided", "records_changed", "words_added", "seconds")
    print(json.dumps({name: statistics[name] for name in counts}, indent=2))
    print(f"written: {args.output_dir}, {Path(args.output_dir) / 'verification.md'}")
    return statistics


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(required=True, metavar="STEP")
    add_propose(steps.add_parser("propose", help="ask which waveform features the reports imply"))
    add_verify(steps.add_parser("verify", help="keep the features that the signal supports, and write the corpus"))
    return parser.parse_args(arguments)


def add_propose(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(step=run_propose)
    parser.add_argument("--data", required=True, help="prepared corpus: a folder or a Hub id")
    parser.add_argument("--config", help="configuration of the corpus, such as ptb_xl_100hz")
    parser.add_argument("--folds", help="folds to ask about, such as 1-8 (default: all)")
    parser.add_argument("--text_column", default="text", help="column of the training texts (default: %(default)s)")
    parser.add_argument("--output_dir", required=True, help="folder for proposals.jsonl and its summary")
    parser.add_argument("--proposer", choices=PROPOSERS, default=TABLE, help="default: %(default)s")
    parser.add_argument("--model", help="name the endpoint serves; local: a folder, Hub id or .gguf file")
    parser.add_argument("--prompt", default=DEFAULT_PROMPT, help="name or .txt file (default: %(default)s)")
    parser.add_argument("--max_tokens", type=int, default=512, help="of an answer (default: %(default)s)")
    parser.add_argument("--answers", help="file of kept answers (default: answers.jsonl in the output folder)")
    parser.add_argument(
        "--rules", choices=sorted(REPORT_RULES), help="leave out reports that these call uninformative"
    )
    parser.add_argument("--limit", type=int, help="ask about the first distinct reports only, to try a prompt")
    endpoint = parser.add_argument_group("endpoint")
    endpoint.add_argument("--base_url", help="OpenAI-compatible endpoint, such as http://localhost:8000/v1")
    endpoint.add_argument(
        "--api_key_variable", default="HF_ECG_API_KEY", help="environment variable of the key (default: %(default)s)"
    )
    endpoint.add_argument("--temperature", type=float, default=0.0)
    endpoint.add_argument("--seed", type=int, default=0)
    endpoint.add_argument("--concurrency", type=int, default=8, help="calls at the same time (default: %(default)s)")
    endpoint.add_argument("--timeout", type=float, default=120.0, help="seconds of a call (default: %(default)s)")
    endpoint.add_argument("--retries", type=int, default=5, help="for a report, in one run (default: %(default)s)")
    endpoint.add_argument(
        "--stop_after", type=int, default=20, help="reports in a row without an answer (default: %(default)s)"
    )
    local = parser.add_argument_group("local model")
    local.add_argument("--gguf_file", help="GGUF file within --model")
    local.add_argument("--device", help="cpu, cuda ... (default: the GPU when there is one)")
    local.add_argument("--batch_size", type=int, default=8, help="reports at a time (default: %(default)s)")
    local.add_argument("--no_chat", dest="chat", action="store_false", help="text to continue, not a chat")
    local.add_argument("--begin", default="", help="what the answer begins with, such as ' [\"'")
    local.add_argument("--stop", help="text that ends it, such as ]")
    local.add_argument("--repetition_penalty", type=float, default=1.0, help="of the answer (default: %(default)s)")


def add_verify(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(step=run_verify)
    parser.add_argument("--data", required=True, help="prepared corpus: a folder or a Hub id")
    parser.add_argument("--config", help="configuration of the corpus, such as ptb_xl_100hz")
    parser.add_argument("--proposals", required=True, help="what propose wrote")
    parser.add_argument("--text_column", default="text", help="what it asked about (default: %(default)s)")
    parser.add_argument("--output_dir", required=True, help="folder to make")
    parser.add_argument("--overwrite", action="store_true", help="replace an augmented corpus that is there")
    parser.add_argument(
        "--verifier", nargs="+", choices=(MEASURED, CLEP), default=[MEASURED, CLEP], help="in the order they are asked"
    )
    parser.add_argument("--controls", action="store_true", help="also write texts with all, and with random, features")
    parser.add_argument("--seed", type=int, default=0, help="of the random ones")
    parser.add_argument("--num_proc", type=int, help="processes that measure; default: one a core, eight at most")
    parser.add_argument("--measurements", help="folder that keeps what was measured, for another call")
    clep = parser.add_argument_group("clep")
    clep.add_argument("--models", nargs="+", default=[], help="folders of cross-fitted dual encoders")
    clep.add_argument("--recipe", help="or the recipe to train them by")
    clep.add_argument("--judges", help="and the folder to train them in, or to find them")
    clep.add_argument("--groups", type=int, default=GROUPS, help="of folds, one a model (default: %(default)s)")
    clep.add_argument("--target_precision", type=float, default=TARGET_PRECISION, help="default: %(default)s")
    clep.add_argument("--minimum", type=int, default=MINIMUM_POSITIVES, help="validation positives a feature needs")
    clep.add_argument("--compat_fixed_threshold", type=float, help="one probability for all; the paper's is 0.95")
    clep.add_argument("--batch_size", type=int, default=64, help="ECGs at a time (default: %(default)s)")
    clep.add_argument("--device", help="cpu, cuda ... (default: the GPU when there is one)")
    clep.add_argument("overrides", nargs="*", metavar="section.key=value", help="values that replace the recipe's")


def given_up(summary: dict) -> None:
    """Ends with a status of its own where reports were left without an answer."""
    if number := summary.get("given_up"):
        sys.stderr.write(
            f"{number} of {summary['distinct']} reports were given up and are not in {PROPOSALS}: run the same command"
            " again to ask about them\n"
        )
        sys.exit(GIVEN_UP_STATUS)


if __name__ == "__main__":
    run_command(lambda: given_up(main()))
