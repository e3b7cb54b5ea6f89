"""The convolution of all families: torch's own, computed where the CPU's kernels are fastest."""

import torch
from torch import nn
from torch.nn import functional as F


class ECGConv1d(nn.Conv1d):
    """`nn.Conv1d`: the same arguments, weights and numbers, from (batch, channels, samples) to the same.

    Computed in two dimensions with the channels last in memory, where the CPU's kernels take half to nine tenths of
    the time of those in one dimension. An input that is a transposed (batch, samples, channels) is not copied, and so
    is the output.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        (size,), (stride,), (dilation,) = self.kernel_size, self.stride, self.dilation
        left, right = self._zeros()
        if input.ndim != 3 or self.padding_mode != "zeros" or (left != right and dilation > 1):
            return super().forward(input)
        if size == 1 and self.groups == 1 and right == 0:
            # also since oneDNN's gradient of such a weight, of a few channels, is wrong or crashes on two threads
            return F.linear(_every(input, stride).transpose(1, 2), self.weight.flatten(1), self.bias).transpose(1, 2)
        # the flat weight in between gives its gradient the weight's own strides, which DDP's buckets want
        weight = self.weight.flatten().view(self.weight.shape)
        whole = size == stride and dilation == self.groups == 1 and left == right == 0
        # an exporter for any length cannot compare the length of a slice with that of a convolution
        if whole and not torch.compiler.is_compiling():
            # windows that do not overlap: rows of a product of matrices, which costs half of the convolution
            windows = input[:, :, : input.shape[2] // size * size].transpose(1, 2).unflatten(1, (-1, size)).flatten(2)
            return F.linear(windows, weight.transpose(1, 2).flatten(1), self.bias).transpose(1, 2)
        if self.in_channels == 1:
            # the library would take one channel for channels first, and everything after it would pay
            windows = F.pad(input.squeeze(1), (left, right)).unfold(1, dilation * (size - 1) + 1, stride)
            return F.linear(windows[:, :, ::dilation], weight.squeeze(1), self.bias).transpose(1, 2)
        # Where the right side needs one zero more than the left, the kernel gets a leading one, which the symmetric
        # padding makes good: no padded copy of the input is made. The copy also gives the weight its layout.
        weight = F.pad(weight.transpose(1, 2), (0, 0, right - left, 0)) if left != right else weight.transpose(1, 2)
        weight = weight.contiguous().transpose(1, 2).unsqueeze(2)
        options = ((1, stride), (0, right), (1, dilation), self.groups)
        return F.conv2d(input.unsqueeze(2), weight, self.bias, *options).squeeze(2)

    def _zeros(self) -> tuple[int, int]:
        """How many zeros stand on the left and on the right."""
        if isinstance(self.padding, str):
            total = self.dilation[0] * (self.kernel_size[0] - 1) if self.padding == "same" else 0
            return total // 2, total - total // 2
        return self.padding[0], self.padding[0]


def _every(values: torch.Tensor, stride: int) -> torch.Tensor:
    """Every so many samples of (batch, channels, samples), from the first one."""
    if stride == 1:
        return values
    if torch.compiler.is_compiling():
        # an exporter for any length can compare this with the length of a convolution, and that of a slice not
        return F.max_pool2d(values.unsqueeze(2), 1, (1, stride)).squeeze(2)
    return values[:, :, ::stride]
