"""The texts of a prepared corpus, one after the other."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...data.corpus import load_corpus


def corpus_texts(
    data: str | Path, column: str = "text", config: str | None = None, folds: Sequence[int] | None = None
) -> Iterator[str | None]:
    """A text a row, of some folds or of all.

    Raises:
        ValueError: there is no such column.
        OSError: the corpus is not there.
    """
    rows = load_corpus(data, config=config, folds=folds)
    if column not in rows.column_names:
        raise ValueError(f"{data} has no column {column!r}, only {rows.column_names}")
    return (text for batch in rows.select_columns([column]).iter(10_000) for text in batch[column])
