"""SimSiam: what a predictor makes of one view shall point where the other view points, which holds still."""

import torch

from .pair_targets import in_full_precision, without_autocast
from .unit_length import unit_length
from .view_pairs import check_views


def simsiam_loss(
    first_predicted: torch.Tensor,
    second_predicted: torch.Tensor,
    first_targets: torch.Tensor,
    second_targets: torch.Tensor,
) -> torch.Tensor:
    r"""$-\frac12\left[\cos(p_1,\mathrm{sg}\,z_2)+\cos(p_2,\mathrm{sg}\,z_1)\right]$, the mean over records.

    sg holds its argument still: no gradient reaches the targets.

    **Requirements**: none on lengths; the function takes cosines itself.
    **Inputs**: row i of all four tensors is one record; `predicted` comes from the predictor, `targets` from the
    projection before it.
    **Relations**: no other record takes part, so there is no `gather`: the mean over processes is the loss of the
    whole batch as it stands. What keeps the embeddings from collapsing is the predictor, and batch statistics in the
    projection. `byol_loss` has a teacher's targets in place of the model's own. The arithmetic is float32 or better.

    Args:
        first_predicted, second_predicted: (batch, dimensions), of either view.
        first_targets, second_targets: (batch, dimensions), of either view.

    Returns:
        Scalar between -1, where every prediction points to its target, and 1.

    Raises:
        ValueError: shapes that do not fit.

    Source:
        SimSiam, arXiv 2011.10566, equations 1 to 4.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import simsiam_loss
        >>> simsiam_loss(*[torch.eye(3)] * 4).item()
        -1.0
    """
    check_views(first_predicted, second_predicted, 1.0)
    check_views(first_targets, second_targets, 1.0)
    check_views(first_predicted, first_targets, 1.0)
    with without_autocast(first_predicted):
        given = in_full_precision(first_predicted, second_predicted, first_targets, second_targets)
        first, second, first_still, second_still = map(unit_length, given)
        across = (first * second_still.detach()).sum(1) + (second * first_still.detach()).sum(1)
        return -across.mean() / 2
