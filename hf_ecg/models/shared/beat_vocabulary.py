"""What may be asked of a model that has words for heartbeats."""

import torch


class BeatVocabulary:
    """A model whose beats are words: stands among the bases of its class."""

    def codes_of(self, beat_tokens: torch.Tensor, **others) -> torch.Tensor:
        """int64 (batch, tokens), the words of beats (batch, tokens, beat_samples); -1 where there is no beat."""
        raise NotImplementedError

    def drawn_words(self) -> torch.Tensor:
        """(words, beat_samples), each word as a beat."""
        raise NotImplementedError

    def word_usage(self) -> torch.Tensor:
        """(words,), how often the training used each word."""
        raise NotImplementedError
