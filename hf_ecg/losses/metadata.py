"""What is known of the patients of two views: of all processes, and which pairs of them can be compared."""

from typing import NamedTuple

import torch

from .pair_targets import Gather
from .risk_weights import of_views
from .view_pairs import ViewPairs


class MetadataPairs(NamedTuple):
    """`values` (total, columns), 0 where unknown; `known` bool (2 batch, 2 total): both sides know every column.

    An anchor against itself and against its record's other view is not among the known pairs.
    """

    values: torch.Tensor
    known: torch.Tensor


def metadata_pairs(metadata: torch.Tensor, pairs: ViewPairs, gather: Gather | None) -> MetadataPairs:
    """The metadata of every process's records, without a gradient and in the arithmetic of the embeddings.

    Args:
        metadata: (batch, columns), not finite where unknown.
        pairs: of the views.
        gather: of the loss.
    """
    values = metadata.detach().to(pairs.anchors)
    values = values if gather is None else gather(values)
    known = values.isfinite().all(dim=1)
    both = of_views((known[:, None] & known).to(values), pairs) > 0
    return MetadataPairs(torch.where(known[:, None], values, torch.zeros_like(values)), both & pairs.negative)


def check_metadata(embeds: torch.Tensor, metadata: torch.Tensor) -> None:
    """Raises ValueError for metadata that are not (batch, columns), with at least one column."""
    if metadata.ndim != 2 or len(metadata) != len(embeds) or not metadata.shape[1]:
        raise ValueError(
            f"metadata has the shape {tuple(metadata.shape)}, wanted ({len(embeds)}, columns): one row a record"
        )


def check_share(share: float | None) -> None:
    """Raises ValueError for what is not a share of a target, or None for the published one."""
    if share is not None and not 0 <= share <= 1:
        raise ValueError(f"share is {share}, wanted 0 to 1, or None for the published target")


def log_probabilities(pairs: ViewPairs, temperature: torch.Tensor) -> torch.Tensor:
    """Log-softmax of each anchor's logits over everything but itself, (2 batch, 2 total); 0 for itself."""
    logits = pairs.anchors @ pairs.columns.T / temperature
    whole = logits.masked_fill(pairs.own, float("-inf")).logsumexp(dim=1, keepdim=True)
    return (logits - whole).masked_fill(pairs.own, 0)
