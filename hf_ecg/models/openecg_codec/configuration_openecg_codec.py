from ..shared.configuration_ecg import MOST_BLOCKS, MOST_CHANNELS, ECGConfig
from ..shared.strict_configuration import strict

FRAMES = ("other", "P", "QRS", "T")
BEATS = ("none", "sinus", "vpc", "paced", "fusion", "unknown")
RHYTHMS = ("sinus", "avb", "paced", "afib", "bbb", "ventricular")


@strict
class OpenECGCodecConfig(ECGConfig):
    r"""Configuration of [`OpenECGCodecModel`] and [`OpenECGCodecForECGDelineation`].

    The defaults are codec v6 of the package openecg 0.11.0; its file holds these sizes.

    Args:
        num_leads (`int`, defaults to 1): leads of the input; the original has one.
        num_samples (`int`, defaults to 5000): samples that the model was trained on.
        sampling_rate (`float | int`, defaults to 500): hertz of the input.
        patch_size (`int`, defaults to 10): samples from one token to the next.
        token_kernel_size (`int`, defaults to 20): samples that a token sees, as many more on either side of its patch.
        max_tokens (`int`, defaults to 512): tokens for which there are positions; longer records are refused.
        hidden_size (`int`, defaults to 128): of tokens and of samples.
        num_convolution_layers (`int`, defaults to 4): convolutions over tokens, before the transformer.
        convolution_kernel_size (`int`, defaults to 7): tokens of each, odd.
        num_hidden_layers (`int`, defaults to 4): blocks of the transformer.
        num_attention_heads (`int`, defaults to 4): of each block.
        intermediate_size (`int`, defaults to 256): of each block's feed-forward part.
        refine_kernel_size (`int`, defaults to 5): samples of the two convolutions after the transformer, odd.
        layer_norm_eps (`float`, defaults to 1e-5): of every norm.
        hidden_dropout (`float`, defaults to 0.1): of what a block adds.
        attention_dropout (`float`, defaults to 0.1): of the attention weights.
        classifier_dropout (`float`, defaults to 0.0): before a classification head.
        frame_classes (`list[str]`): what a sample belongs to; by default other, P, QRS, T.
        beat_classes (`list[str]`): of which kind the beat is; by default none, sinus, vpc, paced, fusion, unknown.
        rhythm_classes (`list[str]`): by default sinus, avb, paced, afib, bbb, ventricular.

    Raises:
        ValueError: a field of another type, or values that do not go together.

    Example:
        >>> from hf_ecg import OpenECGCodecConfig
        >>> OpenECGCodecConfig().frame_classes
        ['other', 'P', 'QRS', 'T']
    """

    model_type = "openecg_codec"

    num_leads: int = 1
    num_samples: int = 5000
    sampling_rate: float | int = 500
    patch_size: int = 10
    token_kernel_size: int = 20
    max_tokens: int = 512
    hidden_size: int = 128
    num_convolution_layers: int = 4
    convolution_kernel_size: int = 7
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    intermediate_size: int = 256
    refine_kernel_size: int = 5
    layer_norm_eps: float = 1e-5
    hidden_dropout: float | int = 0.1
    attention_dropout: float | int = 0.1
    classifier_dropout: float | int = 0.0
    frame_classes: list[str] | tuple[str, ...] = FRAMES
    beat_classes: list[str] | tuple[str, ...] = BEATS
    rhythm_classes: list[str] | tuple[str, ...] = RHYTHMS

    def __post_init__(self, **kwargs):
        for name in ("frame_classes", "beat_classes", "rhythm_classes"):
            setattr(self, name, list(getattr(self, name)))
        super().__post_init__(**kwargs)

    def validate_architecture(self):
        """Run by `@strict` after construction and before saving."""
        self.check_blocks()
        for name, most in (
            ("patch_size", MOST_CHANNELS),
            ("num_convolution_layers", MOST_BLOCKS),
            ("max_tokens", MOST_CHANNELS),
        ):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted 1 to {most}")
        for name in ("convolution_kernel_size", "refine_kernel_size"):
            if not 1 <= getattr(self, name) <= MOST_CHANNELS or getattr(self, name) % 2 == 0:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted a positive odd number")
        size, patch = self.token_kernel_size, self.patch_size
        if not patch <= size <= MOST_CHANNELS or (size - patch) % 2:
            raise ValueError(f"token_kernel_size is {size}, wanted patch_size, {patch}, and an even number more")
        if self.hidden_size % 2:
            raise ValueError(f"hidden_size is {self.hidden_size}, wanted an even number: sines and cosines share it")
        if self.num_samples > self.max_tokens * patch:
            raise ValueError(
                f"num_samples is {self.num_samples}, wanted at most max_tokens * patch_size, {self.max_tokens * patch}"
            )

    def validate_classes(self):
        """Run by `@strict` after construction and before saving."""
        for name in ("frame_classes", "beat_classes", "rhythm_classes"):
            classes = getattr(self, name)
            if not 2 <= len(classes) <= MOST_CHANNELS or len(set(classes)) < len(classes):
                raise ValueError(f"{name} are {classes}, wanted two names or more, each once")
