"""Barlow Twins: the cross-correlation of two views' dimensions shall be the identity."""

import torch

from .pair_targets import Gather, in_full_precision, without_autocast
from .view_pairs import check_views

# of the variance, as in the batch norm of the released code: a dimension that is constant stays finite
_EPSILON = 1e-5


def barlow_twins_loss(
    first_features: torch.Tensor,
    second_features: torch.Tensor,
    *,
    redundancy_weight: float = 5e-3,
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""$\sum_i(1-C_{ii})^2+\lambda\sum_i\sum_{j\ne i}C_{ij}^2$ with $C=\hat Z_1^\top\hat Z_2/N$.

    The hat takes mean and standard deviation of every dimension over the records of all processes away; the variance
    divides by N, and gets an epsilon of 1e-5, as the released code's batch norm does.

    **Requirements**: equal numbers of rows on all processes when gathering.
    **Inputs**: row i of both tensors are two views of one record; features *as they are*, not of unit length.
    **Relations**: there are no negatives, hence no temperature. `vicreg_loss` asks the same of each view for itself.
    Without `gather` each process has its own statistics, and the mean over processes is another loss. The arithmetic
    is float32 or better whatever the inputs and autocast.

    Args:
        first_features, second_features: (batch, dimensions).
        redundancy_weight: lambda.
        gather: `gather_with_gradient` to correlate over the records of every process.

    Returns:
        Scalar, so that its mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, a negative weight, fewer than two records on all processes together; when
            gathering, processes with different numbers of rows.

    Source:
        Barlow Twins, arXiv 2103.03230, equations 1 and 2.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import barlow_twins_loss
        >>> views = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])  # nothing is said twice
        >>> round(barlow_twins_loss(views, views).item(), 6)
        0.0
    """
    check_views(first_features, second_features, 1.0)
    check_redundancy_weight(redundancy_weight)
    with without_autocast(first_features):
        first, second = in_full_precision(first_features, second_features)
        if gather is not None:
            first, second = gather(torch.cat([first, second], dim=1)).chunk(2, dim=1)
        if len(first) < 2:
            raise ValueError("one record has no spread; wanted two or more on all processes together")
        correlation = _standardised(first).T @ _standardised(second) / len(first)
        diagonal = correlation.diagonal()
        redundancy = correlation.square().sum() - diagonal.square().sum()
        return (1 - diagonal).square().sum() + redundancy_weight * redundancy


def check_redundancy_weight(redundancy_weight: float) -> None:
    """Raises ValueError for a weight below 0, or one that is not a number."""
    if not redundancy_weight >= 0:
        raise ValueError(f"redundancy_weight is {redundancy_weight}, wanted a number of at least 0")


def _standardised(features: torch.Tensor) -> torch.Tensor:
    centred = features - features.mean(0)
    return centred / (centred.square().mean(0) + _EPSILON).sqrt()
