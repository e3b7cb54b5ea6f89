"""The corpus with its verified features: the same rows, shards and card, and columns beside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from datasets import ClassLabel, Features, List, Value
from huggingface_hub import DatasetCard

from ...clinical.scp import SEPARATOR, split_sentences
from ...data.builder import Corpus
from ...data.corpus_card import CorpusCard
from ...data.extended_corpus import OpenedCorpus, extended_corpus, old_words
from ...data.feature_truth import FALSE_FEATURES, TRUE_FEATURES, truth_features, truth_notes
from ...data.measured_corpus import TruthOfRows
from ...data.measured_rows import MEASUREMENTS
from .decisions import VERDICTS, VERIFIERS, Decisions

AUGMENTED, FEATURES = "augmented_report", "waveform_features"
KEEP_ALL, KEEP_RANDOM = "keep_all_report", "keep_random_report"
# Of the control with features drawn at random, as label sets: those that its texts show, and all others.
RANDOM_TRUE, RANDOM_FALSE = "random_true_features", "random_false_features"
MADE = (TRUE_FEATURES, FALSE_FEATURES, RANDOM_TRUE, RANDOM_FALSE)


def augmented_text(text: str | None, features: Sequence[str]) -> str:
    """A training text with features as further sentences; those that it says already are not said again.

    Example:
        >>> augmented_text("sinus rhythm. first degree AV block", ["prolonged PR interval", "sinus rhythm"])
        'sinus rhythm. first degree AV block. prolonged PR interval'
    """
    text = text or ""
    said = {sentence.casefold() for sentence in split_sentences(text)}
    new = [feature for feature in dict.fromkeys(features) if feature.casefold() not in said]
    return SEPARATOR.join([*([text.rstrip(" .")] if text.strip() else []), *new]) if new else text


def new_features(controls: bool, truth: TruthOfRows) -> Features:
    """Features of the columns that verification adds."""
    verdict = {name: Value("string") for name in ("feature", "verifier", "verdict")} | {"score": Value("float32")}
    columns = {AUGMENTED: Value("string"), FEATURES: List(verdict)}
    columns |= truth_features(truth.names, truth.values is not None)
    if controls:
        columns |= {KEEP_ALL: Value("string"), KEEP_RANDOM: Value("string")}
        columns |= {name: List(ClassLabel(names=list(truth.names))) for name in (RANDOM_TRUE, RANDOM_FALSE)}
    return Features(columns)


@dataclass
class AugmentedRows:
    """The columns that verification adds, by the number of a row; an instance is what worker processes share.

    Args:
        decisions: what became of the proposed features.
        arms: text column -> bool (pairs,): the features that it shows.
        text_column: what the proposals were made from.
        truth: what is known of the table's features.
    """

    decisions: Decisions
    arms: Mapping[str, np.ndarray]
    text_column: str
    truth: TruthOfRows

    def __call__(self, number: int, row: dict) -> dict:
        decisions = self.decisions
        bounds = decisions.pairs.bounds
        part = slice(bounds[number], bounds[number + 1])
        names = [decisions.pairs.names[feature] for feature in decisions.pairs.features[part]]
        added = self.truth(number, row)
        for column, shown in self.arms.items():
            kept = [name for name, show in zip(names, shown[part], strict=True) if show]
            added[column] = augmented_text(row[self.text_column], kept)
            if column == KEEP_RANDOM:
                added[RANDOM_TRUE] = [name for name in self.truth.names if name in kept]
                added[RANDOM_FALSE] = [name for name in self.truth.names if name not in kept]
        added[FEATURES] = [
            {
                "feature": name,
                "verifier": VERIFIERS[verifier],
                "verdict": VERDICTS[state],
                "score": None if np.isnan(score) else float(score),
            }
            for name, verifier, state, score in zip(
                names,
                decisions.verifier[part].tolist(),
                decisions.state[part].tolist(),
                decisions.score[part],
                strict=True,
            )
        ]
        return added


def augmented_corpus(opened: OpenedCorpus, rows: AugmentedRows, facts: dict, fingerprint: str) -> Corpus:
    """The corpus to write.

    Args:
        opened: the old corpus.
        rows: what makes its further columns.
        facts: for the new summary.
        fingerprint: of rows and decisions.

    Raises:
        ValueError: the old corpus has columns of these names.
    """
    added = new_features(KEEP_ALL in rows.arms, rows.truth)
    card = partial(_card, tuple(opened.summary.get("classes", ())), tuple(rows.arms))
    measured = (TRUE_FEATURES, FALSE_FEATURES, MEASUREMENTS)
    return extended_corpus(opened, added, rows, facts, card, fingerprint, replaced=measured)


def _card(label_sets: Sequence[str], arms: Sequence[str], old: DatasetCard, summary: dict) -> CorpusCard:
    words, facts = old_words(old, summary), summary[FEATURES]
    notes = [
        f"`{AUGMENTED}`: `{facts['text_column']}` with the features that the signal supports as further sentences:"
        f" {facts['kept']} of {facts['proposals']} proposed ones, in {facts['records_changed']} rows."
        " `verification.md` has the figures.",
        f"`{FEATURES}`: for each proposed feature the verifier that decided, its score and the verdict (kept,"
        " rejected, undecided). Features were proposed by a table or a language model and judged by software: no"
        " person has read them.",
        *truth_notes(summary),
    ]
    if KEEP_ALL in arms:
        notes.append(
            f"`{KEEP_ALL}`, `{KEEP_RANDOM}`: controls, with all proposed features, and with as many of each as"
            f" were verified, drawn at random; `{RANDOM_TRUE}`, `{RANDOM_FALSE}`: the latter's features as label sets,"
            " and all others."
        )
    return CorpusCard(
        **words | {"title": f"{words['title']}, with verified waveform features"},
        script="train/augment_reports.py verify",
        label_sets=[name for name in label_sets if name in summary["classes"] and name not in MADE],
        notes=notes,
    )
