"""Propose waveform features."""

import os
from dataclasses import replace
from pathlib import Path

import click

from ....next_steps import line
from ....options import CONFIG, DATA, as_command
from ....outcomes import Ending
from ....words import DEFAULT_PROMPT, PROPOSERS, REPORT_RULES, TABLE

GIVEN_UP_STATUS = getattr(os, "EX_TEMPFAIL", 75)
OF_ROWS = ("config", "folds", "text_column", "answers", "rules", "limit")


@as_command("propose")
@DATA
@CONFIG
@click.option("--folds", help="Folds whose reports are sent, such as 1-8 (default: all).")
@click.option("--text_column", default="text", show_default=True, help="Column of the training texts.")
@click.option("--output_dir", required=True, help="Folder for proposals.jsonl and its summary.")
@click.option("--proposer", type=click.Choice(PROPOSERS), default=TABLE, show_default=True, help="Who proposes.")
@click.option("--model", help="Name the endpoint serves; local: a folder, Hub id or .gguf file.")
@click.option("--prompt", default=DEFAULT_PROMPT, show_default=True, help="Name or .txt file.")
@click.option("--max_tokens", type=int, default=512, show_default=True, help="Of an answer.")
@click.option("--answers", help="File of kept answers (default: answers.jsonl in the output folder).")
@click.option("--rules", type=click.Choice(REPORT_RULES), help="Leave out reports that these call uninformative.")
@click.option("--limit", type=int, help="Take the first distinct reports only, to try a prompt.")
@click.option("--base_url", help="OpenAI-compatible endpoint, such as http://localhost:8000/v1.")
@click.option(
    "--api_key_variable", default="HF_ECG_API_KEY", show_default=True, help="Environment variable of its key."
)
@click.option("--temperature", type=float, default=0.0, show_default=True, help="Of the endpoint.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the endpoint.")
@click.option("--concurrency", type=int, default=8, show_default=True, help="Calls at the same time.")
@click.option("--timeout", type=float, default=120.0, show_default=True, help="Seconds of a call.")
@click.option("--retries", type=int, default=5, show_default=True, help="For a report, in one run.")
@click.option("--stop_after", type=int, default=20, show_default=True, help="Reports in a row without an answer.")
@click.option("--gguf_file", help="Local model: GGUF file within --model.")
@click.option("--device", help="Local model: cpu, cuda ... (default: the GPU when there is one).")
@click.option("--batch_size", type=int, default=8, show_default=True, help="Local model: reports at a time.")
@click.option("--no_chat", "chat", is_flag=True, flag_value=False, default=True, help="Text to continue, not a chat.")
@click.option("--begin", default="", help="Local model: what the answer begins with, such as ' [\"'.")
@click.option("--stop", help="Local model: text that ends the answer, such as ].")
@click.option("--repetition_penalty", type=float, default=1.0, show_default=True, help="Local model: of the answer.")
def command(data, output_dir, proposer, **given) -> Ending:
    """Ask which waveform features the reports of a corpus imply.

    \b
    hf-ecg study augment-reports propose --data PARQUET --output_dir PROPOSALS
    hf-ecg study augment-reports propose --data PARQUET --output_dir PROPOSALS --proposer endpoint \\
        --base_url http://localhost:8000/v1 --model meta-llama/Meta-Llama-3-8B-Instruct --concurrency 32
    hf-ecg study augment-reports propose --data PARQUET --output_dir PROPOSALS --proposer local --model MODEL.gguf
    hf-ecg study augment-reports propose --data PARQUET --output_dir PROPOSALS --proposer local --model MODEL.gguf \\
        --prompt waveform_features_small_v1 --no_chat --begin ' ["' --stop ] --repetition_penalty 1.1   # very small

    The key of an endpoint is read from the environment (HF_ECG_API_KEY). Each distinct report is sent once;
    answers are kept in answers.jsonl, so the same command goes on after any stop. Exit status 75: some reports were
    given up; the same command asks about them again.
    """
    from .....clinical.reports import REPORT_RULES as RULES
    from .....enrichment.proposals.asking import Patience
    from .....enrichment.proposals.corpus_texts import corpus_texts
    from .....enrichment.proposals.proposal_run import PROPOSALS, propose
    from .....enrichment.proposals.proposer_section import ProposerSection, make_proposer
    from .....evaluation.protocol import parse_folds

    patience = Patience(given["concurrency"], given.pop("retries"), stop_after=given.pop("stop_after"))
    of_rows = {name: given.pop(name) for name in OF_ROWS}
    asked = make_proposer(ProposerSection(name=proposer, **given))
    folds = parse_folds(of_rows["folds"]) if of_rows["folds"] else None
    texts = corpus_texts(data, of_rows["text_column"], config=of_rows["config"], folds=folds)
    rules = RULES[of_rows["rules"]] if of_rows["rules"] else None
    summary = propose(texts, asked, output_dir, of_rows["answers"], patience, rules, of_rows["limit"])
    told = "\n".join(
        f"{name}: {value}" for name, value in summary.items() if isinstance(value, int | str) and name != "prompt"
    )
    made = [(Path(output_dir) / PROPOSALS, "the proposals, a line for each report")]
    words = ("study", "augment-reports", "verify", "--data", data, "--proposals", output_dir, "--verifier", "measured")
    ending = Ending(summary, told, made, [line(*words, "--output_dir", "augmented")])
    if number := summary.get("given_up"):
        problem = f"{number} of {summary['distinct']} reports were given up and are not in {PROPOSALS}"
        problem += ": run the same command again to ask about them"
        return replace(ending, problem=problem, status=GIVEN_UP_STATUS)
    return ending
