"""Squared error of what a masked autoencoder makes up for the patches it did not see."""

import torch

from .pair_targets import without_autocast
from .record_means import mean_by_record


def masked_reconstruction_loss(
    prediction: torch.Tensor, patches: torch.Tensor, judged: torch.Tensor, *, normalise: bool = True
) -> torch.Tensor:
    """Mean over records of the mean squared error over their judged patches.

    Masked autoencoders (arXiv 2111.06377) and ST-MEM (ICLR 2024) average over the judged patches of the whole batch:
    the same, as long as each record has as many. By records, a batch in parts or over processes gives the same loss.

    Args:
        prediction: (batch, ..., patch_size).
        patches: the same shape, what was there.
        judged: bool (batch, ...), true where a patch was removed and holds a record.
        normalise: compare with each patch less its mean, by its standard deviation (of the sample, epsilon 1e-6 under
            the root), as both papers do.

    Returns:
        Scalar; a record without a judged patch adds zero.

    Raises:
        ValueError: shapes that do not fit, or patches of one sample that are to be normalised.
    """
    check_patches(prediction, patches, judged, normalise)
    with without_autocast(prediction):
        errors = (prediction.float() - target_patches(patches, normalise)).square().mean(dim=-1)
        return mean_by_record(errors, judged)


def check_patches(prediction: torch.Tensor, patches: torch.Tensor, judged: torch.Tensor, normalise: bool) -> None:
    """Raises ValueError for shapes that do not fit, or patches of one sample that are to be normalised."""
    if prediction.shape != patches.shape or judged.shape != patches.shape[:-1]:
        shapes = ", ".join(str(tuple(value.shape)) for value in (prediction, patches, judged))
        raise ValueError(f"prediction, patches and judged have shapes {shapes}: wanted one, judged without the last")
    if normalise and patches.shape[-1] < 2:
        raise ValueError("a patch of one sample has no standard deviation to normalise by")


def target_patches(patches: torch.Tensor, normalise: bool) -> torch.Tensor:
    """What a prediction is compared with, float32 and without a gradient: the patches, or each less its mean, by its
    standard deviation."""
    target = patches.detach().float()
    if not normalise:
        return target
    variance = target.var(dim=-1, keepdim=True, unbiased=True)
    return (target - target.mean(dim=-1, keepdim=True)) / (variance + 1e-6).sqrt()
