"""Written reports judged beside a template and the commonest report, on held-out records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from datasets import Dataset

from ...clinical.reports import clean_report
from ...data.corpus import find_config, load_corpus, require_columns
from ..loading import checked_source, describe_seeds, facts_for_evaluation, load_writer, pick_device
from ..metrics.figures import bootstrap_figures, figures_task
from ..metrics.report_figures import count_reports, report_figures
from ..metrics.text_overlap import words_of
from ..options import DEFAULT_FORWARD, DEFAULT_INTERVALS, ForwardOptions, IntervalOptions
from ..protocol import LABEL_TEXT, TrainingFacts, read_training_facts
from ..reports.evaluation_report import render, report_frame
from .refused import note_refused, skip_refused
from .report_template import TemplateWriter
from .written_reports import GREEDY, KeptReports, WritingOptions, about_writing, commonest_report, write_reports

TEMPLATE, COMMONEST = "template", "commonest report"
ORIGINAL = "report"  # column of the reports as they were written
_SHOWN = 5


@dataclass(frozen=True)
class _Reports:
    """What systems wrote of the test rows, by system and reference column, and the true texts by column."""

    rows: Dataset
    written: dict[str, dict[str, list[str]]]
    true: dict[str, list[str]]
    notes: list[str]


def judge_written_reports(
    model: str,
    data: str,
    *,
    folds: Mapping[str, Sequence[int]],
    config: str | None = None,
    references: Sequence[str] = (),
    template: str | None = None,
    writing: WritingOptions = GREEDY,
    kept: str | Path | None = None,
    allow_training_folds: bool = False,
    intervals: IntervalOptions = DEFAULT_INTERVALS,
    forward: ForwardOptions = DEFAULT_FORWARD,
) -> dict:
    """A report of written reports; see `write_report`, with `render_written_reports`.

    The constant baseline is the commonest report of `folds["train"]`. The template's thresholds are chosen on
    `folds["validation"]`. All figures are of `folds["test"]`.

    Args:
        model: folder of a model that can write reports.
        data, config: prepared corpus (folder or Hub id) and its configuration.
        folds: "train", "validation" and "test".
        references: columns of the true reports, a task each; by default the one that the model was trained on, and
            `report` where the corpus has it. Records without a text there are left out of that task.
        template: folder of a classifier or a dual encoder that fills a template; None leaves it out.
        writing: greedy, or beams.
        kept: file of the reports that the model wrote, with which a run that was stopped goes on.
        allow_training_folds: judge folds that the models were trained on.
        intervals: also how many of the choosing rows a sentence of the template must be true of.
        forward: see there.

    Raises:
        ValueError: folds of the training, also where the template's thresholds are chosen; a model that cannot write;
            a column that the corpus does not have.
        OSError: a model or corpus is not there.
    """
    config = find_config(data, config)
    device, folders = pick_device(forward.device), [model, *([template] if template else [])]
    role = _check_folds(folds, template, config, allow_training_folds)
    # one by one: a model of ECGs and texts may fill the template beside its own words
    facts = [facts_for_evaluation([one], config, list(folds["test"]), allow_training_folds)[0] for one in folders]
    references = list(references) or _references(facts[0], data, config)
    splits = {
        name: load_corpus(data, config=config, folds=list(numbers), keep_unusable=forward.strict)
        for name, numbers in folds.items()
    }
    for rows in splits.values():
        require_columns(rows, references, data)
    writer, processor = load_writer(model, device)
    keep = None if kept is None else KeptReports(kept, about_writing(writer, processor, splits["test"], writing))
    name = f"{type(writer).__name__}, {writing.words}"

    def judge(splits: dict) -> _Reports:
        rows, size = splits["test"], forward.batch_size
        texts = write_reports(writer, processor, rows, writing, size, "writing reports", keep)
        written = {name: dict.fromkeys(references, texts)}
        notes = []
        if template:
            texts, note = _by_template(template, role, facts[1], device, splits, references, size, intervals.minimum)
            written[TEMPLATE], notes = dict.fromkeys(references, texts), [note]
        train = {column: list(filter(None, _texts(splits["train"], column))) for column in references}
        written[COMMONEST] = {c: [commonest_report(train[c])] * len(rows) for c in references}
        return _Reports(rows, written, {column: _texts(rows, column) for column in references}, notes)

    reports, refused = skip_refused(judge, splits, forward.strict)
    tasks = [_task(reports, column, facts[0], intervals) for column in references]
    described = {name: describe_seeds([model], facts[:1])}
    if template:
        described[TEMPLATE] = describe_seeds([template], facts[1:])
    described[COMMONEST] = [{"folder": "the commonest report of the training folds", "seed": None}]
    patients = [reports.rows["patient_id"][:]]
    frame = report_frame(
        "Written reports", data, config, intervals, device, list(folds["test"]), patients, described, reports.notes
    )
    return note_refused(frame | {"splits": {k: list(v) for k, v in folds.items()}, "tasks": tasks}, refused)


def render_written_reports(report: dict) -> str:
    """Markdown page: the figures, and below them some reports beside the true ones."""
    lines = [render(report)]
    for task in report["tasks"]:
        lines += [f"## Examples, {task['name']}", "", "The first records, not chosen ones.", ""]
        lines += ["| record | who | report |", "| --- | --- | --- |"]
        for example in task["examples"]:
            for who, text in example["reports"].items():
                lines.append(f"| {example['record']} | {who} | {text.replace('|', chr(92) + '|')} |")
        lines.append("")
    return "\n".join(lines)


def _check_folds(folds: Mapping, template: str | None, config, allow_training_folds: bool) -> str:
    """The template's role; raises ValueError for folds that are used twice."""
    for first, second in (("train", "test"), ("validation", "test"), ("train", "validation")):
        if shared := sorted(set(folds[first]) & set(folds[second])):
            raise ValueError(f"the folds {shared} are in both {first} and {second}")
    if template is None:
        return ""
    from ...auto import folder_role

    source = checked_source(template, ("dual encoder", "classifier"), "a classifier or a dual encoder")
    # thresholds would be chosen where its scores are better than they are elsewhere
    facts = read_training_facts(template)
    trained = sorted(facts.folds(config)[0] & set(folds["validation"])) if facts else []
    if trained and not allow_training_folds:
        raise ValueError(
            f"{template} was trained on the folds {trained}, which are to choose the template's thresholds"
        )
    return folder_role(source)


def _references(facts: TrainingFacts | None, data: str, config: str | None) -> list[str]:
    trained = [source.text_column for source in facts.of(config) if source.text_column] if facts else []
    columns = load_corpus(data, config=config, keep_unusable=True).column_names
    wanted = dict.fromkeys([*(trained or ["text"]), ORIGINAL])
    return [column for column in wanted if column in columns]


def _texts(rows: Dataset, column: str) -> list[str]:
    """The texts of a column, those of original reports without what recorder and editors appended: empty, if none."""
    texts = [text or "" for text in rows.select_columns([column]).with_format(None)[column][:]]
    return [clean_report(text) if column == ORIGINAL else text.strip() for text in texts]


def _by_template(folder, role, facts, device, splits, references, batch_size: int, minimum: int):
    """What the template says of the test rows, and how it was made, in words."""
    column = next((source.text_column for source in facts.sources if source.text_column), None) if facts else None
    column = column or references[0]
    for rows in splits.values():
        require_columns(rows, [column], "the corpus")
    train = list(filter(None, _texts(splits["train"], column)))
    writer = TemplateWriter(folder, role, facts, device, train, batch_size)
    chosen = writer.fit(splits["validation"], _texts(splits["validation"], column), minimum, "template, thresholds")
    places = [writer.sentences.index(sentence) for sentence in chosen.sentences]
    known = f"{len(chosen.sentences)} of {len(writer.sentences)} sentences"
    note = f"the template writes {known}: those true of {minimum} or more of the rows that choose its thresholds"
    return chosen.write(writer.scores(splits["test"], "template")[:, places]), note


def _task(reports: _Reports, column: str, facts: TrainingFacts | None, intervals: IntervalOptions) -> dict:
    kept = [place for place, text in enumerate(reports.true[column]) if words_of(text)]
    if not kept:
        raise ValueError(f"no record of the test folds has a text in the column {column!r}")
    true = [reports.true[column][place] for place in kept]
    patients = [reports.rows["patient_id"][place] for place in kept]
    written = {name: [texts[column][place] for place in kept] for name, texts in reports.written.items()}
    systems, counts = {}, {}
    for name, texts in written.items():
        counts[name] = count_reports(texts, true)
        measure = partial(report_figures, counts[name])
        systems[name] = bootstrap_figures(measure, patients, intervals.replicates, intervals.seed)
    names = list(systems)
    read = next(iter(counts.values())).read
    facts_of_texts = {name: _described(texts) for name, texts in {"true reports": true, **written}.items()}
    records = [reports.rows["record_id"][place] for place in kept[:_SHOWN]]
    examples = [
        {"record": record, "reports": {"true": true[at], **{name: texts[at] for name, texts in written.items()}}}
        for at, record in enumerate(records)
    ]
    return figures_task(
        f"beside the column {column}",
        column,
        systems,
        [(names[0], other) for other in names[1:]],
        protocol=_protocol(facts),
        untrained=[COMMONEST],
        left_out=len(reports.rows) - len(kept),
        read=read,
        texts=facts_of_texts,
        remarks=_remarks(len(kept), len(reports.rows) - len(kept), read, facts_of_texts),
        examples=examples,
    )


def _protocol(facts: TrainingFacts | None) -> str:
    sources = facts.sources if facts else ()
    if sources and all(source.original_reports for source in sources if source.text_column):
        return "trained on original reports"
    return f"{LABEL_TEXT}: trained on texts composed of labels"


def _described(texts: Sequence[str]) -> dict:
    return {"words": float(np.mean([len(words_of(text)) for text in texts])), "distinct": len(set(texts))}


def _remarks(records: int, left_out: int, read: int, texts: Mapping[str, Mapping]) -> list[str]:
    words = [f"{name} {about['words']:.1f} words, {about['distinct']} distinct" for name, about in texts.items()]
    return [
        f"Texts of {records} records: {'; '.join(words)}.",
        f"{left_out} records without a text are left out. Statements are read in {read} of the true reports; the"
        " others count for BLEU and ROUGE-L alone.",
    ]
