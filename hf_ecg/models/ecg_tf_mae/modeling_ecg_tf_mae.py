"""An encoder in the manner of "Masked Autoencoders that Feel the Heart" (arXiv 2506.22495): a transformer over patches
of all leads, whose first blocks filter in time and frequency before they attend.

**Inferred**: neither code nor details of the paper are public. This is our own design after its abstract.
"""

import torch
from torch import nn
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs
from transformers.utils.output_capturing import capture_outputs

from ..shared.attention import ECGSelfAttention, attention_mask_of
from ..shared.masking import take
from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_ecg import ECGPreTrainedModel, check_inputs
from ..shared.modeling_survival import SurvivalHeadMixin
from ..shared.padding import all_where_none, mean_over_time, without_padding
from ..shared.patches import counted_patches, to_patches
from ..shared.positions import sin_cos_positions
from ..shared.transformer import PreNormBlock, pre_norm_blocks
from .configuration_ecg_tf_mae import ECGTFMAEConfig
from .filters_ecg_tf_mae import TemporalFrequencyFilter, filters_of


class ECGTFMAEEmbeddings(nn.Module):
    """Patches of all leads as tokens, with fixed positions."""

    positions: torch.Tensor

    def __init__(self, config: ECGTFMAEConfig):
        super().__init__()
        self.config = config
        self.projection = nn.Linear(config.num_leads * config.patch_size, config.hidden_size)
        self.register_buffer("positions", sin_cos_positions(config.num_patches, config.hidden_size))

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """(batch, leads, patches, patch_size) to (batch, patches, hidden_size)."""
        # no norm: voltages are a diagnosis
        tokens = self.projection(patches.transpose(1, 2).flatten(2))
        return tokens + self.positions[: tokens.shape[1]].to(tokens.dtype)


class ECGTFMAEPreTrainedModel(ECGPreTrainedModel):
    """Base of the family."""

    config: ECGTFMAEConfig
    _no_split_modules = ["PreNormBlock", "TemporalFrequencyFilter"]
    input_layer = "embeddings.projection"
    _can_record_outputs = {"hidden_states": PreNormBlock, "attentions": ECGSelfAttention}

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, ECGTFMAEEmbeddings):
            # a lead is some 0.2 mV: tokens begin as large as their positions, else all records begin alike
            init.normal_(module.projection.weight, std=4 / module.projection.in_features**0.5)
            init.copy_(module.positions, sin_cos_positions(*module.positions.shape))
        if isinstance(module, TemporalFrequencyFilter):
            init.normal_(module.spectrum, std=self.config.initializer_range)
            # as large as what it sees: else neighbours are hardly heard in hundreds of steps
            init.normal_(module.temporal.weight, std=self.config.filter_kernel_size**-0.5)


class ECGTFMAEModel(ECGTFMAEPreTrainedModel):
    """The bare encoder.

    A token is a patch of all leads. The first `num_filter_layers` blocks have a filter in time and frequency before
    their attention ([`TemporalFrequencyFilter`](hf_ecg.models.ecg_tf_mae.filters_ecg_tf_mae.TemporalFrequencyFilter)).

    **Inferred**: our own design after the abstract of arXiv 2506.22495, see [`ECGTFMAEConfig`].

    Example:
        >>> import torch
        >>> from hf_ecg import ECGTFMAEConfig, ECGTFMAEModel
        >>> sizes = {"hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 128, "num_hidden_layers": 2}
        >>> model = ECGTFMAEModel(ECGTFMAEConfig(**sizes, num_filter_layers=1)).eval()
        >>> outputs = model(torch.randn(2, 12, 2250))
        >>> outputs.last_hidden_state.shape, outputs.pooler_output.shape
        (torch.Size([2, 30, 64]), torch.Size([2, 64]))
    """

    # what the pretraining model and the heads have around it
    _keys_to_ignore_on_load_unexpected = [r"^(classifier|decoder|teacher|fine|coarse)\."]

    def __init__(self, config: ECGTFMAEConfig):
        super().__init__(config)
        self.embeddings = ECGTFMAEEmbeddings(config)
        self.filters = filters_of(config)
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
            lead_mask: bool (batch, leads); absent leads are zero in every patch.
            sample_mask: bool (batch, samples); patches whose middle is padding are not looked at, not filtered and
                left out of the pooling. A record gives the same whatever number of patches it is padded to.
            kept: int64 (batch, kept), indices of the patches that are looked at, below 0 for none in its place, which
                wants a mask; None = all.

        Returns:
            `last_hidden_state` (batch, patches, hidden_size) before the norm, of the kept patches alone where `kept`
            says which; `pooler_output` (batch, hidden_size), the norm of the mean over patches.

        Raises:
            ValueError: another number of leads than the configuration has, more samples or no multiple of the patch
                size, a mask of another shape than the input.
        """
        patches, counted = patches_of_record(self.config, input_values, lead_mask, sample_mask)
        counted = None if counted is None else counted.any(dim=1)
        hidden_states = self.embeddings(patches.to(self.embeddings.projection.weight.dtype))
        places = None
        if kept is not None:
            places = kept.clamp(min=0)
            hidden_states = take(hidden_states, places)
            if counted is not None:
                counted = counted.gather(-1, places) & (kept >= 0)
        counted = all_where_none(counted)
        attention_mask = attention_mask_of(self.config, hidden_states, counted)
        for number, layer in enumerate(self.layers):
            if number < len(self.filters):
                hidden_states = self.filters[number](hidden_states, counted, places)
            hidden_states = layer(hidden_states, attention_mask, **kwargs)
        pooled = mean_over_time(hidden_states, counted)
        return BaseModelOutputWithPooling(last_hidden_state=hidden_states, pooler_output=self.norm(pooled))


def patches_of_record(
    config: ECGTFMAEConfig, input_values, lead_mask, sample_mask
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Patches (batch, leads, patches, patch_size), zero in absent leads and padding, and which of them hold a record.

    Raises:
        ValueError: see `ECGTFMAEModel.forward`.
    """
    input_values = check_inputs(config, input_values, lead_mask, sample_mask)
    if input_values.shape[-1] > config.num_samples:
        raise ValueError(f"input_values have {input_values.shape[-1]} samples, wanted {config.num_samples} at most")
    input_values, sample_mask = without_padding(input_values, sample_mask)
    patches = to_patches(input_values, config.patch_size)
    return patches, counted_patches(patches.shape[:3], lead_mask, sample_mask, config.patch_size)


class ECGTFMAEForECGClassification(LinearHeadMixin, ECGTFMAEPreTrainedModel):
    """The encoder with a linear head: multi-label, single-label or regression by `config.problem_type`.

    **Inferred**: see [`ECGTFMAEConfig`].

    Example:
        >>> import torch
        >>> from hf_ecg import ECGTFMAEConfig, ECGTFMAEForECGClassification
        >>> sizes = {"hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 128, "num_hidden_layers": 4}
        >>> model = ECGTFMAEForECGClassification(ECGTFMAEConfig(**sizes, num_labels=5)).eval()
        >>> model(torch.zeros(2, 12, 2250)).logits.shape
        torch.Size([2, 5])
    """

    encoder_class = ECGTFMAEModel


class ECGTFMAEForECGSurvival(SurvivalHeadMixin, ECGTFMAEPreTrainedModel):
    """The encoder with a survival head: the probability to outlive each interval of `config.survival_breaks`.

    **Inferred**: see [`ECGTFMAEConfig`].

    Example:
        >>> import torch
        >>> from hf_ecg import ECGTFMAEConfig, ECGTFMAEForECGSurvival
        >>> sizes = {"hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 128, "num_hidden_layers": 4}
        >>> model = ECGTFMAEForECGSurvival(ECGTFMAEConfig(**sizes, survival_breaks=[0, 365, 730])).eval()
        >>> model(torch.zeros(2, 12, 2250)).logits.shape
        torch.Size([2, 2])
    """

    encoder_class = ECGTFMAEModel
