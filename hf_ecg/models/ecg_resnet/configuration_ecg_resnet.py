from ...checks import check_one_of
from ..shared.configuration_ecg import MOST_BLOCKS, MOST_CHANNELS, ECGConfig
from ..shared.strict_configuration import strict

POOLINGS = (MEAN, MEAN_MAX) = ("mean", "mean_max")


@strict
class ECGResNetConfig(ECGConfig):
    r"""Configuration of [`ECGResNetModel`]. The defaults are MERL's ResNet18 (arXiv 2403.06659, utils/resnet1d.py).

    Args:
        num_leads (`int`, defaults to 12): leads of the input.
        num_samples (`int`, defaults to 5000): samples of the input the model was made for; others work.
        sampling_rate (`float | int`, defaults to 500): hertz of the input.
        block_type (`str`, defaults to `"basic"`): `"basic"` (two convolutions of 3) or `"bottleneck"` (1, 3, 1; four
            times as wide at its end).
        depths (`list[int]`, defaults to `[2, 2, 2, 2]`): blocks a stage; ResNet34 and 50 have `[3, 4, 6, 3]`.
        widths (`list[int]`, defaults to `[64, 128, 256, 512]`): channels a stage.
        kernel_sizes (`list[int]`, *optional*): samples of a stage's convolutions, odd; 3 in every stage by default.
            Those of 1 in a bottleneck, and of a shortcut, stay.
        strides (`list[int]`, *optional*): by how much the first block of a stage divides the rate; 1, then 2 by
            default.
        stem_width (`int`, *optional*): channels of the first convolution; those of the first stage by default.
        stem_kernel_size (`int`, defaults to 7): samples of the first convolution.
        stem_stride (`int`, defaults to 2): of the first convolution.
        stem_pooling (`bool`, defaults to `False`): halve the rate by a max-pool of 3 after the stem. MERL has none; a
            quarter of the arithmetic on a CPU is worth it at 100 Hz.
        final_width (`int`, *optional*): channels of a convolution of 1, norm and ReLU after the last stage; none by
            default. It widens what is pooled for little arithmetic.
        pooling (`str`, defaults to `"mean"`): over time. `"mean_max"`: the first half of the channels give their
            mean, the second half their maximum, so that a single wide beat is not averaged away.
        classifier_dropout (`float`, defaults to 0.0): before the classification head.
        hidden_size (`int`, *optional*): channels at the end; derived.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import ECGResNetConfig
        >>> ECGResNetConfig().hidden_size, ECGResNetConfig(widths=[16, 32, 64, 128]).hidden_size
        (512, 128)
    """

    model_type = "ecg_resnet"

    num_leads: int = 12
    num_samples: int = 5000
    sampling_rate: float | int = 500
    block_type: str = "basic"
    depths: list[int] | tuple[int, ...] = (2, 2, 2, 2)
    widths: list[int] | tuple[int, ...] = (64, 128, 256, 512)
    kernel_sizes: list[int] | tuple[int, ...] | None = None
    strides: list[int] | tuple[int, ...] | None = None
    stem_width: int | None = None
    stem_kernel_size: int = 7
    stem_stride: int = 2
    stem_pooling: bool = False
    final_width: int | None = None
    pooling: str = "mean"
    classifier_dropout: float | int = 0.0
    hidden_size: int | None = None

    def __post_init__(self, **kwargs):
        self.depths, self.widths = list(self.depths), list(self.widths)
        if self.kernel_sizes is not None:
            self.kernel_sizes = list(self.kernel_sizes)
        if self.strides is not None:
            self.strides = list(self.strides)
        if self.hidden_size is None and self.widths:
            self.hidden_size = self._last_width()
        super().__post_init__(**kwargs)

    def _last_width(self) -> int:
        return self.widths[-1] * self.expansion if self.final_width is None else self.final_width

    @property
    def expansion(self) -> int:
        """How many times wider than its stage a block is at its end."""
        return 4 if self.block_type == "bottleneck" else 1

    @property
    def num_positions(self) -> int:
        """Positions that `num_samples` samples give."""
        stages = [self.stage_stride(number) for number in range(len(self.depths))]
        number = self.num_samples
        for stride in (self.stem_stride, 2 if self.stem_pooling else 1, *stages):
            number = -(-number // stride)
        return number

    def stage_kernel_size(self, number: int) -> int:
        """Samples of the convolutions of a stage, counted from 0."""
        return 3 if self.kernel_sizes is None else self.kernel_sizes[number]

    def stage_stride(self, number: int) -> int:
        """By how much a stage, counted from 0, divides the rate."""
        if self.strides is not None:
            return self.strides[number]
        return 1 if number == 0 else 2

    def validate_architecture(self):
        """Run by `@strict` after construction and before saving."""
        check_one_of("block_type", self.block_type, ("basic", "bottleneck"))
        check_one_of("pooling", self.pooling, POOLINGS)
        if len(self.depths) != len(self.widths) or not self.depths or min([*self.depths, *self.widths]) < 1:
            raise ValueError(f"depths {self.depths} and widths {self.widths} must be as many positive numbers")
        for name in ("kernel_sizes", "strides"):
            values = getattr(self, name)
            if values is not None and (len(values) != len(self.depths) or min(values) < 1):
                raise ValueError(f"{name} is {values}, wanted {len(self.depths)} positive numbers, one a stage")
        for name in ("stem_width", "final_width", "stem_stride"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}, wanted a positive number")
        kernels = [self.stem_kernel_size, *(self.kernel_sizes or ())]
        if sum(self.depths) > MOST_BLOCKS or max(*self.widths, *self._single_sizes(), *kernels) > MOST_CHANNELS:
            raise ValueError(
                f"depths {self.depths}, widths {self.widths}, stem_kernel_size {self.stem_kernel_size}: wanted at most"
                f" {MOST_BLOCKS} blocks, and {MOST_CHANNELS} channels or samples"
            )
        if self.stem_kernel_size < 1 or self.stem_kernel_size % 2 == 0:
            raise ValueError(f"stem_kernel_size is {self.stem_kernel_size}, wanted a positive odd number")
        if not all(size % 2 for size in self.kernel_sizes or ()):
            raise ValueError(f"kernel_sizes is {self.kernel_sizes}, wanted odd numbers")
        if self.hidden_size != self._last_width():
            raise ValueError(f"hidden_size is {self.hidden_size}, these widths give {self._last_width()}")
        if self.pooling == MEAN_MAX and self.hidden_size % 2:
            raise ValueError(f"pooling {MEAN_MAX} halves the channels, of which there are {self.hidden_size}")

    def _single_sizes(self) -> list[int]:
        """Numbers beside the stages', which are bounded as theirs."""
        return [self.stem_stride, self.stem_width or 1, self.final_width or 1, *(self.strides or ())]
