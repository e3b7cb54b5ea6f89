"""The learned verifier: how probable a dual encoder holds it that an ECG shows a waveform feature.

CLEP keeps a feature when sigmoid(t * cos + b) is large enough (arXiv 2505.11939, section 3.3): t and b are the
exponentiated scale and the bias that the sigmoid loss learnt, cos the cosine of ECG and feature text.
"""

from collections.abc import Sequence

import numpy as np

from ...evaluation.judging.features import ecg_embeddings, ecg_text_embeddings
from ...evaluation.judging.label_text import scale_and_bias

PAPER_THRESHOLD = 0.95
# Pairs whose embeddings are gathered at once: 16 MB for 256 dimensions.
BLOCK = 8192


def sigmoid_parameters(model) -> tuple[float, float]:
    """Exponentiated scale t and bias b of a dual encoder.

    Raises:
        ValueError: it was trained without the sigmoid loss, so its cosines are not probabilities.
    """
    scale, bias = scale_and_bias(model)
    if bias is None:
        raise ValueError(
            f"a model with loss_type {model.config.loss_type!r} has no bias, so its cosines rank texts and are not"
            " probabilities: wanted one trained with the sigmoid loss"
        )
    return scale, bias


def check_reachable(scale: float, bias: float, threshold: float = PAPER_THRESHOLD) -> None:
    """Stops before work whose result would be that nothing is kept.

    Raises:
        ValueError: the threshold is not a probability, or is above sigmoid(t + b), which no pair exceeds.

    Example:
        >>> check_reachable(scale=10.2, bias=-9.97)
        Traceback (most recent call last):
        ...
        ValueError: a fixed threshold of 0.95 is never reached: sigmoid(t + b) is 0.557 with t = 10.2, b = -9.97. ...
    """
    if not 0 < threshold < 1:
        raise ValueError(f"the fixed threshold is {threshold}, wanted a probability between 0 and 1")
    highest = float(_sigmoid(np.float64(scale + bias)))
    if highest < threshold:
        raise ValueError(
            f"a fixed threshold of {threshold:g} is never reached: sigmoid(t + b) is {highest:.3f} with"
            f" t = {scale:.4g}, b = {bias:.4g}. Train for longer, or leave compat_fixed_threshold out: then each"
            " feature has a threshold of its own, from validation rows"
        )


def pair_probabilities(
    ecg_embeds: np.ndarray,
    text_embeds: np.ndarray,
    records: np.ndarray,
    texts: np.ndarray,
    scale: float,
    bias: float,
    block: int = BLOCK,
) -> np.ndarray:
    """sigmoid(t * cos + b) of chosen pairs of ECG and text.

    Args:
        ecg_embeds: (records, size), unit length.
        text_embeds: (texts, size), unit length.
        records, texts: integers (pairs,): which ECG and which text make a pair.
        scale, bias: see `sigmoid_parameters`.
        block: pairs at once.

    Returns:
        float64 (pairs,).

    Raises:
        ValueError: indices of different lengths.
    """
    records, texts = np.asarray(records, dtype=np.int64), np.asarray(texts, dtype=np.int64)
    if records.shape != texts.shape or records.ndim != 1:
        raise ValueError(f"records {records.shape} and texts {texts.shape} do not make pairs")
    cosines = np.empty(len(records))
    for start in range(0, len(records), block):
        part = slice(start, start + block)
        cosines[part] = np.einsum("ps,ps->p", ecg_embeds[records[part]], text_embeds[texts[part]])
    return _sigmoid(scale * cosines + bias)


def feature_probabilities(
    model,
    processor,
    dataset,
    proposed: Sequence[Sequence[str]],
    batch_size: int = 64,
    description: str | None = None,
) -> list[np.ndarray]:
    """Probability of every record and each of the features proposed for it.

    Each distinct feature text goes through the text tower once, each ECG through the ECG tower once, whatever the
    number of pairs.

    Args:
        model: an `ECGTextModel` trained with the sigmoid loss.
        processor: its own.
        dataset: rows of a corpus.
        proposed: for each row the feature texts, maybe none.
        batch_size: ECGs or texts at once.
        description: title of a progress bar over the records.

    Returns:
        For each row float64 (its features,).

    Raises:
        ValueError: another number of rows than of proposals, an empty feature text, a model without the sigmoid loss.
    """
    if len(proposed) != len(dataset):
        raise ValueError(f"found proposals for {len(proposed)} records, wanted {len(dataset)}")
    scale, bias = sigmoid_parameters(model)
    counts = [len(features) for features in proposed]
    numbers: dict[str, int] = {}
    texts = np.array([numbers.setdefault(f, len(numbers)) for features in proposed for f in features], dtype=np.int64)
    if not numbers:
        return [np.empty(0) for _ in proposed]
    records = np.repeat(np.arange(len(proposed)), counts)
    asked = np.flatnonzero(counts)
    ecg_embeds = ecg_embeddings(model, processor, dataset.select(asked), batch_size, description)
    places = np.zeros(len(proposed), dtype=np.int64)
    places[asked] = np.arange(len(asked))
    text_embeds = ecg_text_embeddings(model, processor, list(numbers), batch_size)
    found = pair_probabilities(ecg_embeds, text_embeds, places[records], texts, scale, bias)
    return np.split(found, np.cumsum(counts)[:-1])


def _sigmoid(logits):
    return np.exp(-np.logaddexp(0.0, -logits))
