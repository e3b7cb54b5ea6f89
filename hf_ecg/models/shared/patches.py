"""A waveform as patches: stretches of equal length, lead by lead."""

from collections.abc import Sequence

import torch


def to_patches(input_values: torch.Tensor, patch_size: int) -> torch.Tensor:
    """(..., samples) as (..., patches, patch_size), without a copy.

    Raises:
        ValueError: samples that are not a multiple of the patch size.
    """
    samples = input_values.shape[-1]
    if not samples or samples % patch_size:
        raise ValueError(f"input_values have {samples} samples, wanted a multiple of the patch size, {patch_size}")
    return input_values.unflatten(-1, (-1, patch_size))


def counted_patches(
    shape: Sequence[int],
    lead_mask: torch.Tensor | None,
    sample_mask: torch.Tensor | None,
    patch_size: int,
) -> torch.Tensor | None:
    """Which patches hold a record: those of present leads whose middle sample was recorded.

    Of a record so short that no patch's middle was, the patches with any sample of it.

    Args:
        shape: batch, leads, patches.
        lead_mask: bool (batch, leads).
        sample_mask: bool (batch, samples).
        patch_size: samples a patch.

    Returns:
        bool (batch, leads, patches); None without a mask: all count.

    Raises:
        ValueError: samples that are not a multiple of the patch size.
    """
    given = [mask for mask in (lead_mask, sample_mask) if mask is not None]
    if not given:
        return None
    counted = torch.ones(tuple(shape), dtype=torch.bool, device=given[0].device)
    if lead_mask is not None:
        counted = counted & lead_mask.bool()[:, :, None]
    if sample_mask is not None:
        samples = to_patches(sample_mask.bool(), patch_size)
        middle = samples[:, :, patch_size // 2]
        # no torch.where of truth values, which onnxruntime does not have
        counted = counted & (middle | (samples.any(dim=2) & ~middle.any(dim=1, keepdim=True)))[:, None]
    return counted
