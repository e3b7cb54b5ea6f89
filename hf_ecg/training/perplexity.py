"""How well a causal language model knows the texts that it has not seen."""

import math
from collections import Counter
from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

_IGNORED = -100


def language_figures(model: PreTrainedModel, train, rows, size: int, batch_size: int = 32) -> dict:
    """How well a model foretells texts, and how many of them it may know by heart.

    Args:
        model: a causal language model.
        train, rows: token numbers of the training texts, and of those that are foretold.
        size: of the vocabulary.
        batch_size: texts at a time.

    Returns:
        "texts" and "tokens", their numbers; "perplexity" a token, and "unigram_perplexity" beside it; "new_texts", how
        many do not stand in the training texts word for word, and "new_perplexity" of these, None without any.
    """
    known = set(map(tuple, train))
    new = [row for row in rows if tuple(row) not in known]
    return {
        "texts": len(rows),
        "tokens": sum(len(row) - 1 for row in rows),
        "perplexity": perplexity(model, rows, batch_size),
        "unigram_perplexity": unigram_perplexity(train, rows, size),
        "new_texts": len(new),
        "new_perplexity": perplexity(model, new, batch_size) if new else None,
    }


def perplexity(model: PreTrainedModel, rows: Sequence[Sequence[int]], batch_size: int = 32) -> float:
    """exp of the mean negative log-likelihood of a token given those before it, the first of a text not counted.

    Args:
        model: a causal language model.
        rows: token numbers of each text.
        batch_size: texts at a time; the result does not depend on it.
    """
    device, total, number = next(model.parameters()).device, 0.0, 0
    training = model.training
    model.eval()
    ordered = sorted(rows, key=len)
    with torch.no_grad():
        for start in range(0, len(ordered), batch_size):
            batch = {key: value.to(device) for key, value in padded(ordered[start : start + batch_size], 0).items()}
            counted = int((batch["labels"][:, 1:] != _IGNORED).sum())
            total += float(model(**batch).loss) * counted
            number += counted
    model.train(training)
    return math.exp(total / max(1, number))


def unigram_perplexity(train: Sequence[Sequence[int]], rows: Sequence[Sequence[int]], size: int) -> float:
    """The same of a model that knows how often each of `size` tokens is in the training texts (plus one), no more."""
    counts = Counter(token for row in train for token in row[1:])
    whole = counts.total() + size
    logs = [math.log((counts[token] + 1) / whole) for row in rows for token in row[1:]]
    return math.exp(-sum(logs) / max(1, len(logs)))


def padded(rows: Sequence[Sequence[int]], pad: int) -> dict[str, torch.Tensor]:
    """`input_ids`, `attention_mask` and `labels`, int64 (texts, longest); padding is no label."""
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(mask == 0, _IGNORED)}
