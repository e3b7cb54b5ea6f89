"""ConvNeXt V2 in one dimension, TolerantECG's encoder (arXiv 2507.09887; Woo et al., arXiv 2301.00808).

Hidden states are (batch, positions, channels) throughout: with the channels last in memory, layers find them by views.
"""

from typing import cast

import torch
from torch import nn
from torch.autograd.function import once_differentiable
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
from ..shared.padding import mean_over_time, record_mask, whole_windows, without_padding, zero_padding
from .configuration_ecg_convnextv2 import ECGConvNeXtV2Config


class ECGPatchConvolution(nn.Module):
    """A convolution whose windows do not overlap: positions / size, rounded down, remain, but one at least."""

    def __init__(self, in_channels: int, out_channels: int, size: int):
        super().__init__()
        self.convolution = ECGConv1d(in_channels, out_channels, size, size)
        self.size = size

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """(batch, positions, channels) to the same; `mask` is that of the input, whose padding is zero."""
        # a compiled graph takes records of a patch at least
        if not torch.compiler.is_compiling() and hidden_states.shape[1] < self.size:
            hidden_states = F.pad(hidden_states, (0, 0, 0, self.size - hidden_states.shape[1]))
        return self.convolution(hidden_states.transpose(1, 2)).transpose(1, 2)

    def mask_of(self, mask: torch.Tensor | None) -> torch.Tensor | None:
        """The input's mask at the rate of the output."""
        return whole_windows(mask, self.size)


class ECGGlobalResponseNorm(nn.Module):
    """Each channel by its size over time, relative to the other channels' (arXiv 2301.00808, section 3.2)."""

    def __init__(self, channels: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, hidden_states: torch.Tensor, in_place: bool = False) -> torch.Tensor:
        """(batch, positions, channels), zero where padded: padding adds nothing to a size."""
        weight, bias = self.weight.to(hidden_states.dtype), self.bias.to(hidden_states.dtype)
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            return cast(torch.Tensor, _ResponseNorm.apply(hidden_states, weight, bias, self.eps))
        scale = (1 + weight * relative_sizes(hidden_states, self.eps)[0]).to(hidden_states.dtype)
        return torch.addcmul(bias, hidden_states, scale, out=hidden_states if in_place else None)


def relative_sizes(hidden_states: torch.Tensor, eps: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of (batch, positions, channels) each channel's size by the mean one, the size, and that mean with eps added.

    Returns:
        (batch, 1, channels) twice, and (batch, 1, 1), in float32 or better.
    """
    values = hidden_states if hidden_states.dtype == torch.float64 else hidden_states.float()
    size = sum_over_time(values.square()).sqrt()
    mean = size.mean(dim=2, keepdim=True) + eps
    return size / mean, size, mean


def sum_over_time(values: torch.Tensor) -> torch.Tensor:
    """(batch, 1, channels). As a product of matrices it takes a third of the time on a CPU."""
    if torch.compiler.is_compiling():
        return values.sum(dim=1, keepdim=True)
    ones = values.new_ones(1, 1, values.shape[1]).expand(len(values), -1, -1)
    with torch.autocast(values.device.type, enabled=False):
        return ones.bmm(values)


class _ResponseNorm(torch.autograd.Function):
    """The same numbers; its gradient passes over the positions three times, where autograd's passes seven times."""

    @staticmethod
    def forward(ctx, hidden_states, weight, bias, eps):
        relative, size, mean = relative_sizes(hidden_states, eps)
        scale = (1 + weight * relative).to(hidden_states.dtype)
        ctx.save_for_backward(hidden_states, weight, scale, relative, size, mean)
        return torch.addcmul(bias, hidden_states, scale)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        hidden_states, weight, scale, relative, size, mean = ctx.saved_tensors
        of_bias = sum_over_time(gradient).sum(dim=(0, 1))
        of_scale = sum_over_time(gradient * hidden_states).to(relative.dtype)
        of_weight = (of_scale * relative).sum(dim=(0, 1)).to(weight.dtype)
        of_relative = of_scale * weight
        # the mean's share is the same for all channels
        of_size = of_relative / mean - (of_relative * relative).mean(dim=2, keepdim=True) / mean
        # a channel of nothing has no direction to grow in
        pull = torch.where(size > 0, of_size / size, 0.0).to(gradient.dtype)
        return torch.addcmul(gradient * scale, hidden_states, pull), of_weight, of_bias, None


gelu_in_place = torch.ops.aten.gelu_


class ECGConvNeXtV2Block(GradientCheckpointingLayer):
    """A convolution of each channel alone, then two linear layers with GELU and the response norm between."""

    def __init__(self, config: ECGConvNeXtV2Config, width: int):
        super().__init__()
        size, inner = config.kernel_size, config.expansion * width
        self.convolution = ECGConv1d(width, width, size, padding=size // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.expand = nn.Linear(width, inner)
        self.response_norm = ECGGlobalResponseNorm(inner, config.response_norm_eps)
        self.contract = nn.Linear(inner, width)

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """`mask` is bool (batch, positions); padded positions of input and output are zero."""
        inner = self.norm(self.convolution(hidden_states.transpose(1, 2)).transpose(1, 2))
        inner = self.expand(inner)
        # nobody else holds it, and memory that is asked for costs as much as the arithmetic
        in_place = not (torch.is_grad_enabled() or torch.compiler.is_compiling())
        inner = gelu_in_place(inner) if in_place else F.gelu(inner)
        inner = self.response_norm(zero_padding(inner, mask), in_place)
        return zero_padding(hidden_states + self.contract(inner), mask)


class ECGConvNeXtV2Stage(nn.Module):
    """Blocks of one width; every stage but the first halves the rate before them."""

    def __init__(self, config: ECGConvNeXtV2Config, number: int):
        super().__init__()
        width = config.widths[number]
        self.norm = None
        self.downsample = None
        if number:
            before = config.widths[number - 1]
            self.norm = nn.LayerNorm(before, eps=config.layer_norm_eps)
            self.downsample = ECGPatchConvolution(before, width, 2)
        self.blocks = nn.ModuleList(ECGConvNeXtV2Block(config, width) for _ in range(config.depths[number]))

    def forward(
        self, hidden_states: torch.Tensor, mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        if self.norm is not None and self.downsample is not None:
            hidden_states = self.downsample(zero_padding(self.norm(hidden_states), mask), mask)
            mask = self.mask_of(mask)
            hidden_states = zero_padding(hidden_states, mask)
        for block in self.blocks:
            hidden_states = block(hidden_states, mask)
        return hidden_states, mask

    def mask_of(self, mask: torch.Tensor | None) -> torch.Tensor | None:
        """The input's mask at the rate of the output."""
        return mask if self.downsample is None else self.downsample.mask_of(mask)


class ECGConvNeXtV2Stem(nn.Module):
    """Patches of all leads to vectors, and a norm."""

    def __init__(self, config: ECGConvNeXtV2Config):
        super().__init__()
        self.patches = ECGPatchConvolution(config.num_leads, config.widths[0], config.stem_patch_size)
        self.norm = nn.LayerNorm(config.widths[0], eps=config.layer_norm_eps)

    def forward(self, input_values: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """(batch, leads, samples) to (batch, positions, channels); `mask` is that of the input."""
        # channels last in memory, where everything after it wants them
        hidden_states = input_values.transpose(1, 2).contiguous().to(self.patches.convolution.weight.dtype)
        return zero_padding(self.norm(self.patches(hidden_states, mask)), self.patches.mask_of(mask))


class ECGConvNeXtV2PreTrainedModel(ECGPreTrainedModel):
    """Base of the family."""

    config: ECGConvNeXtV2Config
    _no_split_modules = ["ECGConvNeXtV2Block"]
    input_layer = "stem.patches.convolution"
    _can_record_outputs = {"hidden_states": ECGConvNeXtV2Stage}

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, (nn.Conv1d, nn.Linear)):
            init.trunc_normal_(module.weight, std=self.config.initializer_range)
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, ECGGlobalResponseNorm):
            init.zeros_(module.weight)
            init.zeros_(module.bias)


class ECGConvNeXtV2Model(ECGConvNeXtV2PreTrainedModel):
    """The bare trunk.

    Any subset of leads may be given: those that `lead_mask` calls absent are zero to the network, whatever they hold,
    as the leads that TolerantECG's training drops.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGConvNeXtV2Config, ECGConvNeXtV2Model
        >>> config = ECGConvNeXtV2Config(num_samples=1000, sampling_rate=100, depths=[1, 1], widths=[32, 64])
        >>> model = ECGConvNeXtV2Model(config).eval()
        >>> model(torch.zeros(2, 12, 1000)).pooler_output.shape
        torch.Size([2, 64])
    """

    def __init__(self, config: ECGConvNeXtV2Config):
        super().__init__(config)
        size = cast(int, config.hidden_size)
        self.stem = ECGConvNeXtV2Stem(config)
        self.stages = nn.ModuleList(ECGConvNeXtV2Stage(config, number) for number in range(len(config.depths)))
        self.norm = nn.LayerNorm(size, eps=config.pooled_norm_eps)
        self.projection = nn.Linear(size, size, bias=False) if config.pooled_projection else None
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
            lead_mask: bool (batch, leads); absent leads are taken for zero.
            sample_mask: bool (batch, samples), false where padded. A padded record gives what it gives alone, however
                long the padding; samples at its end that do not fill a patch are left out, as without padding.

        Returns:
            `last_hidden_state` (batch, positions, hidden_size), before the last norm; `pooler_output` (batch,
            hidden_size), the norm of its mean over time, projected where the configuration says so; with
            `output_hidden_states=True` also the stem's and each stage's output, (batch, positions, channels).

        Raises:
            ValueError: another number of leads than the configuration has, a mask of another shape than the input.
        """
        input_values = check_inputs(self.config, input_values, lead_mask, sample_mask)
        input_values, mask = without_padding(input_values, sample_mask)
        hidden_states = self.stem(input_values, mask)
        mask = self.stem.patches.mask_of(mask)
        for stage in self.stages:
            hidden_states, mask = stage(hidden_states, mask)
        pooled = self.norm(mean_over_time(hidden_states, mask))
        if self.projection is not None:
            pooled = self.projection(pooled)
        return BaseModelOutputWithPooling(last_hidden_state=hidden_states, pooler_output=pooled)

    def position_mask(self, sample_mask: torch.Tensor | None) -> torch.Tensor | None:
        mask = self.stem.patches.mask_of(record_mask(sample_mask))
        for stage in self.stages:
            mask = cast(ECGConvNeXtV2Stage, stage).mask_of(mask)
        return mask


class ECGConvNeXtV2ForECGClassification(LinearHeadMixin, ECGConvNeXtV2PreTrainedModel):
    """The trunk with a linear head: multi-label, single-label or regression by `config.problem_type`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGConvNeXtV2Config, ECGConvNeXtV2ForECGClassification
        >>> config = ECGConvNeXtV2Config(num_samples=1000, depths=[1, 1], widths=[32, 64], num_labels=5)
        >>> model = ECGConvNeXtV2ForECGClassification(config).eval()
        >>> model(torch.zeros(2, 12, 1000)).logits.shape
        torch.Size([2, 5])
    """

    encoder_class = ECGConvNeXtV2Model


class ECGConvNeXtV2ForECGSurvival(SurvivalHeadMixin, ECGConvNeXtV2PreTrainedModel):
    """The trunk with a survival head: the probability to outlive each interval of `config.survival_breaks`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGConvNeXtV2Config, ECGConvNeXtV2ForECGSurvival
        >>> config = ECGConvNeXtV2Config(depths=[1, 1], widths=[32, 64], survival_breaks=[0, 365, 730])
        >>> model = ECGConvNeXtV2ForECGSurvival(config).eval()
        >>> logits = model(torch.zeros(2, 12, 1000)).logits
        >>> logits.shape, model.survival_at(logits, 365).shape
        (torch.Size([2, 2]), torch.Size([2]))
    """

    encoder_class = ECGConvNeXtV2Model
