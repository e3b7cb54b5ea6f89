"""The corpus with its verified features: the same rows, shards and card, and columns beside."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
from datasets import Dataset, Features, List, Value
from huggingface_hub import DatasetCard

from ...cards import CARD_NAME
from ...clinical.scp import SEPARATOR, split_sentences
from ...data.builder import Corpus
from ...data.corpus_card import CorpusCard
from ...data.rows import RowDataset
from ...data.schema import UNUSABLE
from .decisions import VERDICTS, VERIFIERS, Decisions

AUGMENTED, FEATURES = "augmented_report", "waveform_features"
KEEP_ALL, KEEP_RANDOM = "keep_all_report", "keep_random_report"
# Of the summary: what `prepare_corpus` counts anew.
_COUNTED = ("config", "hf_ecg_version", "rows", "patients", "empty_text", "classes", "quality")
_SKIPPED = ("left_out", "skipped", "skipped_records", "unusable", "unusable_records", "shards")
_LICENCE = re.compile(r"^Licence: (?P<licence>.+?)\. (?P<citation>.+)$", re.MULTILINE)


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


def new_features(controls: bool) -> Features:
    """Features of the columns that verification adds."""
    verdict = {name: Value("string") for name in ("feature", "verifier", "verdict")} | {"score": Value("float32")}
    columns = {AUGMENTED: Value("string"), FEATURES: List(verdict)}
    return Features(columns | ({KEEP_ALL: Value("string"), KEEP_RANDOM: Value("string")} if controls else {}))


@dataclass
class AugmentedRows:
    """Makes the rows of the new corpus from those of the old one; an instance is what worker processes share.

    Args:
        dataset: rows of the old corpus.
        decisions: what became of the proposed features.
        arms: text column -> bool (pairs,): the features that it shows.
        text_column: what the proposals were made from.
    """

    dataset: datasets.Dataset
    decisions: Decisions
    arms: Mapping[str, np.ndarray]
    text_column: str

    def __post_init__(self):
        self.rows = RowDataset(self.dataset, self.dataset.column_names)
        self.classes = {
            name: feature.feature.names
            for name, feature in self.dataset.features.items()
            if hasattr(getattr(feature, "feature", None), "names")
        }
        self.bounds = self.decisions.pairs.bounds

    def __call__(self, numbers: list[dict]) -> list[dict]:
        """Whole rows for `{"row": number}`; many together are read much faster."""
        numbers = [number["row"] for number in numbers]
        return [self._row(number, row) for number, row in zip(numbers, self.rows.__getitems__(numbers), strict=True)]

    def _row(self, number: int, row: dict) -> dict:
        for column in ("epoch", "record_index"):
            del row[column]
        for name, classes in self.classes.items():
            row[name] = None if row[name] is None else [classes[label] for label in row[name]]
        decisions, part = self.decisions, slice(self.bounds[number], self.bounds[number + 1])
        names = [decisions.pairs.names[feature] for feature in decisions.pairs.features[part]]
        for column, shown in self.arms.items():
            kept = [name for name, show in zip(names, shown[part], strict=True) if show]
            row[column] = augmented_text(row[self.text_column], kept)
        row[FEATURES] = [
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
        return row


def read_number(number: int) -> dict:
    """A row that `AugmentedRows` makes whole."""
    return {"row": number}


def augmented_corpus(
    path, config: str, splits: Mapping[str, range], rows: AugmentedRows, summary: dict, facts: dict, fingerprint: str
) -> Corpus:
    """The corpus to write.

    Args:
        path: of the old corpus.
        config: its configuration.
        splits: split -> its rows' numbers.
        rows: what makes them.
        summary: of the old corpus.
        facts: for the new summary's `waveform_features`.
        fingerprint: of rows and decisions.

    Raises:
        ValueError: the old corpus has columns of these names.
    """
    added = new_features(controls=KEEP_ALL in rows.arms)
    taken = sorted(set(added) & set(rows.dataset.features))
    if taken:
        raise ValueError(f"{path} has the columns {taken} already: verify the corpus that was not augmented")
    old = _old_card(path)
    front = {key: value for key, value in old.data.to_dict().items() if key not in ("configs", "dataset_info")}
    kept = {key: value for key, value in summary.items() if key not in (*_COUNTED, *_SKIPPED)}
    return Corpus(
        config_name=config,
        features=Features(dict(rows.dataset.features) | dict(added)),
        splits=splits,
        read=read_number,
        facts=kept | {FEATURES: facts},
        card=_Card(old.text, front.get("license") or "that of the original corpus", tuple(rows.arms)),
        front_matter=front,
        skipped=summary.get("skipped_records", ()),
        complete=rows,
        left_out=summary.get("left_out", {}) | _left_out(summary, rows.dataset),
        fingerprint=fingerprint,
    )


def _left_out(summary: dict, rows: Dataset) -> dict[str, int]:
    """Rows that the old corpus has and that were not asked about."""
    asked = sum(map(bool, rows[UNUSABLE])) if UNUSABLE in rows.column_names else 0
    unusable = sum(summary.get("unusable", {}).values()) - asked
    return {"unusable in the original": unusable} if unusable else {}


def _old_card(path) -> DatasetCard:
    folder = Path(path)
    return DatasetCard.load(folder / CARD_NAME if folder.is_dir() else str(path))


@dataclass
class _Card:
    text: str
    licence: str
    arms: tuple[str, ...]

    def __call__(self, summary: dict) -> CorpusCard:
        title = next((line[2:] for line in self.text.splitlines() if line.startswith("# ")), summary["config"])
        found = _LICENCE.search(self.text)
        facts = summary[FEATURES]
        notes = [
            f"`{AUGMENTED}`: `{facts['text_column']}` with the features that the signal supports as further sentences:"
            f" {facts['kept']} of {facts['proposals']} proposed ones, in {facts['records_changed']} rows."
            " `verification.md` has the figures.",
            f"`{FEATURES}`: for each proposed feature the verifier that decided, its score and the verdict (kept,"
            " rejected, undecided). Features were proposed by a table or a language model and judged by software: no"
            " person has read them.",
        ]
        if KEEP_ALL in self.arms:
            notes.append(
                f"`{KEEP_ALL}`, `{KEEP_RANDOM}`: controls, with all proposed features, and with as many of each as"
                " were verified, drawn at random."
            )
        return CorpusCard(
            title=f"{title}, with verified waveform features",
            source="the prepared corpus of that name",
            script="train/augment_reports.py verify",
            splits="Splits and folds are those of that corpus.",
            texts="as in that corpus",
            licence=found["licence"] if found else self.licence,
            citation=found["citation"] if found else "",
            notes=notes,
        )
