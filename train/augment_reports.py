"""Enriches the reports of a corpus: proposes the waveform features that each one implies.

    python train/augment_reports.py propose --data PARQUET --output_dir PROPOSALS
    python train/augment_reports.py propose --data PARQUET --output_dir PROPOSALS --proposer endpoint \
        --base_url http://localhost:8000/v1 --model meta-llama/Meta-Llama-3-8B-Instruct --concurrency 32
    python train/augment_reports.py propose --data PARQUET --output_dir PROPOSALS --proposer local --model MODEL.gguf

The key of an endpoint is read from the environment (HF_ECG_API_KEY). Identical reports are asked about once; answers
are kept in answers.jsonl, so the same command goes on after any stop. Exit status 75: some reports were given up; the
same command asks about them again.
"""

import argparse
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.command_line import run_command
from hf_ecg.data.corpus import load_corpus
from hf_ecg.enrichment.proposals.asking import Patience, Proposer
from hf_ecg.enrichment.proposals.prompt import DEFAULT_PROMPT, load_prompt
from hf_ecg.enrichment.proposals.run import PROPOSALS, propose
from hf_ecg.evaluation.protocol import parse_folds

TABLE, ENDPOINT, LOCAL = "table", "endpoint", "local"
GIVEN_UP_STATUS = getattr(os, "EX_TEMPFAIL", 75)


def main(arguments: list[str] | None = None) -> dict:
    """Command line of the script; what the step counted."""
    args = parse_arguments(arguments)
    return args.step(args)


def run_propose(args: argparse.Namespace) -> dict:
    patience = Patience(args.concurrency, args.retries, stop_after=args.stop_after)
    proposer = make_proposer(args)
    folds = parse_folds(args.folds) if args.folds else None
    rows = load_corpus(args.data, config=args.config, folds=folds)
    if args.text_column not in rows.column_names:
        raise ValueError(f"{args.data} has no column {args.text_column!r}, only {rows.column_names}")
    texts = (
        text for batch in rows.select_columns([args.text_column]).iter(10_000) for text in batch[args.text_column]
    )
    summary = propose(texts, proposer, args.output_dir, args.answers, patience, args.limit)
    print(json.dumps({name: value for name, value in summary.items() if name != "prompt"}, indent=2))
    print(f"written: {Path(args.output_dir) / PROPOSALS}")
    return summary


def make_proposer(args: argparse.Namespace) -> Proposer:
    """The proposer that the arguments name; only what it needs is imported."""
    if args.proposer == TABLE:
        from hf_ecg.enrichment.proposals.table import TableProposer

        return TableProposer()
    if not args.model or (args.proposer == ENDPOINT and not args.base_url):
        raise ValueError(f"--proposer {args.proposer} needs --model" + " and --base_url" * (args.proposer == ENDPOINT))
    prompt = load_prompt(args.prompt)
    if args.proposer == ENDPOINT:
        from hf_ecg.enrichment.proposals.endpoint import EndpointProposer

        sampling = {"max_tokens": args.max_tokens, "temperature": args.temperature, "seed": args.seed}
        return EndpointProposer(args.base_url, args.model, prompt, args.api_key_variable, args.timeout, **sampling)
    from hf_ecg.enrichment.proposals.local import LocalProposer

    return LocalProposer(args.model, prompt, args.gguf_file, args.device, args.max_tokens, args.batch_size)


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(required=True, metavar="STEP")
    add_propose(steps.add_parser("propose", help="ask which waveform features the reports imply"))
    return parser.parse_args(arguments)


def add_propose(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(step=run_propose)
    parser.add_argument("--data", required=True, help="prepared corpus: a folder or a Hub id")
    parser.add_argument("--config", help="configuration of the corpus, such as ptb_xl_100hz")
    parser.add_argument("--folds", help="folds to ask about, such as 1-8 (default: all)")
    parser.add_argument("--text_column", default="text", help="column of the training texts (default: %(default)s)")
    parser.add_argument("--output_dir", required=True, help="folder for proposals.jsonl and its summary")
    parser.add_argument("--proposer", choices=(TABLE, ENDPOINT, LOCAL), default=TABLE, help="default: %(default)s")
    parser.add_argument("--model", help="name the endpoint serves; local: a folder, Hub id or .gguf file")
    parser.add_argument("--prompt", default=DEFAULT_PROMPT, help="name or .txt file (default: %(default)s)")
    parser.add_argument("--max_tokens", type=int, default=512, help="of an answer (default: %(default)s)")
    parser.add_argument("--answers", help="file of kept answers (default: answers.jsonl in the output folder)")
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
