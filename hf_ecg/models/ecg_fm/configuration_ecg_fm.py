from ..shared.configuration_ecg import MOST_BLOCKS, MOST_CHANNELS, ECGConfig
from ..shared.strict_configuration import strict

_SIZES = (
    "hidden_size",
    "num_attention_heads",
    "intermediate_size",
    "position_kernel_size",
    "position_groups",
    "mask_length",
    "num_codebooks",
    "codebook_size",
    "code_dim",
    "projection_dim",
    "num_negatives",
)
_SHARES = ("mask_probability", "gumbel_temperature_decay", "feature_gradient_scale")
_ABOVE_ZERO = ("temperature", "cmsc_temperature", "gumbel_temperature_start", "gumbel_temperature_end")
_WEIGHTS = ("diversity_weight", "feature_penalty_weight", "cmsc_weight")


@strict
class ECGFMConfig(ECGConfig):
    r"""Configuration of [`ECGFMModel`] and [`ECGFMForPreTraining`]. The defaults are ECG-FM's (arXiv 2408.05178).

    Args:
        num_leads (`int`, defaults to 12): leads of the input.
        num_samples (`int`, defaults to 2500): samples of the input the model was made for; others work, and give
            other numbers, see [`ECGFMModel`].
        sampling_rate (`float | int`, defaults to 500): hertz of the input.
        convolution_channels (`list[int]`, defaults to four of 256): channels of each convolution before the
            transformer.
        convolution_kernel_sizes (`list[int]`, defaults to four of 2): their samples.
        convolution_strides (`list[int]`, defaults to four of 2): by how much each divides the rate.
        hidden_size (`int`, defaults to 768): of a token.
        num_hidden_layers (`int`, defaults to 12): blocks; MELP's body has 8.
        num_attention_heads (`int`, defaults to 12): heads.
        intermediate_size (`int`, defaults to 3072): inside a block's feed-forward part.
        position_kernel_size (`int`, defaults to 128): tokens that the convolution of the positions reaches over.
        position_groups (`int`, defaults to 16): its groups of channels.
        layer_norm_eps (`float`, defaults to 1e-5): of every norm.
        feature_dropout (`float`, defaults to 0.1): of what the convolutions give, to transformer and codebooks.
        hidden_dropout (`float`, defaults to 0.1): of what a block adds.
        attention_dropout (`float`, defaults to 0.1): of attention weights.
        classifier_dropout (`float`, defaults to 0.0): before the classification head.
        initializer_range (`float`, defaults to 0.02): standard deviation of initial weights.
        mask_probability (`float`, defaults to 0.65): how much of a record the spans that pretraining masks would cover
            if none overlapped.
        mask_length (`int`, defaults to 10): tokens a span.
        num_codebooks (`int`, defaults to 2): codebooks of the targets.
        codebook_size (`int`, defaults to 320): codes in each.
        code_dim (`int`, defaults to 128): numbers a code.
        projection_dim (`int`, defaults to 256): where outputs and targets are compared.
        num_negatives (`int`, defaults to 100): other masked tokens of the same record that each is compared with.
        temperature (`float`, defaults to 0.1): of the comparison.
        gumbel_temperature_start, gumbel_temperature_end (`float`, default to 2.0 and 0.5): of the choice of codes.
        gumbel_temperature_decay (`float`, defaults to 0.999995): each step multiplies the temperature by it.
        diversity_weight (`float`, defaults to 0.1): of the loss that asks for all codes to be used.
        feature_penalty_weight (`float`, defaults to 10.0): of the mean square of what the convolutions give.
        feature_gradient_scale (`float`, defaults to 0.1): pretraining multiplies the convolutions' gradient by it.
        cmsc_weight (`float`, defaults to 1.0): of the contrast of two segments of a patient.
        cmsc_temperature (`float`, defaults to 0.1): of that contrast.
        compat_detached_norm (`bool`, defaults to `False`): the released contrast of segments takes the lengths of
            their embeddings for constants in the backward pass; the paper's is a cosine's.
        compat_equal_masks (`bool`, defaults to `False`): the released code masks as many tokens in each record as in
            the one of the batch where the spans cover the fewest; by default a record's mask depends on it alone.
        compat_summed_loss (`bool`, defaults to `False`): `loss` is the sum over masked tokens, as the released
            criterion gives it before its trainer divides the gradient by their number; by default the mean.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import ECGFMConfig
        >>> config = ECGFMConfig()
        >>> config.num_samples, config.num_codes, config.hidden_size
        (2500, 640, 768)
    """

    model_type = "ecg_fm"

    num_leads: int = 12
    num_samples: int = 2500
    sampling_rate: float | int = 500
    convolution_channels: list[int] | tuple[int, ...] = (256, 256, 256, 256)
    convolution_kernel_sizes: list[int] | tuple[int, ...] = (2, 2, 2, 2)
    convolution_strides: list[int] | tuple[int, ...] = (2, 2, 2, 2)
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    position_kernel_size: int = 128
    position_groups: int = 16
    layer_norm_eps: float = 1e-5
    feature_dropout: float | int = 0.1
    hidden_dropout: float | int = 0.1
    attention_dropout: float | int = 0.1
    classifier_dropout: float | int = 0.0
    initializer_range: float = 0.02
    mask_probability: float | int = 0.65
    mask_length: int = 10
    num_codebooks: int = 2
    codebook_size: int = 320
    code_dim: int = 128
    projection_dim: int = 256
    num_negatives: int = 100
    temperature: float | int = 0.1
    gumbel_temperature_start: float | int = 2.0
    gumbel_temperature_end: float | int = 0.5
    gumbel_temperature_decay: float | int = 0.999995
    diversity_weight: float | int = 0.1
    feature_penalty_weight: float | int = 10.0
    feature_gradient_scale: float | int = 0.1
    cmsc_weight: float | int = 1.0
    cmsc_temperature: float | int = 0.1
    compat_detached_norm: bool = False
    compat_equal_masks: bool = False
    compat_summed_loss: bool = False

    def __post_init__(self, **kwargs):
        for name in ("channels", "kernel_sizes", "strides"):
            setattr(self, f"convolution_{name}", list(getattr(self, f"convolution_{name}")))
        super().__post_init__(**kwargs)

    @property
    def num_codes(self) -> int:
        """Of all codebooks together."""
        return self.num_codebooks * self.codebook_size

    def validate_architecture(self):
        """Run by `@strict` after construction and before saving."""
        if not 1 <= self.num_hidden_layers <= MOST_BLOCKS:
            raise ValueError(f"num_hidden_layers is {self.num_hidden_layers}, wanted 1 to {MOST_BLOCKS}")
        for name in _SIZES:
            if not 1 <= getattr(self, name) <= MOST_CHANNELS:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted 1 to {MOST_CHANNELS}")
        for name in ("num_attention_heads", "position_groups"):
            parts = getattr(self, name)
            if self.hidden_size % parts:
                raise ValueError(f"hidden_size is {self.hidden_size}, wanted a multiple of {name}, {parts}")

    def validate_convolutions(self):
        """Run by `@strict` after construction and before saving."""
        given = [getattr(self, f"convolution_{name}") for name in ("channels", "kernel_sizes", "strides")]
        lengths = [len(values) for values in given]
        if not 1 <= lengths[0] <= MOST_BLOCKS or len(set(lengths)) > 1:
            raise ValueError(
                f"convolution_channels, convolution_kernel_sizes and convolution_strides have {lengths} entries,"
                " wanted one of each a convolution"
            )
        for values in given:
            if not all(1 <= value <= MOST_CHANNELS for value in values):
                raise ValueError(f"the convolutions have {values}, wanted 1 to {MOST_CHANNELS}")
        for kernel_size, stride in zip(*given[1:], strict=True):
            if stride > kernel_size:
                raise ValueError(
                    f"a convolution of {kernel_size} samples has a stride of {stride}: it would skip some"
                )

    def validate_pretraining(self):
        """Run by `@strict` after construction and before saving."""
        for name in _SHARES:
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted above 0, up to 1")
        for name in _ABOVE_ZERO:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted above 0")
        for name in _WEIGHTS:
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted at least 0")
        start, end = self.gumbel_temperature_start, self.gumbel_temperature_end
        if end > start:
            raise ValueError(f"gumbel_temperature_end is {end}, wanted at most gumbel_temperature_start, {start}")
