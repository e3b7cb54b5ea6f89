"""MELP's ECG tower (Wang et al., ICML 2025, arXiv 2506.21803): two pools over ECG-FM's body.

Written from the paper and from what the released code computes (HKU-MedAI/MELP at 088741d).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple

from ..ecg_fm.modeling_ecg_fm import ECGFMModel
from ..shared.attention_pooling import ECGQueryPooling
from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_ecg import ECGPreTrainedModel, check_inputs
from ..shared.modeling_survival import SurvivalHeadMixin
from .configuration_melp import MELPConfig


@dataclass
class MELPModelOutput(BaseModelOutputWithPooling):
    """Output of [`MELPModel`].

    Args:
        last_hidden_state: (batch, num_beat_queries, hidden_size), the beat vectors before their projection.
        pooler_output: (batch, hidden_size), their mean: what the paper's linear probe reads.
        hidden_states, attentions: of the body's blocks, on request.
        beat_embeds: (batch, num_beat_queries, hidden_size), the beat vectors in the space of sentences; their mean is
            the record's place in the space of reports. Neither is of unit length.
        caption_states: (batch, num_caption_queries, caption_size), what reports are written from.
        frame_states: (batch, frames, body's hidden_size), the body's output.
        frame_mask: bool (batch, frames), which frames hold a record; None when all do and no `sample_mask` was given.
        beat_attentions: (batch, heads, num_beat_queries, frames), where each beat query looks: with
            `output_attentions`.
    """

    beat_embeds: torch.Tensor | None = None
    caption_states: torch.Tensor | None = None
    frame_states: torch.Tensor | None = None
    frame_mask: torch.Tensor | None = None
    beat_attentions: torch.Tensor | None = None


class MELPPreTrainedModel(ECGPreTrainedModel):
    """Base of the family."""

    config: MELPConfig
    _no_split_modules = ["PostNormBlock"]
    input_layer = "body_model.convolutions.layers.0.convolution"

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, ECGQueryPooling):
            init.normal_(module.queries)
        if isinstance(module, MELPModel):
            init.normal_(module.beat_projection, std=self.config.hidden_size**-0.5)


class MELPModel(MELPPreTrainedModel):
    """The bare encoder: learned queries look at the frames of ECG-FM's body, some for beats, some for captions.

    `pooler_output` needs neither the projection of the beats nor the caption pool: they are not trained
    (`requires_grad` is false) unless [`MELPTextModel`] stands around the encoder.

    A beat query does not belong to one heartbeat: `beat_attentions` says which frames it looked at. A frame is
    `body_config`'s product of strides long, 16 samples by default.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGFMConfig, MELPConfig, MELPModel
        >>> model = MELPModel(MELPConfig(body_config=ECGFMConfig(num_hidden_layers=2))).eval()
        >>> outputs = model(torch.randn(2, 12, 5000))
        >>> outputs.pooler_output.shape, outputs.beat_embeds.shape, outputs.caption_states.shape
        (torch.Size([2, 256]), torch.Size([2, 14, 256]), torch.Size([2, 128, 768]))
    """

    def __init__(self, config: MELPConfig):
        super().__init__(config)
        size, heads, eps = config.hidden_size, config.num_pooling_heads, config.layer_norm_eps
        body: Any = config.body_config
        seen = body.hidden_size
        self.body_model = ECGFMModel(body)
        self.beat_pooling = ECGQueryPooling(config, config.num_beat_queries, size, heads, seen, eps)
        self.beat_norm = nn.LayerNorm(size, eps=eps)
        self.beat_projection = nn.Parameter(torch.empty(size, size))
        caption = config.caption_size
        self.caption_pooling = ECGQueryPooling(config, config.num_caption_queries, caption, heads, seen, eps)
        self.caption_norm = nn.LayerNorm(caption, eps=eps)
        self.train_text_outputs(False)
        self.post_init()

    def train_text_outputs(self, wanted: bool) -> None:
        """Whether what only texts are compared with is trained: the beats' projection, and the caption pool."""
        self.beat_projection.requires_grad_(wanted)
        self.caption_pooling.requires_grad_(wanted)
        self.caption_norm.requires_grad_(wanted)

    @can_return_tuple
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> MELPModelOutput:
        """
        Args:
            input_values: float (batch, leads, samples).
            lead_mask: bool (batch, leads); absent leads are zero, as in the pretraining, which leaves leads out.
            sample_mask: bool (batch, samples); frames with padding are not looked at.

        Raises:
            ValueError: another number of leads than the configuration has, no sample, a mask of another shape than the
                input.
        """
        check_inputs(self.config, input_values, lead_mask, sample_mask)
        # the body's own configuration knows nothing of what this one asks for
        kwargs.setdefault("output_hidden_states", self.config.output_hidden_states)
        kwargs.setdefault("output_attentions", self.config.output_attentions)
        body = self.body_model(input_values, lead_mask=lead_mask, sample_mask=sample_mask, **kwargs)
        frames, mask = body.last_hidden_state, body.frame_mask
        beats, looked_at = self.beat_pooling(frames, mask)
        beats = self.beat_norm(beats)
        captions, _ = self.caption_pooling(frames, mask)
        return MELPModelOutput(
            last_hidden_state=beats,
            pooler_output=beats.mean(dim=1),
            hidden_states=body.hidden_states,
            attentions=body.attentions,
            beat_embeds=beats @ self.beat_projection.to(beats.dtype),
            caption_states=self.caption_norm(captions),
            frame_states=frames,
            frame_mask=mask,
            beat_attentions=looked_at if kwargs["output_attentions"] else None,
        )


class MELPForECGClassification(LinearHeadMixin, MELPPreTrainedModel):
    """The encoder with a linear head: multi-label, single-label or regression by `config.problem_type`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGFMConfig, MELPConfig, MELPForECGClassification
        >>> config = MELPConfig(body_config=ECGFMConfig(num_hidden_layers=2), num_labels=5)
        >>> MELPForECGClassification(config).eval()(torch.zeros(2, 12, 5000)).logits.shape
        torch.Size([2, 5])
    """

    encoder_class = MELPModel


class MELPForECGSurvival(SurvivalHeadMixin, MELPPreTrainedModel):
    """The encoder with a survival head: the probability to outlive each interval of `config.survival_breaks`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGFMConfig, MELPConfig, MELPForECGSurvival
        >>> config = MELPConfig(body_config=ECGFMConfig(num_hidden_layers=2), survival_breaks=[0, 365, 730])
        >>> MELPForECGSurvival(config).eval()(torch.zeros(2, 12, 5000)).logits.shape
        torch.Size([2, 2])
    """

    encoder_class = MELPModel
