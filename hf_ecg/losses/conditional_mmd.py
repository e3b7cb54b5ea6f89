"""Conditional MMD: features distributed alike in every environment, among records of one class."""

import itertools

import torch

from .environment_risks import check_environments, environment_rows, gathered
from .pair_targets import Gather, in_full_precision, without_autocast


def conditional_mmd_penalty(
    features: torch.Tensor,
    labels: torch.Tensor,
    environments: torch.Tensor,
    *,
    bandwidth: float | None = None,
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""$\mathrm{MMD}^2(P_a(Z\mid y),P_b(Z\mid y))$, the mean over classes y and pairs of environments a, b.

    $\mathrm{MMD}^2$ is the biased estimate, the mean kernel within a and within b less twice the mean between them, of
    $k(x,z)=\exp(-\lVert x-z\rVert^2/2\sigma^2)$. *inferred*: the paper on shift names no estimate and no kernel.

    Args:
        features: float (batch, size).
        labels: float (batch, labels) of 0 and 1, NaN where not annotated: of each label those with it and those
            without are a class each. Or int64 (batch,): one class a row.
        environments: int64 (batch,).
        bandwidth: sigma; None takes the root of half the median squared distance of the batch's features.
        gather: `gather_with_gradient` for the rows of every process.

    Returns:
        Scalar; 0 when no class is in two environments.

    Raises:
        ValueError: shapes that do not fit, a bandwidth that is not above 0.

    Source:
        A kernel two-sample test (Gretton et al., JMLR 13, 2012), equation 5; conditional on the class as in
        arXiv 2410.19575.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import conditional_mmd_penalty
        >>> features, labels = torch.tensor([[0.0], [5.0], [0.0], [5.0]]), torch.tensor([0, 1, 0, 1])
        >>> conditional_mmd_penalty(features, labels, torch.tensor([0, 0, 1, 1])).item()  # alike within each class
        0.0
    """
    if features.ndim != 2 or labels.shape[:1] != features.shape[:1] or labels.ndim > 2:
        raise ValueError(f"features have shape {tuple(features.shape)}, labels {tuple(labels.shape)}")
    if bandwidth is not None and not bandwidth > 0:
        raise ValueError(f"bandwidth is {bandwidth}, wanted above 0")
    check_environments(features, environments)
    with without_autocast(features):
        (features,) = in_full_precision(features)
        features, labels, environments = gathered(gather, features, labels, environments)
        squares = (features[:, None] - features[None]).square().sum(-1)
        middle = squares.detach().median().clamp(min=1e-12) if bandwidth is None else 2 * bandwidth**2
        kernel = torch.exp(-squares / middle)
        places = [rows for _, rows in environment_rows(environments)]
        found = []
        for members in _classes(labels):
            within = [rows & members for rows in places if (rows & members).any()]
            for first, second in itertools.combinations(within, 2):
                own = kernel[first][:, first].mean() + kernel[second][:, second].mean()
                found.append(own - 2 * kernel[first][:, second].mean())
        return torch.stack(found).mean() if found else features.sum() * 0.0


def _classes(labels: torch.Tensor) -> list[torch.Tensor]:
    """Masks bool (rows,) of each class."""
    if labels.ndim == 1 and not labels.is_floating_point():
        return [labels == number for number in labels.unique()]
    columns = labels[:, None] if labels.ndim == 1 else labels
    return [column == value for column in columns.T for value in (0.0, 1.0)]
