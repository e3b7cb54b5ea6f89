import math
from typing import Any

from ..shared.configuration_ecg import MOST_BLOCKS, MOST_CHANNELS, ECGConfig
from ..shared.strict_configuration import strict

# CLEF's three encoders (arXiv 2512.02180, clef/baselines/models/CLEF.py); ECGFounder's is the medium one. Parameters
# of one lead: 0.44, 30.6 and 296 million.
SIZES: dict[str, dict[str, Any]] = {
    "small": {
        "widths": [32, 64, 64, 128, 128, 256],
        "depths": [1, 1, 2, 2, 2, 2],
        "bottleneck_ratio": 0.5,
        "group_width": 8,
    },
    "medium": {
        "widths": [64, 160, 160, 400, 400, 1024, 1024],
        "depths": [2, 2, 2, 3, 3, 4, 4],
        "bottleneck_ratio": 1.0,
        "group_width": 16,
    },
    "large": {
        "widths": [128, 256, 256, 512, 512, 1024, 1024, 2048, 2048],
        "depths": [2, 3, 3, 4, 4, 5, 5, 6, 6],
        "bottleneck_ratio": 1.5,
        "group_width": 32,
    },
}


@strict
class ECGResNeXtConfig(ECGConfig):
    r"""Configuration of [`ECGResNeXtModel`]. The defaults are CLEF's small encoder (arXiv 2512.02180).

    `ECGResNeXtConfig(**SIZES["medium"])` gives the medium one, `ECGResNeXtConfig(num_leads=12, **SIZES["medium"])` the
    twelve-lead network of ECGFounder (arXiv 2410.04133).

    Args:
        num_leads (`int`, defaults to 1): leads of the input.
        num_samples (`int`, defaults to 5000): samples of the input the model was made for; others work.
        sampling_rate (`float | int`, defaults to 500): hertz of the input.
        widths (`list[int]`, defaults to `[32, 64, 64, 128, 128, 256]`): channels a stage. The stem has those of the
            first, and no stage has fewer than the one before.
        depths (`list[int]`, defaults to `[1, 1, 2, 2, 2, 2]`): blocks a stage; the first of each halves the rate.
        kernel_size (`int`, defaults to 16): samples of the stem's and the blocks' grouped convolutions.
        bottleneck_ratio (`float | int`, defaults to 0.5): channels inside a block as a share of its stage's.
        group_width (`int`, defaults to 8): a stage's channels a group. The groups are as many as the stage's width
            gives, also where the channels inside the block are fewer or more.
        classifier_dropout (`float | int`, defaults to 0.0): before the classification head.
        hidden_size (`int`, *optional*): channels at the end; derived.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import ECGResNeXtConfig
        >>> config = ECGResNeXtConfig()
        >>> config.num_leads, config.hidden_size
        (1, 256)
    """

    model_type = "ecg_resnext"

    num_leads: int = 1
    num_samples: int = 5000
    sampling_rate: float | int = 500
    widths: list[int] | tuple[int, ...] = (32, 64, 64, 128, 128, 256)
    depths: list[int] | tuple[int, ...] = (1, 1, 2, 2, 2, 2)
    kernel_size: int = 16
    bottleneck_ratio: float | int = 0.5
    group_width: int = 8
    classifier_dropout: float | int = 0.0
    hidden_size: int | None = None

    def __post_init__(self, **kwargs):
        self.depths, self.widths = list(self.depths), list(self.widths)
        if self.hidden_size is None and self.widths:
            self.hidden_size = self.widths[-1]
        super().__post_init__(**kwargs)

    def validate_architecture(self):
        """Run by `@strict` after construction and before saving."""
        if len(self.depths) != len(self.widths) or not self.depths or min([*self.depths, *self.widths]) < 1:
            raise ValueError(f"depths {self.depths} and widths {self.widths} must be as many positive numbers")
        if sum(self.depths) > MOST_BLOCKS or max(*self.widths, self.kernel_size) > MOST_CHANNELS:
            raise ValueError(
                f"depths {self.depths}, widths {self.widths}, kernel_size {self.kernel_size}: wanted at most"
                f" {MOST_BLOCKS} blocks, and {MOST_CHANNELS} channels or samples"
            )
        if sorted(self.widths) != self.widths:
            raise ValueError(f"widths {self.widths} fall, but a shortcut can only add channels")
        if self.kernel_size < 2:
            raise ValueError(f"kernel_size is {self.kernel_size}, wanted at least 2, the stride")
        for name, most in (("group_width", math.inf), ("bottleneck_ratio", 100)):
            if not 0 < getattr(self, name) < most:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted a positive number below {most}")
        if self.widths[0] < 2:
            raise ValueError(f"the first stage has {self.widths[0]} channels, too few for its gate to squeeze")
        for width in self.widths:
            inside, groups = int(width * self.bottleneck_ratio), width // self.group_width
            if inside < 1 or groups < 1 or inside % groups:
                raise ValueError(
                    f"a stage of width {width} has {inside} channels inside its blocks (bottleneck_ratio"
                    f" {self.bottleneck_ratio}), which do not divide into {groups} groups (group_width"
                    f" {self.group_width})"
                )
        if self.hidden_size != self.widths[-1]:
            raise ValueError(f"hidden_size is {self.hidden_size}, these widths give {self.widths[-1]}")
