"""How well ECGs and texts find each other: recall@k and median rank, where many records have one text."""

from collections.abc import Sequence

import numpy as np

RANKS = (1, 5, 10)
REPLICATES = 1000
_BLOCK = 1024


def retrieval_metrics(
    ecg_embeds: np.ndarray,
    text_embeds: np.ndarray,
    text_of_ecg: Sequence[int],
    patients: Sequence[str],
    ranks: Sequence[int] = RANKS,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, dict]:
    """Three ways of finding. A hit is any record with the same text: identical texts are one.

    "ecg_to_text": each ECG among the distinct texts. "text_to_ecg": each distinct text among all ECGs; nobody is left
    out, a text belongs to no patient. "ecg_to_ecg": each ECG among those of other patients; ECGs whose text no other
    patient has are not asked, and counted in `without_answer`.

    The rank is that of the first hit; among equal similarities it is the expected one, so that a model that gives one
    value for everything is no better than chance.

    Args:
        ecg_embeds: (ecgs, size), unit length.
        text_embeds: (texts, size), unit length, of the distinct texts.
        text_of_ecg: row of `text_embeds` for each ECG.
        patients: of each ECG.
        ranks: the k of recall@k.
        replicates: of the bootstrap over patients (over texts for "text_to_ecg").
        seed: of the bootstrap.

    Returns:
        For each way `queries`, `candidates`, `median_rank` and, under `recall@k`, `value`, `interval` (95 %) and
        `chance`, what a random order gives.

    Raises:
        ValueError: numbers of rows that do not fit, or a text without an ECG.
    """
    ecg_embeds, text_embeds = (np.asarray(values, dtype=np.float64) for values in (ecg_embeds, text_embeds))
    own, patients = np.asarray(text_of_ecg), np.unique(np.asarray(patients, dtype=str), return_inverse=True)[1]
    if not len(ecg_embeds) == len(own) == len(patients) or not len(own):
        raise ValueError(f"{len(ecg_embeds)} ECGs, {len(own)} texts of theirs, {len(patients)} patients")
    if not np.array_equal(np.unique(own), np.arange(len(text_embeds))):
        raise ValueError(f"text_of_ecg does not name each of the {len(text_embeds)} texts")
    texts = np.arange(len(text_embeds))
    nobody = np.full(len(own), -1)
    ways = {
        "ecg_to_text": (ecg_embeds, text_embeds, own, texts, nobody, nobody[texts], patients),
        "text_to_ecg": (text_embeds, ecg_embeds, texts, own, nobody[texts] - 1, nobody, texts),
        "ecg_to_ecg": (ecg_embeds, ecg_embeds, own, own, patients, patients, patients),
    }
    # -1 and -2 are nobody's patient, on either side
    result = {}
    for way, (queries, candidates, wanted, given, asking, answering, groups) in ways.items():
        if way == "ecg_to_text":
            asking = asking - 1
        first, hits, number = _ranks(queries, candidates, wanted, given, asking, answering)
        asked = hits > 0
        entry: dict = {
            "queries": int(asked.sum()),
            "without_answer": int((~asked).sum()),
            "candidates": len(candidates),
            "median_rank": float(np.median(first[asked])) if asked.any() else None,
        }
        for k in ranks:
            found = (first[asked] <= k).astype(np.float64)
            entry[f"recall@{k}"] = {
                "value": float(found.mean()) if len(found) else None,
                "interval": _interval(found, groups[asked], replicates, seed),
                "chance": float(_chance(hits[asked], number[asked], k).mean()) if len(found) else None,
            }
        result[way] = entry
    return result


def _ranks(queries, candidates, wanted, given, asking, answering):
    """Expected rank of the first hit, number of hits, number of candidates; of each query."""
    first, hits, number = (np.zeros(len(queries)) for _ in range(3))
    for start in range(0, len(queries), _BLOCK):
        part = slice(start, start + _BLOCK)
        cosines = queries[part] @ candidates.T
        allowed = asking[part, None] != answering[None]
        same = (wanted[part, None] == given[None]) & allowed
        best = np.where(same, cosines, -np.inf).max(axis=1)[:, None]
        others = allowed & ~same
        # products of equal rows may differ in the last bits
        before = (others & (cosines > best + 1e-9)).sum(axis=1)
        equal = (others & (np.abs(cosines - best) <= 1e-9)).sum(axis=1)
        equal_hits = (same & (np.abs(cosines - best) <= 1e-9)).sum(axis=1)
        first[part] = 1 + before + equal / (equal_hits + 1)
        hits[part], number[part] = same.sum(axis=1), allowed.sum(axis=1)
    return first, hits, number


def _chance(hits: np.ndarray, number: np.ndarray, k: int) -> np.ndarray:
    """Probability that one of the first k of a random order is a hit."""
    missed = np.ones(len(hits))
    for place in range(k):
        left = np.maximum(number - place, 1)
        missed *= np.clip((number - hits - place) / left, 0, 1)
    return 1 - missed


def _interval(found: np.ndarray, groups: np.ndarray, replicates: int, seed: int) -> list[float] | None:
    if not len(found) or not replicates:
        return None
    places = np.unique(groups, return_inverse=True)[1]
    sums, counts = np.bincount(places, found), np.bincount(places)
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=replicates)
    return np.quantile((drawn @ sums) / (drawn @ counts), [0.025, 0.975]).tolist()
