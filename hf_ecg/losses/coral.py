"""CORAL: features with the same covariances in every environment."""

import itertools

import torch

from .environment_risks import check_environments, environment_rows, gathered
from .pair_targets import Gather, in_full_precision, without_autocast


def coral_penalty(
    features: torch.Tensor, environments: torch.Tensor, *, means: bool = False, gather: Gather | None = None
) -> torch.Tensor:
    r"""$\frac1{4d^2}\lVert C_a-C_b\rVert_F^2$, the mean over pairs of environments; C divides by rows - 1.

    Args:
        features: float (batch, d).
        environments: int64 (batch,). One with a single row has no covariance and is left out.
        means: also add $\frac1d\lVert m_a-m_b\rVert^2$ of the features' means, which the paper does not; *inferred*
            (DomainBed, arXiv 2007.01434, adds a mean's distance too).
        gather: `gather_with_gradient` for the rows of every process.

    Returns:
        Scalar; 0 when fewer than two environments have two rows.

    Raises:
        ValueError: environments that do not fit, features of another shape; when gathering, processes with different
            numbers of rows.

    Source:
        Deep CORAL, arXiv 1607.01719, equations 1 to 3.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import coral_penalty
        >>> features = torch.tensor([[0.0], [2.0], [0.0], [4.0]])  # variances 2 and 8
        >>> coral_penalty(features, torch.tensor([0, 0, 1, 1])).item()
        9.0
    """
    if features.ndim != 2:
        raise ValueError(f"features have shape {tuple(features.shape)}, wanted (batch, size)")
    check_environments(features, environments)
    with without_autocast(features):
        (features,) = in_full_precision(features)
        features, environments = gathered(gather, features, environments)
        size, spreads = features.shape[1], []
        for _, rows in environment_rows(environments):
            own = features[rows]
            if len(own) > 1:
                centred = own - own.mean(0)
                spreads.append((own.mean(0), centred.T @ centred / (len(own) - 1)))
        distances = []
        for (first_mean, first), (second_mean, second) in itertools.combinations(spreads, 2):
            distance = (first - second).square().sum() / (4 * size**2)
            distances.append(distance + ((first_mean - second_mean).square().mean() if means else 0.0))
        # joined to the features, so that every process has the same graph
        return torch.stack(distances).mean() if distances else features.sum() * 0.0
