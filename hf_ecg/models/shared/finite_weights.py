"""Weights that are numbers: a model with a NaN inside answers NaN, or with an infinite one a score of exactly 1."""

from collections.abc import Iterable

import torch
from torch import nn


def check_weights(model: nn.Module, source: str = "") -> None:
    """Raises ValueError when a parameter or saved buffer holds NaN or infinite values; names the first and counts all.

    Args:
        model: on any device; tensors without values (meta) and of integers are not looked at.
        source: where it was loaded from, for the error.
    """
    check_tensors(model.state_dict().items(), source or type(model).__name__)


def check_tensors(tensors: Iterable[tuple[str, torch.Tensor]], source: str) -> None:
    """The same of tensors by name, one after the other."""
    bad = [
        name
        for name, tensor in tensors
        if isinstance(tensor, torch.Tensor)
        and tensor.is_floating_point()
        and tensor.device.type != "meta"
        and not bool(tensor.isfinite().all())
    ]
    if bad:
        raise ValueError(
            f"{source} has NaN or infinite values in {len(bad)} tensors of its weights,"
            f" first in {bad[0]}: a training that diverged, or a damaged file"
        )
