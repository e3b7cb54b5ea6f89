"""InceptionTime (arXiv 1909.04939): branches of long, middling and short convolutions, and of a max-pool.

Before it stand convolutions that lower the rate, as in Ahus AIM's network of the CinC Challenge 2025. Hidden states
are (batch, positions, channels) throughout.
"""

from typing import cast

import torch
from torch import nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs
from transformers.utils.output_capturing import capture_outputs

from ..shared.convolution import ECGConv1d
from ..shared.frame_convolutions import at_least_a_frame, samples_of_a_frame, whole_windows
from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_ecg import ECGPreTrainedModel, check_inputs
from ..shared.modeling_survival import SurvivalHeadMixin
from ..shared.padding import batch_norm, mean_over_time, zero_padding
from .configuration_ecg_inception import ECGInceptionConfig


def convolve(layer: nn.Module, hidden_states: torch.Tensor) -> torch.Tensor:
    """A convolution over positions."""
    return layer(hidden_states.transpose(1, 2)).transpose(1, 2)


class ECGInceptionStem(nn.Module):
    """Convolution without padding, batch norm, GELU."""

    def __init__(self, in_channels: int, width: int, kernel_size: int, stride: int):
        super().__init__()
        self.convolution = ECGConv1d(in_channels, width, kernel_size, stride)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """`mask` is that of the output."""
        hidden_states = batch_norm(self.norm, convolve(self.convolution, hidden_states), mask)
        return zero_padding(F.gelu(hidden_states), mask)


class ECGInceptionBlock(nn.Module):
    """Convolutions of several sizes behind a common bottleneck, beside a max-pool of 3; batch norm, GELU."""

    def __init__(self, config: ECGInceptionConfig, in_channels: int):
        super().__init__()
        width = config.width
        self.bottleneck = ECGConv1d(in_channels, width, 1, bias=False)
        self.branches = nn.ModuleList(
            ECGConv1d(width, width, size, padding=size // 2, bias=False) for size in config.kernel_sizes
        )
        self.pooled = ECGConv1d(in_channels, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(config.block_size)

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        narrow = convolve(self.bottleneck, hidden_states)
        branches = [convolve(branch, narrow) for branch in self.branches]
        branches.append(convolve(self.pooled, self._largest(hidden_states, mask)))
        hidden_states = batch_norm(self.norm, torch.cat(branches, dim=2), mask)
        return zero_padding(F.gelu(hidden_states), mask)

    def _largest(self, hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """The largest of each position and the two beside it; padding takes no part."""
        if mask is not None:
            lowest = torch.finfo(hidden_states.dtype).min
            hidden_states = hidden_states.masked_fill(~mask.unsqueeze(2), lowest)
        largest = F.max_pool2d(hidden_states.transpose(1, 2).unsqueeze(2), (1, 3), 1, (0, 1)).squeeze(2)
        return zero_padding(largest.transpose(1, 2), mask)


class ECGInceptionGroup(GradientCheckpointingLayer):
    """Blocks, and around them a shortcut: convolution of 1 and batch norm; GELU of the sum."""

    def __init__(self, config: ECGInceptionConfig, in_channels: int):
        super().__init__()
        channels = [in_channels, *[config.block_size] * (config.blocks_per_group - 1)]
        self.blocks = nn.ModuleList(ECGInceptionBlock(config, before) for before in channels)
        self.shortcut = ECGConv1d(in_channels, config.block_size, 1, bias=False)
        self.shortcut_norm = nn.BatchNorm2d(config.block_size)

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """(batch, positions, channels) and bool (batch, positions) to the same positions; padded ones are zero."""
        residual = batch_norm(self.shortcut_norm, convolve(self.shortcut, hidden_states), mask)
        for block in self.blocks:
            hidden_states = block(hidden_states, mask)
        return zero_padding(F.gelu(hidden_states + residual), mask)


class ECGInceptionPreTrainedModel(ECGPreTrainedModel):
    """Base of the family."""

    config: ECGInceptionConfig
    _no_split_modules = ["ECGInceptionGroup"]
    input_layer = "stem.0.convolution"
    _can_record_outputs = {"hidden_states": ECGInceptionGroup}


class ECGInceptionModel(ECGInceptionPreTrainedModel):
    """The bare encoder.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGInceptionConfig, ECGInceptionModel
        >>> model = ECGInceptionModel(ECGInceptionConfig()).eval()
        >>> outputs = model(torch.zeros(2, 8, 800))  # 2 s of eight leads
        >>> outputs.pooler_output.shape, outputs.last_hidden_state.shape
        (torch.Size([2, 128]), torch.Size([2, 197, 128]))
    """

    def __init__(self, config: ECGInceptionConfig):
        super().__init__(config)
        channels = [config.num_leads, *config.stem_widths]
        size, stride = config.stem_kernel_size, config.stem_stride
        self.windows = ((size, stride),) * len(config.stem_widths)
        self.stem = nn.ModuleList(
            ECGInceptionStem(before, after, size, stride)
            for before, after in zip(channels, channels[1:], strict=False)
        )
        widths = [channels[-1], *[config.block_size] * (config.num_groups - 1)]
        self.groups = nn.ModuleList(ECGInceptionGroup(config, before) for before in widths)
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
            input_values: float (batch, leads, samples); fewer samples than one position sees are filled up by zeros.
            lead_mask: bool (batch, leads); absent leads are zero, whatever stands there.
            sample_mask: bool (batch, samples), false where padded. A padded record gives what it gives alone, however
                long the padding; in training, padding is in no statistic of a norm.

        Returns:
            `last_hidden_state` (batch, positions, hidden_size); `pooler_output` (batch, hidden_size), its mean over
            time; with `output_hidden_states=True` also what the stem and each group give.

        Raises:
            ValueError: another number of leads than the configuration has, a mask of another shape than the input.
        """
        input_values = check_inputs(self.config, input_values, lead_mask, sample_mask)
        input_values, mask = at_least_a_frame(input_values, sample_mask, samples_of_a_frame(self.windows))
        hidden_states = input_values.to(self.dtype).transpose(1, 2)
        for layer, window in zip(self.stem, self.windows, strict=True):
            mask = None if mask is None else whole_windows(mask, *window)
            hidden_states = layer(hidden_states, mask)
        for group in self.groups:
            hidden_states = cast(ECGInceptionGroup, group)(hidden_states, mask)
        return BaseModelOutputWithPooling(
            last_hidden_state=hidden_states, pooler_output=mean_over_time(hidden_states, mask)
        )

    def position_mask(self, sample_mask: torch.Tensor | None) -> torch.Tensor | None:
        if sample_mask is None:
            return None
        _, mask = at_least_a_frame(sample_mask.unsqueeze(1).float(), sample_mask, samples_of_a_frame(self.windows))
        for window in self.windows:
            mask = None if mask is None else whole_windows(mask, *window)
        return mask


class ECGInceptionForECGClassification(LinearHeadMixin, ECGInceptionPreTrainedModel):
    """The encoder with a linear head: multi-label, single-label or regression by `config.problem_type`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGInceptionConfig, ECGInceptionForECGClassification
        >>> model = ECGInceptionForECGClassification(ECGInceptionConfig(num_labels=4)).eval()
        >>> model(torch.zeros(2, 8, 800)).logits.shape
        torch.Size([2, 4])
    """

    encoder_class = ECGInceptionModel


class ECGInceptionForECGSurvival(SurvivalHeadMixin, ECGInceptionPreTrainedModel):
    """The encoder with a survival head: the probability to outlive each interval of `config.survival_breaks`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGInceptionConfig, ECGInceptionForECGSurvival
        >>> model = ECGInceptionForECGSurvival(ECGInceptionConfig(survival_breaks=[0, 365, 730])).eval()
        >>> model(torch.zeros(2, 8, 800)).logits.shape
        torch.Size([2, 2])
    """

    encoder_class = ECGInceptionModel
