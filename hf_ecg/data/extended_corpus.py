"""A prepared corpus with further columns: the same rows, splits and card, written anew."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
from datasets import Features
from huggingface_hub import DatasetCard

from ..cards import CARD_NAME
from .builder import Corpus
from .corpus import find_config, has_label_set, load_corpus, split_names
from .corpus_card import CorpusCard, read_summary
from .measured_rows import MEASUREMENT_NAMES_FACT, MEASUREMENTS
from .rows import RowDataset
from .schema import UNUSABLE

# Of the summary: what `prepare_corpus` counts anew.
_COUNTED = ("config", "hf_ecg_version", "rows", "patients", "empty_text", "classes", "quality")
_SKIPPED = ("left_out", "skipped", "skipped_records", "unusable", "unusable_records", "shards")
# What it tells of a column.
_FACTS = {MEASUREMENTS: MEASUREMENT_NAMES_FACT}
_LICENCE = re.compile(r"^Licence: (?P<licence>.+?)\. (?P<citation>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class OpenedCorpus:
    """A prepared corpus, all of its splits in one; see `open_corpus`.

    Args:
        path: folder or Hub id.
        config: its configuration.
        rows: of all splits.
        splits: split -> the numbers of its rows.
        summary: of `summary.json`.
    """

    path: str
    config: str
    rows: datasets.Dataset
    splits: Mapping[str, range]
    summary: dict

    @property
    def hold_out(self) -> list[str]:
        """Statements whose every mention stays out of the texts."""
        return list(self.summary.get("hold_out") or ())


def open_corpus(path, config: str | None = None, keep_unusable: bool = False) -> OpenedCorpus:
    """All rows of a prepared corpus, with what is known of it.

    Args:
        path: a folder or a Hub id.
        config: its configuration; may be left out when there is one.
        keep_unusable: with the rows that are marked as unusable.

    Raises:
        ValueError, OSError: see `load_corpus`.
    """
    config = find_config(path, config)
    parts = {
        split: load_corpus(path, config=config, split=split, keep_unusable=keep_unusable)
        for split in split_names(path, config)
    }
    stops = np.cumsum([len(part) for part in parts.values()]).tolist()
    splits = {split: range(stop - len(part), stop) for (split, part), stop in zip(parts.items(), stops, strict=True)}
    rows = datasets.concatenate_datasets(list(parts.values()))
    return OpenedCorpus(str(path), config, rows, splits, read_summary(path))


@dataclass
class ExtendedRows:
    """Makes the rows of the new corpus from those of the old one; an instance is what worker processes share.

    Args:
        dataset: rows of the old corpus.
        add: the number of a row and the row -> its further columns.
    """

    dataset: datasets.Dataset
    add: Callable[[int, dict], dict]

    def __post_init__(self):
        self.rows = RowDataset(self.dataset, self.dataset.column_names)
        self.classes = {
            name: feature.feature.names
            for name, feature in self.dataset.features.items()
            if has_label_set(self.dataset, name)
        }

    def __call__(self, numbers: list[dict]) -> list[dict]:
        """Whole rows for `{"row": number}`; many together are read much faster."""
        numbers = [number["row"] for number in numbers]
        return [self._row(number, row) for number, row in zip(numbers, self.rows.__getitems__(numbers), strict=True)]

    def _row(self, number: int, row: dict) -> dict:
        for column in ("epoch", "record_index"):
            del row[column]
        for name, classes in self.classes.items():
            row[name] = None if row[name] is None else [classes[label] for label in row[name]]
        return row | self.add(number, row)


def read_number(number: int) -> dict:
    """A row that `ExtendedRows` makes whole."""
    return {"row": number}


def extended_corpus(
    opened: OpenedCorpus,
    added: Features,
    add: Callable[[int, dict], dict],
    facts: dict,
    card: Callable[[DatasetCard, dict], CorpusCard],
    fingerprint: str,
    replaced: Collection[str] = (),
) -> Corpus:
    """The corpus to write.

    Args:
        opened: the old corpus.
        added: features of the further columns.
        add: see `ExtendedRows`.
        facts: for the new summary.
        card: what the card says, from the old card and the new summary; see `old_words` too.
        fingerprint: of rows and columns.
        replaced: columns that the old corpus may have already: the new ones come in their place.

    Raises:
        ValueError: the old corpus has columns of these names.
    """
    rows = opened.rows.remove_columns([name for name in replaced if name in opened.rows.column_names])
    taken = sorted(set(added) & set(rows.features))
    if taken:
        raise ValueError(f"{opened.path} has the columns {taken} already: give the corpus from before they were made")
    old, summary = _old_card(opened.path), opened.summary
    front = {key: value for key, value in old.data.to_dict().items() if key not in ("configs", "dataset_info")}
    gone = [fact for column, fact in _FACTS.items() if column in replaced and column not in added]
    kept = {key: value for key, value in summary.items() if key not in (*_COUNTED, *_SKIPPED, *gone)}
    return Corpus(
        config_name=opened.config,
        features=Features(dict(rows.features) | dict(added)),
        splits=opened.splits,
        read=read_number,
        facts=kept | facts,
        card=_Card(old, card),
        front_matter=front,
        skipped=summary.get("skipped_records", ()),
        complete=ExtendedRows(rows, add),
        left_out=summary.get("left_out", {}) | _left_out(summary, rows),
        fingerprint=fingerprint,
    )


def old_words(old: DatasetCard, summary: dict) -> dict:
    """What a card says of the corpus that the new one is made of: arguments of `CorpusCard`."""
    title = next((line[2:] for line in old.text.splitlines() if line.startswith("# ")), summary["config"])
    found = _LICENCE.search(old.text)
    otherwise = old.data.to_dict().get("license") or "that of the original corpus"
    return {
        "title": title,
        "source": "the prepared corpus of that name",
        "splits": "Splits and folds are those of that corpus.",
        "texts": "as in that corpus",
        "licence": found["licence"] if found else otherwise,
        "citation": found["citation"] if found else "",
    }


def _left_out(summary: dict, rows: datasets.Dataset) -> dict[str, int]:
    """Rows that the old corpus has and that were not asked about."""
    asked = sum(map(bool, rows[UNUSABLE])) if UNUSABLE in rows.column_names else 0
    unusable = sum(summary.get("unusable", {}).values()) - asked
    return {"unusable in the original": unusable} if unusable else {}


def _old_card(path) -> DatasetCard:
    folder = Path(path)
    return DatasetCard.load(folder / CARD_NAME if folder.is_dir() else str(path))


@dataclass
class _Card:
    old: DatasetCard
    words: Callable[[DatasetCard, dict], CorpusCard]

    def __call__(self, summary: dict) -> CorpusCard:
        return self.words(self.old, summary)
