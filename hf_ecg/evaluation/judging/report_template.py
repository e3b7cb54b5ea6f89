"""Reports by a template: the sentences that a classifier, or a model of ECGs and texts, scores above a threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...clinical.prompts import class_words
from ...clinical.scp import SEPARATOR, split_sentences
from ...data.corpus import label_matrix, label_names
from ..loading import load_classifier, load_dual_encoder
from ..metrics.classification import MINIMUM_COUNT
from ..protocol import TrainingFacts
from .features import ecg_embeddings, ecg_text_embeddings
from .label_text import classifier_scores


@dataclass(frozen=True)
class ReportTemplate:
    """Sentences, in the order in which they are written, and what their scores must reach.

    Args:
        sentences: distinct.
        thresholds: (sentences,).
        scales: (sentences,), the spread of the scores: by it a record without any sentence above its threshold gets
            the one that comes nearest, for nobody writes an empty report.
    """

    sentences: tuple[str, ...]
    thresholds: np.ndarray
    scales: np.ndarray

    def write(self, scores: np.ndarray) -> list[str]:
        """A report for each row of scores (records, sentences).

        Raises:
            ValueError: another number of sentences.
        """
        if scores.ndim != 2 or scores.shape[1] != len(self.sentences):
            raise ValueError(f"scores have shape {scores.shape}, wanted (records, {len(self.sentences)})")
        margins = (scores - self.thresholds) / self.scales
        said = margins >= 0
        said[np.arange(len(said)), margins.argmax(axis=1)] = True
        return [SEPARATOR.join(self.sentences[place] for place in np.flatnonzero(row)) for row in said]


def fit_template(
    sentences: Sequence[str], scores: np.ndarray, truth: np.ndarray, minimum: int = MINIMUM_COUNT
) -> ReportTemplate:
    """The thresholds that give each sentence its best F1 on the rows that choose.

    Args:
        sentences: in the order in which they are to be written.
        scores, truth: (records, sentences), of rows that are not judged.
        minimum: rows that a sentence must be true of, and as many that it is not; others are never written.

    Raises:
        ValueError: shapes that do not fit, or no sentence with enough rows.

    Example:
        >>> import numpy as np
        >>> scores = np.array([[0.9, 0.1], [0.8, 0.7], [0.2, 0.6]])
        >>> truth = np.array([[1, 0], [1, 0], [0, 1]], dtype=bool)
        >>> template = fit_template(["sinus rhythm", "flutter"], scores, truth, minimum=1)
        >>> template.write(scores)
        ['sinus rhythm', 'sinus rhythm. flutter', 'flutter']
    """
    truth = np.asarray(truth, dtype=bool)
    if scores.shape != truth.shape or scores.ndim != 2 or scores.shape[1] != len(sentences):
        raise ValueError(f"scores {scores.shape} and truth {truth.shape}, wanted (records, {len(sentences)}) twice")
    positives = truth.sum(axis=0)
    kept = np.flatnonzero((positives >= minimum) & (len(truth) - positives >= minimum))
    if not len(kept):
        raise ValueError(f"no sentence is true of {minimum} of the {len(truth)} rows and false of as many")
    thresholds = np.array([best_threshold(scores[:, place], truth[:, place]) for place in kept])
    spread = scores[:, kept].std(axis=0)
    return ReportTemplate(tuple(sentences[place] for place in kept), thresholds, np.where(spread > 0, spread, 1.0))


def best_threshold(scores: np.ndarray, truth: np.ndarray) -> float:
    """The score that "at least as high" gives the best F1 with, the highest one among equals.

    Args:
        scores, truth: (records,).
    """
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(scores) + 1) + truth.sum())
    # rows of one score are taken together
    last = np.append(ranked[1:] != ranked[:-1], True)
    return float(ranked[np.where(last, f1, -1.0).argmax()])


class TemplateWriter:
    """Scores of sentences by a label-text model or a classifier, and the reports that they make.

    Args:
        folder: of a dual encoder, asked about every sentence of the training texts; or of a classifier of one label
            set, asked about its classes in words.
        role: "dual encoder" or "classifier".
        facts: of its training.
        device: that it runs on.
        texts: of the training rows.
        batch_size: ECGs at a time.

    Attributes:
        sentences: that are scored, in the order in which they are written.

    Raises:
        ValueError: a classifier of several label sets, or of none that is known.
    """

    def __init__(self, folder: str, role: str, facts: TrainingFacts | None, device, texts: Sequence[str], batch_size):
        self.batch_size, self.label_set = batch_size, None
        if role == "dual encoder":
            self.model, self.processor = load_dual_encoder(folder, device)
            self.sentences = in_order(texts)
            return
        sets = facts.label_sets if facts else ()
        if len(sets) != 1:
            raise ValueError(f"{folder} was trained on the label sets {list(sets)}, a template wants one")
        self.model, self.processor = load_classifier(folder, device)
        (self.label_set,) = sets
        labels = [str(label) for _, label in sorted(self.model.config.id2label.items())]
        self.classes = [label.removeprefix(f"{self.label_set}: ") for label in labels]
        words = class_words(self.label_set)
        self.sentences = [words.get(name, name) for name in self.classes]

    def scores(self, rows, description: str | None = None) -> np.ndarray:
        """float64 (records, sentences)."""
        if self.label_set is not None:
            return classifier_scores(
                self.model, self.processor, rows, self.classes, self.label_set, self.batch_size, description
            )
        records = ecg_embeddings(self.model, self.processor, rows, self.batch_size, description)
        return records.astype(np.float64) @ ecg_text_embeddings(self.model, self.processor, self.sentences).T

    def fit(self, rows, texts: Sequence[str], minimum: int, description: str | None = None) -> ReportTemplate:
        """The template whose thresholds these rows choose.

        Args:
            rows: that are not judged.
            texts: of the rows: what is true of them, for a dual encoder. For a classifier their labels say so.
            minimum: see `fit_template`.
            description: title of a progress bar; None shows none.

        Raises:
            ValueError: see `fit_template`; a class that the rows do not have.
        """
        scores = self.scores(rows, description)
        if self.label_set is None:
            said = [set(split_sentences(text)) for text in texts]
            truth = np.array([[sentence in one for sentence in self.sentences] for one in said], dtype=bool)
            return fit_template(self.sentences, scores, truth, minimum)
        names, (matrix, annotated) = list(label_names(rows, self.label_set)), label_matrix(rows, self.label_set)
        absent = [name for name in self.classes if name not in names]
        if absent:
            raise ValueError(f"the label set {self.label_set} of the corpus has no {absent}; it has {names}")
        truth = matrix[:, [names.index(name) for name in self.classes]]
        return fit_template(self.sentences, scores[annotated], truth[annotated], minimum)


def in_order(texts: Sequence[str]) -> list[str]:
    """The distinct sentences of texts, those that stand early in them first."""
    places: dict[str, list[float]] = {}
    for text in texts:
        found = split_sentences(text)
        for place, sentence in enumerate(found):
            places.setdefault(sentence, []).append((place + 1) / (len(found) + 1))
    return sorted(places, key=lambda sentence: (float(np.mean(places[sentence])), sentence))
