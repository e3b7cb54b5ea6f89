"""Group DRO: the environments that are learned worst count most."""

import torch

from .environment_risks import EnvironmentRisks


def group_dro_loss(found: EnvironmentRisks, weights: torch.Tensor) -> torch.Tensor:
    r"""$\sum_g q_gR_g$ over the environments that are present.

    **Relations**: an environment without a row in the batch has a risk of 0, as in the released code.

    Args:
        found: of `environment_risks`.
        weights: q, (environments,), of `moved_group_weights`; no gradient passes through them.

    Returns:
        Scalar.

    Source:
        Distributionally Robust Neural Networks for Group Shifts, arXiv 1911.08731, algorithm 1.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import group_dro_loss
        >>> from hf_ecg.losses.environment_risks import EnvironmentRisks
        >>> group_dro_loss(EnvironmentRisks(torch.tensor([0, 1]), torch.tensor([1.0, 3.0])), torch.tensor([0.5, 0.5]))
        tensor(2.)
    """
    return (found.risks * weights.detach()[found.numbers].to(found.risks.dtype)).sum()


def moved_group_weights(weights: torch.Tensor, found: EnvironmentRisks, step_size: float) -> torch.Tensor:
    r"""$q_g\exp(\eta R_g)$, divided by their sum.

    Args:
        weights: q of the step before, (environments,), equal at first.
        found: of `environment_risks`; what is not present has a risk of 0.
        step_size: eta; the paper's is 0.01.

    Returns:
        (environments,), of sum 1.

    Raises:
        ValueError: an environment beyond the weights, a negative step size.
    """
    if not step_size >= 0:
        raise ValueError(f"step_size is {step_size}, wanted 0 or more")
    if len(found.numbers) and int(found.numbers.max()) >= len(weights):
        raise ValueError(f"an environment has the number {int(found.numbers.max())}, but there are {len(weights)}")
    logs = weights.log()
    logs[found.numbers] = logs[found.numbers] + step_size * found.risks.detach().to(weights.dtype)
    return logs.softmax(0)
