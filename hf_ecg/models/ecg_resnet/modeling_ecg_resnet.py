"""1-D ResNet of MERL (arXiv 2403.06659, utils/resnet1d.py at 38799b7): 18, 34, 50 layers by configuration."""

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
from ..shared.modeling_ecg import ECGPreTrainedModel, check_inputs, pool_positions
from .configuration_ecg_resnet import ECGResNetConfig


class ECGResNetConv(nn.Conv1d):
    """A convolution over samples, without bias, of inputs (batch, channels, 1, samples).

    Computed in two dimensions: with the channels last in memory the CPU's kernels are a third faster than in one.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1):
        super().__init__(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        weight = self.weight.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        return F.conv2d(hidden_states, weight, None, (1, *self.stride), (0, *self.padding))


def as_sequence(hidden_states: torch.Tensor) -> torch.Tensor:
    """(batch, channels, 1, positions) as (batch, positions, channels): with channels last in memory, only a view."""
    return hidden_states.squeeze(2).transpose(1, 2)


class ECGResNetStem(nn.Module):
    """First convolution, stride 2; optionally a max-pool, stride 2."""

    def __init__(self, config: ECGResNetConfig):
        super().__init__()
        self.convolution = ECGResNetConv(config.num_leads, config.widths[0], config.stem_kernel_size, stride=2)
        self.norm = nn.BatchNorm2d(config.widths[0])
        self.pooling = config.stem_pooling

    def forward(self, input_values: torch.Tensor) -> torch.Tensor:
        hidden_states = input_values.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        hidden_states = F.relu(self.norm(self.convolution(hidden_states)))
        if self.pooling:
            hidden_states = F.max_pool2d(hidden_states, (1, 3), (1, 2), (0, 1))
        return as_sequence(hidden_states)


class ECGResNetBlock(GradientCheckpointingLayer):
    """Residual block, basic or bottleneck; the stride is that of the convolution of 3."""

    def __init__(self, config: ECGResNetConfig, in_channels: int, width: int, stride: int):
        super().__init__()
        out_channels = width * config.expansion
        if config.block_type == "basic":
            sizes = [(in_channels, width, 3, stride), (width, out_channels, 3, 1)]
        else:
            sizes = [(in_channels, width, 1, 1), (width, width, 3, stride), (width, out_channels, 1, 1)]
        self.convolutions = nn.ModuleList(ECGResNetConv(*size) for size in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(size[1]) for size in sizes)
        self.shortcut = None
        if stride != 1 or in_channels != out_channels:
            self.shortcut = ECGResNetConv(in_channels, out_channels, 1, stride)
            self.shortcut_norm = nn.BatchNorm2d(out_channels)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        residual = hidden_states
        if self.shortcut is not None:
            residual = self.shortcut_norm(self.shortcut(hidden_states))
        last = len(self.convolutions) - 1
        for number, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            hidden_states = norm(convolution(hidden_states))
            if number < last:
                hidden_states = F.relu(hidden_states)
        return F.relu(hidden_states + residual)


class ECGResNetStage(nn.Module):
    """Blocks of one width; all but the first stage halve the rate."""

    def __init__(self, config: ECGResNetConfig, number: int):
        super().__init__()
        before = config.widths[0] if number == 0 else config.widths[number - 1] * config.expansion
        width, depth = config.widths[number], config.depths[number]
        self.blocks = nn.ModuleList(
            ECGResNetBlock(
                config,
                before if block == 0 else width * config.expansion,
                width,
                stride=2 if number > 0 and block == 0 else 1,
            )
            for block in range(depth)
        )

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        hidden_states = hidden_states.transpose(1, 2).unsqueeze(2)
        for block in self.blocks:
            hidden_states = block(hidden_states)
        return as_sequence(hidden_states)


class ECGResNetPreTrainedModel(ECGPreTrainedModel):
    """Base of the family."""

    config: ECGResNetConfig
    supports_gradient_checkpointing = True
    _no_split_modules = ["ECGResNetBlock"]
    _can_record_outputs = {"hidden_states": ECGResNetStage}
    # there is no attention, and a model around this one may choose any for its other parts
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, ECGResNetConv):
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
            sample_mask: bool (batch, samples), false where padded; such positions are left out of the pooling.

        Returns:
            `last_hidden_state` (batch, positions, hidden_size), `pooler_output` (batch, hidden_size); with
            `output_hidden_states=True` also the stem's and each stage's output, (batch, positions, channels).

        Raises:
            ValueError: another number of leads than the configuration has, a mask of another shape than the input.
        """
        check_inputs(self.config, input_values, lead_mask, sample_mask)
        hidden_states = self.stem(input_values.to(self.stem.convolution.weight.dtype))
        for stage in self.stages:
            hidden_states = stage(hidden_states)
        return BaseModelOutputWithPooling(
            last_hidden_state=hidden_states,
            pooler_output=pool_positions(hidden_states, sample_mask),
        )


class ECGResNetForECGClassification(LinearHeadMixin, ECGResNetPreTrainedModel):
    """The trunk with a linear head: multi-label, single-label or regression by `config.problem_type`."""

    encoder_class = ECGResNetModel
