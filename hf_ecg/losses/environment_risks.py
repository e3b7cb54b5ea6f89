"""Risks by environment, of which the losses for shifting populations are made."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch

from .pair_targets import Gather

# from logits (rows, outputs) and labels (rows, ...) to their mean loss, such as a model's `head_loss`
MeanLoss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class EnvironmentRisks(NamedTuple):
    """`numbers` int64 (present,): the environments that the rows are of, rising; `risks` (present,): their losses."""

    numbers: torch.Tensor
    risks: torch.Tensor


def environment_rows(
    environments: torch.Tensor, labels: torch.Tensor | None = None
) -> Iterator[tuple[int, torch.Tensor]]:
    """Each environment that is present, rising, with a mask bool (rows,) of its rows.

    Args:
        environments: int64 (rows,).
        labels: (rows, ...), NaN where not annotated. An environment without an annotated label is left out: its mean
            loss of 0 would say that it is the easiest. Where no environment has one, all are there.
    """
    told = environments
    if labels is not None and labels.is_floating_point():
        annotated = ~labels.isnan().flatten(1).all(dim=1) if labels.ndim > 1 else ~labels.isnan()
        told = environments[annotated] if annotated.any() else environments
    for number in told.unique().tolist():
        yield number, environments == number


def check_environments(rows: torch.Tensor, environments: torch.Tensor) -> None:
    """Raises ValueError for anything but a whole number for each row."""
    if environments.shape != rows.shape[:1] or environments.is_floating_point():
        raise ValueError(
            f"environments have shape {tuple(environments.shape)} and type {environments.dtype}, wanted whole numbers"
            f" ({len(rows)},)"
        )


def gathered(gather: Gather | None, *tensors: torch.Tensor) -> list[torch.Tensor]:
    """The rows of all processes."""
    return list(tensors) if gather is None else [gather(tensor) for tensor in tensors]


def environment_risks(
    loss: MeanLoss,
    logits: torch.Tensor,
    labels: torch.Tensor,
    environments: torch.Tensor,
    *,
    gather: Gather | None = None,
) -> EnvironmentRisks:
    r"""$R_e$, the mean loss over the rows of each environment that is present with an annotated label.

    Args:
        loss: from logits and labels of some rows to their mean loss.
        logits: float (batch, outputs).
        labels: (batch, ...), as `loss` takes them.
        environments: int64 (batch,).
        gather: `gather_with_gradient` for the rows of every process; all processes then have the same risks, and the
            mean over processes of a gradient is that of the whole batch.

    Raises:
        ValueError: environments that do not fit; when gathering, processes with different numbers of rows.

    Example:
        >>> import torch
        >>> from torch.nn.functional import mse_loss
        >>> from hf_ecg.losses import environment_risks
        >>> outputs, targets = torch.tensor([[1.0], [2.0], [3.0]]), torch.zeros(3, 1)
        >>> environment_risks(mse_loss, outputs, targets, torch.tensor([4, 4, 0])).risks.tolist()
        [9.0, 2.5]
    """
    check_environments(logits, environments)
    logits, labels, environments = gathered(gather, logits, labels, environments)
    found = [(number, loss(logits[rows], labels[rows])) for number, rows in environment_rows(environments, labels)]
    numbers = torch.tensor([number for number, _ in found], device=logits.device)
    return EnvironmentRisks(numbers, torch.stack([risk for _, risk in found]))
