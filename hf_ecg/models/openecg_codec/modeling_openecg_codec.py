"""The codec of the package openecg: for each sample of one lead which wave, which kind of beat and which rhythm.

Tokens of ten samples go through convolutions and a transformer, then every sample takes its token's state and is
refined by two more convolutions. Layers and sizes were derived from the published state dict and its ONNX twin. Hidden
states are (batch, positions, channels).
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.processing_utils import Unpack
from transformers.utils import ModelOutput, TransformersKwargs, can_return_tuple
from transformers.utils.output_capturing import capture_outputs

from ..shared.attention import ECGSelfAttention, attention_mask_of
from ..shared.convolution import ECGConv1d
from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_ecg import ECGPreTrainedModel, check_inputs
from ..shared.modeling_survival import SurvivalHeadMixin
from ..shared.padding import back_in_place, divide_rate, mean_over_time, without_padding, zero_padding
from ..shared.positions import interleaved_positions
from ..shared.transformer import PreNormBlock, pre_norm_blocks
from .configuration_openecg_codec import OpenECGCodecConfig


@dataclass
class OpenECGCodecDelineationOutput(ModelOutput):
    """Output of [`OpenECGCodecForECGDelineation`].

    Args:
        loss: with labels, the sum of the cross entropies of the tracks that have some.
        frame_logits: (batch, samples, classes), in the order of `config.frame_classes`.
        beat_logits: (batch, samples, classes), in the order of `config.beat_classes`; they mean nothing outside QRS.
        rhythm_logits: (batch, samples, classes), in the order of `config.rhythm_classes`.
        rhythm_probabilities: (batch, classes), the mean over the record's samples of the probabilities of each rhythm.
        ecg_model_output: of the encoder.
    """

    loss: torch.Tensor | None = None
    frame_logits: torch.Tensor | None = None
    beat_logits: torch.Tensor | None = None
    rhythm_logits: torch.Tensor | None = None
    rhythm_probabilities: torch.Tensor | None = None
    ecg_model_output: BaseModelOutputWithPooling | None = None


class OpenECGCodecTokens(nn.Module):
    """A convolution that sees each patch and what is beside it, and the places of tokens."""

    positions: torch.Tensor

    def __init__(self, config: OpenECGCodecConfig):
        super().__init__()
        size, patch = config.token_kernel_size, config.patch_size
        self.convolution = ECGConv1d(config.num_leads, config.hidden_size, size, patch)
        # so that every sample is in a patch, the last ones too
        self.before, self.after = (size - patch) // 2, (size - patch) // 2 + patch - 1
        self.register_buffer("positions", interleaved_positions(config.max_tokens, config.hidden_size))

    def forward(self, input_values: torch.Tensor) -> torch.Tensor:
        """(batch, leads, samples) to (batch, tokens, hidden_size)."""
        tokens = self.convolution(F.pad(input_values, (self.before, self.after))).transpose(1, 2)
        return tokens + self.positions[: tokens.shape[1]].to(tokens.dtype)


class OpenECGCodecConvolution(nn.Module):
    """norm(x + GELU(convolution(x))) over tokens."""

    def __init__(self, config: OpenECGCodecConfig):
        super().__init__()
        size = config.convolution_kernel_size
        self.convolution = ECGConv1d(config.hidden_size, config.hidden_size, size, padding=size // 2)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        added = self.convolution(zero_padding(hidden_states, mask).transpose(1, 2)).transpose(1, 2)
        return self.norm(hidden_states + F.gelu(added))


class OpenECGCodecRefinement(nn.Module):
    """x + convolution(GELU(convolution(x))) over samples."""

    def __init__(self, config: OpenECGCodecConfig):
        super().__init__()
        width, size = config.hidden_size, config.refine_kernel_size
        self.first = ECGConv1d(width, width, size, padding=size // 2)
        self.second = ECGConv1d(width, width, size, padding=size // 2)

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        hidden_states = zero_padding(hidden_states, mask)
        added = F.gelu(self.first(hidden_states.transpose(1, 2))).transpose(1, 2)
        added = self.second(zero_padding(added, mask).transpose(1, 2)).transpose(1, 2)
        return zero_padding(hidden_states + added, mask)


class OpenECGCodecPreTrainedModel(ECGPreTrainedModel):
    """Base of the family."""

    config: OpenECGCodecConfig
    _no_split_modules = ["PreNormBlock"]
    input_layer = "tokens.convolution"
    _can_record_outputs = {"hidden_states": PreNormBlock, "attentions": ECGSelfAttention}
    _keys_to_ignore_on_load_unexpected = [r"^classifier\.", r"^(frame|beat|rhythm)_head\."]

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, OpenECGCodecTokens):
            init.copy_(module.positions, interleaved_positions(self.config.max_tokens, self.config.hidden_size))


class OpenECGCodecModel(OpenECGCodecPreTrainedModel):
    """The bare encoder, with a state for every sample.

    Example:
        >>> import torch
        >>> from hf_ecg import OpenECGCodecConfig, OpenECGCodecModel
        >>> model = OpenECGCodecModel(OpenECGCodecConfig(num_hidden_layers=1)).eval()
        >>> outputs = model(torch.zeros(1, 1, 1234))
        >>> outputs.last_hidden_state.shape, outputs.pooler_output.shape
        (torch.Size([1, 1234, 128]), torch.Size([1, 128]))
    """

    def __init__(self, config: OpenECGCodecConfig):
        super().__init__(config)
        self.tokens = OpenECGCodecTokens(config)
        self.convolutions = nn.ModuleList(
            OpenECGCodecConvolution(config) for _ in range(config.num_convolution_layers)
        )
        self.layers = pre_norm_blocks(config)
        self.refinement = OpenECGCodecRefinement(config)
        self.gradient_checkpointing = False
        self.post_init()

    @capture_outputs(tie_last_hidden_states=False)
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutputWithPooling:
        """
        Args:
            input_values: float (batch, leads, samples), of at most `max_tokens * patch_size` samples.
            lead_mask: bool (batch, leads); absent leads are zero, whatever stands there.
            sample_mask: bool (batch, samples), false where padded. A padded record gives what it gives alone.

        Returns:
            `last_hidden_state` (batch, samples, hidden_size), one a sample, zero where padded; `pooler_output` (batch,
            hidden_size), its mean over the record, which the original does not have; with
            `output_hidden_states=True` also the tokens' states before the transformer and after each block.

        Raises:
            ValueError: another number of leads than the configuration has, a mask of another shape than the input,
                too many samples.
        """
        input_values = check_inputs(self.config, input_values, lead_mask, sample_mask)
        self._check_length(input_values)
        given_mask = sample_mask
        input_values, mask = without_padding(input_values, sample_mask)
        patch, samples = self.config.patch_size, input_values.shape[2]
        token_mask = divide_rate(mask, patch)
        hidden_states = self.tokens(input_values.to(self.dtype))
        for layer in self.convolutions:
            hidden_states = layer(hidden_states, token_mask)
        attention_mask = attention_mask_of(self.config, hidden_states, token_mask)
        for block in self.layers:
            hidden_states = block(hidden_states, attention_mask, **kwargs)
        of_sample = torch.arange(samples, device=hidden_states.device) // patch
        hidden_states = self.refinement(hidden_states[:, of_sample], mask)
        pooled = mean_over_time(hidden_states, mask)
        in_place = back_in_place(hidden_states.transpose(1, 2), given_mask).transpose(1, 2)
        return BaseModelOutputWithPooling(last_hidden_state=in_place, pooler_output=pooled)

    def position_mask(self, sample_mask: torch.Tensor | None) -> torch.Tensor | None:
        return None if sample_mask is None else sample_mask.bool()

    def _check_length(self, input_values: torch.Tensor) -> None:
        most = self.config.max_tokens * self.config.patch_size
        # a compiled graph cannot look
        if not torch.compiler.is_compiling() and input_values.shape[2] > most:
            raise ValueError(
                f"input_values have {input_values.shape[2]} samples, wanted at most {most}: the model has places for"
                f" {self.config.max_tokens} tokens"
            )


class OpenECGCodecForECGDelineation(OpenECGCodecPreTrainedModel):
    """The codec: for every sample the wave it belongs to, the kind of its beat, and the rhythm.

    Example:
        >>> import torch
        >>> from hf_ecg import OpenECGCodecConfig, OpenECGCodecForECGDelineation
        >>> model = OpenECGCodecForECGDelineation(OpenECGCodecConfig(num_hidden_layers=1)).eval()
        >>> outputs = model(torch.zeros(1, 1, 1000))
        >>> outputs.frame_logits.shape, model.tracks(outputs)["rhythm"].shape
        (torch.Size([1, 1000, 4]), torch.Size([1, 1000]))
    """

    role = "delineation"

    def __init__(self, config: OpenECGCodecConfig):
        super().__init__(config)
        self.encoder = OpenECGCodecModel(config)
        self.frame_head = nn.Linear(config.hidden_size, len(config.frame_classes))
        self.beat_head = nn.Linear(config.hidden_size, len(config.beat_classes))
        self.rhythm_head = nn.Linear(config.hidden_size, len(config.rhythm_classes))
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        frame_labels: torch.Tensor | None = None,
        beat_labels: torch.Tensor | None = None,
        rhythm_labels: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> OpenECGCodecDelineationOutput:
        """
        Args:
            input_values, lead_mask, sample_mask: see `OpenECGCodecModel`.
            frame_labels, beat_labels, rhythm_labels: int64 (batch, samples), the class of each sample; -100 where it
                is not known.

        Raises:
            ValueError: see `OpenECGCodecModel`; labels of another shape.
        """
        outputs = self.encoder(input_values, lead_mask=lead_mask, sample_mask=sample_mask, **kwargs)
        states = outputs.last_hidden_state
        logits = [head(states) for head in (self.frame_head, self.beat_head, self.rhythm_head)]
        loss = None
        for name, found, labels in zip(
            ("frame", "beat", "rhythm"), logits, (frame_labels, beat_labels, rhythm_labels), strict=True
        ):
            if labels is not None:
                added = _track_loss(name, found, labels, sample_mask)
                loss = added if loss is None else loss + added
        mask = self.encoder.position_mask(sample_mask)
        return OpenECGCodecDelineationOutput(
            loss=loss,
            frame_logits=logits[0],
            beat_logits=logits[1],
            rhythm_logits=logits[2],
            rhythm_probabilities=mean_over_time(logits[2].softmax(dim=-1), mask),
            ecg_model_output=outputs,
        )

    def tracks(self, outputs: OpenECGCodecDelineationOutput) -> dict[str, torch.Tensor]:
        """The most probable class of each sample, int64 (batch, samples), by "frame", "beat" and "rhythm".

        Beats are the first class, "none", outside of QRS complexes, as in the original's library. Where a record is
        padded the numbers mean nothing.
        """
        found = {name: outputs[f"{name}_logits"].argmax(dim=-1) for name in ("frame", "beat", "rhythm")}
        if "QRS" in self.config.frame_classes:
            outside = found["frame"] != self.config.frame_classes.index("QRS")
            found["beat"] = found["beat"].masked_fill(outside, 0)
        return found


def _track_loss(name: str, logits: torch.Tensor, labels: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """The mean over samples whose class is known; zero when none is."""
    if labels.shape != logits.shape[:2]:
        raise ValueError(f"{name}_labels have shape {tuple(labels.shape)}, wanted {tuple(logits.shape[:2])}")
    if mask is not None:
        labels = labels.masked_fill(~mask.bool(), -100)
    losses = F.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="sum")
    return losses / cast(torch.Tensor, labels != -100).sum().clamp(min=1)


class OpenECGCodecForECGClassification(LinearHeadMixin, OpenECGCodecPreTrainedModel):
    """The encoder with a linear head: multi-label, single-label or regression by `config.problem_type`.

    Example:
        >>> import torch
        >>> from hf_ecg import OpenECGCodecConfig, OpenECGCodecForECGClassification
        >>> config = OpenECGCodecConfig(num_hidden_layers=1, num_labels=4)
        >>> OpenECGCodecForECGClassification(config).eval()(torch.zeros(2, 1, 500)).logits.shape
        torch.Size([2, 4])
    """

    encoder_class = OpenECGCodecModel


class OpenECGCodecForECGSurvival(SurvivalHeadMixin, OpenECGCodecPreTrainedModel):
    """The encoder with a survival head: the probability to outlive each interval of `config.survival_breaks`.

    Example:
        >>> import torch
        >>> from hf_ecg import OpenECGCodecConfig, OpenECGCodecForECGSurvival
        >>> config = OpenECGCodecConfig(num_hidden_layers=1, survival_breaks=[0, 365, 730])
        >>> OpenECGCodecForECGSurvival(config).eval()(torch.zeros(2, 1, 500)).logits.shape
        torch.Size([2, 2])
    """

    encoder_class = OpenECGCodecModel
