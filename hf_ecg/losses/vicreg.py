"""VICReg: two views alike, every dimension spread over the batch, no two dimensions saying the same."""

import torch
from torch.nn import functional as F

from .pair_targets import Gather, in_full_precision, without_autocast
from .view_pairs import check_views

# keeps the root's gradient finite where a dimension is constant (the paper's epsilon)
_EPSILON = 1e-4


def vicreg_loss(
    first_features: torch.Tensor,
    second_features: torch.Tensor,
    *,
    invariance_weight: float = 25.0,
    variance_weight: float = 25.0,
    covariance_weight: float = 1.0,
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""$\lambda\,s(Z,Z')+\frac\mu2[v(Z)+v(Z')]+\nu[c(Z)+c(Z')]$ of the projected features of two views.

    s is the mean squared difference of the two views over records and dimensions; v(Z) the mean over dimensions of
    $\max(0,1-\sqrt{\mathrm{var}+10^{-4}})$; c(Z) the sum of the squared covariances of two different dimensions,
    divided by the number of dimensions. Variances and covariances divide by records - 1.

    **Requirements**: equal numbers of rows on all processes when gathering.
    **Inputs**: row i of both tensors are two views of one record; features *as they are*, not of unit length, since
    their spread is a part of the loss.
    **Relations**: there are no negatives, hence no temperature. The paper halves the variance term as its released
    code does. The arithmetic is float32 or better whatever the inputs and autocast.

    Args:
        first_features: (batch, dimensions).
        second_features: (batch, dimensions).
        invariance_weight, variance_weight, covariance_weight: lambda, mu, nu.
        gather: `gather_with_gradient` to measure the spread over the records of every process.

    Returns:
        Scalar, so that its mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, a negative weight, fewer than two records on all processes together; when
            gathering, processes with different numbers of rows.

    Source:
        VICReg, arXiv 2105.04906, equations 1 to 6 and algorithm 1.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import vicreg_loss
        >>> views = torch.tensor([[2.0, 2.0], [-2.0, 2.0], [2.0, -2.0], [-2.0, -2.0]])  # spread, and nothing twice
        >>> vicreg_loss(views, views).item()
        0.0
    """
    check_views(first_features, second_features, 1.0)
    check_vicreg_weights(invariance_weight, variance_weight, covariance_weight)
    with without_autocast(first_features):
        first, second = in_full_precision(first_features, second_features)
        loss = invariance_weight * F.mse_loss(first, second)
        all_first, all_second = first, second
        if gather is not None:
            all_first, all_second = gather(torch.cat([first, second], dim=1)).chunk(2, dim=1)
        if len(all_first) < 2:
            raise ValueError("one record has no spread; wanted two or more on all processes together")
        for features in (all_first, all_second):
            variance, covariance = _spread(features)
            loss = loss + variance_weight / 2 * variance + covariance_weight * covariance
        return loss


def _spread(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """v and c of (records, dimensions)."""
    records, dimensions = features.shape
    centred = features - features.mean(0)
    covariance = centred.T @ centred / (records - 1)
    variance = covariance.diagonal()
    short = F.relu(1 - (variance + _EPSILON).sqrt()).mean()
    return short, (covariance.square().sum() - variance.square().sum()) / dimensions


def check_vicreg_weights(invariance_weight: float, variance_weight: float, covariance_weight: float) -> None:
    """Refuse weights that `vicreg_loss` cannot work with.

    Raises:
        ValueError: a weight that is negative or not finite.
    """
    given = {
        "invariance_weight": invariance_weight,
        "variance_weight": variance_weight,
        "covariance_weight": covariance_weight,
    }
    for name, weight in given.items():
        if not 0 <= weight < float("inf"):
            raise ValueError(f"{name} is {weight}, wanted a number of at least 0")
