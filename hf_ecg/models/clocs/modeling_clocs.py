"""CLOCS' encoder of a single lead (arXiv 2005.13249): three convolutions, and a linear layer over what they leave.

Hidden states are (batch, positions, channels) throughout.
"""

import torch
from torch import nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs
from transformers.utils.output_capturing import capture_outputs

from ..shared.convolution import ECGConv1d
from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_ecg import ECGPreTrainedModel, check_inputs
from ..shared.modeling_survival import SurvivalHeadMixin
from ..shared.padding import batch_norm, without_padding
from .configuration_clocs import CLOCSConfig


class CLOCSStem(nn.Module):
    """The first convolution, norm, ReLU, max-pool of 2, and dropout."""

    def __init__(self, config: CLOCSConfig, number: int = 0):
        super().__init__()
        before = config.widths[number - 1] if number else config.num_leads
        self.convolution = ECGConv1d(before, config.widths[number], config.kernel_size, config.stride)
        self.norm = nn.BatchNorm2d(config.widths[number])
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(batch, positions, channels) to fewer positions of more channels."""
        hidden_states = self.convolution(hidden_states.transpose(1, 2)).transpose(1, 2)
        hidden_states = F.relu(batch_norm(self.norm, hidden_states, None))
        hidden_states = F.max_pool2d(hidden_states.transpose(1, 2).unsqueeze(2), (1, 2)).squeeze(2).transpose(1, 2)
        return self.dropout(hidden_states)


class CLOCSBlock(CLOCSStem, GradientCheckpointingLayer):
    """The same of what the stem leaves."""


class CLOCSPreTrainedModel(ECGPreTrainedModel):
    """Base of the family."""

    config: CLOCSConfig
    _no_split_modules = ["CLOCSBlock"]
    input_layer = "stem.convolution"
    _can_record_outputs = {"hidden_states": CLOCSBlock}


class CLOCSModel(CLOCSPreTrainedModel):
    """The bare encoder.

    Example:
        >>> import torch
        >>> from hf_ecg import CLOCSConfig, CLOCSModel
        >>> model = CLOCSModel(CLOCSConfig()).eval()
        >>> outputs = model(torch.zeros(2, 1, 2500))  # 5 s of one lead
        >>> outputs.pooler_output.shape, outputs.last_hidden_state.shape
        (torch.Size([2, 128]), torch.Size([2, 10, 128]))
    """

    def __init__(self, config: CLOCSConfig):
        super().__init__(config)
        self.stem = CLOCSStem(config)
        self.blocks = nn.ModuleList(CLOCSBlock(config, number) for number in range(1, len(config.widths)))
        self.embedding = nn.Linear(config.widths[-1] * config.num_positions, config.hidden_size)
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
            input_values: float (batch, leads, samples), of at most `config.num_samples` samples; a shorter record is
                filled up by zeros at its end.
            lead_mask: bool (batch, leads); absent leads are zero, whatever stands there.
            sample_mask: bool (batch, samples), false where padded. A padded record gives what it gives alone.

        Returns:
            `pooler_output` (batch, hidden_size), the embedding; `last_hidden_state` (batch, positions, hidden_size),
            what each position adds to it, beside the bias; with `output_hidden_states=True` also what the stem and
            each block but the last give, (batch, positions, channels).

        Raises:
            ValueError: another number of leads than the configuration has, a mask of another shape than the input,
                too many samples.
        """
        input_values = check_inputs(self.config, input_values, lead_mask, sample_mask)
        self._check_length(input_values)
        input_values, _ = without_padding(input_values, sample_mask)
        # not by as many as are lacking, which would fix the length of an exported graph
        whole = F.pad(input_values, (0, self.config.num_samples))[:, :, : self.config.num_samples]
        hidden_states = self.stem(whole.to(self.embedding.weight.dtype).transpose(1, 2))
        for block in self.blocks:
            hidden_states = block(hidden_states)
        # each position by its own weights
        weight = self.embedding.weight.unflatten(1, (self.config.widths[-1], self.config.num_positions))
        added = torch.einsum("bpc,ecp->bpe", hidden_states, weight)
        return BaseModelOutputWithPooling(
            last_hidden_state=added, pooler_output=added.sum(dim=1) + self.embedding.bias.to(added.dtype)
        )

    def _check_length(self, input_values: torch.Tensor) -> None:
        # a compiled graph cannot look
        if not torch.compiler.is_compiling() and input_values.shape[2] > self.config.num_samples:
            raise ValueError(
                f"input_values have {input_values.shape[2]} samples, wanted at most {self.config.num_samples}: the"
                f" model has weights for {self.config.num_positions} positions"
            )


class CLOCSForECGClassification(LinearHeadMixin, CLOCSPreTrainedModel):
    """The encoder with a linear head: multi-label, single-label or regression by `config.problem_type`.

    Example:
        >>> import torch
        >>> from hf_ecg import CLOCSConfig, CLOCSForECGClassification
        >>> model = CLOCSForECGClassification(CLOCSConfig(num_labels=4)).eval()
        >>> model(torch.zeros(2, 1, 2500)).logits.shape
        torch.Size([2, 4])
    """

    encoder_class = CLOCSModel


class CLOCSForECGSurvival(SurvivalHeadMixin, CLOCSPreTrainedModel):
    """The encoder with a survival head: the probability to outlive each interval of `config.survival_breaks`.

    Example:
        >>> import torch
        >>> from hf_ecg import CLOCSConfig, CLOCSForECGSurvival
        >>> model = CLOCSForECGSurvival(CLOCSConfig(survival_breaks=[0, 365, 730])).eval()
        >>> model(torch.zeros(2, 1, 2500)).logits.shape
        torch.Size([2, 2])
    """

    encoder_class = CLOCSModel
