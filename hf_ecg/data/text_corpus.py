"""Texts alone: of a prepared corpus by its folds, or of any file with one text a line or row, by their digests."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import datasets

from ..clinical.reports import clean_report
from .corpus import load_corpus, require_columns

SPLITS = ("train", "validation", "test")
# share of the texts of a file that are not trained on, for each of the two other splits
HELD_OUT = 0.05
_KINDS = {".txt": "text", ".csv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet"}


def load_texts(
    path: str | Path, column: str = "text", config: str | None = None, folds: Mapping[str, Iterable[int]] | None = None
) -> dict[str, list[str]]:
    """The texts of a corpus by split, empty ones left out.

    Args:
        path: a prepared corpus (folder or Hub id); or a file: .txt with one text a line, .csv, .json, .jsonl or
            .parquet.
        column: of the texts; of a .txt file it is always "text". Those of `report` are cleaned by `clean_report`.
        config: of a prepared corpus.
        folds: "train", "validation" and "test" of a prepared corpus. Texts of a file go to a split by their digest: a
            text that stands there twice is in one split, on any machine.

    Raises:
        ValueError: another kind of file, no such column, folds of a file, or no text to train on.
        OSError: it is not there.
    """
    if Path(path).is_file():
        if folds:
            raise ValueError(
                f"{path} is a file: its texts have no folds; sources.0.folds={{}} takes them out of a recipe"
            )
        found = _of_file(Path(path), column)
    else:
        found = {split: _of_folds(path, column, config, (folds or {}).get(split, ())) for split in SPLITS}
    if not found["train"]:
        raise ValueError(f"{path}: no text to train on in the column {column!r}")
    return found


def _of_folds(path, column: str, config: str | None, folds: Iterable[int]) -> list[str]:
    numbers = list(folds)
    if not numbers:
        return []
    rows = load_corpus(path, config=config, folds=numbers)
    require_columns(rows, [column], str(path))
    return _cleaned(rows.select_columns([column]).with_format(None)[column][:], column)


def _of_file(path: Path, column: str) -> dict[str, list[str]]:
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise ValueError(f"{path} is not a text corpus: wanted a prepared corpus or a file of {', '.join(_KINDS)}")
    column = "text" if kind == "text" else column
    rows = datasets.load_dataset(kind, data_files=str(path), split="train", keep_in_memory=True)
    require_columns(rows, [column], str(path))
    found: dict[str, list[str]] = {split: [] for split in SPLITS}
    for text in _cleaned(rows[column], column):
        place = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64
        found["test" if place < HELD_OUT else "validation" if place < 2 * HELD_OUT else "train"].append(text)
    return found


def _cleaned(texts: Iterable[str | None], column: str) -> list[str]:
    clean = clean_report if column == "report" else str.strip
    return [text for text in (clean(text) for text in texts if text) if text]
