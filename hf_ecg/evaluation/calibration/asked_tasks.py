"""Label sets and prompt sets that a model is asked about: its logits for their classes, and the truth of rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...checks import nearest
from ...clinical.prompts import PromptSet
from ...data.corpus import label_matrix, label_names, load_corpus
from ..judging.label_text import TextEmbeddings, match_labels
from ..judging.prompt_report import asked_prompts
from .asked_model import AskedModel, word_logits
from .probability_maps import SINGLE_LABEL, ProbabilityMap, probabilities


@dataclass(frozen=True)
class AskedTask:
    """A label set, or a prompt set: names of its classes, and where the model's numbers for them come from."""

    name: str
    label_set: str
    names: list[str]
    labels: list[str]
    columns: list[int]
    prompts: PromptSet | None = None


def asked_tasks(asked: AskedModel, facts, data, config, label_sets, prompts) -> list[AskedTask]:
    """What is asked: label sets of a classifier, by default those of its training; prompt sets of a dual encoder.

    Raises:
        ValueError: prompts for a classifier, none for a dual encoder, a class that the model does not have.
    """
    rows = load_corpus(data, config=config, keep_unusable=True)
    if asked.asked_in_words:
        if not prompts:
            raise ValueError("a model of ECGs and texts is calibrated for the texts that ask it: --prompts names sets")
        found = asked_prompts(prompts, data, config)
        if label_sets:
            raise ValueError("label sets are those of a classifier, and --prompts names what this model is asked by")
        return [AskedTask(one.name, one.label_set, list(one.classes), list(one.classes), [], one) for one in found]
    if prompts:
        raise ValueError("prompts are for a model of ECGs and texts, and this is a classifier with classes of its own")
    label_sets = list(label_sets or (facts.label_sets if facts else ()))
    if not label_sets:
        raise ValueError("the model's folder does not say what it was trained on: --label_sets names the label sets")
    id2label, made = asked.model.config.id2label, []
    for label_set in label_sets:
        names = list(label_names(rows, label_set))
        columns = match_labels(id2label, names, label_set)
        made.append(AskedTask(label_set, label_set, names, [id2label[column] for column in columns], columns))
    return made


def task_logits(asked: AskedModel, tasks: Sequence[AskedTask], answers: np.ndarray) -> dict[str, np.ndarray]:
    """Task -> float64 (rows, classes), of what `AskedModel.numbers` gave; log-probabilities where classes exclude each
    other, whose logits cannot be compared between rows."""
    if not asked.asked_in_words:
        found = {task.name: answers[:, task.columns].astype(np.float64) for task in tasks}
        if asked.kind == SINGLE_LABEL:
            return {name: one - np.logaddexp.reduce(one, axis=1, keepdims=True) for name, one in found.items()}
        return found
    texts = TextEmbeddings(asked.model, asked.processor)
    return {
        task.name: word_logits(asked.model, texts, answers, task.prompts.classes, task.prompts.aggregate)
        for task in tasks
        if task.prompts is not None
    }


def plain_probabilities(asked: AskedModel, scores: np.ndarray) -> np.ndarray:
    """Probabilities as the pipelines give them without a calibration."""
    kind = asked.kind
    if asked.asked_in_words and not asked.model.gives_probabilities:
        kind = SINGLE_LABEL  # a softmax over the texts
    return probabilities(kind, [ProbabilityMap()] * scores.shape[1], scores)


def task_labels(kind: str, task: AskedTask, rows) -> tuple[np.ndarray, np.ndarray]:
    """Labels (rows, classes) in the task's order, and the places of the rows that are annotated: with exactly one
    class, where classes exclude each other."""
    names = list(label_names(rows, task.label_set))
    matrix, annotated = label_matrix(rows, task.label_set)
    absent = [name for name in task.names if name not in names]
    if absent:
        raise ValueError(f"{task.name}: the label set {task.label_set} of the corpus has no {absent}; it has {names}")
    if kind == SINGLE_LABEL:
        annotated &= matrix.sum(axis=1) == 1
    places = np.flatnonzero(annotated)
    return matrix[places][:, [names.index(name) for name in task.names]].astype(np.float64), places


def column_of(rows, name: str) -> list:
    """The values of a column, as plain Python has them.

    Raises:
        ValueError: the corpus does not have it.
    """
    if name not in rows.column_names:
        raise ValueError(
            f"the corpus has no column {name!r}{nearest(name, rows.column_names)}; it has {rows.column_names}"
        )
    return rows.select_columns([name]).with_format(None)[name][:]
