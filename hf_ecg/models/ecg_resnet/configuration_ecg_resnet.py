from ..shared.configuration_ecg import MOST_BLOCKS, MOST_CHANNELS, ECGConfig
from ..shared.strict_configuration import strict


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
        stem_kernel_size (`int`, defaults to 7): samples of the first convolution, which has a stride of 2.
        stem_pooling (`bool`, defaults to `False`): halve the rate by a max-pool of 3 after the stem. MERL has none; a
            quarter of the arithmetic on a CPU is worth it at 100 Hz.
        classifier_dropout (`float`, defaults to 0.0): before the classification head.
        hidden_size (`int`, *optional*): channels at the end; derived.
    """

    model_type = "ecg_resnet"

    num_leads: int = 12
    num_samples: int = 5000
    sampling_rate: float | int = 500
    block_type: str = "basic"
    depths: list[int] | tuple[int, ...] = (2, 2, 2, 2)
    widths: list[int] | tuple[int, ...] = (64, 128, 256, 512)
    stem_kernel_size: int = 7
    stem_pooling: bool = False
    classifier_dropout: float | int = 0.0
    hidden_size: int | None = None

    def __post_init__(self, **kwargs):
        self.depths, self.widths = list(self.depths), list(self.widths)
        if self.hidden_size is None and self.widths:
            self.hidden_size = self.widths[-1] * self.expansion
        super().__post_init__(**kwargs)

    @property
    def expansion(self) -> int:
        """How many times wider than its stage a block is at its end."""
        return 4 if self.block_type == "bottleneck" else 1

    def validate_architecture(self):
        """Run by `@strict` after construction and before saving."""
        if self.block_type not in ("basic", "bottleneck"):
            raise ValueError(f"block_type is {self.block_type!r}, wanted basic or bottleneck")
        if len(self.depths) != len(self.widths) or not self.depths or min([*self.depths, *self.widths]) < 1:
            raise ValueError(f"depths {self.depths} and widths {self.widths} must be as many positive numbers")
        if sum(self.depths) > MOST_BLOCKS or max(*self.widths, self.stem_kernel_size) > MOST_CHANNELS:
            raise ValueError(
                f"depths {self.depths}, widths {self.widths}, stem_kernel_size {self.stem_kernel_size}: wanted at most"
                f" {MOST_BLOCKS} blocks, and {MOST_CHANNELS} channels or samples"
            )
        if self.stem_kernel_size < 1 or self.stem_kernel_size % 2 == 0:
            raise ValueError(f"stem_kernel_size is {self.stem_kernel_size}, wanted a positive odd number")
        if self.hidden_size != self.widths[-1] * self.expansion:
            raise ValueError(
                f"hidden_size is {self.hidden_size}, these widths give {self.widths[-1] * self.expansion}"
            )
