"""Squared error of the leads that a model was not shown."""

import torch

from .pair_targets import without_autocast
from .record_means import mean_by_record


def lead_reconstruction_errors(
    prediction: torch.Tensor, target: torch.Tensor, sample_mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean squared error of each lead of each record.

    Args:
        prediction: (batch, leads, samples), millivolt.
        target: the same shape, what was measured.
        sample_mask: bool (batch, samples), false where padded; None = nothing is.

    Returns:
        float32 (batch, leads), millivolt squared; 0 of a record without a sample.

    Raises:
        ValueError: shapes that do not fit.
    """
    rows = (target.shape[0], target.shape[-1])
    if prediction.shape != target.shape or (sample_mask is not None and sample_mask.shape != rows):
        shapes = [tuple(value.shape) for value in (prediction, target, sample_mask) if value is not None]
        raise ValueError(
            f"prediction, target and sample_mask have shapes {shapes}: wanted one, without leads the last"
        )
    with without_autocast(prediction):
        errors = (prediction.float() - target.detach().float()).square()
        if sample_mask is None:
            return errors.mean(dim=-1)
        counted = sample_mask.unsqueeze(1)
        return errors.masked_fill(~counted, 0.0).sum(dim=-1) / counted.sum(dim=-1).clamp(min=1)


def lead_reconstruction_loss(
    prediction: torch.Tensor,
    target: torch.Tensor,
    judged: torch.Tensor,
    sample_mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean over records of the mean squared error of their judged leads, in millivolt squared.

    By records, so that a batch in parts or over processes gives the same loss. *Inferred*: Gradowski and Buchner
    (arXiv 2502.00559) report the mean squared error, and do not print their loss.

    Args:
        prediction: (batch, leads, samples), millivolt.
        target: the same shape, what was measured.
        judged: bool (batch, leads), the leads that were not shown and are known.
        sample_mask: bool (batch, samples), false where padded; None = nothing is.

    Returns:
        Scalar; a record without a judged lead adds zero.

    Raises:
        ValueError: shapes that do not fit.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import lead_reconstruction_loss
        >>> target, shown = torch.ones(2, 12, 100), torch.arange(12) < 2
        >>> lead_reconstruction_loss(torch.zeros(2, 12, 100), target, ~shown.expand(2, 12)).item()
        1.0
    """
    if judged.shape != target.shape[:-1]:
        raise ValueError(f"judged has shape {tuple(judged.shape)}, wanted {tuple(target.shape[:-1])}")
    return mean_by_record(lead_reconstruction_errors(prediction, target, sample_mask), judged)
