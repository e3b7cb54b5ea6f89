"""InfoNCE that knows what patients are like: those with alike metadata are positives of each other, to a degree."""

from collections.abc import Sequence

import torch

from .metadata import check_metadata, check_share, log_probabilities, metadata_pairs
from .pair_targets import Gather, in_full_precision, without_autocast
from .risk_weights import of_views
from .view_pairs import check_views, view_pairs


def y_aware_contrastive_loss(
    first_embeds: torch.Tensor,
    second_embeds: torch.Tensor,
    temperature: torch.Tensor | float = 0.07,
    *,
    metadata: torch.Tensor,
    bandwidths: Sequence[float | None],
    share: float | None = None,
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""y-aware InfoNCE: $-\frac1{2N}\sum_a\sum_{k\ne a}t_{ak}\log\frac{e^{l_{ak}}}{\sum_{j\ne a}e^{l_{aj}}}$.

    a, l and the views are those of `info_nce_loss`. The target $t_a$ sums to 1. Published: $t_{ak}\propto w_{ak}$ with
    w = 1 for the other view of the same record and, for another record, the product over columns of a Gaussian
    $e^{-(y_a-y_k)^2/2b^2}$ of bandwidth b, or of equality. With `share` s the other view has 1 - s of the target, and
    the alike patients s among them, in proportion to w: however many are alike.

    **Requirements**: unit-length embeddings; equal numbers of rows on all processes when gathering.
    **Inputs**: row i of both tensors are two views of one record, and of `metadata` its patient.
    **Relations**: `share=0`, metadata that nobody knows, or nobody alike give `info_nce_loss`. A pair is compared
    where both know every column; the others are plain negatives. The arithmetic is float32 or better whatever the
    inputs and autocast; no gradient flows to the metadata.

    Args:
        first_embeds: (batch, dimensions), unit length.
        second_embeds: (batch, dimensions), unit length.
        temperature: scalar T.
        metadata: (batch, columns), in their own units, NaN where unknown.
        bandwidths: of each column in its own unit; None for equality, as of the sex.
        share: of the target on alike patients, None for the published target.
        gather: `gather_with_gradient` to contrast with the records of every process.

    Returns:
        Scalar: the mean over local anchors, so that the mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, bandwidths that are not one a column and above 0, a share outside [0, 1], a
            single record; when gathering, processes with different numbers of rows.

    Source:
        Dufumier et al., MICCAI 2021, arXiv 2106.08808, equation 2; `share` is ours.

    Example:
        >>> import torch
        >>> from torch.nn.functional import normalize
        >>> from hf_ecg.losses import info_nce_loss, y_aware_contrastive_loss
        >>> first, second = normalize(torch.randn(2, 4, 16), dim=-1)
        >>> metadata = torch.tensor([[63.0, 1.0], [65.0, 1.0], [64.0, 0.0], [30.0, float("nan")]])  # age and sex
        >>> loss = y_aware_contrastive_loss(first, second, metadata=metadata, bandwidths=[5.0, None], share=0.5)
        >>> plain = y_aware_contrastive_loss(first, second, metadata=metadata, bandwidths=[5.0, None], share=0.0)
        >>> torch.allclose(plain, info_nce_loss(first, second))
        True
    """
    check_views(first_embeds, second_embeds, temperature)
    check_metadata(first_embeds, metadata)
    check_share(share)
    _check_bandwidths(bandwidths, metadata.shape[1])
    with without_autocast(first_embeds):
        first_embeds, second_embeds, temperature = in_full_precision(first_embeds, second_embeds, temperature)
        pairs = view_pairs(first_embeds, second_embeds, gather)
        values, known = metadata_pairs(metadata, pairs, gather)
        log_kernel = of_views(_log_kernel(values, bandwidths), pairs).masked_fill(~known, float("-inf"))
        if share is None:
            target = log_kernel.masked_fill(pairs.positive, 0).softmax(dim=1)
        else:
            alike = log_kernel.isfinite().any(dim=1, keepdim=True)
            others = torch.where(alike, log_kernel, torch.zeros_like(log_kernel)).softmax(dim=1)
            target = torch.where(alike, share * others + (1 - share) * pairs.positive, pairs.positive.to(others))
        return -(target * log_probabilities(pairs, temperature)).sum(dim=1).mean()


def _log_kernel(values: torch.Tensor, bandwidths: Sequence[float | None]) -> torch.Tensor:
    """(total, total), at most 0."""
    total = torch.zeros_like(values[:, :1] - values[:, 0])
    for column, width in zip(values.unbind(dim=1), bandwidths, strict=True):
        apart = column[:, None] - column
        if width is None:
            total = total.masked_fill(apart != 0, float("-inf"))
        else:
            total = total - (apart / width) ** 2 / 2
    return total


def _check_bandwidths(bandwidths: Sequence[float | None], columns: int) -> None:
    if len(bandwidths) != columns:
        raise ValueError(f"bandwidths are {list(bandwidths)}, wanted one for each of {columns} columns of metadata")
    if any(width is not None and not width > 0 for width in bandwidths):
        raise ValueError(f"bandwidths are {list(bandwidths)}, wanted numbers above 0, or None for equality")
