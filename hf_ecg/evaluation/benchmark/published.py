"""Published figures of the benchmark, and why they cannot stand beside figures measured here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...data.readers.merl_tables import TASKS as MERL_TASKS
from ..judging.validation import LABELLED
from ..protocol import LABEL_TEXT, TrainingFacts, same_corpus
from .settings import ENSEMBLE, PROBE, PROMPTS
from .tasks import TASKS, BenchmarkCorpus, BenchmarkTask

FG_CLEP, MERL = "FG-CLEP", "MERL"
# Folds of PTB-XL's own split, which both papers take; the others were split by the papers.
PTB_XL_FOLDS = {"train": [1, 2, 3, 4, 5, 6, 7, 8], "validation": [9], "test": [10]}
_NAMES = tuple(task.name for task in TASKS)


@dataclass(frozen=True)
class PublishedRow:
    """Macro AUROC of the six tasks, in per cent.

    Args:
        system: the paper's model.
        kind: the measure of ours that it belongs beside: "prompts", "ensemble", "probe 100 %".
        auroc: task name -> figure.
        source: where it is printed.
    """

    system: str
    kind: str
    auroc: Mapping[str, float]
    source: str


def _row(system: str, kind: str, figures: str, source: str) -> PublishedRow:
    return PublishedRow(system, kind, dict(zip(_NAMES, map(float, figures.split("/")), strict=True)), source)


PUBLISHED = (
    _row(FG_CLEP, PROMPTS, "79.28/83.57/67.77/92.31/88.24/82.46", "arXiv 2505.11939, zero-shot"),
    _row(FG_CLEP, ENSEMBLE, "79.68/83.65/70.79/91.52/87.08/84.60", "arXiv 2505.11939, zero-shot, ENS"),
    _row(MERL, PROMPTS, "74.2/75.7/65.9/78.5/82.8/74.4", "arXiv 2403.06659, zero-shot, as arXiv 2505.11939 quotes it"),
    _row(MERL, f"{PROBE} 100 %", "88.67/84.72/79.65/88.34/90.57/87.95", "arXiv 2403.06659, linear probe, 100 %"),
)
# Test records and classes; MERL's are those of its released tables.
_TESTED = {
    MERL: {name: (task.records[2], len(task.classes)) for name, task in MERL_TASKS.items()},
}
_TESTED[FG_CLEP] = _TESTED[MERL] | {"cpsc2018": (1383, 9), "csn": (9031, 51)}


@dataclass(frozen=True)
class Measured:
    """What was run of a task, as far as comparison goes.

    Args:
        which: which records, a key of `tasks.ROWS`.
        protocol: the word of the figures.
        records: judged ones.
        num_classes: of the label set; `absent` of them have no positive or no negative among the records.
        folds: of "train", "validation" and "test".
    """

    which: str
    protocol: str
    records: int
    num_classes: int
    absent: Sequence[str]
    folds: Mapping[str, list[int]]


def obstacles(
    row: PublishedRow,
    task: BenchmarkTask,
    measured: Measured,
    corpus: BenchmarkCorpus,
    facts: Sequence[TrainingFacts | None],
) -> list[str]:
    """Why a published figure cannot stand beside a measured one; empty when it can.

    Args:
        facts: of the models measured.
    """
    return [
        *_record_obstacles(row, task, measured, corpus),
        *_class_obstacles(row, task, measured, corpus),
        *_training_obstacles(row, measured, corpus, facts),
    ]


def remarks(row: PublishedRow, task: BenchmarkTask, prompts: str) -> list[str]:
    """What differs and is part of the method, not of the yardstick.

    Args:
        prompts: source of the prompts, see `tasks.task_prompts`.
    """
    lines = []
    if row.kind in (PROMPTS, ENSEMBLE):
        wanted = "the class's name" if row.system == FG_CLEP else "MERL's CKEPE texts"
        asked = "MERL's CKEPE texts" if prompts.endswith(".json") else prompts
        lines.append(f"published prompts: {wanted}; here: {asked}")
    if row.system == MERL and task.name == "cpsc2018":
        lines.append("published signals of CPSC2018: the first 2,500 samples and as many zeros")
    if row.system == MERL and row.kind.startswith(PROBE):
        lines.append(
            "published probe: Adam, batch-norm statistics updated while probing, figures of the best epoch; here: "
            "logistic regression, strength chosen on validation"
        )
    lines.append("published without interval; macro over every class, however rare")
    return lines


def _record_obstacles(
    row: PublishedRow, task: BenchmarkTask, measured: Measured, corpus: BenchmarkCorpus
) -> list[str]:
    found = []
    if measured.which != LABELLED:
        found.append("published on the records that carry a label of the task, here on all records")
    records, _ = _TESTED[row.system][task.name]
    if measured.records != records:
        found.append(f"published on {records} test records, here on {measured.records}")
    if corpus.cut_recordings():
        found.append("published on one input a recording, here on windows, each asked by itself")
    if task.corpus == "ptb_xl":
        other = [split for split, folds in PTB_XL_FOLDS.items() if list(measured.folds[split]) != folds]
        if row.kind in (PROMPTS, ENSEMBLE):
            other = [split for split in other if split == "test"]
        if other:
            ours = "; ".join(f"{split} {_numbers(measured.folds[split])}" for split in other)
            theirs = "; ".join(f"{split} {_numbers(PTB_XL_FOLDS[split])}" for split in other)
            found.append(f"published folds: {theirs}; here: {ours}")
    elif row.system == FG_CLEP:
        found.append("published on a split of its own, whose records are not public")
    elif corpus.summary.get("splits") != "merl":
        found.append("published on the split of MERL's tables, here on other folds")
    return found


def _class_obstacles(row: PublishedRow, task: BenchmarkTask, measured: Measured, corpus: BenchmarkCorpus) -> list[str]:
    found = []
    _, classes = _TESTED[row.system][task.name]
    if measured.num_classes != classes:
        unnamed = ", which the paper does not name" if classes == 51 else ""
        found.append(f"published on {classes} classes{unnamed}, here on {measured.num_classes}")
    if measured.absent:
        found.append(
            f"the published macro is over every class; not measurable on these records: {', '.join(measured.absent)}"
        )
    if row.system == MERL and task.name == "csn" and corpus.summary.get("labels") != "merl":
        found.append(
            "published labels were made by looking for an acronym inside others (VB: 913 of 916 positives are wrong), "
            "here they are exact"
        )
    if row.system == MERL and task.name == "ptb_xl_subdiagnostic" and row.kind.startswith(PROBE):
        found.append(
            "the published probe was trained with three label columns in another order (AVB, RAO/RAE, ISC), "
            "here they are matched by name"
        )
    return found


def _training_obstacles(
    row: PublishedRow, measured: Measured, corpus: BenchmarkCorpus, facts: Sequence[TrainingFacts | None]
) -> list[str]:
    if row.kind in (PROMPTS, ENSEMBLE):
        if measured.protocol == LABEL_TEXT:
            return [
                "label-text here: the training texts were, or may have been, made of the statements that are asked "
                "for; published: zero-shot, trained on MIMIC-IV-ECG's reports"
            ]
        return []
    sources = [source for entry in facts if entry is not None for source in entry.sources]
    if any(source.config and same_corpus(source, corpus.config) for source in sources):
        return ["the encoder was trained on records of this corpus, the published one on MIMIC-IV-ECG alone"]
    if None in facts:
        return ["what the encoder was trained on is not known"]
    return []


def _numbers(folds: Sequence[int]) -> str:
    return "+".join(map(str, folds))
