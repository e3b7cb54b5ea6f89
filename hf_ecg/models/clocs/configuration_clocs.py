from ..shared.configuration_ecg import MOST_BLOCKS, MOST_CHANNELS, ECGConfig
from ..shared.strict_configuration import strict


@strict
class CLOCSConfig(ECGConfig):
    r"""Configuration of [`CLOCSModel`]. The defaults are CLOCS' network (arXiv 2005.13249; prepare_network.py at
    e58fb4f0), of 45,304 parameters.

    Args:
        num_leads (`int`, defaults to 1): leads of the input; the original has one.
        num_samples (`int`, defaults to 2500): samples of the input; a shorter one is filled up by zeros, a longer one
            refused: the embedding has weights of its own for every position.
        sampling_rate (`float | int`, defaults to 500): hertz of the input.
        widths (`list[int]`, defaults to `[4, 16, 32]`): channels after each convolution.
        kernel_size (`int`, defaults to 7): samples of the convolutions, which have no padding.
        stride (`int`, defaults to 3): of the convolutions; a max-pool of 2 follows each.
        dropout (`float`, defaults to 0.1): after each max-pool.
        hidden_size (`int`, defaults to 128): of the embedding; the paper tries 32 to 320.
        classifier_dropout (`float`, defaults to 0.0): before the classification head.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import CLOCSConfig
        >>> CLOCSConfig().num_positions
        10
    """

    model_type = "clocs"

    num_leads: int = 1
    num_samples: int = 2500
    sampling_rate: float | int = 500
    widths: list[int] | tuple[int, ...] = (4, 16, 32)
    kernel_size: int = 7
    stride: int = 3
    dropout: float | int = 0.1
    hidden_size: int = 128
    classifier_dropout: float | int = 0.0

    def __post_init__(self, **kwargs):
        self.widths = list(self.widths)
        super().__post_init__(**kwargs)

    @property
    def num_positions(self) -> int:
        """Positions that are left of the samples; below 1 when there are too few."""
        left = self.num_samples
        for _ in self.widths:
            left = ((left - self.kernel_size) // self.stride + 1) // 2
        return left

    def validate_architecture(self):
        """Run by `@strict` after construction and before saving."""
        for name in ("kernel_size", "stride", "hidden_size"):
            if not 1 <= getattr(self, name) <= MOST_CHANNELS:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted 1 to {MOST_CHANNELS}")
        if len(self.widths) < 2 or not all(1 <= width <= MOST_CHANNELS for width in self.widths):
            raise ValueError(f"widths is {self.widths}, wanted two numbers or more, of 1 to {MOST_CHANNELS}")
        if len(self.widths) > MOST_BLOCKS or self.num_positions < 1:
            raise ValueError(
                f"num_samples is {self.num_samples}: {len(self.widths)} convolutions of {self.kernel_size} and stride"
                f" {self.stride} leave nothing of it"
            )
