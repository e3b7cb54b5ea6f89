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

from ..shared.convolution import ECGConv1d
from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_ecg import ECGPreTrainedModel, check_inputs
from ..shared.modeling_survival import SurvivalHeadMixin
from ..shared.padding import halve, lengths_of, mean_over_time, without_padding, zero_padding
from .configuration_ecg_resnext import ECGResNeXtConfig


def convolution(in_channels: int, out_channels: int, kernel_size: int, stride: int, groups: int = 1) -> ECGConv1d:
    """For `convolve`, which adds what TensorFlow's SAME padding of a stride of 2 has beyond this on either side."""
    padding = "same" if stride == 1 else (kernel_size - 2) // 2
    return ECGConv1d(in_channels, out_channels, kernel_size, stride, padding, groups=groups)


def convolve(layer: nn.Module, stride: int, kernel_size: int, hidden_states: torch.Tensor, mask: torch.Tensor | None):
    """(batch, positions, channels) under TensorFlow's SAME padding: ceil(positions / stride) remain.

    With an odd kernel and a stride of 2 an odd number of positions has one zero more on the left than an even one: of
    a padded record its own number counts. `mask` is that of the input, whose padding is zero.
    """
    # one zero more on the right than there need be changes nothing, and a graph for any number has it always
    compiling, positions = torch.compiler.is_compiling(), hidden_states.shape[1]
    if stride == 2 and kernel_size % 2 == 0:
        if compiling or positions % 2:
            hidden_states = F.pad(hidden_states, (0, 0, 0, 1))
    elif stride == 2 and mask is None and not compiling:
        hidden_states = F.pad(hidden_states, (0, 0, positions % 2, 2 - positions % 2))
    elif stride == 2:
        lengths = torch.full((1,), positions, device=hidden_states.device) if mask is None else lengths_of(mask)
        later, earlier = (F.pad(hidden_states, (0, 0, left, 2 - left)) for left in (1, 0))
        hidden_states = torch.where(lengths[:, None, None] % 2 == 1, later, earlier)
    return layer(hidden_states.transpose(1, 2)).transpose(1, 2)


def larger_of_pairs(hidden_states: torch.Tensor) -> torch.Tensor:
    """(batch, ceil(positions / 2), channels): the larger of two samples; the last of an odd number meets a zero."""
    compiling = torch.compiler.is_compiling()
    if compiling or hidden_states.shape[1] % 2:
        hidden_states = F.pad(hidden_states, (0, 0, 0, 1))
    if not compiling and not torch.is_grad_enabled():
        return torch.maximum(*hidden_states.unflatten(1, (-1, 2)).unbind(dim=2))
    # the same numbers: half as fast forward, but backward four times as fast; a last one without another is left out
    hidden_states = hidden_states.transpose(1, 2).unsqueeze(2)
    return F.max_pool2d(hidden_states, (1, 2)).squeeze(2).transpose(1, 2)


def swish_(hidden_states: torch.Tensor) -> torch.Tensor:
    """Swish of what nobody else needs: in place, unless the backward pass wants the input."""
    return F.silu(hidden_states, inplace=not torch.is_grad_enabled())


class ECGResNeXtStem(nn.Module):
    """First convolution, stride 2, and Swish."""

    def __init__(self, config: ECGResNeXtConfig):
        super().__init__()
        self.convolution = convolution(config.num_leads, config.widths[0], config.kernel_size, stride=2)
        self.kernel_size = config.kernel_size

    def forward(self, input_values: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """(batch, leads, samples) to (batch, positions, channels); `mask` is that of the input."""
        hidden_states = input_values.transpose(1, 2).contiguous()
        return swish_(convolve(self.convolution, 2, self.kernel_size, hidden_states, mask))


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
        self.convolution = convolution(inside, inside, config.kernel_size, stride, width // config.group_width)
        self.kernel_size = config.kernel_size
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
        hidden_states = convolve(self.convolution, self.stride, self.kernel_size, hidden_states, mask)
        hidden_states = self.project_out(swish_(hidden_states))
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
    _no_split_modules = ["ECGResNeXtBlock"]
    input_layer = "stem.convolution"
    _can_record_outputs = {"hidden_states": ECGResNeXtStage}

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
            input_values: float (batch, leads, samples).
            lead_mask: bool (batch, leads); absent leads are zero, whatever stands there.
            sample_mask: bool (batch, samples), false where padded. A padded record gives what it gives alone, however
                long the padding.

        Returns:
            `last_hidden_state` (batch, positions, hidden_size), `pooler_output` (batch, hidden_size); with
            `output_hidden_states=True` also the stem's and each stage's output, (batch, positions, channels).

        Raises:
            ValueError: another number of leads than the configuration has, a mask of another shape than the input.
        """
        input_values = check_inputs(self.config, input_values, lead_mask, sample_mask)
        input_values, mask = without_padding(input_values, sample_mask)
        hidden_states = self.stem(input_values.to(self.stem.convolution.weight.dtype), mask)
        mask = halve(mask)
        hidden_states = zero_padding(hidden_states, mask)
        for stage in self.stages:
            hidden_states, mask = stage(hidden_states, mask)
        return BaseModelOutputWithPooling(
            last_hidden_state=hidden_states,
            pooler_output=mean_over_time(hidden_states, mask),
        )


class ECGResNeXtForECGClassification(LinearHeadMixin, ECGResNeXtPreTrainedModel):
    """The encoder with a linear head: multi-label, single-label or regression by `config.problem_type`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGResNeXtConfig, ECGResNeXtForECGClassification
        >>> model = ECGResNeXtForECGClassification(ECGResNeXtConfig(num_labels=5)).eval()
        >>> model(torch.zeros(2, 1, 1000)).logits.shape
        torch.Size([2, 5])
    """

    encoder_class = ECGResNeXtModel


class ECGResNeXtForECGSurvival(SurvivalHeadMixin, ECGResNeXtPreTrainedModel):
    """The encoder with a survival head: the probability to outlive each interval of `config.survival_breaks`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGResNeXtConfig, ECGResNeXtForECGSurvival
        >>> model = ECGResNeXtForECGSurvival(ECGResNeXtConfig(survival_breaks=[0, 365, 730])).eval()
        >>> logits = model(torch.zeros(2, 1, 1000)).logits
        >>> logits.shape, model.survival_at(logits, 365).shape
        (torch.Size([2, 2]), torch.Size([2]))
    """

    encoder_class = ECGResNeXtModel
