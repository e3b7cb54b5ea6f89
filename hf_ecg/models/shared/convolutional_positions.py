"""Relative positions by one long convolution over tokens, as wav2vec 2.0 has them."""

import math

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init


class ConvolutionalPositions(nn.Module):
    """GELU of a grouped convolution over tokens, whose weight is kept as a direction and a length for each place.

    The weight is `direction * magnitude / |direction|`, with the length over all channels of one place of the kernel:
    weight normalisation over the last axis (arXiv 1602.07868). A kernel of an even size reaches half of it back and
    one token less ahead.

    Args:
        hidden_size: of the tokens.
        kernel_size: tokens that the convolution reaches over; wav2vec 2.0 has 128.
        groups: of the channels; wav2vec 2.0 has 16.

    Source:
        wav2vec 2.0, arXiv 2006.11477, section 2; the truncation of an even kernel is that of fairseq.
    """

    def __init__(self, hidden_size: int, kernel_size: int, groups: int):
        super().__init__()
        self.kernel_size, self.groups = kernel_size, groups
        self.direction = nn.Parameter(torch.empty(hidden_size, hidden_size // groups, kernel_size))
        self.magnitude = nn.Parameter(torch.empty(1, 1, kernel_size))
        self.bias = nn.Parameter(torch.empty(hidden_size))

    @torch.no_grad()
    def init_weights(self) -> None:
        """Normal weights of variance 4 / (kernel_size * hidden_size), as fairseq has them; no bias."""
        init.normal_(self.direction, std=math.sqrt(4 / (self.kernel_size * len(self.bias))))
        init.copy_(self.magnitude, self._length())
        init.zeros_(self.bias)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, hidden_size) to the same, to be added; padded tokens must be zero."""
        # flat in between: the gradient then has the strides of the parameter
        direction = self.direction.flatten().view(self.direction.shape)
        weight = direction * (self.magnitude / self._length())
        # in two dimensions with the channels last in memory, as `ECGConv1d`: nothing is copied
        weight = weight.transpose(1, 2).contiguous().transpose(1, 2).unsqueeze(2)
        values = hidden_states.transpose(1, 2).unsqueeze(2)
        padding = (0, self.kernel_size // 2)
        mixed = F.conv2d(values, weight, self.bias, padding=padding, groups=self.groups).squeeze(2)
        return F.gelu(mixed[:, :, : hidden_states.shape[1]].transpose(1, 2))

    def _length(self) -> torch.Tensor:
        """(1, 1, kernel_size): of the direction at each place."""
        return torch.linalg.vector_norm(self.direction, dim=(0, 1), keepdim=True)
