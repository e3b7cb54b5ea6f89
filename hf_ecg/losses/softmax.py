"""Softmax contrastive loss: which of the batch's texts belongs to this ECG, and the other way round."""

import torch

from .pair_targets import (
    Gather,
    check_pairs,
    cross_entropies,
    in_full_precision,
    pair_targets,
    without_autocast,
)


def softmax_contrastive_loss(
    ecg_embeds: torch.Tensor,
    text_embeds: torch.Tensor,
    scale: torch.Tensor | float,
    *,
    text_ids: torch.Tensor | None = None,
    identical_text: str = "negative",
    gather: Gather | None = None,
) -> torch.Tensor:
    """CLIP's loss: the mean of the cross entropies ECG to text and text to ECG.

    **Identical texts.** With "negative", as published, another ECG's equal text stands in the denominator as a wrong
    answer. "mask" takes those off-diagonal pairs out of the denominator, in both directions. "positive" spreads a
    row's target evenly over all its positives: -1/|P| times the sum of their log probabilities.

    **Requirements**: unit-length embeddings; equal numbers of rows on all processes when gathering.
    **Inputs**: row i of both tensors is a pair; `scale` is exp(t'). CLIP starts at t' = log(1 / 0.07).
    **Relations**: depends on the batch size through the denominator, unlike `sigmoid_contrastive_loss`; a constant
    bias on the logits would cancel. The arithmetic is float32 or better whatever the inputs and autocast.

    Args:
        ecg_embeds: (batch, dimensions), unit length.
        text_embeds: (batch, dimensions), unit length.
        scale: scalar, already exponentiated.
        text_ids: integers (batch,), equal exactly where texts are equal; needed unless `identical_text` is "negative".
        identical_text: "negative", "mask" or "positive".
        gather: `gather_with_gradient` to contrast with the rows of every process.

    Returns:
        Scalar: the mean over local rows, so that the mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, an unknown `identical_text`, missing `text_ids`; when gathering,
            processes with different numbers of rows.

    Source:
        CLIP, arXiv 2103.00020, figure 3; open_clip loss.py, ClipLoss.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import softmax_contrastive_loss
        >>> embeds = torch.eye(4)  # four pairs: each ECG lies where its text lies, and apart from the others
        >>> round(softmax_contrastive_loss(embeds, embeds, scale=10.0).item(), 4)
        0.0001
    """
    check_pairs(ecg_embeds, text_embeds, text_ids, identical_text)
    with without_autocast(ecg_embeds):
        ecg_embeds, text_embeds, scale = in_full_precision(ecg_embeds, text_embeds, scale)
        all_ecgs, all_texts = ecg_embeds, text_embeds
        if gather is not None:
            all_ecgs, all_texts = gather(torch.cat([ecg_embeds, text_embeds], dim=1)).chunk(2, dim=1)
        targets = pair_targets(
            len(ecg_embeds),
            len(all_texts),
            text_ids=text_ids,
            identical_text=identical_text,
            gather=gather,
            device=ecg_embeds.device,
        )
        # equality of texts is symmetric: local texts against all ECGs have the same targets
        to_text = cross_entropies(scale * (ecg_embeds @ all_texts.T), targets)
        to_ecg = cross_entropies(scale * (text_embeds @ all_ecgs.T), targets)
        return (to_text.mean() + to_ecg.mean()) / 2
