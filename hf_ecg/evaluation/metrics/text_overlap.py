"""How many words two texts share: BLEU and ROUGE-L.

Written here and not taken from a library: BLEU of a corpus is not a mean over records, so an interval over patients
needs the counts of every record, which `sacrebleu` and `rouge-score` keep to themselves. They would bring
nine packages.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

LONGEST = 4
_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """The words and numbers of a text in lower case; marks count for nothing.

    Example:
        >>> words_of("Sinus rhythm. 1st degree A-V block")
        ['sinus', 'rhythm', '1st', 'degree', 'a', 'v', 'block']
    """
    return _WORD.findall(text.lower())


def bleu_counts(written: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """What BLEU is made of, summed over the records it is asked for.

    Args:
        written, references: a text for each record.

    Returns:
        float64 (records, 10): n-grams of the written text that the reference has too, each counted at most as often as
        it stands there, for n of 1 to 4; all n-grams of the written text; words of both texts.

    Raises:
        ValueError: another number of texts than of references.
    """
    counts = []
    for one, other in _pairs(written, references):
        mine, theirs = words_of(one), words_of(other)
        shared, possible = [], []
        for number in range(1, LONGEST + 1):
            found, wanted = _ngrams(mine, number), _ngrams(theirs, number)
            shared.append((found & wanted).total())
            possible.append(found.total())
        counts.append([*shared, *possible, len(mine), len(theirs)])
    return np.array(counts, dtype=np.float64).reshape(-1, 2 * LONGEST + 2)


def bleu(counts: np.ndarray) -> np.ndarray:
    """BLEU-1 to BLEU-4 of a corpus, without smoothing (Papineni et al., ACL 2002, one reference a record).

    BLEU-k is the geometric mean of the shares of n-grams that agree, for n of 1 to k, times exp(1 - reference words /
    written words) where too few words are written.

    Args:
        counts: (..., 10), `bleu_counts` summed over records.

    Returns:
        float64 (..., 4), between 0 and 1; 0 where no n-gram agrees, or none was written.

    Example:
        >>> counts = bleu_counts(["sinus rhythm normal"], ["sinus rhythm normal ECG"])
        >>> bleu(counts.sum(axis=0)).round(3).tolist()
        [0.717, 0.717, 0.717, 0.0]
    """
    counts = np.asarray(counts, dtype=np.float64)
    shared, possible = counts[..., :LONGEST], counts[..., LONGEST : 2 * LONGEST]
    mine, theirs = counts[..., -2], counts[..., -1]
    share = np.divide(shared, possible, out=np.zeros_like(shared), where=possible > 0)
    with np.errstate(divide="ignore"):
        mean = np.exp(np.cumsum(np.log(share), axis=-1) / np.arange(1, LONGEST + 1))
    ratio = np.divide(theirs, mine, out=np.full_like(mine, np.inf), where=mine > 0)
    return mean * np.exp(np.minimum(0.0, 1.0 - ratio))[..., None]


def rouge_l(written: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """ROUGE-L of each record: the F1 of the longest common subsequence of words (Lin, 2004, with beta 1).

    Args:
        written, references: a text for each record.

    Returns:
        float64 (records,), between 0 and 1; 0 where one of the texts has no words.

    Raises:
        ValueError: another number of texts than of references.

    Example:
        >>> rouge_l(["sinus rhythm"], ["sinus tachycardia rhythm"]).round(3).tolist()
        [0.8]
    """
    values = []
    for one, other in _pairs(written, references):
        mine, theirs = words_of(one), words_of(other)
        # of precision c / m and recall c / t, F1 is 2 c / (m + t)
        values.append(2 * _common(mine, theirs) / max(1, len(mine) + len(theirs)))
    return np.array(values, dtype=np.float64)


def _pairs(written: Sequence[str], references: Sequence[str]):
    if len(written) != len(references):
        raise ValueError(f"{len(written)} written texts and {len(references)} references, wanted as many")
    return zip(written, references, strict=True)


def _ngrams(words: list[str], number: int) -> Counter:
    return Counter(zip(*(words[start:] for start in range(number)), strict=False))


def _common(first: list[str], second: list[str]) -> int:
    """Words in the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for word in first:
        before = row
        row = [0]
        for place, other in enumerate(second):
            row.append(before[place] + 1 if word == other else max(before[place + 1], row[-1]))
    return row[-1]
