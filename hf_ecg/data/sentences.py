"""Sentences of a record's text: where they lie, which tokens are theirs, and which one a batch shows."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence

import torch

from ..checks import check_positive
from ..clinical.scp import split_sentences

# of a token that belongs to no sentence: a full stop, a special token, padding
NO_SENTENCE = -1
# a full stop inside a number ends nothing
_END = re.compile(r"[.;!?]+(?=\s|$)|\n")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """First character and the one behind the last of each sentence, without the stop that ends it.

    A sentence ends at a full stop, semicolon, exclamation or question mark before white space, or with its line. A
    text without any is one sentence; an empty one has none.

    Example:
        >>> text = "Sinus rhythm. QRS 0.12 s"
        >>> [text[start:stop] for start, stop in sentence_spans(text)]
        ['Sinus rhythm', 'QRS 0.12 s']
    """
    spans, start = [], 0
    for stop, after in [*((end.start(), end.end()) for end in _END.finditer(text)), (len(text), len(text))]:
        inside = text[start:stop].strip()
        if re.search(r"\w", inside):
            first = text.index(inside, start)
            spans.append((first, first + len(inside)))
        start = after
    return spans


def token_sentences(texts: Sequence[str], offsets: torch.Tensor) -> torch.Tensor:
    """The number of the sentence that each token belongs to.

    Args:
        texts: as they were tokenised.
        offsets: int64 (texts, tokens, 2), the characters of each token; (0, 0) for special tokens and padding.

    Returns:
        int64 (texts, tokens), from 0 in each text, and -1 where a token belongs to no sentence. A text without a
        sentence is a row of -1: the rows of a batch stay in step.

    Raises:
        ValueError: another number of texts than of rows.
    """
    if len(texts) != len(offsets):
        raise ValueError(f"{len(texts)} texts and the tokens of {len(offsets)}, wanted as many")
    ids = torch.full(offsets.shape[:2], NO_SENTENCE, dtype=torch.int64)
    for row, text in enumerate(texts):
        owners = torch.full((len(text),), NO_SENTENCE, dtype=torch.int64)
        for number, (start, stop) in enumerate(sentence_spans(text)):
            owners[start:stop] = number
        for place, (start, stop) in enumerate(offsets[row].tolist()):
            # a tokenizer may join a word and the stop behind it, or the space before it
            if stop > start:
                ids[row, place] = owners[start:stop].max()
    return ids


class SentenceSampler:
    """Draws a record's text anew at every look.

    A prompt is a single sentence and a report is many: a model that has only read reports places sentences badly. With
    common sentences ("sinus rhythm", in most records) drawn as often as rare ones, most of a batch would say the same.

    Args:
        single_sentence_probability: with this probability the text is one of its sentences.
        rare_sentence_power: a sentence is drawn with a weight of its frequency to the power of minus this: 0 draws all
            alike, 1 in inverse proportion. Above 0 it needs `fit`.

    Raises:
        ValueError: a probability or power out of range.
    """

    def __init__(self, single_sentence_probability: float = 0.0, rare_sentence_power: float = 0.0):
        for name, value in (
            ("single_sentence_probability", single_sentence_probability),
            ("rare_sentence_power", rare_sentence_power),
        ):
            check_positive(name, value, or_zero=True)
        if single_sentence_probability > 1:
            raise ValueError(
                f"single_sentence_probability is {single_sentence_probability!r}, wanted a probability: at most 1"
            )
        self.single_sentence_probability = single_sentence_probability
        self.rare_sentence_power = rare_sentence_power
        self.counts: Counter[str] | None = None
        self._shares: dict[str, tuple[list[str], list[float]]] = {}

    def fit(self, texts: Iterable[str]) -> None:
        """Count the sentences of the training texts, a text for every record."""
        self._shares.clear()
        self.counts = Counter(sentence for text in texts if text for sentence in _sentences(text))

    def draw(self, text: str, generator: torch.Generator) -> str:
        """The text, or one of its sentences.

        Raises:
            ValueError: `rare_sentence_power` is set and `fit` was not called.
        """
        if not self.single_sentence_probability:
            return text
        if torch.rand((), generator=generator, dtype=torch.float64) >= self.single_sentence_probability:
            return text
        if not self.rare_sentence_power:
            sentences = _sentences(text)
            return sentences[int(torch.randint(len(sentences), (), generator=generator))]
        if self.counts is None:
            raise ValueError("rare_sentence_power needs the frequencies of the sentences: call fit with the texts")
        sentences, shares = self._cumulated(text)
        point = float(torch.rand((), generator=generator, dtype=torch.float64)) * shares[-1]
        return sentences[min(bisect_right(shares, point), len(sentences) - 1)]

    def _cumulated(self, text: str) -> tuple[list[str], list[float]]:
        """Sentences of a text and their weights, summed up; kept, as a corpus repeats its texts in every epoch."""
        if text not in self._shares:
            sentences = _sentences(text)
            weights = torch.tensor([max(1, self.counts[sentence]) for sentence in sentences], dtype=torch.float64)
            self._shares[text] = sentences, weights.pow(-self.rare_sentence_power).cumsum(dim=0).tolist()
        return self._shares[text]

    def extra(self, number: int, generator: torch.Generator) -> list[str]:
        """Distinct sentences of the training texts, drawn alike without replacement; all of them when fewer.

        Raises:
            ValueError: `fit` was not called.
        """
        if self.counts is None:
            raise ValueError("extra sentences are drawn from the training texts: call fit with them")
        sentences = sorted(self.counts)
        if number >= len(sentences):
            return sentences
        return [sentences[place] for place in torch.randperm(len(sentences), generator=generator)[:number].tolist()]

    def possible(self, texts: Iterable[str]) -> list[str]:
        """Every text that can be drawn, sorted."""
        whole = set(texts)
        if not self.single_sentence_probability:
            return sorted(whole)
        sentences = set().union(*map(_sentences, whole))
        return sorted(sentences if self.single_sentence_probability == 1 else whole | sentences)

    def true_of(self, text: str) -> list[str]:
        """All texts that are true of a record with this text: the text and each of its sentences."""
        return list(dict.fromkeys([text, *_sentences(text)]))


def _sentences(text: str) -> list[str]:
    # a text may be nothing but a dot
    return split_sentences(text) or [text]
