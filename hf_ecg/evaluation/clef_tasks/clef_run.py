"""Encoders and a folder of prepared corpora in, a report on every task that can be run out."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from datasets import Dataset
from transformers import AutoFeatureExtractor
from transformers.utils import logging

from ...data.corpus import load_corpus
from ...files import ArrayStore
from ...locks import output_lock
from ...owned_folders import mark
from ..judging.linear_probe import require_disjoint
from ..judging.refused import note_refused, skip_refused
from ..loading import (
    checked_source,
    describe_drawn,
    describe_seeds,
    extractor_of,
    facts_for_evaluation,
    pick_device,
)
from ..metrics.bootstrap import CONFIDENCE
from ..metrics.classification import NothingToJudge
from ..protocol import read_training_facts
from ..reports.evaluation_report import command_line, machine_facts, version_facts, write_report
from .clef_page import clef_page
from .task_judge import ClefSettings, NamedModel, judged_entry, probe_scores
from .task_rows import FoundCorpus, TaskRows, find_corpora, one_lead, open_splits, task_rows, with_column
from .task_table import CORPORA, ClefTask

logger = logging.get_logger(__name__)
REPORT_NAME = "clef_tasks.json"
RUN, NOT_RUN = "run", "not run"
PROBES = (
    "linear probes of frozen encoders, the strength chosen on the validation rows: logistic regression, softmax, ridge"
)
# (corpus, splits, the rows of its tasks, model, leads of the rows) -> (task, system) -> scores of the test rows
Judge = Callable[
    [FoundCorpus, Mapping[str, Dataset], Sequence[TaskRows], NamedModel, Sequence[str]],
    Mapping[tuple[str, str], np.ndarray],
]


def run_clef_tasks(
    models: Sequence[str],
    data,
    tasks: Sequence[ClefTask],
    settings: ClefSettings,
    output_dir,
    configs: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    judge: Judge | None = None,
    method: str = PROBES,
) -> dict:
    """Judges every encoder on every task whose corpus is there, and says of the others how to get them.

    Features, probes and scores lie in `output_dir/parts` and are not made again: the same command resumes.

    Args:
        models: folders of encoders, each a model of its own (not seeds of one).
        data: folder of prepared corpora.
        tasks: those wanted.
        settings: see there.
        output_dir: of `clef_tasks.json`, its page, and `parts/`.
        configs: configurations, where a corpus is there at several rates.
        columns: task -> column, where the corpus calls it otherwise.
        judge: what scores an encoder; None: linear probes.
        method: the judge in words, for the page.

    Returns:
        The report: "tasks" has an entry for each, with `status` "run", or "not run" with `reason` and `how_to`.

    Raises:
        ValueError: folds that overlap, a model twice, a column for an unknown task, nothing that can be judged.
        OSError: no such folder, no prepared corpus, or another process writes `output_dir`.
    """
    require_disjoint(dict(settings.folds), "folds")
    columns = dict(columns or {})
    unknown = sorted(set(columns) - {task.name for task in tasks})
    if unknown:
        raise ValueError(f"a column is given for {unknown}, wanted tasks of {[task.name for task in tasks]}")
    named = named_models(models)
    corpora = find_corpora(data, configs)
    frame = _frame(named, data, settings)  # a model that is not there is told before the first is judged
    with output_lock(output_dir):
        folder = Path(output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        mark(folder, "clef tasks")
        store = ArrayStore(folder / "parts")
        judge = partial(probe_scores, settings=settings, store=store) if judge is None else judge
        entries: dict[str, dict] = {}
        for group in _groups(tasks, corpora, settings.compat_order):
            corpus = corpora.get(group[0].corpus)
            if corpus is None:
                entries |= {task.name: _absent(task) for task in group}
            else:
                entries |= _judged(corpus, group, named, settings, columns, judge)
        if all(entry["status"] == NOT_RUN for entry in entries.values()):
            reasons = list(dict.fromkeys(f"{entry['title']}: {entry['reason']}" for entry in entries.values()))
            raise NothingToJudge(f"no task can be run on {data}: {'; '.join(reasons[:4])}")
        report = frame | {"method": method, "tasks": [entries[task.name] for task in tasks]}
        write_report(report, folder / REPORT_NAME, clef_page)
    return report


def named_models(folders: Sequence[str]) -> list[NamedModel]:
    """Encoders with short names that tell them apart: the last parts of their paths.

    Raises:
        ValueError: a folder twice, or none.
    """
    places = [Path(folder).resolve() for folder in folders]
    twice = sorted({str(place) for place in places if places.count(place) > 1})
    if twice or not places:
        raise ValueError(f"models are {list(folders)}, wanted one or more, each once")
    places = [Path(folder).absolute() for folder in folders]  # by the names that were given
    kept = [place.parts[:-1] if place.name == "encoder" else place.parts for place in places]
    length = 1
    while len({parts[-length:] for parts in kept}) < len({*kept}):
        length += 1
    names = ["/".join(parts[-length:]) for parts in kept]
    names = [
        f"{name}/encoder" if names.count(name) > 1 and place.name == "encoder" else name
        for name, place in zip(names, places, strict=True)
    ]
    return [NamedModel(name, str(folder)) for name, folder in zip(names, folders, strict=True)]


def _groups(tasks: Sequence[ClefTask], corpora, compat_order: bool) -> list[list[ClefTask]]:
    """Tasks that share rows: those of one corpus, and of one split by order where that is asked."""
    groups: dict[tuple, list[ClefTask]] = {}
    for task in tasks:
        groups.setdefault((task.corpus, task.order_split if compat_order else None), []).append(task)
    return list(groups.values())


def _absent(task: ClefTask, reason: str | None = None) -> dict:
    corpus = CORPORA[task.corpus]
    return {
        "name": task.name,
        "title": task.title,
        "corpus": corpus.title,
        "status": NOT_RUN,
        "reason": reason or f"the prepared corpus {task.corpus} is not there",
        "how_to": f"hf-ecg prepare {corpus.prepare}",
        "access": corpus.access,
    }


def _judged(corpus: FoundCorpus, tasks, models, settings: ClefSettings, columns, judge: Judge) -> dict[str, dict]:
    """Entries of the tasks of one corpus."""
    entries: dict[str, dict] = {}
    asked = []
    rows = load_corpus(corpus.path, config=corpus.config, keep_unusable=settings.forward.strict)
    for task in tasks:
        try:
            asked.append(with_column(task, corpus, rows, columns))
        except ValueError as error:
            entries[task.name] = _absent(task, str(error))
    if not asked:
        return entries
    order = asked[0].order_split if settings.compat_order else None
    try:
        splits = open_splits(rows, asked, settings.folds, order)
    except ValueError as error:
        return entries | {task.name: _absent(task, str(error)) for task in asked}

    def attempt(kept: Mapping[str, Dataset]) -> dict[str, dict]:
        return _attempt(corpus, kept, asked, models, settings, judge, order)

    found, refused = skip_refused(attempt, splits, settings.forward.strict)
    return entries | {name: note_refused(entry, refused) for name, entry in found.items()}


def _attempt(corpus: FoundCorpus, splits, asked, models, settings: ClefSettings, judge: Judge, order) -> dict:
    entries, rows = {}, []
    for task in asked:
        try:
            rows.append(task_rows(splits, task, settings.intervals.minimum, shared_patients=order is not None))
        except ValueError as error:
            entries[task.name] = _absent(task, str(error))
    if not rows:
        return entries
    leads = splits["test"].select_columns(["leads"]).with_format(None)["leads"][0]
    scores: dict[str, dict] = {one.task.name: {} for one in rows}
    words, left_out = {}, {}
    for model in models:
        try:
            words[model.name] = _fitting_lead(model, corpus, leads, settings, order is not None)
        except ValueError as error:
            left_out[model.name] = str(error)
            logger.warning("%s is not judged on %s: %s", model.name, corpus.name, error)
            continue
        for (name, system), values in judge(corpus, splits, rows, model, leads).items():
            scores[name][system] = values
    for one in rows:
        name = one.task.name
        if not scores[name]:
            reasons = "; ".join(f"{model}: {reason}" for model, reason in left_out.items())
            entries[name] = _absent(one.task, f"no model can be judged: {reasons}")
            continue
        entry = judged_entry(one, scores[name], settings.intervals)
        entries[name] = entry | _facts(one, corpus, words, left_out, order)
    return entries


def _fitting_lead(model: NamedModel, corpus: FoundCorpus, leads, settings: ClefSettings, all_folds: bool) -> str:
    """The lead that an encoder is to see, in words.

    Raises:
        ValueError: it was trained on the folds that are judged, or does not know the lead.
    """
    # a split by order has rows of all folds on its test side
    folds = [fold for split in settings.folds.values() for fold in split] if all_folds else settings.folds["test"]
    facts_for_evaluation([model.folder], corpus.config, list(folds), settings.allow_training_folds)
    extractor = extractor_of(AutoFeatureExtractor.from_pretrained(checked_source(model.folder)))
    return one_lead(extractor, leads, settings.lead, corpus.name).words


def _facts(one: TaskRows, corpus: FoundCorpus, words, left_out, order) -> dict:
    """What a reader must know of a task that was run."""
    task, told = one.task, CORPORA[one.task.corpus]
    split, remarks = told.split, []
    if order is not None:
        split = f"by the order of the rows, {order[0]:.0%} / {order[1]:.0%} / the rest, as the released code"
        splits = [{*patients} for patients in one.patients.values()]
        several = sum(map(len, splits)) - len(set().union(*splits))
        remarks.append(f"Flawed: rows are dealt, not patients. Patients in more than one split: {several}.")
    if left_out:
        remarks += [f"Not judged: {model}: {reason}." for model, reason in left_out.items()]
    return {
        "title": task.title,
        "corpus": told.title,
        "config": corpus.config,
        "path": corpus.path,
        "status": RUN,
        "problem": task.problem,
        "paper_loss": task.loss,
        "split": split,
        "splits": {split: [len(rows), len({*one.patients[split]})] for split, rows in one.rows.items()},
        "leads": words,
        "simulated": bool(corpus.summary.get("simulated")),
        "remarks": remarks,
    }


def _frame(models: Sequence[NamedModel], data, settings: ClefSettings) -> dict:
    intervals = settings.intervals
    described = {model.name: describe_seeds([model.folder], [read_training_facts(model.folder)]) for model in models}
    if settings.random:
        described["random weights"] = describe_drawn(1, intervals.seed)
    return {
        "title": "CLEF's tasks",
        "command": command_line(),
        "data": {"path": str(data), "folds": {split: list(folds) for split, folds in settings.folds.items()}},
        "lead": settings.lead,
        "compat_order": settings.compat_order,
        "models": described,
        "bootstrap": {
            "replicates": intervals.replicates,
            "seed": intervals.seed,
            "confidence": CONFIDENCE,
            "minimum": intervals.minimum,
            "seeds_resampled": False,
        },
        "machine": machine_facts(pick_device(settings.forward.device)),
        "versions": version_facts(),
    }
