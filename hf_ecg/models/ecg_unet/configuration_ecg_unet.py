from ..shared.configuration_ecg import MOST_BLOCKS, MOST_CHANNELS, ECGConfig
from ..shared.strict_configuration import strict


@strict
class ECGUNetConfig(ECGConfig):
    r"""Configuration of [`ECGUNetModel`] and [`ECGUNetForLeadReconstruction`].

    Gradowski and Buchner (arXiv 2502.00559) reconstruct leads by a 1-D U-Net and publish no code. Every default here
    is *inferred*: our own choice.

    Args:
        num_leads (`int`, defaults to 12): leads of the input; they are the standard twelve, in the standard order.
        num_samples (`int`, defaults to 5000): samples of the input the model was made for; any other number works.
        sampling_rate (`float | int`, defaults to 500): hertz of the input.
        widths (`list[int]`, defaults to `[32, 64, 128, 256, 512]`): channels of each level, the finest first. Each
            level has half the rate of the one before.
        convolutions_per_level (`int`, defaults to 2): on the way down, and again on the way up.
        kernel_size (`int`, defaults to 9): samples of each convolution, odd.
        record_context (`bool`, defaults to `True`): add what the whole record has in common to the coarsest level, so
            that a beat is seen beside all the others.
        least_squares (`bool`, defaults to `True`): the network corrects the least-squares estimate from the leads
            that are there, whatever they are. False: it makes the leads alone.
        classifier_dropout (`float`, defaults to 0.0): before the classification head.
        hidden_size (`int`, *optional*): channels of the coarsest level; derived.

    Raises:
        ValueError: a field of another type, other leads than twelve, or values that do not go together.

    Example:
        >>> from hf_ecg import ECGUNetConfig
        >>> ECGUNetConfig().hidden_size, ECGUNetConfig(widths=[16, 32, 64]).hidden_size
        (512, 64)
    """

    model_type = "ecg_unet"

    num_leads: int = 12
    num_samples: int = 5000
    sampling_rate: float | int = 500
    widths: list[int] | tuple[int, ...] = (32, 64, 128, 256, 512)
    convolutions_per_level: int = 2
    kernel_size: int = 9
    record_context: bool = True
    least_squares: bool = True
    classifier_dropout: float | int = 0.0
    hidden_size: int | None = None

    def __post_init__(self, **kwargs):
        self.widths = list(self.widths)
        if self.hidden_size is None and self.widths:
            self.hidden_size = self.widths[-1]
        super().__post_init__(**kwargs)

    @property
    def num_positions(self) -> int:
        """Positions of the coarsest level that `num_samples` samples give."""
        number = self.num_samples
        for _ in self.widths[1:]:
            number = -(-number // 2)
        return number

    def validate_architecture(self):
        """Run by `@strict` after construction and before saving."""
        if self.num_leads != 12:
            raise ValueError(f"num_leads is {self.num_leads}, wanted 12: the model completes the standard leads")
        if not 2 <= len(self.widths) <= 16 or not 1 <= min(self.widths) <= max(self.widths) <= MOST_CHANNELS:
            raise ValueError(f"widths are {self.widths}, wanted 2 to 16 positive numbers up to {MOST_CHANNELS}")
        if not 1 <= self.convolutions_per_level <= MOST_BLOCKS:
            raise ValueError(
                f"convolutions_per_level is {self.convolutions_per_level}, wanted a whole number of 1 to {MOST_BLOCKS}"
            )
        if not 1 <= self.kernel_size <= MOST_CHANNELS or self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {self.kernel_size}, wanted a positive odd number up to {MOST_CHANNELS}")
        if self.hidden_size != self.widths[-1]:
            raise ValueError(f"hidden_size is {self.hidden_size}, these widths give {self.widths[-1]}")
