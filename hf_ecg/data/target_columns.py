"""Numbers that a regression is trained on: columns of one number a row, and columns of as many in every row."""

from collections.abc import Sequence

import numpy as np
from datasets import Dataset, List
from transformers.utils import logging

from ..checks import nearest
from .corpus import target_matrix
from .corpus_card import read_summary

logger = logging.get_logger(__name__)


def column_width(dataset: Dataset, target: str) -> int | None:
    """Numbers a row of a column of lists of one length, such as `measurements`; None for every other column."""
    kind = dataset.features.get(target)
    if not isinstance(kind, List) or kind.length < 1 or not getattr(kind.feature, "dtype", "").startswith("float"):
        return None
    return kind.length


def target_widths(sources: Sequence[Dataset], targets: Sequence[str]) -> dict[str, int | None]:
    """Of each target, its `column_width`.

    Raises:
        ValueError: a target that no corpus has (the nearest is named), or that has another width in each.
    """
    widths = {}
    for target in targets:
        having = [source for source in sources if target in source.column_names]
        if not having:
            raise ValueError(f"no corpus has a column {target!r}{nearest(target, sources[0].column_names)}")
        found = {column_width(source, target) for source in having}
        if len(found) > 1:
            raise ValueError(
                f"column {target!r} holds {sorted(map(str, found))} numbers a row by corpus, wanted as many"
            )
        widths[target] = found.pop()
    return widths


def target_values(sources: Sequence[Dataset], targets: Sequence[str]) -> np.ndarray:
    """Targets beside each other: float64 (rows of all corpora, numbers), NaN where null or absent from a corpus.

    Raises:
        ValueError: see `target_widths`; a column that holds no numbers.
    """
    widths = target_widths(sources, targets)
    return np.concatenate([_values(source, widths) for source in sources])


def _values(source: Dataset, widths: dict[str, int | None]) -> np.ndarray:
    parts = []
    for target, width in widths.items():
        if target not in source.column_names:
            parts.append(np.full((len(source), width or 1), np.nan))
        elif width is None:
            parts.append(target_matrix(source, [target]))
        else:
            rows = source.select_columns([target]).with_format(None)[target][:]
            unknown = [None] * width
            parts.append(np.array([unknown if row is None else row for row in rows], dtype=np.float64))
    return np.concatenate(parts, axis=1)


def target_names(sources: Sequence[Dataset], paths: Sequence[str | None], targets: Sequence[str]) -> list[str]:
    """A name for each number of `target_values`: the column's, or those that the corpora's summaries give.

    Args:
        sources: rows of each corpus.
        paths: of the corpora. `measurements` is named by `measurement_names` of a summary.
        targets: columns.

    Raises:
        ValueError: see `target_widths`; summaries that name other numbers in each corpus, or too few.
    """
    names: list[str] = []
    for target, width in target_widths(sources, targets).items():
        names += [target] if width is None else _summary_names(sources, paths, target, width)
    return names


def _summary_names(sources, paths, target: str, width: int) -> list[str]:
    key = f"{target.removesuffix('s')}_names"
    found = [
        read_summary(path).get(key)
        for source, path in zip(sources, paths, strict=True)
        if path is not None and target in source.column_names
    ]
    given = [names for names in found if names is not None]
    if not given:
        logger.warning("no corpus's summary has %s: the numbers of %s go by their places", key, target)
        return [f"{target} {place}" for place in range(width)]
    if any(names != given[0] for names in found):
        raise ValueError(f"the corpora's summaries give other {key}: their column {target!r} holds other numbers")
    if len(given[0]) != width or len(set(given[0])) != width:
        raise ValueError(f"{key} names {len(set(given[0]))} numbers, but column {target!r} holds {width}")
    return list(given[0])


def rows_with_targets(dataset: Dataset, targets: Sequence[str]) -> Dataset:
    """Rows that know at least one of the targets; the log says how many do not."""
    known = np.isfinite(target_values([dataset], targets)).any(axis=1)
    if not known.all():
        logger.warning(
            "%d of %d rows know no %s and are left out", (~known).sum(), len(known), " and no ".join(targets)
        )
    return dataset.select(np.flatnonzero(known))
