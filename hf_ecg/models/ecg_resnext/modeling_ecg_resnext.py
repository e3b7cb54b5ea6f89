"""The 1-D ResNeXt with squeeze-and-excitation of ECGFounder (arXiv 2410.04133, net1d.py at 04edac7) and CLEF.

The originals have BatchNorm layers that their published configurations switch off, so there are none here. Hidden
states are (batch, positions, channels) throughout: the convolutions of 1 are linear layers, and the grouped ones find
their channels last in memory, where the CPU's kernels want them.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs
from transformers.utils.output_capturing import capture_outputs

from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_ecg import ECGPreTrainedModel, check_inputs
from .configuration_ecg_resnext import ECGResNeXtConfig


class ECGResNeXtConv(nn.Conv1d):
    """A convolution of (batch, positions, channels) with TensorFlow's SAME padding: ceil(positions / stride) remain.

    Where the right side needs more zeros than the left, the kernel gets leading zeros instead, which the symmetric
    padding of the library's convolution makes good: no padded copy of the input is made.
    """

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        (size,), (stride,), positions = self.kernel_size, self.stride, hidden_states.shape[1]
        padding = max(0, (-(-positions // stride) - 1) * stride + size - positions)
        left, right = padding // 2, padding - padding // 2
        if self.in_channels == 1:
            # the library would take one channel for channels first, and everything after it would pay
            windows = F.pad(hidden_states.squeeze(2), (left, right)).unfold(1, size, stride)
            return F.linear(windows, self.weight.squeeze(1), self.bias)
        # one copy gives the weights both their zeros and the layout, channels last
        weight = F.pad(self.weight.transpose(1, 2), (0, 0, right - left, 0)).transpose(1, 2).unsqueeze(2)
        hidden_states = hidden_states.transpose(1, 2).unsqueeze(2)
        hidden_states = F.conv2d(hidden_states, weight, self.bias, (1, stride), (0, right), groups=self.groups)
        return hidden_states.squeeze(2).transpose(1, 2)


def zero_padding(hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Zeros where a record is padded: what the convolutions find beyond the end of one that is not."""
    return hidden_states if mask is None else hidden_states.masked_fill(~mask.unsqueeze(2), 0.0)


def mean_over_time(hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """(batch, channels): the mean over positions, padded ones left out."""
    if mask is None:
        return hidden_states.mean(dim=1)
    return zero_padding(hidden_states, mask).sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)


def halve(mask: torch.Tensor | None) -> torch.Tensor | None:
    """The mask at half the rate: a position counts when either of its two samples does."""
    return None if mask is None else _pairs(mask).any(dim=2)


def larger_of_pairs(hidden_states: torch.Tensor) -> torch.Tensor:
    """(batch, ceil(positions / 2), channels): the larger of two samples; the last of an odd number meets a zero."""
    pairs = _pairs(hidden_states)
    if not torch.is_grad_enabled():
        return torch.maximum(*pairs.unbind(dim=2))
    # the same numbers: half as fast forward, but backward four times as fast
    hidden_states = pairs.flatten(1, 2).transpose(1, 2).unsqueeze(2)
    return F.max_pool2d(hidden_states, (1, 2)).squeeze(2).transpose(1, 2)


def _pairs(values: torch.Tensor) -> torch.Tensor:
    """(batch, positions, ...) as (batch, positions / 2, 2, ...), with a zero after an odd number of positions."""
    if values.shape[1] % 2:
        values = F.pad(values, (0, 0) * (values.ndim - 2) + (0, 1))
    return values.unflatten(1, (-1, 2))


def swish_(hidden_states: torch.Tensor) -> torch.Tensor:
    """Swish of what nobody else needs: in place, unless the backward pass wants the input."""
    return F.silu(hidden_states, inplace=not torch.is_grad_enabled())


class ECGResNeXtStem(nn.Module):
    """First convolution, stride 2, and Swish."""

    def __init__(self, config: ECGResNeXtConfig):
        super().__init__()
        self.convolution = ECGResNeXtConv(config.num_leads, config.widths[0], config.kernel_size, stride=2)

    def forward(self, input_values: torch.Tensor) -> torch.Tensor:
        return swish_(self.convolution(input_values.transpose(1, 2).contiguous()))


class ECGResNeXtSqueezeExcitation(nn.Module):
    """A factor of 0 to 1 for each channel, from all channels' means over time."""

    def __init__(self, channels: int):
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // 2)
        self.excite = nn.Linear(channels // 2, channels)

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        mean = mean_over_time(hidden_states, mask)
        return torch.sigmoid(self.excite(F.silu(self.squeeze(mean)))).unsqueeze(1)


class ECGResNeXtBlock(GradientCheckpointingLayer):
    """Swish before each of three convolutions, of 1, `kernel_size` (grouped) and 1; gate; shortcut without weights."""

    def __init__(self, config: ECGResNeXtConfig, in_channels: int, width: int, stride: int, activate: bool):
        super().__init__()
        inside = int(width * config.bottleneck_ratio)
        self.project_in = nn.Linear(in_channels, inside)
        self.convolution = ECGResNeXtConv(
            inside, inside, config.kernel_size, stride, groups=width // config.group_width
        )
        self.project_out = nn.Linear(inside, width)
        self.gate = ECGResNeXtSqueezeExcitation(width)
        # the stem ends in a Swish already
        self.activate = activate
        self.stride = stride
        self.added = width - in_channels

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """`mask` is bool (batch, positions), of the input; padded positions of the output are zero under it."""
        residual = self.shortcut(hidden_states)
        hidden_states = F.silu(hidden_states) if self.activate else hidden_states
        hidden_states = zero_padding(swish_(self.project_in(hidden_states)), mask)
        hidden_states = self.project_out(swish_(self.convolution(hidden_states)))
        mask = halve(mask) if self.stride == 2 else mask
        return zero_padding(torch.addcmul(residual, hidden_states, self.gate(hidden_states, mask)), mask)

    def shortcut(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Without weights: the larger of two samples, zeros around the channels."""
        if self.stride == 2:
            hidden_states = larger_of_pairs(hidden_states)
        if self.added:
            hidden_states = F.pad(hidden_states, (self.added // 2, self.added - self.added // 2))
        return hidden_states


class ECGResNeXtStage(nn.Module):
    """Blocks of one width; the first halves the rate."""

    def __init__(self, config: ECGResNeXtConfig, number: int):
        super().__init__()
        width, depth = config.widths[number], config.depths[number]
        before = config.widths[max(number - 1, 0)]
        self.blocks = nn.ModuleList(
            ECGResNeXtBlock(
                config,
                before if block == 0 else width,
                width,
                stride=2 if block == 0 else 1,
                activate=number > 0 or block > 0,
            )
            for block in range(depth)
        )

    def forward(
        self, hidden_states: torch.Tensor, mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        hidden_states, mask = self.blocks[0](hidden_states, mask), halve(mask)
        for block in self.blocks[1:]:
            hidden_states = block(hidden_states, mask)
        return hidden_states, mask


class ECGResNeXtPreTrainedModel(ECGPreTrainedModel):
    """Base of the family."""

    config: ECGResNeXtConfig
    supports_gradient_checkpointing = True
    _no_split_modules = ["ECGResNeXtBlock"]
    _can_record_outputs = {"hidden_states": ECGResNeXtStage}
    # there is no attention, and a model around this one may choose any for its other parts
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, (nn.Conv1d, nn.Linear)):
            # PyTorch's own initialisation, which the originals train from; without norms a smaller one matters
            bound = 1 / math.sqrt(module.weight[0].numel())
            init.uniform_(module.weight, -bound, bound)
            init.uniform_(module.bias, -bound, bound)


class ECGResNeXtModel(ECGResNeXtPreTrainedModel):
    """The bare encoder.

    Example:
        >>> import torch
        >>> from hf_ecg.models.ecg_resnext import SIZES, ECGResNeXtConfig, ECGResNeXtModel
        >>> model = ECGResNeXtModel(ECGResNeXtConfig(**SIZES["small"]))
        >>> model(torch.randn(2, 1, 5000)).pooler_output.shape
        torch.Size([2, 256])
    """

    def __init__(self, config: ECGResNeXtConfig):
        super().__init__(config)
        self.stem = ECGResNeXtStem(config)
        self.stages = nn.ModuleList(ECGResNeXtStage(config, number) for number in range(len(config.depths)))
        self.gradient_checkpointing = False
        self.post_init()

    @capture_outputs
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutputWithPooling:
        """
        Args:
            input_values: float (batch, leads, samples); absent leads are zero.
            lead_mask: bool (batch, leads); not used, since absent leads are zero.
            sample_mask: bool (batch, samples), false where padded. A record that is padded at its end gives what it
                gives alone, however long the padding.

        Returns:
            `last_hidden_state` (batch, positions, hidden_size), `pooler_output` (batch, hidden_size); with
            `output_hidden_states=True` also the stem's and each stage's output, (batch, positions, channels).

        Raises:
            ValueError: another number of leads than the configuration has, a mask of another shape than the input.
        """
        check_inputs(self.config, input_values, lead_mask, sample_mask)
        hidden_states = input_values.to(self.stem.convolution.weight.dtype)
        mask = _padding_mask(sample_mask)
        if mask is not None:
            hidden_states = hidden_states.masked_fill(~mask.unsqueeze(1), 0.0)
        hidden_states, mask = self.stem(hidden_states), halve(mask)
        hidden_states = zero_padding(hidden_states, mask)
        for stage in self.stages:
            hidden_states, mask = stage(hidden_states, mask)
        return BaseModelOutputWithPooling(
            last_hidden_state=hidden_states,
            pooler_output=mean_over_time(hidden_states, mask),
        )


def _padding_mask(sample_mask: torch.Tensor | None) -> torch.Tensor | None:
    """The mask as bool, or None where it says nothing; a compiled graph cannot look."""
    if sample_mask is None:
        return None
    sample_mask = sample_mask.bool()
    return None if not torch.compiler.is_compiling() and sample_mask.all() else sample_mask


class ECGResNeXtForECGClassification(LinearHeadMixin, ECGResNeXtPreTrainedModel):
    """The encoder with a linear head: multi-label, single-label or regression by `config.problem_type`."""

    encoder_class = ECGResNeXtModel
