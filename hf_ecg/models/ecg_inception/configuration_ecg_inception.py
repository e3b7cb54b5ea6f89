from ..shared.configuration_ecg import MOST_BLOCKS, MOST_CHANNELS, ECGConfig
from ..shared.strict_configuration import strict


@strict
class ECGInceptionConfig(ECGConfig):
    r"""Configuration of [`ECGInceptionModel`]: InceptionTime (arXiv 1909.04939) behind strided convolutions.

    The defaults are Ahus AIM's network of the CinC Challenge 2025 (Ahus-AIM/physionet-challenge-2025), of 483,904
    parameters with its head.

    Args:
        num_leads (`int`, defaults to 8): leads of the input.
        num_samples (`int`, defaults to 800): samples that the model was trained on; any other number works.
        sampling_rate (`float | int`, defaults to 400): hertz of the input.
        stem_widths (`list[int]`, defaults to `[32, 32]`): channels after each convolution of the stem.
        stem_kernel_size (`int`, defaults to 5): samples of those convolutions, which have no padding.
        stem_stride (`int`, defaults to 2): of those convolutions.
        width (`int`, defaults to 32): channels of each branch of a block, and of its bottleneck.
        kernel_sizes (`list[int]`, defaults to `[9, 19, 39]`): positions of a block's convolutions, odd; beside them
            stands a branch with a max-pool of 3.
        num_groups (`int`, defaults to 2): groups of blocks, each with a shortcut around it.
        blocks_per_group (`int`, defaults to 3): blocks of a group.
        classifier_dropout (`float`, defaults to 0.0): before the classification head.
        hidden_size (`int`, *optional*): channels after a block; derived.

    Raises:
        ValueError: a field of another type, or values that do not go together.

    Example:
        >>> from hf_ecg import ECGInceptionConfig
        >>> ECGInceptionConfig().hidden_size, ECGInceptionConfig(width=16).hidden_size
        (128, 64)
    """

    model_type = "ecg_inception"

    num_leads: int = 8
    num_samples: int = 800
    sampling_rate: float | int = 400
    stem_widths: list[int] | tuple[int, ...] = (32, 32)
    stem_kernel_size: int = 5
    stem_stride: int = 2
    width: int = 32
    kernel_sizes: list[int] | tuple[int, ...] = (9, 19, 39)
    num_groups: int = 2
    blocks_per_group: int = 3
    classifier_dropout: float | int = 0.0
    hidden_size: int | None = None

    def __post_init__(self, **kwargs):
        self.stem_widths, self.kernel_sizes = list(self.stem_widths), list(self.kernel_sizes)
        if self.hidden_size is None:
            self.hidden_size = self.block_size
        super().__post_init__(**kwargs)

    @property
    def block_size(self) -> int:
        """Channels after a block: those of its convolutions and of the branch with the pool."""
        return (len(self.kernel_sizes) + 1) * self.width

    def validate_architecture(self):
        """Run by `@strict` after construction and before saving."""
        for name, most in (
            ("stem_kernel_size", MOST_CHANNELS),
            ("stem_stride", MOST_CHANNELS),
            ("width", MOST_CHANNELS),
            ("num_groups", MOST_BLOCKS),
            ("blocks_per_group", MOST_BLOCKS),
        ):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted 1 to {most}")
        widths = self.stem_widths
        if not 1 <= len(widths) <= 16 or not all(1 <= width <= MOST_CHANNELS for width in widths):
            raise ValueError(f"stem_widths is {widths}, wanted 1 to 16 numbers of 1 to {MOST_CHANNELS}")
        sizes = self.kernel_sizes
        if not 1 <= len(sizes) <= MOST_BLOCKS or not all(1 <= one <= MOST_CHANNELS and one % 2 for one in sizes):
            raise ValueError(f"kernel_sizes is {sizes}, wanted odd numbers of 1 to {MOST_CHANNELS}")
        if self.hidden_size != self.block_size:
            raise ValueError(f"hidden_size is {self.hidden_size}, these branches give {self.block_size}")
