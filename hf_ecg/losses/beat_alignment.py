"""Beat alignment: which report's sentences are told by an ECG's beat vectors, and the other way round."""

import torch
from torch.nn import functional as F

from .distributed import world_size
from .pair_targets import (
    Gather,
    PairTargets,
    cross_entropies,
    in_full_precision,
    pair_targets,
    without_autocast,
)


def beat_alignment_loss(
    beat_embeds: torch.Tensor,
    sentence_embeds: torch.Tensor,
    sentence_mask: torch.Tensor,
    *,
    attention_scale: float = 4.0,
    sentence_scale: float = 5.0,
    logit_scale: float = 10.0,
    text_ids: torch.Tensor | None = None,
    identical_text: str = "negative",
    gather: Gather | None = None,
) -> torch.Tensor:
    """Cross entropies of ECG to report and report to ECG, where a pair's logit is what its sentences say together.

    Of an ECG and a report: each beat vector shares itself out among the sentences (softmax of their products); each
    sentence then looks at the beat vectors (softmax of `attention_scale` times its shares), and is compared with their
    weighted sum, by a cosine. The logit is `logit_scale` times the log of the sum of exp(`sentence_scale` * cosine).

    **Requirements**: equal numbers of rows on all processes when gathering.
    **Inputs**: row i of all is a pair. A report without a sentence, such as an empty one, takes no part: neither as a
    row nor as another ECG's wrong answer, and its ECG not either.
    **Relations**: GLoRIA's loss of words and image regions. Of a report of one sentence all shares are 1, so it looks
    at the mean of the beat vectors. Products in the attention are of no unit vectors, as published.

    Args:
        beat_embeds: (batch, beats, dimensions).
        sentence_embeds: (batch, sentences, dimensions), filled up behind the last.
        sentence_mask: bool (batch, sentences), false where filled up.
        attention_scale, sentence_scale, logit_scale: see above.
        text_ids, identical_text: what another ECG's equal report is, see `softmax_contrastive_loss`.
        gather: `gather_with_gradient` to contrast with the rows of every process.

    Returns:
        Scalar: the mean of both directions over the pairs that take part, 0 where none does; the mean over processes
        is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, and as `softmax_contrastive_loss` says of the texts.

    Source:
        GLoRIA, ICCV 2021, equations 3 to 8; MELP, arXiv 2506.21803, section 3.3.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import beat_alignment_loss
        >>> beats = torch.eye(4).view(2, 2, 4)  # two ECGs of two beat vectors, each told by its own sentence
        >>> round(beat_alignment_loss(beats, beats, torch.ones(2, 2, dtype=torch.bool)).item(), 4)
        0.0
    """
    _check_shapes(beat_embeds, sentence_embeds, sentence_mask)
    with without_autocast(beat_embeds):
        beats, sentences = in_full_precision(beat_embeds, sentence_embeds)
        mask, told = sentence_mask.bool(), sentence_mask.bool().any(dim=1)
        all_beats, all_sentences, all_mask = beats, sentences, mask
        if gather is not None:
            # reports of one process may have more sentences than those of another
            more = int(gather(torch.tensor([mask.shape[1]], device=mask.device)).max()) - mask.shape[1]
            sentences, mask = F.pad(sentences, (0, 0, 0, more)), F.pad(mask, (0, more))
            all_beats, all_sentences, all_mask = gather(beats), gather(sentences), gather(mask.long()).bool()
        all_told = all_mask.any(dim=1)
        targets = pair_targets(
            len(beats),
            len(all_told),
            text_ids=text_ids,
            identical_text=identical_text,
            gather=gather,
            device=beats.device,
        )
        targets = _of_told(targets, told, all_told)
        scales = (attention_scale, sentence_scale, logit_scale)
        to_report = beat_logits(beats, all_sentences, all_mask, *scales)
        to_ecg = to_report.T if gather is None else beat_logits(all_beats, sentences, mask, *scales).T
        losses = (cross_entropies(to_report, targets) + cross_entropies(to_ecg, targets)) / 2
        number = told.sum().to(losses.dtype) if gather is None else all_told.sum().to(losses.dtype) / world_size()
        return (losses * told).sum() / number.clamp(min=1.0 / world_size())


def beat_logits(
    beats: torch.Tensor,
    sentences: torch.Tensor,
    mask: torch.Tensor,
    attention_scale: float,
    sentence_scale: float,
    logit_scale: float,
) -> torch.Tensor:
    """(ecgs, reports), see `beat_alignment_loss`; a report without a sentence has the logit of zeros."""
    products = torch.einsum("jqd,isd->jiqs", beats, sentences)
    # an empty softmax is not a number
    counted = mask | ~mask.any(dim=1, keepdim=True)
    hidden = ~counted[None, :, None]
    shares = products.masked_fill(hidden, float("-inf")).softmax(dim=3)
    weights = (attention_scale * shares).softmax(dim=2)
    # the weighted sums are never made: their products with sentences and themselves are sums of those of the beats
    between = beats @ beats.transpose(1, 2)
    along = (weights * products).sum(dim=2)
    squared = (weights * (between[:, None] @ weights)).sum(dim=2)
    smallest = torch.finfo(squared.dtype).tiny
    lengths = squared.clamp(min=smallest).sqrt() * sentences.square().sum(dim=2).clamp(min=smallest).sqrt()
    cosines = along / lengths.clamp(min=1e-8)
    scores = (sentence_scale * cosines).masked_fill(hidden[:, :, 0], float("-inf"))
    return logit_scale * scores.logsumexp(dim=2)


def _of_told(targets: PairTargets, told: torch.Tensor, all_told: torch.Tensor) -> PairTargets:
    """Without the pairs whose report has no sentence; their own rows keep one, so that they are numbers."""
    counted = all_told[None] if targets.counted is None else targets.counted & all_told
    counted = counted | ~told[:, None]
    return PairTargets(targets.positive & counted, counted)


def _check_shapes(beats: torch.Tensor, sentences: torch.Tensor, mask: torch.Tensor) -> None:
    fits = beats.ndim == sentences.ndim == 3 and len(beats) == len(sentences) and len(beats) > 0
    if not fits or beats.shape[2] != sentences.shape[2] or mask.shape != sentences.shape[:2]:
        raise ValueError(
            f"beat_embeds have shape {tuple(beats.shape)}, sentence_embeds {tuple(sentences.shape)} and sentence_mask"
            f" {tuple(mask.shape)}, wanted (batch, beats, dimensions), (batch, sentences, dimensions) and (batch,"
            " sentences)"
        )
