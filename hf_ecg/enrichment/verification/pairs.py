"""Records and the waveform features proposed for them, as flat arrays: a corpus has millions of pairs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...clinical.report_statements import mentions


@dataclass(frozen=True)
class FeaturePairs:
    """Which features are asked of which rows.

    Args:
        names: the distinct feature texts.
        rows: (pairs,), rising: the row of each pair.
        features: (pairs,): its place in `names`.
        num_rows: of the corpus.
    """

    names: tuple[str, ...]
    rows: np.ndarray
    features: np.ndarray
    num_rows: int

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def bounds(self) -> np.ndarray:
        """(num_rows + 1,): the pairs of row r are `bounds[r]` up to `bounds[r + 1]`."""
        return np.searchsorted(self.rows, np.arange(self.num_rows + 1))

    def texts(self, start: int, stop: int) -> list[list[str]]:
        """The features asked of each of some rows that follow each other."""
        bounds = self.bounds[start : stop + 1]
        return [[self.names[f] for f in self.features[a:b]] for a, b in zip(bounds[:-1], bounds[1:], strict=True)]

    def of_features(self, values: np.ndarray) -> np.ndarray:
        """Sums over the pairs of each feature: (pairs,) to int64 (features,)."""
        return np.bincount(self.features, weights=values, minlength=len(self.names)).astype(np.int64)


def proposed_pairs(texts: Iterable[str | None], proposals: Mapping[str, Sequence[str]]) -> FeaturePairs:
    """The features that were proposed for the text of each row; rows whose text nobody was asked about have none."""
    numbers: dict[str, int] = {}
    known: dict[str, np.ndarray] = {}
    parts, counts = [], []
    for text in texts:
        text = text or ""
        if text not in known:
            wanted = dict.fromkeys(proposals.get(text, ()))
            known[text] = np.array([numbers.setdefault(f, len(numbers)) for f in wanted], dtype=np.int32)
        parts.append(known[text])
        counts.append(len(known[text]))
    features = np.concatenate(parts) if parts else np.empty(0, np.int32)
    return FeaturePairs(tuple(numbers), np.repeat(np.arange(len(counts)), counts), features, len(counts))


def without_statements(
    proposals: Mapping[str, Sequence[str]], codes: Iterable[str]
) -> tuple[dict[str, list[str]], list[str]]:
    """Proposals less the features that name one of some SCP statements, such as "coarse atrial fibrillation" of AFIB.

    "no atrial fibrillation" names it too. A text that was rid of every mention of a statement must not get it back
    from whoever proposes features.

    Returns:
        The proposals, and the features left out of them.
    """
    codes = set(codes)
    distinct = {feature for features in proposals.values() for feature in features} if codes else set()
    stated = {feature for feature in distinct if mentions(feature, codes)}
    rest = {text: [f for f in features if f not in stated] for text, features in proposals.items()}
    return rest, sorted(stated)


def all_pairs(num_rows: int, names: Sequence[str]) -> FeaturePairs:
    """Every feature of every row."""
    rows, features = np.arange(num_rows), np.arange(len(names), dtype=np.int32)
    return FeaturePairs(tuple(names), np.repeat(rows, len(names)), np.tile(features, num_rows), num_rows)
