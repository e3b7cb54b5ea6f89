"""Arithmetic that does not see padding: a record gives the same alone, in a batch, and padded to any length.

Hidden states are (batch, positions, channels), masks bool (batch, positions), true where there is a record; None says
that all is, and then nothing is computed that would not be without masks. Between layers padded positions are zero,
which is what a convolution finds beyond the end of a record that is not padded.
"""

import torch
from torch import nn
from torch.nn import functional as F


def without_padding(
    input_values: torch.Tensor, sample_mask: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The input with zeros where it is padded and every record at its row's start, and the mask of that.

    Args:
        input_values: (batch, leads, samples).
        sample_mask: bool (batch, samples), false where padded.

    Returns:
        (batch, leads, samples) and the mask, or None when nothing is padded; a compiled graph cannot look.
    """
    if sample_mask is None:
        return input_values, None
    mask, looks = sample_mask.bool(), not torch.compiler.is_compiling()
    if looks and mask.all():
        return input_values, None
    input_values = input_values.masked_fill(~mask.unsqueeze(1), 0.0)
    # layers that halve the rate would see a record that starts at another sample with another phase
    first = mask.int().argmax(dim=1, keepdim=True)
    if looks and not first.any():
        return input_values, mask
    order = torch.arange(mask.shape[1], device=mask.device) + first
    # no remainder: ONNX has none by a length that is not known yet
    order = torch.where(order < mask.shape[1], order, order - mask.shape[1])
    return input_values.gather(2, order.unsqueeze(1).expand_as(input_values)), mask.gather(1, order)


def back_in_place(values: torch.Tensor, sample_mask: torch.Tensor | None) -> torch.Tensor:
    """What was made of the input of `without_padding`, with every record where it was in its row.

    Args:
        values: (batch, channels, samples).
        sample_mask: bool (batch, samples), as it was given.
    """
    if sample_mask is None:
        return values
    mask, looks = sample_mask.bool(), not torch.compiler.is_compiling()
    first = mask.int().argmax(dim=1, keepdim=True)
    if looks and (mask.all() or not first.any()):
        return values
    order = torch.arange(mask.shape[1], device=mask.device) - first
    order = torch.where(order >= 0, order, order + mask.shape[1])
    return values.gather(2, order.unsqueeze(1).expand_as(values))


def record_mask(sample_mask: torch.Tensor | None) -> torch.Tensor | None:
    """The mask of `without_padding`, without the input."""
    return None if sample_mask is None else without_padding(sample_mask.unsqueeze(1).float(), sample_mask)[1]


def zero_padding(hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Zeros where a record is padded."""
    return hidden_states if mask is None else hidden_states.masked_fill(~mask.unsqueeze(2), 0.0)


def halve(mask: torch.Tensor | None) -> torch.Tensor | None:
    """The mask at half the rate, ceil(positions / 2): a position counts when either of its two samples does."""
    return divide_rate(mask, 2)


def divide_rate(mask: torch.Tensor | None, stride: int) -> torch.Tensor | None:
    """The mask at ceil(positions / stride): a position counts when any of its `stride` samples does."""
    if mask is None or stride == 1:
        return mask
    # a pool, whose length an exporter can compare with that of a convolution
    whole = F.pad(mask.float(), (0, stride - 1))[:, None, None]
    return F.max_pool2d(whole, (1, stride))[:, 0, 0] > 0


def whole_windows(mask: torch.Tensor | None, size: int) -> torch.Tensor | None:
    """The mask after a convolution whose windows of `size` do not overlap: floor(positions / size), but one at least.

    A position counts when its whole window does, as nothing remains of an incomplete one at a record's end; the first
    position counts when anything of it does, so that something remains of the shortest record.
    """
    if mask is None or size == 1:
        return mask
    # a compiled graph takes rows of a window at least
    if not torch.compiler.is_compiling() and mask.shape[1] < size:
        return mask.any(dim=1, keepdim=True)
    gaps = F.max_pool2d((~mask).float()[:, None, None], (1, size))[:, 0, 0] > 0
    return torch.cat([mask[:, :size].any(dim=1, keepdim=True), ~gaps[:, 1:]], dim=1)


def lengths_of(mask: torch.Tensor) -> torch.Tensor:
    """int64 (batch,): the places of the last positions that count, from 1; 0 where none does."""
    return (mask * torch.arange(1, mask.shape[1] + 1, device=mask.device)).amax(dim=1)


def all_where_none(counted: torch.Tensor | None) -> torch.Tensor | None:
    """bool (rows, places), true throughout a row of which no place counts: a softmax of nothing is not a number."""
    return None if counted is None else counted | ~counted.any(dim=1, keepdim=True)


def mean_over_time(hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """(batch, channels): the mean over positions, padded ones left out; zero where none counts."""
    if mask is None:
        return hidden_states.mean(dim=1)
    counted = zero_padding(hidden_states, mask).sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)
    # the plain mean rounds differently, and a record without padding must not depend on its neighbours
    return torch.where(mask.all(dim=1, keepdim=True), hidden_states.mean(dim=1), counted)


def batch_norm(norm: nn.Module, hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """A batch norm whose statistics are those of records alone, the running ones too.

    Args:
        norm: `nn.BatchNorm2d`, or what was made of it (`nn.SyncBatchNorm`, `nn.Identity` once it was fused): it is
            shown the real positions of the batch and nothing else, so that its own arithmetic decides.
        hidden_states: (batch, positions, channels).
        mask: bool (batch, positions).
    """
    if mask is None or not norm.training:
        # channels last in memory: a view
        return norm(hidden_states.transpose(1, 2).unsqueeze(2)).squeeze(2).transpose(1, 2)
    if torch.compiler.is_compiling() and type(norm) is nn.BatchNorm2d:
        return _batch_norm_of_fixed_shape(norm, hidden_states, mask)
    real = norm(hidden_states[mask][:, :, None, None])[:, :, 0, 0]
    return torch.zeros_like(hidden_states, dtype=real.dtype).index_put((mask,), real)


def _batch_norm_of_fixed_shape(norm: nn.BatchNorm2d, hidden_states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The same numbers in a graph, whose shapes cannot depend on a mask."""
    counted, values = mask.unsqueeze(2), hidden_states.float()
    number = mask.sum()
    mean = zero_padding(values, mask).sum(dim=(0, 1)) / number.clamp(min=1)
    variance = ((values - mean).square() * counted).sum(dim=(0, 1)) / number.clamp(min=1)
    if norm.running_mean is not None and norm.running_var is not None and norm.num_batches_tracked is not None:
        with torch.no_grad():
            norm.num_batches_tracked.add_(1)
            share = 1 / norm.num_batches_tracked if norm.momentum is None else norm.momentum
            norm.running_mean.add_(share * (mean - norm.running_mean))
            norm.running_var.add_(share * (variance * number / (number - 1).clamp(min=1) - norm.running_var))
    values = (values - mean) * torch.rsqrt(variance + norm.eps)
    if norm.affine:
        values = values * norm.weight + norm.bias
    return values.to(hidden_states.dtype)
