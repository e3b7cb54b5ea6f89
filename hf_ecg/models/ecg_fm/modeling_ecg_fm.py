"""ECG-FM (McKeen et al., arXiv 2408.05178; bowang-lab/ECG-FM at 9cc0d3f): wav2vec 2.0's network on 5 s of 12 leads.

Written from the paper and from what the released code computes (Jwoo5/fairseq-signals at 6b9e137).
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs
from transformers.utils.output_capturing import capture_outputs

from ..shared.attention import ECGSelfAttention, attention_mask_of
from ..shared.convolutional_positions import ConvolutionalPositions
from ..shared.frame_convolutions import FrameConvolution, FrameConvolutions, TimeNorm
from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_ecg import ECGPreTrainedModel, check_inputs
from ..shared.modeling_survival import SurvivalHeadMixin
from ..shared.padding import mean_over_time, zero_padding
from ..shared.transformer import PostNormBlock
from .configuration_ecg_fm import ECGFMConfig


@dataclass
class ECGFMModelOutput(BaseModelOutputWithPooling):
    """Output of [`ECGFMModel`].

    Args:
        last_hidden_state: (batch, frames, hidden_size).
        pooler_output: (batch, hidden_size), the mean over the frames that hold a record.
        frames: (batch, frames, channels), what the convolutions give, before their norm.
        frame_mask: bool (batch, frames), which frames hold a record; None when all do and no `sample_mask` was given.
    """

    frames: torch.Tensor | None = None
    frame_mask: torch.Tensor | None = None


class ECGFMPreTrainedModel(ECGPreTrainedModel):
    """Base of the family."""

    config: ECGFMConfig
    _no_split_modules = ["PostNormBlock"]
    input_layer = "convolutions.layers.0.convolution"
    _can_record_outputs = {"hidden_states": PostNormBlock, "attentions": ECGSelfAttention}

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, TimeNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)
        if isinstance(module, FrameConvolution):
            init.kaiming_normal_(module.convolution.weight)
        if isinstance(module, ConvolutionalPositions):
            module.init_weights()


class ECGFMModel(ECGFMPreTrainedModel):
    """The bare encoder: a frame for each 16 samples, 31 a second at 500 Hz.

    The first convolution's channels are brought to mean 0 and standard deviation 1 over time: how large a record is
    leaves no trace, and the same beats give other numbers in a longer record. A frame that is padded in part does not
    count.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGFMConfig, ECGFMModel
        >>> model = ECGFMModel(ECGFMConfig(num_hidden_layers=2)).eval()
        >>> outputs = model(torch.randn(2, 12, 2500))
        >>> outputs.last_hidden_state.shape, outputs.pooler_output.shape
        (torch.Size([2, 156, 768]), torch.Size([2, 768]))
    """

    # what the pretraining model and the heads have around it
    _keys_to_ignore_on_load_unexpected = [r"^(classifier|quantiser|(target|output)_projection)\.", "^mask_embedding$"]

    def __init__(self, config: ECGFMConfig):
        super().__init__(config)
        size = config.hidden_size
        self.convolutions = FrameConvolutions(
            config.num_leads,
            config.convolution_channels,
            config.convolution_kernel_sizes,
            config.convolution_strides,
        )
        self.frame_norm = nn.LayerNorm(config.convolution_channels[-1], eps=config.layer_norm_eps)
        self.projection = nn.Linear(config.convolution_channels[-1], size)
        self.positions = ConvolutionalPositions(size, config.position_kernel_size, config.position_groups)
        self.norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.layers = nn.ModuleList(
            PostNormBlock(
                config,
                size,
                config.num_attention_heads,
                config.intermediate_size,
                layer_norm_eps=config.layer_norm_eps,
                dropout=config.hidden_dropout,
                inner_dropout=0.0,
                attention={"dropout": config.attention_dropout},
            )
            for _ in range(config.num_hidden_layers)
        )
        self.gradient_checkpointing = False
        self.post_init()

    @capture_outputs
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        masked: torch.Tensor | None = None,
        mask_embedding: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> ECGFMModelOutput:
        """
        Args:
            input_values: float (batch, leads, samples).
            lead_mask: bool (batch, leads); absent leads are zero, as in the pretraining, which leaves leads out.
            sample_mask: bool (batch, samples); frames with padding are not looked at and left out of the pooling.
            masked: bool (batch, frames), the frames in whose place the transformer sees `mask_embedding`.
            mask_embedding: (hidden_size,).

        Raises:
            ValueError: another number of leads than the configuration has, no sample, a mask of another shape than the
                input, one of `masked` and `mask_embedding` without the other.
        """
        input_values = check_inputs(self.config, input_values, lead_mask, sample_mask)
        if (masked is None) != (mask_embedding is None):
            raise ValueError("masked and mask_embedding are given together or not at all")
        frames, frame_mask = self.convolutions(input_values, sample_mask)
        hidden_states = self.projection(self.frame_norm(frames))
        hidden_states = F.dropout(hidden_states, self.config.feature_dropout, self.training)
        if masked is not None and mask_embedding is not None:
            if masked.shape != frames.shape[:2]:
                raise ValueError(f"masked has shape {tuple(masked.shape)}, wanted {tuple(frames.shape[:2])}")
            hidden_states = torch.where(masked[..., None], mask_embedding.to(hidden_states.dtype), hidden_states)
        hidden_states = zero_padding(hidden_states, frame_mask)
        hidden_states = self.norm(hidden_states + self.positions(hidden_states))
        hidden_states = F.dropout(hidden_states, self.config.hidden_dropout, self.training)
        attention_mask = attention_mask_of(self.config, hidden_states, frame_mask)
        for layer in self.layers:
            hidden_states = layer(hidden_states, attention_mask, **kwargs)
        if frame_mask is None and sample_mask is not None:
            # which outputs there are does not hang on what a batch's records are
            frame_mask = torch.ones(frames.shape[:2], dtype=torch.bool, device=frames.device)
        return ECGFMModelOutput(
            last_hidden_state=hidden_states,
            pooler_output=mean_over_time(hidden_states, frame_mask),
            frames=frames,
            frame_mask=frame_mask,
        )


class ECGFMForECGClassification(LinearHeadMixin, ECGFMPreTrainedModel):
    """The encoder with a linear head: multi-label, single-label or regression by `config.problem_type`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGFMConfig, ECGFMForECGClassification
        >>> model = ECGFMForECGClassification(ECGFMConfig(num_hidden_layers=2, num_labels=17)).eval()
        >>> model(torch.zeros(2, 12, 2500)).logits.shape
        torch.Size([2, 17])
    """

    encoder_class = ECGFMModel


class ECGFMForECGSurvival(SurvivalHeadMixin, ECGFMPreTrainedModel):
    """The encoder with a survival head: the probability to outlive each interval of `config.survival_breaks`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGFMConfig, ECGFMForECGSurvival
        >>> model = ECGFMForECGSurvival(ECGFMConfig(num_hidden_layers=2, survival_breaks=[0, 365, 730])).eval()
        >>> logits = model(torch.zeros(2, 12, 2500)).logits
        >>> logits.shape, model.survival_at(logits, 365).shape
        (torch.Size([2, 2]), torch.Size([2]))
    """

    encoder_class = ECGFMModel
