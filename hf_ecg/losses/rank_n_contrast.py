"""Rank-N-contrast: patients are to lie in the order in which their metadata differ."""

import torch

from .metadata import check_metadata, check_share, log_probabilities, metadata_pairs
from .pair_targets import Gather, in_full_precision, without_autocast
from .risk_weights import of_views
from .view_pairs import ViewPairs, check_views, view_pairs


def rank_n_contrast_loss(
    first_embeds: torch.Tensor,
    second_embeds: torch.Tensor,
    temperature: torch.Tensor | float = 0.07,
    *,
    metadata: torch.Tensor,
    share: float | None = None,
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""$-\frac1{2N}\sum_a\sum_{k\ne a}t_{ak}\log\frac{e^{l_{ak}}}{\sum_{j:\,d_{aj}\ge d_{ak}}e^{l_{aj}}}$.

    a, l and the views are those of `info_nce_loss`, d the distance of two records' metadata: each other view k is a
    positive against all that differ as much as k or more. Published: $t_{ak}=1/(2N-1)$. The term of the anchor's own
    other view, at distance 0 from it, is InfoNCE's; with `share` s that term has the weight 1 - s, and the mean over
    all other records s.

    **Requirements**: unit-length embeddings; equal numbers of rows on all processes when gathering.
    **Inputs**: row i of both tensors are two views of one record, and of `metadata` its patient.
    **Relations**: `share=0`, or metadata that nobody knows, give `info_nce_loss`. A pair is compared where both know
    every column; others have no term of their own, and stand in the denominator of the own view's term alone. Equal
    distances are negatives of each other, as published. The arithmetic is float32 or better whatever the inputs and
    autocast; no gradient flows to the metadata.

    Args:
        first_embeds: (batch, dimensions), unit length.
        second_embeds: (batch, dimensions), unit length.
        temperature: scalar T; published 2 on negative distances, which are not bounded as cosines are.
        metadata: (batch, columns) of one unit, such as standard deviations, NaN where unknown; d is the sum over
            columns of the absolute differences.
        share: of the target on other records, None for the published target.
        gather: `gather_with_gradient` to contrast with the records of every process.

    Returns:
        Scalar: the mean over local anchors, so that the mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, a share outside [0, 1], a single record; when gathering, processes with
            different numbers of rows.

    Source:
        Zha et al., Rank-N-Contrast, NeurIPS 2023, arXiv 2210.01189, equation 1; `share` is ours.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import rank_n_contrast_loss
        >>> angles = torch.tensor([0.0, 0.5, 1.0, 1.5])
        >>> views = torch.stack([angles.cos(), angles.sin()], dim=1)
        >>> ages = torch.tensor([[30.0], [45.0], [60.0], [75.0]])
        >>> in_order = rank_n_contrast_loss(views, views, metadata=ages)
        >>> bool(in_order < rank_n_contrast_loss(views, views, metadata=ages[[2, 0, 3, 1]]))
        True
    """
    check_views(first_embeds, second_embeds, temperature)
    check_metadata(first_embeds, metadata)
    check_share(share)
    with without_autocast(first_embeds):
        first_embeds, second_embeds, temperature = in_full_precision(first_embeds, second_embeds, temperature)
        pairs = view_pairs(first_embeds, second_embeds, gather)
        values, known = metadata_pairs(metadata, pairs, gather)
        apart = of_views((values[:, None] - values).abs().sum(dim=2), pairs)
        own = (log_probabilities(pairs, temperature) * pairs.positive).sum(dim=1)
        others = _ranked_log_probabilities(pairs, temperature, apart, known).masked_fill(~known, 0).sum(dim=1)
        number = known.sum(dim=1)
        if share is None:
            return -((own + others) / (number + 1)).mean()
        part = torch.where(number > 0, share, 0.0)
        return -((1 - part) * own + part * others / number.clamp(min=1)).mean()


def _ranked_log_probabilities(
    pairs: ViewPairs, temperature: torch.Tensor, apart: torch.Tensor, known: torch.Tensor
) -> torch.Tensor:
    """log(e^l_ak / sum over j known and at least as far as k of e^l_aj), (2 batch, 2 total), for the known k alone."""
    logits = pairs.anchors @ pairs.columns.T / temperature
    # the anchor's own other view is at distance 0 from it, where it knows its metadata
    ranked = known | (pairs.positive & known.any(dim=1, keepdim=True))
    farthest_first = apart.masked_fill(~ranked, -1).sort(dim=1, descending=True)
    # sums over all up to each place; the denominator of k ends at the last one that is as far as k
    sums = logits.gather(1, farthest_first.indices).logcumsumexp(dim=1)
    falling = -farthest_first.values
    last = torch.searchsorted(falling, -apart.masked_fill(~ranked, -1).contiguous(), right=True) - 1
    return logits - sums.gather(1, last)
