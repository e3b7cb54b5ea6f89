"""ST-MEM (Na et al., ICLR 2024; bakqui/ST-MEM at 69ec702): a transformer over patches of single leads, pretrained as a
masked autoencoder whose decoder sees one lead at a time.

Every lead is a row of patches between two separators; the rows stand one after the other. Written from the paper and
from what the released code computes.
"""

from dataclasses import dataclass

import torch
from torch import nn
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, can_return_tuple
from transformers.utils.output_capturing import capture_outputs

from ...losses import masked_reconstruction_loss
from ..shared.attention import ECGSelfAttention, attention_mask_of
from ..shared.masking import RandomSubset, filled, random_share, take, uniform_noise
from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_ecg import ECGPreTrainedModel, check_inputs
from ..shared.modeling_pretraining import ECGPreTrainingOutput
from ..shared.modeling_survival import SurvivalHeadMixin
from ..shared.padding import all_where_none, mean_over_time, without_padding
from ..shared.patches import counted_patches, to_patches
from ..shared.positions import sin_cos_positions
from ..shared.transformer import PreNormBlock, pre_norm_blocks
from .configuration_st_mem import STMEMConfig


@dataclass
class STMEMPreTrainingOutput(ECGPreTrainingOutput):
    """Output of [`STMEMForPreTraining`].

    Args:
        loss: mean squared error of the patches that were removed and hold a record.
        ecg_model_output: of the encoder, which saw the kept patches alone.
        prediction: (batch, leads, patches, patch_size), of every patch.
        removed: bool (batch, leads, patches), true where the encoder did not see the patch.
    """

    prediction: torch.Tensor | None = None
    removed: torch.Tensor | None = None


def lead_positions(config: STMEMConfig, hidden_size: int) -> torch.Tensor:
    """(patches + 2, hidden_size): sines and cosines for patches, zero for the separators at both ends."""
    return nn.functional.pad(sin_cos_positions(config.num_patches, hidden_size), (0, 0, 1, 1))


def positions_of(positions: torch.Tensor, patches: int) -> torch.Tensor:
    """Those of a shorter lead: its patches are the first ones, the right separator is always the last."""
    return torch.cat([positions[: patches + 1], positions[-1:]])


class STMEMEmbeddings(nn.Module):
    """Patches, separators, positions and leads as tokens."""

    def __init__(self, config: STMEMConfig):
        super().__init__()
        self.patch_size = config.patch_size
        self.patch_norm = nn.LayerNorm(config.patch_size, eps=config.layer_norm_eps)
        self.projection = nn.Linear(config.patch_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.positions = nn.Parameter(torch.empty(config.num_patches + 2, config.hidden_size))
        self.separator = nn.Parameter(torch.empty(config.hidden_size))
        self.leads = nn.Parameter(torch.empty(config.num_leads, config.hidden_size))

    def forward(self, patches: torch.Tensor, kept: torch.Tensor | None = None) -> torch.Tensor:
        """
        Args:
            patches: (batch, leads, patches, patch_size).
            kept: int64 (batch, leads, kept), the patches of each lead that become tokens; None = all.

        Returns:
            (batch, leads, kept + 2, hidden_size), each lead between its separators.
        """
        positions = positions_of(self.positions, patches.shape[2])
        tokens = self.norm(self.projection(self.patch_norm(patches))) + positions[1:-1]
        if kept is not None:
            tokens = take(tokens, kept)
        left, right = ((self.separator + positions[end]).expand(*tokens.shape[:2], 1, -1) for end in (0, -1))
        return torch.cat([left, tokens, right], dim=2) + self.leads[:, None]


class STMEMPreTrainedModel(ECGPreTrainedModel):
    """Base of the family."""

    config: STMEMConfig
    _no_split_modules = ["PreNormBlock"]
    input_layer = "embeddings.projection"
    _can_record_outputs = {"hidden_states": PreNormBlock, "attentions": ECGSelfAttention}

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, STMEMEmbeddings):
            init.copy_(module.positions, lead_positions(self.config, self.config.hidden_size))
            for parameter in (module.separator, module.leads):
                init.normal_(parameter, std=self.config.initializer_range)
        if isinstance(module, STMEMDecoder):
            init.copy_(module.positions, lead_positions(self.config, self.config.decoder_hidden_size))
            init.normal_(module.mask_token, std=self.config.initializer_range)


class STMEMModel(STMEMPreTrainedModel):
    """The bare encoder.

    Example:
        >>> import torch
        >>> from hf_ecg import STMEMConfig, STMEMModel
        >>> config = STMEMConfig(hidden_size=384, num_attention_heads=6, intermediate_size=1536)  # the small size
        >>> model = STMEMModel(config).eval()
        >>> model(torch.randn(2, 12, 2250)).pooler_output.shape
        torch.Size([2, 384])
    """

    # what the pretraining model and the heads have around it
    _keys_to_ignore_on_load_unexpected = [r"^(classifier|decoder)\."]

    def __init__(self, config: STMEMConfig):
        super().__init__(config)
        self.embeddings = STMEMEmbeddings(config)
        self.layers = pre_norm_blocks(config)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.gradient_checkpointing = False
        self.post_init()

    @capture_outputs
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        kept: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutputWithPooling:
        """
        Args:
            input_values: float (batch, leads, samples), samples a multiple of `patch_size` up to `num_samples`.
            lead_mask: bool (batch, leads); tokens of absent leads are not looked at and left out of the pooling.
            sample_mask: bool (batch, samples); the same for patches whose middle is padding. A record gives the same
                whatever number of patches it is padded to; the padded end of a patch that counts is zero.
            kept: int64 (batch, leads, kept), indices of the patches of each lead that are looked at, below 0 for none
                in its place, which wants a mask; None = all.

        Returns:
            `last_hidden_state` (batch, leads * (patches + 2), hidden_size), lead after lead, each between its two
            separators, before the norm; `pooler_output` (batch, hidden_size), the norm of the mean over patches.

        Raises:
            ValueError: another number of leads than the configuration has, more samples or no multiple of the patch
                size, a mask of another shape than the input.
        """
        input_values = check_samples(self.config, input_values, lead_mask, sample_mask)
        input_values, sample_mask = without_padding(input_values, sample_mask)
        patches = to_patches(input_values, self.config.patch_size)
        counted = counted_patches(patches.shape[:3], lead_mask, sample_mask, self.config.patch_size)
        of_record = None if kept is None else kept.clamp(min=0)
        tokens = self.embeddings(patches.to(self.embeddings.projection.weight.dtype), of_record)
        if counted is not None and kept is not None:
            counted = counted.gather(-1, kept.clamp(min=0)) & (kept >= 0)
        batch, leads, length, size = tokens.shape
        hidden_states = tokens.flatten(1, 2)
        attention_mask = attention_mask_of(self.config, hidden_states, with_separators(counted))
        for layer in self.layers:
            hidden_states = layer(hidden_states, attention_mask, **kwargs)
        inner = hidden_states.view(batch, leads, length, size)[:, :, 1:-1].flatten(1, 2)
        of_all = None if counted is None else counted.flatten(1)
        pooled = mean_over_time(inner, all_where_none(of_all))
        return BaseModelOutputWithPooling(last_hidden_state=hidden_states, pooler_output=self.norm(pooled))


def check_samples(config: STMEMConfig, input_values, lead_mask, sample_mask) -> torch.Tensor:
    """`check_inputs`, raising as `STMEMModel.forward` says; multiples of the patch size are left to `to_patches`."""
    input_values = check_inputs(config, input_values, lead_mask, sample_mask)
    if input_values.shape[-1] > config.num_samples:
        raise ValueError(f"input_values have {input_values.shape[-1]} samples, wanted {config.num_samples} at most")
    return input_values


def with_separators(counted: torch.Tensor | None) -> torch.Tensor | None:
    """bool (batch, leads, patches) as (batch, leads * (patches + 2)): a separator counts when a patch of its lead
    does."""
    if counted is None:
        return None
    any_patch = counted.any(dim=-1, keepdim=True)
    return torch.cat([any_patch, counted, any_patch], dim=-1).flatten(1)


class STMEMForECGClassification(LinearHeadMixin, STMEMPreTrainedModel):
    """The encoder with a linear head: multi-label, single-label or regression by `config.problem_type`.

    Example:
        >>> import torch
        >>> from hf_ecg import STMEMConfig, STMEMForECGClassification
        >>> model = STMEMForECGClassification(STMEMConfig(num_hidden_layers=2, num_labels=5)).eval()
        >>> model(torch.zeros(2, 12, 2250)).logits.shape
        torch.Size([2, 5])
    """

    encoder_class = STMEMModel


class STMEMForECGSurvival(SurvivalHeadMixin, STMEMPreTrainedModel):
    """The encoder with a survival head: the probability to outlive each interval of `config.survival_breaks`.

    Example:
        >>> import torch
        >>> from hf_ecg import STMEMConfig, STMEMForECGSurvival
        >>> model = STMEMForECGSurvival(STMEMConfig(num_hidden_layers=2, survival_breaks=[0, 365, 730])).eval()
        >>> logits = model(torch.zeros(2, 12, 2250)).logits
        >>> logits.shape, model.survival_at(logits, 365).shape
        (torch.Size([2, 2]), torch.Size([2]))
    """

    encoder_class = STMEMModel


class STMEMDecoder(nn.Module):
    """From the tokens of kept patches to all patches, each lead alone and by the same weights."""

    positions: torch.Tensor

    def __init__(self, config: STMEMConfig):
        super().__init__()
        self.config = config
        size = config.decoder_hidden_size
        self.embedding = nn.Linear(config.hidden_size, size)
        self.mask_token = nn.Parameter(torch.empty(size))
        self.register_buffer("positions", lead_positions(config, size))
        self.layers = pre_norm_blocks(config, "decoder_")
        self.norm = nn.LayerNorm(size, eps=config.decoder_layer_norm_eps)
        self.head = nn.Linear(size, config.patch_size)

    def forward(
        self, hidden_states: torch.Tensor, subset: RandomSubset, counted: torch.Tensor | None, **kwargs
    ) -> torch.Tensor:
        """
        Args:
            hidden_states: (batch, leads, kept + 2, hidden_size), each lead between its separators.
            subset: of the patches, (batch, leads, patches).
            counted: bool (batch, leads, patches), see `counted_patches`.

        Returns:
            (batch, leads, patches, patch_size).
        """
        batch, leads, patches = subset.removed.shape
        tokens = self.embedding(hidden_states)
        left, kept, right = tokens[:, :, :1], tokens[:, :, 1:-1], tokens[:, :, -1:]
        tokens = torch.cat([left, filled(kept, subset, self.mask_token), right], dim=2)
        # a lead is a row of its own: attention does not reach another
        tokens = (tokens + positions_of(self.positions, patches).to(tokens.dtype)).flatten(0, 1)
        counted = None if counted is None else with_separators(counted.flatten(0, 1)[:, None])
        attention_mask = attention_mask_of(self.config, tokens, counted)
        for layer in self.layers:
            tokens = layer(tokens, attention_mask, **kwargs)
        return self.head(self.norm(tokens[:, 1:-1])).unflatten(0, (batch, leads))


class STMEMForPreTraining(STMEMPreTrainedModel):
    """The masked autoencoder: a share of each lead's patches is removed, and made up again from the others.

    Positions are fixed here, of encoder and decoder; in the encoder alone they can be trained, as in the original.

    Example:
        >>> import torch
        >>> from hf_ecg import STMEMConfig, STMEMForPreTraining
        >>> sizes = {"hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 128, "num_hidden_layers": 2}
        >>> model = STMEMForPreTraining(STMEMConfig(**sizes))
        >>> outputs = model(torch.randn(2, 12, 2250))
        >>> outputs.prediction.shape, int(outputs.removed.sum())  # 23 of 30 patches of 24 leads
        (torch.Size([2, 12, 30, 75]), 552)
    """

    role = "pretraining"

    def __init__(self, config: STMEMConfig):
        super().__init__(config)
        self.encoder = STMEMModel(config)
        self.encoder.embeddings.positions.requires_grad_(False)
        self.decoder = STMEMDecoder(config)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_values: torch.Tensor,
        lead_mask: torch.Tensor | None = None,
        sample_mask: torch.Tensor | None = None,
        mask_noise: torch.Tensor | None = None,
        record_seeds: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> STMEMPreTrainingOutput:
        """
        Args:
            input_values: float (batch, leads, samples), see `STMEMModel`.
            lead_mask: bool (batch, leads); absent leads are not looked at, and their patches not judged.
            sample_mask: bool (batch, samples); the same for padded patches. Of a record's own patches as many are
                kept as without padding, but one at least.
            mask_noise: (batch, leads, patches) in [0, 1): of each lead the patches with the smallest noise are kept.
                Drawn where it is not given.
            record_seeds: int64 (batch,), what the noise of each record is drawn from; by default torch's generator.

        Raises:
            ValueError: see `STMEMModel`; noise of another shape; a record of so few patches that none is kept.
        """
        config = self.config
        input_values = check_samples(config, input_values, lead_mask, sample_mask)
        input_values, sample_mask = without_padding(input_values, sample_mask)
        patches = to_patches(input_values, config.patch_size)
        counted = counted_patches(patches.shape[:3], lead_mask, sample_mask, config.patch_size)
        if mask_noise is None:
            mask_noise = uniform_noise(tuple(patches.shape[:3]), input_values, record_seeds)
        subset = self._subset(patches.shape[:3], counted, mask_noise)
        outputs = self.encoder(input_values, lead_mask, sample_mask, kept=subset.kept, **kwargs)
        hidden_states = self.encoder.norm(outputs.last_hidden_state)
        hidden_states = hidden_states.unflatten(1, (patches.shape[1], -1))
        prediction = self.decoder(hidden_states, subset, counted, **kwargs)
        judged = subset.removed if counted is None else subset.removed & counted
        loss = masked_reconstruction_loss(prediction, patches, judged, normalise=config.normalise_patches)
        return STMEMPreTrainingOutput(
            loss=loss, ecg_model_output=outputs, prediction=prediction, removed=subset.removed
        )

    def _subset(self, shape, counted, noise) -> RandomSubset:
        if noise.shape != shape:
            raise ValueError(f"mask_noise has shape {tuple(noise.shape)}, wanted {tuple(shape)}")
        return random_share(noise, self.config.kept_patches(shape[2]), counted, 1 - self.config.mask_ratio)
