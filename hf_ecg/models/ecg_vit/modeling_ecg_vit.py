"""1-D vision transformer of MERL (arXiv 2403.06659, utils/vit1d.py at 38799b7): tiny, small and base by configuration.

A patch is a stretch of all leads. Written from the paper and from what the released code computes.
"""

import torch
from torch import nn
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs
from transformers.utils.output_capturing import capture_outputs

from ..shared.attention import ECGSelfAttention, attention_mask_of
from ..shared.modeling_classification import LinearHeadMixin
from ..shared.modeling_ecg import ECGPreTrainedModel, check_inputs
from ..shared.modeling_survival import SurvivalHeadMixin
from ..shared.padding import all_where_none, lengths_of, mean_over_time, record_mask, without_padding
from ..shared.patches import counted_patches, to_patches
from ..shared.positions import stretched_positions
from ..shared.transformer import PreNormBlock, pre_norm_blocks
from .configuration_ecg_vit import ECGViTConfig


class ECGViTEmbeddings(nn.Module):
    """Patches of all leads as tokens, with learned positions."""

    def __init__(self, config: ECGViTConfig):
        super().__init__()
        self.patch_size = config.patch_size
        self.projection = nn.Linear(config.num_leads * config.patch_size, config.hidden_size, bias=False)
        self.positions = nn.Parameter(torch.empty(config.num_patches, config.hidden_size))

    def forward(self, input_values: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """
        Args:
            input_values: (batch, leads, samples).
            lengths: int64 (batch,), patches of each record that positions are stretched over; None = all, or without
                stretching when the row has as many as there are positions.

        Returns:
            (batch, patches, hidden_size).
        """
        patches = to_patches(input_values, self.patch_size).transpose(1, 2).flatten(2)
        tokens = self.projection(patches.to(self.projection.weight.dtype))
        return tokens + stretched_positions(self.positions, tokens.shape[1], lengths)


class ECGViTPreTrainedModel(ECGPreTrainedModel):
    """Base of the family."""

    config: ECGViTConfig
    _no_split_modules = ["PreNormBlock"]
    input_layer = "embeddings.projection"
    _can_record_outputs = {"hidden_states": PreNormBlock, "attentions": ECGSelfAttention}

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        # as released, which leaves PyTorch's own values and draws positions from a standard normal
        if isinstance(module, nn.Linear):
            bound = module.in_features**-0.5
            for parameter in module.parameters(recurse=False):
                init.uniform_(parameter, -bound, bound)
        if isinstance(module, ECGViTEmbeddings):
            init.normal_(module.positions)


class ECGViTModel(ECGViTPreTrainedModel):
    """The bare encoder.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGViTConfig, ECGViTModel
        >>> model = ECGViTModel(ECGViTConfig()).eval()  # MERL's tiny size
        >>> model(torch.rand(2, 12, 5000)).pooler_output.shape
        torch.Size([2, 192])
    """

    def __init__(self, config: ECGViTConfig):
        super().__init__(config)
        self.embeddings = ECGViTEmbeddings(config)
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
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutputWithPooling:
        """
        Args:
            input_values: float (batch, leads, samples), `num_samples` of them; with `interpolate_positions` any
                multiple of `patch_size`.
            lead_mask: bool (batch, leads); absent leads are zero, whatever stands there.
            sample_mask: bool (batch, samples); patches whose middle is padding are not looked at and left out of the
                pooling. The padded end of a patch that counts is zero. With `interpolate_positions` a record gives the
                same whatever number of patches it is padded to.

        Returns:
            `last_hidden_state` (batch, patches, hidden_size), before the norm; `pooler_output` (batch, hidden_size),
            the norm of the mean over patches.

        Raises:
            ValueError: another number of leads or samples than the configuration has, samples that are not a multiple
                of the patch size, a mask of another shape than the input.
        """
        config = self.config
        input_values = check_inputs(config, input_values, lead_mask, sample_mask)
        if not config.interpolate_positions and input_values.shape[2] != config.num_samples:
            raise ValueError(
                f"input_values have {input_values.shape[2]} samples, wanted {config.num_samples}: there is one"
                " position for each patch. interpolate_positions=True in the configuration stretches them"
            )
        input_values, sample_mask = without_padding(input_values, sample_mask)
        counted = self._patch_mask(sample_mask)
        lengths = lengths_of(counted) if counted is not None and config.interpolate_positions else None
        hidden_states = self.embeddings(input_values, lengths)
        attention_mask = attention_mask_of(config, hidden_states, counted)
        for layer in self.layers:
            hidden_states = layer(hidden_states, attention_mask, **kwargs)
        pooled = self.norm(mean_over_time(hidden_states, all_where_none(counted)))
        return BaseModelOutputWithPooling(last_hidden_state=hidden_states, pooler_output=pooled)

    def position_mask(self, sample_mask: torch.Tensor | None) -> torch.Tensor | None:
        return self._patch_mask(record_mask(sample_mask))

    def _patch_mask(self, mask: torch.Tensor | None) -> torch.Tensor | None:
        """bool (batch, patches), of the mask of records that stand at their rows' start."""
        if mask is None:
            return None
        # no len(): exported with any batch, it would fix the size
        shape = (mask.shape[0], 1, mask.shape[1] // self.config.patch_size)
        counted = counted_patches(shape, None, mask, self.config.patch_size)
        return None if counted is None else counted[:, 0]


class ECGViTForECGClassification(LinearHeadMixin, ECGViTPreTrainedModel):
    """The encoder with a linear head: multi-label, single-label or regression by `config.problem_type`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGViTConfig, ECGViTForECGClassification
        >>> model = ECGViTForECGClassification(ECGViTConfig(num_hidden_layers=2, num_labels=5)).eval()
        >>> model(torch.zeros(2, 12, 5000)).logits.shape
        torch.Size([2, 5])
    """

    encoder_class = ECGViTModel


class ECGViTForECGSurvival(SurvivalHeadMixin, ECGViTPreTrainedModel):
    """The encoder with a survival head: the probability to outlive each interval of `config.survival_breaks`.

    Example:
        >>> import torch
        >>> from hf_ecg import ECGViTConfig, ECGViTForECGSurvival
        >>> model = ECGViTForECGSurvival(ECGViTConfig(num_hidden_layers=2, survival_breaks=[0, 365, 730])).eval()
        >>> logits = model(torch.zeros(2, 12, 5000)).logits
        >>> logits.shape, model.survival_at(logits, 365).shape
        (torch.Size([2, 2]), torch.Size([2]))
    """

    encoder_class = ECGViTModel
