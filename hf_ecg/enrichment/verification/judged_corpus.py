"""Verifiers judged on a prepared corpus, as a report that says where it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasets import Dataset

from ...cores import default_processes
from ...data.corpus import load_corpus
from ...data.corpus_card import read_summary
from ...evaluation.options import IntervalOptions
from ...evaluation.reports.evaluation_report import command_line, machine_facts, version_facts
from .control import SWAPS
from .positives import WITHHELD
from .scoring import ClepOptions
from .verifier_judgement import INTERVALS, judge_verifiers


@dataclass(frozen=True)
class JudgedCorpus:
    """A corpus, and the statements to judge by; see `open_judged_corpus`."""

    path: str
    config: str | None
    label_set: str
    withheld_only: bool
    rows: Dataset
    held_out: tuple[str, ...] = ()


def open_judged_corpus(
    data: str,
    config: str | None = None,
    label_set: str | None = None,
    withheld_only: bool = True,
    strict: bool = False,
) -> JudgedCorpus:
    """The corpus, or what it lacks: better before judges are trained than after.

    Args:
        data, config: prepared corpus (folder or Hub id) and its configuration.
        label_set: statements to judge by; None: those that the corpus withheld.
        withheld_only: judge records with withheld statements, else all.
        strict: keep rows that are marked as unusable, for whoever is to stop at them.

    Raises:
        ValueError: the corpus does not say what it withheld, or has no column that tells from which records.
        OSError: it is not there.
    """
    summary = read_summary(data)
    config = config or summary.get("config")
    label_set = label_set or (summary.get("withhold") or {}).get("label_set")
    if not label_set:
        raise ValueError(f"{data} does not say which statements were withheld: name them by --label_set")
    rows = load_corpus(data, config=config, keep_unusable=strict)
    if withheld_only and WITHHELD not in rows.column_names:
        raise ValueError(f"{data} has no column {WITHHELD!r}: prepare it with --withhold, or judge --all_rows")
    return JudgedCorpus(str(data), config, label_set, withheld_only, rows, tuple(summary.get("hold_out") or ()))


def judge_corpus(
    corpus: JudgedCorpus,
    clep: ClepOptions,
    verifiers: Sequence[str],
    swaps: int = SWAPS,
    intervals: IntervalOptions = INTERVALS,
    num_proc: int | None = None,
    cache=None,
) -> dict:
    """A report of `judge_verifiers`, which explains the arguments.

    Args:
        corpus: of `open_judged_corpus`.
        num_proc: None is one process a core, eight at most.

    Raises:
        ValueError: see `judge_verifiers`.
    """
    frame = {
        "corpus": corpus.path,
        "config": corpus.config,
        "records": "withheld" if corpus.withheld_only else "all",
        "minimum": intervals.minimum,
        "target_precision": clep.target_precision,
        "swaps": swaps,
        "replicates": intervals.replicates,
        "seed": intervals.seed,
        "command": command_line(),
        "machine": machine_facts(clep.forward.device or "cpu"),
        "versions": version_facts(),
    }
    return frame | judge_verifiers(
        corpus.rows,
        corpus.config,
        corpus.label_set,
        clep,
        verifiers,
        corpus.withheld_only,
        swaps,
        intervals,
        default_processes(num_proc),
        cache,
        held_out=corpus.held_out,
    )
