"""A waveform as frames: convolutions that lower the rate, the first one with a norm over time, as wav2vec 2.0."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from .convolution import ECGConv1d
from .padding import without_padding, zero_padding


class TimeNorm(nn.Module):
    """Each channel of each record by its own mean and standard deviation over time, then a scale and an offset.

    What `nn.GroupNorm` computes with as many groups as channels, with padding left out. It takes away how large a
    record is, and the same beats give other numbers in a longer record.
    """

    def __init__(self, channels: int, eps: float = 1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """(batch, positions, channels) to the same; `mask` bool (batch, positions)."""
        values = hidden_states.float()
        if mask is None:
            variance, mean = torch.var_mean(values, dim=1, correction=0, keepdim=True)
        else:
            number = mask.sum(dim=1).clamp(min=1)[:, None, None]
            mean = zero_padding(values, mask).sum(dim=1, keepdim=True) / number
            variance = zero_padding(values - mean, mask).square().sum(dim=1, keepdim=True) / number
        scale = self.weight.float() * torch.rsqrt(variance + self.eps)
        return torch.addcmul(self.bias.float(), values - mean, scale).to(hidden_states.dtype)


class FrameConvolution(nn.Module):
    """Convolution without bias, the norm where there is one, GELU."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int, stride: int, norm: bool):
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride
        self.convolution = ECGConv1d(inputs, outputs, kernel_size, stride, bias=False)
        self.norm = TimeNorm(outputs) if norm else None

    def forward(
        self, hidden_states: torch.Tensor, mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(batch, positions, inputs) and its mask to (batch, fewer positions, outputs) and the mask of that."""
        if mask is not None:
            mask = whole_windows(mask, self.kernel_size, self.stride)
        hidden_states = self.convolution(hidden_states.transpose(1, 2)).transpose(1, 2)
        if self.norm is not None:
            hidden_states = self.norm(hidden_states, mask)
        return zero_padding(F.gelu(hidden_states), mask), mask


class FrameConvolutions(nn.Module):
    """Convolutions one after the other; only the first one has a norm.

    A record shorter than one frame is filled up with zeros and gives one.

    Args:
        leads: of the waveform.
        channels, kernel_sizes, strides: of each convolution.

    Source:
        wav2vec 2.0, arXiv 2006.11477, with the norm of its base model (`extractor_mode="default"` in fairseq).
    """

    def __init__(self, leads: int, channels: Sequence[int], kernel_sizes: Sequence[int], strides: Sequence[int]):
        super().__init__()
        inputs = [leads, *channels[:-1]]
        sizes = zip(inputs, channels, kernel_sizes, strides, strict=True)
        self.layers = nn.ModuleList(FrameConvolution(*size, norm=number == 0) for number, size in enumerate(sizes))
        self.windows = tuple(zip(kernel_sizes, strides, strict=True))
        self.frame_samples = samples_of_a_frame(self.windows)
        # what a pretraining multiplies the gradient by that reaches these layers
        self.gradient_scale = 1.0

    def forward(
        self, input_values: torch.Tensor, sample_mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """
        Args:
            input_values: (batch, leads, samples).
            sample_mask: bool (batch, samples).

        Returns:
            (batch, frames, channels of the last layer), and which frames count: bool (batch, frames), or None for all.
        """
        input_values, mask = at_least_a_frame(input_values, sample_mask, self.frame_samples)
        hidden_states = input_values.to(next(self.parameters()).dtype).transpose(1, 2)
        for layer in self.layers:
            hidden_states, mask = layer(hidden_states, mask)
        if self.gradient_scale != 1.0 and torch.is_grad_enabled():
            fixed = hidden_states.detach()
            hidden_states = fixed + self.gradient_scale * (hidden_states - fixed)
        return hidden_states, mask

    def frame_mask(self, input_values: torch.Tensor, sample_mask: torch.Tensor | None) -> torch.Tensor:
        """Which frames count, bool (batch, frames), without computing them."""
        values, mask = at_least_a_frame(input_values, sample_mask, self.frame_samples)
        if mask is None:
            mask = torch.ones_like(values[:, 0], dtype=torch.bool)
        for size in self.windows:
            mask = whole_windows(mask, *size)
        return mask


def samples_of_a_frame(windows: Sequence[tuple[int, int]]) -> int:
    """Samples that one position after convolutions without padding sees; `windows` are their sizes and strides."""
    samples = 1
    for kernel_size, stride in reversed(windows):
        samples = (samples - 1) * stride + kernel_size
    return samples


def at_least_a_frame(
    input_values: torch.Tensor, sample_mask: torch.Tensor | None, samples: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What `without_padding` gives, filled up by zeros to so many samples.

    Args:
        input_values: (batch, leads, samples).
        sample_mask: bool (batch, samples), false where padded.
        samples: what a row has at least.
    """
    input_values, mask = without_padding(input_values, sample_mask)
    short = samples - input_values.shape[2]
    if short > 0:
        if mask is None:
            mask = torch.ones_like(input_values[:, 0], dtype=torch.bool)
        input_values, mask = F.pad(input_values, (0, short)), F.pad(mask, (0, short))
    return input_values, mask


def whole_windows(mask: torch.Tensor, kernel_size: int, stride: int) -> torch.Tensor:
    """Which windows of a convolution without padding lie within the record; of a record that fills none, those that
    hold any of it.

    Args:
        mask: bool (batch, positions).
        kernel_size, stride: of the convolution.

    Returns:
        bool (batch, windows).
    """
    size, step = (1, kernel_size), (1, stride)
    counted, absent = mask.float()[:, None, None], (~mask).float()[:, None, None]
    whole = F.max_pool2d(absent, size, step)[:, 0, 0] == 0
    some = F.max_pool2d(counted, size, step)[:, 0, 0] > 0
    return whole | (some & ~whole.any(dim=1, keepdim=True))
