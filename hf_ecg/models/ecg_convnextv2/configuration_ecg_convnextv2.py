from ..shared.configuration_ecg import MOST_BLOCKS, MOST_CHANNELS, ECGConfig
from ..shared.strict_configuration import strict


@strict
class ECGConvNeXtV2Config(ECGConfig):
    r"""Configuration of [`ECGConvNeXtV2Model`]. The defaults are TolerantECG's encoder (arXiv 2507.09887), ConvNeXt V2
    tiny in one dimension.

    Args:
        num_leads (`int`, defaults to 12): leads of the input.
        num_samples (`int`, defaults to 5000): samples of the input the model was made for; others work.
        sampling_rate (`float | int`, defaults to 500): hertz of the input.
        stem_patch_size (`int`, defaults to 4): samples that the first layer makes one position of.
        depths (`list[int]`, defaults to `[3, 3, 9, 3]`): blocks a stage.
        widths (`list[int]`, defaults to `[96, 192, 384, 768]`): channels a stage; each stage but the first halves the
            rate.
        kernel_size (`int`, defaults to 7): samples of a block's convolution, odd.
        expansion (`int`, defaults to 4): how many times wider than its stage a block is inside.
        layer_norm_eps (`float`, defaults to 1e-6): of the norms before the pooling.
        response_norm_eps (`float`, defaults to 1e-6): of the global response normalisation.
        pooled_norm_eps (`float`, defaults to 1e-5): of the norm after the pooling.
        pooled_projection (`bool`, defaults to `False`): a linear layer without bias after that norm, as TolerantECG's
            code had at cabce7b.
        classifier_dropout (`float`, defaults to 0.0): before the classification head.
        initializer_range (`float`, defaults to 0.02): standard deviation of initial weights.
        hidden_size (`int`, *optional*): channels at the end; derived.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import ECGConvNeXtV2Config
        >>> config = ECGConvNeXtV2Config()
        >>> config.hidden_size, config.num_positions
        (768, 156)
    """

    model_type = "ecg_convnextv2"

    num_leads: int = 12
    num_samples: int = 5000
    sampling_rate: float | int = 500
    stem_patch_size: int = 4
    depths: list[int] | tuple[int, ...] = (3, 3, 9, 3)
    widths: list[int] | tuple[int, ...] = (96, 192, 384, 768)
    kernel_size: int = 7
    expansion: int = 4
    layer_norm_eps: float = 1e-6
    response_norm_eps: float = 1e-6
    pooled_norm_eps: float = 1e-5
    pooled_projection: bool = False
    classifier_dropout: float | int = 0.0
    initializer_range: float = 0.02
    hidden_size: int | None = None

    def __post_init__(self, **kwargs):
        self.depths, self.widths = list(self.depths), list(self.widths)
        if self.hidden_size is None and self.widths:
            self.hidden_size = self.widths[-1]
        super().__post_init__(**kwargs)

    @property
    def num_positions(self) -> int:
        """Positions that `num_samples` samples give."""
        number = max(1, self.num_samples // self.stem_patch_size)
        for _ in self.widths[1:]:
            number = max(1, number // 2)
        return number

    def validate_architecture(self):
        """Run by `@strict` after construction and before saving."""
        if len(self.depths) != len(self.widths) or not self.depths or min([*self.depths, *self.widths]) < 1:
            raise ValueError(f"depths {self.depths} and widths {self.widths} must be as many positive numbers")
        if sum(self.depths) > MOST_BLOCKS or max(self.widths) > MOST_CHANNELS:
            raise ValueError(
                f"depths {self.depths}, widths {self.widths}: wanted at most {MOST_BLOCKS} blocks and"
                f" {MOST_CHANNELS} channels"
            )
        for name in ("stem_patch_size", "kernel_size", "expansion"):
            if not 1 <= getattr(self, name) <= MOST_CHANNELS:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted 1 to {MOST_CHANNELS}")
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {self.kernel_size}, wanted an odd number")
        if self.hidden_size != self.widths[-1]:
            raise ValueError(f"hidden_size is {self.hidden_size}, these widths give {self.widths[-1]}")
