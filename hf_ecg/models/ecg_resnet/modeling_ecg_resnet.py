"""1-D ResNet of MERL (arXiv 2403.06659, utils/resnet1d.py at 38799b7): 18, 34, 50 layers by configuration.

Hidden states are (batch, positions, channels) throughout: with the channels last in memory, layers find them by views.
"""

from typing import cast

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs
from transformers.utils.output_capturing import capture_outputs

from ..shared.convolution import ECGConv1d
from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_ecg import ECGPreTrainedModel, check_inputs
from ..shared.modeling_survival import SurvivalHeadMixin
from ..shared.padding import (
    batch_norm,
    divide_rate,
    halve,
    mean_over_time,
    record_mask,
    without_padding,
    zero_padding,
)
from .configuration_ecg_resnet import MEAN, ECGResNetConfig


def convolution(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> ECGConv1d:
    """Without bias, of an odd size: ceil(positions / stride) remain."""
    return ECGConv1d(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False)


def convolve(layer: nn.Module, norm: nn.Module, hidden_states: torch.Tensor, mask: torch.Tensor | None):
    """A convolution and its norm on (batch, positions, channels); `mask` is that of the output."""
    return batch_norm(norm, layer(hidden_states.transpose(1, 2)).transpose(1, 2), mask)


class ECGResNetStem(nn.Module):
    """First convolution; optionally a max-pool, stride 2."""

    def __init__(self, config: ECGResNetConfig):
        super().__init__()
        width, self.stride = config.stem_width or config.widths[0], config.stem_stride
        self.convolution = convolution(config.num_leads, width, config.stem_kernel_size, self.stride)
        self.norm = nn.BatchNorm2d(width)
        self.pooling = config.stem_pooling

    def forward(self, input_values: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """(batch, leads, samples) to (batch, positions, channels); `mask` is that of the input."""
        mask = divide_rate(mask, self.stride)
        # channels last in memory, where everything after it wants them
        hidden_states = input_values.transpose(1, 2).contiguous()
        hidden_states = zero_padding(F.relu(convolve(self.convolution, self.norm, hidden_states, mask)), mask)
        if self.pooling:
            # nothing is below zero here, so that zeros in the padding do what the pool's own edge does
            hidden_states = F.max_pool2d(hidden_states.transpose(1, 2).unsqueeze(2), (1, 3), (1, 2), (0, 1))
            # a pool that begins in the padding still reaches the record's last sample
            hidden_states = zero_padding(hidden_states.squeeze(2).transpose(1, 2), halve(mask))
        return hidden_states

    def mask_of(self, mask: torch.Tensor | None) -> torch.Tensor | None:
        """The input's mask at the rate of the output."""
        mask = divide_rate(mask, self.stride)
        return halve(mask) if self.pooling else mask


class ECGResNetBlock(GradientCheckpointingLayer):
    """Residual block, basic or bottleneck; the stride is that of the first convolution longer than 1."""

    def __init__(self, config: ECGResNetConfig, in_channels: int, width: int, kernel_size: int, stride: int):
        super().__init__()
        out_channels = width * config.expansion
        if config.block_type == "basic":
            sizes = [(in_channels, width, kernel_size, stride), (width, out_channels, kernel_size, 1)]
        else:
            sizes = [(in_channels, width, 1, 1), (width, width, kernel_size, stride), (width, out_channels, 1, 1)]
        self.convolutions = nn.ModuleList(convolution(*size) for size in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(size[1]) for size in sizes)
        self.strides = [size[3] for size in sizes]
        self.stride = stride
        self.shortcut = None
        if stride != 1 or in_channels != out_channels:
            self.shortcut = convolution(in_channels, out_channels, 1, stride)
            self.shortcut_norm = nn.BatchNorm2d(out_channels)

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """`mask` is bool (batch, positions), of the input; padded positions of the output are zero under it."""
        residual = hidden_states
        if self.shortcut is not None:
            residual = convolve(self.shortcut, self.shortcut_norm, hidden_states, self.mask_of(mask))
        last = len(self.convolutions) - 1
        for number, (layer, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            mask = divide_rate(mask, self.strides[number])
            hidden_states = convolve(layer, norm, hidden_states, mask)
            if number < last:
                hidden_states = zero_padding(F.relu(hidden_states), mask)
        return zero_padding(F.relu(hidden_states + residual), mask)

    def mask_of(self, mask: torch.Tensor | None) -> torch.Tensor | None:
        """The input's mask at the rate of the output."""
        return divide_rate(mask, self.stride)


class ECGResNetStage(nn.Module):
    """Blocks of one width; the first one divides the rate."""

    def __init__(self, config: ECGResNetConfig, number: int):
        super().__init__()
        before = config.widths[number - 1] * config.expansion if number else config.stem_width or config.widths[0]
        width, depth = config.widths[number], config.depths[number]
        self.blocks = nn.ModuleList(
            ECGResNetBlock(
                config,
                before if block == 0 else width * config.expansion,
                width,
                config.stage_kernel_size(number),
                stride=config.stage_stride(number) if block == 0 else 1,
            )
            for block in range(depth)
        )

    def forward(
        self, hidden_states: torch.Tensor, mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        for block in self.blocks:
            hidden_states, mask = block(hidden_states, mask), cast(ECGResNetBlock, block).mask_of(mask)
        return hidden_states, mask

    def mask_of(self, mask: torch.Tensor | None) -> torch.Tensor | None:
        """The input's mask at the rate of the output."""
        for block in self.blocks:
            mask = cast(ECGResNetBlock, block).mask_of(mask)
        return mask


class ECGResNetFinal(nn.Module):
    """A convolution of 1, norm and ReLU: more channels to pool."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.convolution = convolution(in_channels, out_channels, 1)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        return zero_padding(F.relu(convolve(self.convolution, self.norm, hidden_states, mask)), mask)


def pooled(hidden_states: torch.Tensor, mask: torch.Tensor | None, pooling: str) -> torch.Tensor:
    """(batch, positions, channels) to (batch, channels); what is padded is zero, and nothing is below zero."""
    if pooling == MEAN:
        return mean_over_time(hidden_states, mask)
    averaged, highest = hidden_states.chunk(2, dim=2)
    return torch.cat([mean_over_time(averaged, mask), highest.amax(dim=1)], dim=1)


class ECGResNetPreTrainedModel(ECGPreTrainedModel):
    """Base of the family."""

    config: ECGResNetConfig
    _no_split_modules = ["ECGResNetBlock"]
    input_layer = "stem.convolution"
    _can_record_outputs = {"hidden_states": ECGResNetStage}

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, nn.Conv1d):
            init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class ECGResNetModel(ECGResNetPreTrainedModel):
    """The bare trunk.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGResNetConfig, ECGResNetModel
        >>> model = ECGResNetModel(ECGResNetConfig(num_leads=12, num_samples=1000, sampling_rate=100)).eval()
        >>> model(torch.zeros(2, 12, 1000)).pooler_output.shape
        torch.Size([2, 512])
    """

    def __init__(self, config: ECGResNetConfig):
        super().__init__(config)
        self.stem = ECGResNetStem(config)
        self.stages = nn.ModuleList(ECGResNetStage(config, number) for number in range(len(config.depths)))
        self.final = None
        if config.final_width is not None:
            self.final = ECGResNetFinal(config.widths[-1] * config.expansion, config.final_width)
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
            input_values: float (batch, leads, samples).
            lead_mask: bool (batch, leads); absent leads are zero, whatever stands there.
            sample_mask: bool (batch, samples), false where padded. A padded record gives what it gives alone, however
                long the padding; in training, padding is in no statistic of a norm.

        Returns:
            `last_hidden_state` (batch, positions, hidden_size), `pooler_output` (batch, hidden_size); with
            `output_hidden_states=True` also the stem's and each stage's output, (batch, positions, channels).

        Raises:
            ValueError: another number of leads than the configuration has, a mask of another shape than the input.
        """
        input_values = check_inputs(self.config, input_values, lead_mask, sample_mask)
        input_values, mask = without_padding(input_values, sample_mask)
        hidden_states = self.stem(input_values.to(self.stem.convolution.weight.dtype), mask)
        mask = self.stem.mask_of(mask)
        for stage in self.stages:
            hidden_states, mask = stage(hidden_states, mask)
        if self.final is not None:
            hidden_states = self.final(hidden_states, mask)
        return BaseModelOutputWithPooling(
            last_hidden_state=hidden_states,
            pooler_output=pooled(hidden_states, mask, self.config.pooling),
        )

    def position_mask(self, sample_mask: torch.Tensor | None) -> torch.Tensor | None:
        mask = self.stem.mask_of(record_mask(sample_mask))
        for stage in self.stages:
            mask = cast(ECGResNetStage, stage).mask_of(mask)
        return mask


class ECGResNetForECGClassification(LinearHeadMixin, ECGResNetPreTrainedModel):
    """The trunk with a linear head: multi-label, single-label or regression by `config.problem_type`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGResNetConfig, ECGResNetForECGClassification
        >>> config = ECGResNetConfig(num_samples=1000, sampling_rate=100, num_labels=5)
        >>> model = ECGResNetForECGClassification(config).eval()
        >>> model(torch.zeros(2, 12, 1000)).logits.shape
        torch.Size([2, 5])
    """

    encoder_class = ECGResNetModel


class ECGResNetForECGSurvival(SurvivalHeadMixin, ECGResNetPreTrainedModel):
    """The trunk with a survival head: the probability to outlive each interval of `config.survival_breaks`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGResNetConfig, ECGResNetForECGSurvival
        >>> model = ECGResNetForECGSurvival(ECGResNetConfig(num_samples=1000, survival_breaks=[0, 365, 730])).eval()
        >>> logits = model(torch.zeros(2, 12, 1000)).logits
        >>> logits.shape, model.survival_at(logits, 365).shape
        (torch.Size([2, 2]), torch.Size([2]))
    """

    encoder_class = ECGResNetModel
