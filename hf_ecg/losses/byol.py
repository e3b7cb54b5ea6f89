"""BYOL: what a predictor makes of one view shall point where a momentum teacher puts the other view."""

import torch

from .simsiam import simsiam_loss


def byol_loss(
    first_predicted: torch.Tensor,
    second_predicted: torch.Tensor,
    first_targets: torch.Tensor,
    second_targets: torch.Tensor,
) -> torch.Tensor:
    r"""$\frac12\left[(2-2\cos(p_1,\mathrm{sg}\,t_2))+(2-2\cos(p_2,\mathrm{sg}\,t_1))\right]$, the mean over records.

    It is the squared distance of two vectors of unit length. The paper adds the two directions, here is their mean, so
    that the scale does not depend on the number of directions.

    **Requirements**: none on lengths; the function takes cosines itself.
    **Inputs**: row i of all four tensors is one record; `predicted` comes from the student's predictor, `targets` from
    the teacher's projection.
    **Relations**: 2 + 2 `simsiam_loss`. No other record takes part, so there is no `gather`: the mean over processes
    is the loss of the whole batch as it stands. The arithmetic is float32 or better.

    Args:
        first_predicted, second_predicted: (batch, dimensions), of either view.
        first_targets, second_targets: (batch, dimensions), of either view.

    Returns:
        Scalar between 0, where every prediction points to its target, and 4.

    Raises:
        ValueError: shapes that do not fit.

    Source:
        BYOL, arXiv 2006.07733, equations 2 and 3.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import byol_loss
        >>> byol_loss(*[torch.eye(3)] * 4).item()
        0.0
    """
    return 2 + 2 * simsiam_loss(first_predicted, second_predicted, first_targets, second_targets)
