"""Recordings that are in two corpora, or twice in one: the same waveform, resampled, filtered, scaled or cut.

Every code of one side is multiplied with every code of the other, block by block (what a flat FAISS index does; but
its lists of nearest neighbours would be full of the other beats of the same record). Records with a product that is
high enough are compared at every lag, by FFT, on their whole waveforms.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..progress import progress_bar
from ..signals.fingerprint import FINGERPRINT_LEADS, Fingerprint, compare_fingerprints, fingerprint

# Of 2,833 records of PTB-XL, the most alike pair of folds 1-8 that is not a duplicate has 0.966 (over the least
# overlap, 4.2 s without the ends); with a record of folds 9-10 it is 0.933. Of 60 records of any fold, versions at
# 100-500 Hz, filtered by 0.67-40 Hz (also causally), scaled, or cut to 6 s have 0.984 and more.
THRESHOLD = 0.975
# Best product of the codes of two versions of a recording, see there; less where they share fewer leads, by what the
# leads that one of them lacks add at random.
CANDIDATE, CANDIDATE_NOISE = 0.9, 0.15
BLOCK = 512


@dataclass(frozen=True)
class DuplicatePair:
    """Two records, by their places in the lists that were compared; the rest as in `Comparison`."""

    first: int
    second: int
    correlation: float
    lag_seconds: float
    overlap_seconds: float
    num_leads: int


def fingerprints_of(
    number: int,
    read: Callable[[int], tuple[np.ndarray, float, Sequence[str]]],
    refuse: Callable[[int, Exception], None],
    leads: Sequence[str] = FINGERPRINT_LEADS,
    title: str = "reading",
) -> list[Fingerprint | None]:
    """A fingerprint of each record; None for those that cannot be compared.

    Args:
        number: of records.
        read: gives a record by its place: millivolts (leads, samples), hertz, names of leads.
        refuse: is told the place of a record that cannot be compared, and why.
        leads: to compare by.
        title: of the progress bar.
    """
    found: list[Fingerprint | None] = []
    for place in progress_bar(range(number), desc=title, unit="record", leave=False):
        try:
            found.append(fingerprint(*read(place), tuple(leads)))
        except (ValueError, OSError) as error:
            refuse(place, error)
            found.append(None)
    return found


def find_near_duplicates(
    first: Sequence[Fingerprint | None],
    second: Sequence[Fingerprint | None] | None = None,
    threshold: float = THRESHOLD,
    least_leads: int = 3,
    progress: bool = False,
) -> list[DuplicatePair]:
    """Pairs of recordings with the same waveform.

    Args:
        first, second: fingerprints made with the same leads; None stands for a record that cannot be compared, and is
            never in a pair. Without `second`, pairs within `first`.
        threshold: least correlation of a pair.
        least_leads: leads that a pair must both have; fewer leads make other recordings more alike.
        progress: show progress bars.

    Returns:
        The pairs, the most alike first.

    Raises:
        ValueError: a threshold that is not a correlation above 0, or no lead.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}, wanted a correlation above 0, at most 1")
    if least_leads < 1:
        raise ValueError(f"least_leads is {least_leads}, wanted at least 1")
    rows = _Side(first)
    columns = rows if second is None else _Side(second)
    candidates = list(_candidates(rows, columns, least_leads, progress))
    pairs = []
    for i, j in progress_bar(candidates, desc="comparing", unit="pair", disable=not progress):
        found = compare_fingerprints(rows.items[i], columns.items[j])
        if found.correlation >= threshold:
            pair = (found.correlation, found.lag_seconds, found.overlap_seconds, found.num_leads)
            pairs.append(DuplicatePair(rows.places[i], columns.places[j], *pair))
    return sorted(pairs, key=lambda pair: (-pair.correlation, pair.first, pair.second))


class _Side:
    """The comparable records of one side, and their codes beside each other."""

    def __init__(self, fingerprints: Sequence[Fingerprint | None]):
        self.places = [place for place, item in enumerate(fingerprints) if item is not None]
        self.items = [fingerprints[place] for place in self.places]
        self.usable = np.array([item.usable for item in self.items], dtype=np.float32)

    def block(self, start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Codes, the record of each, and the usable leads of those records."""
        items = self.items[start : start + BLOCK]
        owners = np.repeat(np.arange(len(items)), [len(item.codes) for item in items])
        return np.concatenate([item.codes for item in items]), owners, self.usable[start : start + BLOCK]


def _candidates(rows: _Side, columns: _Side, least_leads: int, progress: bool) -> Iterator[tuple[int, int]]:
    within = rows is columns
    starts = [
        (a, b) for a in range(0, len(rows.items), BLOCK) for b in range(a if within else 0, len(columns.items), BLOCK)
    ]
    block, at = None, None
    for a, b in progress_bar(starts, desc="searching", unit="block", disable=not progress):
        if a != at:
            block, at = rows.block(a), a
        codes, owners, usable = block
        other_codes, other_owners, other_usable = columns.block(b)
        common = usable @ other_usable.T
        # the products hold the leads that one of the two lacks as zeros
        shares = common / np.sqrt(np.outer(usable.sum(axis=1), other_usable.sum(axis=1)))
        comparable = common >= least_leads
        if within and a == b:
            comparable &= np.tri(len(comparable), k=-1, dtype=bool).T
        if not comparable.any():
            continue
        products = codes @ other_codes.T
        limits = np.where(comparable, CANDIDATE * shares - CANDIDATE_NOISE * (1 - shares), np.inf)
        # one pass over the millions, then only what is left
        high, wide = np.nonzero(products >= limits.min())
        i, j = owners[high], other_owners[wide]
        kept = products[high, wide] >= limits[i, j]
        for number in np.unique(i[kept].astype(np.int64) * BLOCK + j[kept]).tolist():
            yield a + number // BLOCK, b + number % BLOCK
