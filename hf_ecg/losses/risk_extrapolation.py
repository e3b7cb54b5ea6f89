"""V-REx: the same risk in every environment."""

import torch


def risk_variance(risks: torch.Tensor) -> torch.Tensor:
    r"""$\mathrm{Var}(R_1,\dots,R_{|E|})$, the mean squared difference from the mean risk.

    Args:
        risks: (environments,), of `environment_risks`.

    Returns:
        Scalar; 0 for one environment.

    Raises:
        ValueError: no environment, or another shape.

    Source:
        Out-of-Distribution Generalization via Risk Extrapolation, arXiv 2003.00688, equation 8.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import risk_variance
        >>> risk_variance(torch.tensor([1.0, 3.0])).item()
        1.0
    """
    if risks.ndim != 1 or len(risks) == 0:
        raise ValueError(f"risks have shape {tuple(risks.shape)}, wanted (environments,), at least one")
    return (risks - risks.mean()).square().mean()
