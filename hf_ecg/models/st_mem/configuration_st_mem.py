from ..shared.configuration_ecg import ECGConfig
from ..shared.strict_configuration import strict


@strict
class STMEMConfig(ECGConfig):
    r"""Configuration of [`STMEMModel`] and [`STMEMForPreTraining`]. The defaults are ST-MEM's base size (ICLR 2024).

    Args:
        num_leads (`int`, defaults to 12): leads of the input.
        num_samples (`int`, defaults to 2250): the most samples of the input; any multiple of `patch_size` up to it
            works.
        sampling_rate (`float | int`, defaults to 250): hertz of the input.
        patch_size (`int`, defaults to 75): samples a patch.
        hidden_size (`int`, defaults to 768): of a token; the small size has 384.
        num_hidden_layers (`int`, defaults to 12): blocks.
        num_attention_heads (`int`, defaults to 12): heads; the small size has 6.
        intermediate_size (`int`, defaults to 3072): inside a block's feed-forward part; the small size has 1536.
        layer_norm_eps (`float`, defaults to 1e-5): of every norm but the decoder's last.
        hidden_dropout (`float`, defaults to 0.0): of what a block adds.
        attention_dropout (`float`, defaults to 0.0): of attention weights.
        classifier_dropout (`float`, defaults to 0.0): before the classification head.
        initializer_range (`float`, defaults to 0.02): standard deviation of initial weights.
        mask_ratio (`float`, defaults to 0.75): share of a lead's patches that pretraining removes. Kept are
            int(patches * (1 - mask_ratio)), as released: 7 of 30.
        normalise_patches (`bool`, defaults to `True`): pretraining compares with each patch less its mean, by its
            standard deviation.
        decoder_hidden_size (`int`, defaults to 256): of a token in the decoder of the pretraining.
        decoder_num_hidden_layers (`int`, defaults to 4): its blocks.
        decoder_num_attention_heads (`int`, defaults to 4): their heads.
        decoder_intermediate_size (`int`, defaults to 1024): inside their feed-forward part.
        decoder_layer_norm_eps (`float`, defaults to 1e-6): of the decoder's last norm.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import STMEMConfig
        >>> config = STMEMConfig()
        >>> config.num_samples, config.patch_size, config.num_patches
        (2250, 75, 30)
    """

    model_type = "st_mem"

    num_leads: int = 12
    num_samples: int = 2250
    sampling_rate: float | int = 250
    patch_size: int = 75
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    layer_norm_eps: float = 1e-5
    hidden_dropout: float | int = 0.0
    attention_dropout: float | int = 0.0
    classifier_dropout: float | int = 0.0
    initializer_range: float = 0.02
    mask_ratio: float = 0.75
    normalise_patches: bool = True
    decoder_hidden_size: int = 256
    decoder_num_hidden_layers: int = 4
    decoder_num_attention_heads: int = 4
    decoder_intermediate_size: int = 1024
    decoder_layer_norm_eps: float = 1e-6

    @property
    def num_patches(self) -> int:
        """The most patches of a lead."""
        return self.num_samples // self.patch_size

    def kept_patches(self, patches: int) -> int:
        """How many of a lead's patches pretraining keeps."""
        return int(patches * (1 - self.mask_ratio))

    def validate_architecture(self):
        """Run by `@strict` after construction and before saving."""
        for prefix in ("", "decoder_"):
            self.check_blocks(prefix)
            size = getattr(self, f"{prefix}hidden_size")
            if size % 2:
                raise ValueError(f"{prefix}hidden_size is {size}, wanted an even number: sines and cosines share it")

    def validate_patches(self):
        """Run by `@strict` after construction and before saving."""
        self.check_patches()
        self.check_mask_ratio()
