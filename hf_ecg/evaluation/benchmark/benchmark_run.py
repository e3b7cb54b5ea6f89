"""A model and prepared corpora in, reports and the paper's tables out."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...data.refused_rows import RowsRefused
from ...files import ArrayStore
from ...locks import output_lock
from ...owned_folders import mark
from ..judging.linear_probe import require_disjoint
from ..judging.refused import UsableSplits, note_refused
from ..loading import facts_for_evaluation
from ..metrics.classification import NothingToJudge
from ..reports.evaluation_report import write_report
from .corpus_judge import CorpusJudge
from .model_outputs import check_parts, judged_models
from .settings import ENSEMBLE, MODEL, PROMPTS, BenchmarkSettings
from .summary import render_summary, summarise
from .tasks import BenchmarkCorpus, BenchmarkTask

SUMMARY_NAME = "benchmark.json"


def run_benchmark(
    models: Sequence[str],
    corpora: Sequence[BenchmarkCorpus],
    tasks: Sequence[BenchmarkTask],
    settings: BenchmarkSettings,
    output_dir,
    supervised: Sequence[str] = (),
    explicit_parts: bool = False,
) -> dict:
    """Judges a model on every task that there is a corpus for.

    Features, embeddings and probes lie in `output_dir/parts` and are not made again; `output_dir` holds a report for
    each corpus (`ptb_xl.json`, as a model card reads it) and `benchmark.json` with all tasks, each with its page.

    Args:
        models: folders of dual encoders or encoders, the seeds of one model.
        corpora: see `tasks.open_corpora`.
        tasks: those wanted, also where there is no corpus.
        supervised: folders of classifiers of the same budget.
        explicit_parts: prompts were asked for by name: a model without a text tower is an error.

    Returns:
        The summary, see `summary.summarise`.

    Raises:
        ValueError: folds that overlap or that a model was trained on, models of different kinds, prompts that do not
            fit, a label set without rows to judge.
        OSError: another process writes the folder.
    """
    with output_lock(output_dir):
        return _run(models, corpora, list(tasks), settings, Path(output_dir), supervised, explicit_parts)


def _run(models, corpora, tasks, settings, output_dir: Path, supervised, explicit_parts) -> dict:
    require_disjoint(settings.folds, "folds")
    usable = {corpus.name: UsableSplits(corpus.splits, settings.forward.strict) for corpus in corpora}
    while True:
        kept = [dataclasses.replace(corpus, splits=usable[corpus.name].splits) for corpus in corpora]
        try:
            reports, facts, reasons = _judge(models, kept, settings, output_dir, supervised, explicit_parts)
        except _CorpusRefused as error:
            usable[error.corpus].drop(error.refused)
        else:
            break
    for name, report in reports.items():
        reports[name] = note_refused(report, usable[name].refused)
        write_report(reports[name], output_dir / f"{name}.json")
    summary = summarise(tasks, kept, reports, settings, next(iter(facts.values())), reasons)
    write_report(summary, output_dir / SUMMARY_NAME, render_summary)
    return summary


class _CorpusRefused(Exception):
    """Rows of one corpus that an extractor refuses."""

    def __init__(self, corpus: str, refused: RowsRefused):
        super().__init__(corpus, refused)
        self.corpus, self.refused = corpus, refused


@contextmanager
def _rows_of(corpus: str) -> Iterator[None]:
    try:
        yield
    except RowsRefused as error:
        raise _CorpusRefused(corpus, error) from error


def _judge(models, corpora, settings: BenchmarkSettings, output_dir, supervised, explicit_parts) -> tuple:
    """A report of each corpus, the facts of the models for each, and what could not be asked."""
    models, supervised, test = list(models), list(supervised), settings.folds["test"]
    allow = settings.allow_training_folds
    facts = {c.name: facts_for_evaluation(models, c.config, test, allow) for c in corpora}
    companion_facts = {c.name: facts_for_evaluation(supervised, c.config, test, allow) for c in corpora}
    judges = {corpus.name: CorpusJudge(corpus, settings) for corpus in corpora}
    if not any(judge.rows for judge in judges.values()):
        reasons = [f"{one['benchmark']}: {one['reason']}" for judge in judges.values() for one in judge.not_run]
        raise NothingToJudge(f"there is nothing to judge: {'; '.join(reasons)}")
    output_dir.mkdir(parents=True, exist_ok=True)
    mark(output_dir, "benchmark")
    parts, reasons, able = ArrayStore(output_dir / "parts"), [], set()
    for judged in judged_models(models, settings):
        possible = check_parts(judged, settings, explicit_parts)
        able.add(possible)
        if len(able) > 1:
            raise ValueError(f"{models} are not seeds of one model: some have a text tower, some have none")
        for name, judge in judges.items():
            with _rows_of(name):
                judge.add(judged, dataclasses.replace(settings, parts=possible), parts)
    if not {PROMPTS, ENSEMBLE} & set(next(iter(able))) and {PROMPTS, ENSEMBLE} & set(settings.parts):
        reasons.append(f"{PROMPTS} and {ENSEMBLE}: the {MODEL} has no text tower")
    reports = {}
    for name, judge in judges.items():
        with _rows_of(name):
            judge.add_classifiers(supervised, companion_facts[name])
        reports[name] = judge.report(models, supervised, facts[name], companion_facts[name])
    return reports, facts, reasons
