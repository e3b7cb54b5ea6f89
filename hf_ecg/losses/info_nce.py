"""InfoNCE between two views of each record, as SimCLR does: which of all other views is this record's?"""

import math

import torch

from .pair_targets import Gather, in_full_precision, without_autocast
from .view_pairs import check_views, contrast, view_pairs

NEGATIVES = ("sum", "mean")


def info_nce_loss(
    first_embeds: torch.Tensor,
    second_embeds: torch.Tensor,
    temperature: torch.Tensor | float = 0.07,
    *,
    negatives: str = "sum",
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""SimCLR's NT-Xent: $-\frac1{2N}\sum_a\log\frac{e^{l_{a,p}}}{e^{l_{a,p}}+\sum_{n}e^{l_{a,n}}}$, $l=\cos/T$.

    Every view is an anchor a; p is the other view of its record, n runs over both views of all other records.

    **Negatives.** "sum" is SimCLR. "mean" divides the sum by its number of terms, 2N - 2: what the softmax weights of
    CLEF's released loss do to the scale of the negatives when all risks are equal (`risk_weighted_contrastive_loss`).

    **Requirements**: unit-length embeddings; equal numbers of rows on all processes when gathering.
    **Inputs**: row i of both tensors are two views of one record.
    **Relations**: with `negatives="sum"` the loss grows with the batch, about log(2N - 1) at the start.
    `risk_weighted_contrastive_loss` is this loss wherever no risk is known. The arithmetic is float32 or better
    whatever the inputs and autocast.

    Args:
        first_embeds: (batch, dimensions), unit length.
        second_embeds: (batch, dimensions), unit length.
        temperature: scalar T; CLEF 0.07, ECG papers after MERL 0.1 or 0.5.
        negatives: "sum" or "mean".
        gather: `gather_with_gradient` to contrast with the records of every process.

    Returns:
        Scalar: the mean over local anchors, so that the mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, an unknown `negatives`, a single record; when gathering, processes with
            different numbers of rows.

    Source:
        SimCLR, arXiv 2002.05709, equation 1.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import info_nce_loss
        >>> views = torch.eye(4)  # four records: both views lie on one axis, apart from the others
        >>> round(info_nce_loss(views, views, temperature=1.0).item(), 4)
        1.1654
    """
    check_views(first_embeds, second_embeds, temperature)
    if negatives not in NEGATIVES:
        raise ValueError(f"negatives is {negatives!r}, wanted one of {NEGATIVES}")
    with without_autocast(first_embeds):
        first_embeds, second_embeds, temperature = in_full_precision(first_embeds, second_embeds, temperature)
        pairs = view_pairs(first_embeds, second_embeds, gather)
        log_weights = None
        if negatives == "mean":
            log_weights = first_embeds.new_tensor(-math.log(len(pairs.columns) - 2))
        return contrast(pairs, temperature, log_weights)
