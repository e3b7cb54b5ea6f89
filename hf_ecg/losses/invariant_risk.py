"""IRMv1: the same classifier is to be best in every environment."""

import torch

from .environment_risks import MeanLoss, check_environments, environment_rows, gathered
from .pair_targets import Gather, in_full_precision, without_autocast


def irm_penalty(
    loss: MeanLoss,
    logits: torch.Tensor,
    labels: torch.Tensor,
    environments: torch.Tensor,
    *,
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""$\frac1{|E|}\sum_e\left(\left.\frac{\partial R_e(w\cdot f)}{\partial w}\right|_{w=1}\right)^2$.

    **Relations**: 0 where scaling the logits would help no environment. The paper sums over environments; this is
    their mean, so that a weight means the same for any number of them. The paper's code multiplies the gradients of
    two halves of a batch, which has no bias; this is the square of the formula, which is larger by the gradient's
    variance, the more the fewer rows an environment has.

    Args:
        loss, logits, labels, environments, gather: see `environment_risks`. Logits of a regression in units with a
            mean of their own are scaled with it.

    Returns:
        Scalar, the same on all processes when gathering.

    Raises:
        ValueError: see `environment_risks`.

    Source:
        Invariant Risk Minimization, arXiv 1907.02893, equation IRMv1 (section 3.1).

    Example:
        >>> import torch
        >>> from torch.nn.functional import mse_loss
        >>> from hf_ecg.losses import irm_penalty
        >>> outputs = torch.tensor([[1.0], [2.0]])  # twice as much would be right in the second environment
        >>> irm_penalty(mse_loss, outputs, torch.tensor([[1.0], [4.0]]), torch.tensor([0, 1])).item()
        32.0
    """
    check_environments(logits, environments)
    with without_autocast(logits):
        (logits,) = in_full_precision(logits)
        logits, labels, environments = gathered(gather, logits, labels, environments)
        slopes = []
        for _, rows in environment_rows(environments, labels):
            scale = torch.ones((), dtype=logits.dtype, device=logits.device, requires_grad=True)
            risk = loss(logits[rows] * scale, labels[rows])
            (slope,) = torch.autograd.grad(risk, scale, create_graph=True)
            slopes.append(slope)
        return torch.stack(slopes).square().mean()
