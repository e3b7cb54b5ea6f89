from ..shared.configuration_ecg import ECGConfig
from ..shared.strict_configuration import strict


@strict
class ECGViTConfig(ECGConfig):
    r"""Configuration of [`ECGViTModel`]. The defaults are MERL's tiny size (arXiv 2403.06659, utils/vit1d.py).

    Args:
        num_leads (`int`, defaults to 12): leads of the input.
        num_samples (`int`, defaults to 5000): samples of the input, a multiple of `patch_size`.
        sampling_rate (`float | int`, defaults to 500): hertz of the input.
        patch_size (`int`, defaults to 50): samples a patch.
        hidden_size (`int`, defaults to 192): of a token; the small size has 384, the base size 768.
        num_hidden_layers (`int`, defaults to 12): blocks.
        num_attention_heads (`int`, defaults to 3): heads; the small size has 6, the base size 12.
        intermediate_size (`int`, defaults to 768): inside a block's feed-forward part; the small size has 1536, the
            base size 3072.
        layer_norm_eps (`float`, defaults to 1e-5): of every norm.
        hidden_dropout (`float`, defaults to 0.0): of what a block adds.
        attention_dropout (`float`, defaults to 0.0): of attention weights.
        classifier_dropout (`float`, defaults to 0.0): before the classification head.
        interpolate_positions (`bool`, defaults to `False`): whether records of another length than `num_samples` are
            taken, with the learned positions stretched to each record's own number of patches. Without it they are
            an error, as there is one position for each patch.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import ECGViTConfig
        >>> config = ECGViTConfig()
        >>> config.num_samples, config.patch_size, config.num_patches
        (5000, 50, 100)
    """

    model_type = "ecg_vit"

    num_leads: int = 12
    num_samples: int = 5000
    sampling_rate: float | int = 500
    patch_size: int = 50
    hidden_size: int = 192
    num_hidden_layers: int = 12
    num_attention_heads: int = 3
    intermediate_size: int = 768
    layer_norm_eps: float = 1e-5
    hidden_dropout: float | int = 0.0
    attention_dropout: float | int = 0.0
    classifier_dropout: float | int = 0.0
    interpolate_positions: bool = False

    @property
    def num_patches(self) -> int:
        """Patches of a whole record, for each of which a position is learned."""
        return self.num_samples // self.patch_size

    @property
    def num_positions(self) -> int:
        """Positions that `num_samples` samples give: one a patch."""
        return self.num_patches

    def validate_architecture(self):
        """Run by `@strict` after construction and before saving."""
        self.check_blocks()
        self.check_patches()
