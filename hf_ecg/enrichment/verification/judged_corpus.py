"""Verifiers judged on a prepared corpus, as a report that says where it comes from."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from datasets import Dataset

from ...data.corpus import load_corpus
from ...data.corpus_card import read_summary
from ...evaluation.reports.evaluation_report import command_line, machine_facts, version_facts
from .judge import judge_verifiers
from .positives import WITHHELD


@dataclass(frozen=True)
class JudgedCorpus:
    """A corpus, and the statements to judge by; see `open_judged_corpus`."""

    path: str
    config: str | None
    label_set: str
    withheld_only: bool
    rows: Dataset


def open_judged_corpus(
    data: str, config: str | None = None, label_set: str | None = None, withheld_only: bool = True
) -> JudgedCorpus:
    """The corpus, or what it lacks: better before judges are trained than after.

    Args:
        data, config: prepared corpus (folder or Hub id) and its configuration.
        label_set: statements to judge by; None: those that the corpus withheld.
        withheld_only: judge records with withheld statements, else all.

    Raises:
        ValueError: the corpus does not say what it withheld, or has no column that tells from which records.
        OSError: it is not there.
    """
    summary = read_summary(data)
    config = config or summary.get("config")
    label_set = label_set or (summary.get("withhold") or {}).get("label_set")
    if not label_set:
        raise ValueError(f"{data} does not say which statements were withheld: name them by --label_set")
    rows = load_corpus(data, config=config)
    if withheld_only and WITHHELD not in rows.column_names:
        raise ValueError(f"{data} has no column {WITHHELD!r}: prepare it with --withhold, or judge --all_rows")
    return JudgedCorpus(str(data), config, label_set, withheld_only, rows)


def judge_corpus(corpus: JudgedCorpus, models: Sequence[str], verifiers: Sequence[str], **options) -> dict:
    """A report of `judge_verifiers`.

    Args:
        corpus: of `open_judged_corpus`.
        models, verifiers, options: see `judge_verifiers`; `num_proc` None is one process a core, eight at most.

    Raises:
        ValueError: see `judge_verifiers`.
    """
    if options.get("num_proc") is None:
        options["num_proc"] = min(os.cpu_count() or 1, 8)
    told = ("minimum", "target_precision", "swaps", "replicates", "seed")
    frame = {
        "corpus": corpus.path,
        "config": corpus.config,
        "records": "withheld" if corpus.withheld_only else "all",
        **{name: options[name] for name in told if name in options},
        "command": command_line(),
        "machine": machine_facts(options.get("device") or "cpu"),
        "versions": version_facts(),
    }
    given = (corpus.rows, corpus.config, corpus.label_set, list(models), list(verifiers))
    return frame | judge_verifiers(*given, withheld_only=corpus.withheld_only, **options)
