"""What the configurations of all families have in common."""

import re
from typing import ClassVar, Self

import torch
from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig

from ...auto_class import NoSourceCopies
from ...strict_json import naming_the_source
from ...version import __version__

# Beyond it torch has no size: a slip, or a damaged file.
_TOO_LARGE = 2**31

# A damaged number would otherwise be built, block by block. The deepest ResNet ever published has 1,001 layers.
MOST_BLOCKS, MOST_CHANNELS = 1000, 65536


def check_dtype(name: str, value) -> None:
    """Raises ValueError for what is no type of torch's tensors: transformers looks any name up in torch's module."""
    known = vars(torch).get(value) if isinstance(value, str) else value
    if known is not None and not isinstance(known, torch.dtype) or (isinstance(value, str) and known is None):
        raise ValueError(f"{name} is {value!r}, wanted the name of a torch type such as 'float32'")


def check_id2label(name: str, value) -> None:
    """Raises ValueError for anything but a mapping from whole numbers, as JSON writes them too, to names."""
    if value is None:
        return
    if not isinstance(value, dict):
        raise ValueError(f"{name} is {value!r}, wanted a mapping from numbers to names")
    for key in value:
        if isinstance(key, bool) or not re.fullmatch(r"-?\d{1,9}", str(key), re.ASCII):
            raise ValueError(f"{name} holds the key {key!r}, wanted whole numbers")


@strict
class ECGConfig(NoSourceCopies, PreTrainedConfig):
    r"""Base of every configuration of this package.

    Args:
        hf_ecg_version (`str`, *optional*): version of hf_ecg that wrote the configuration.
        target_mean, target_scale (`list[float]`, *optional*): of a regression's targets, one each: the head works on
            `(target - mean) / scale`, while `logits` and labels are in the target's own unit.
    """

    # whole outputs of the parts: transformers.Trainer would gather and keep them for every record
    keys_to_ignore_at_inference: ClassVar[list[str]] = ["ecg_model_output", "text_model_output"]

    hf_ecg_version: str | None = None
    target_mean: list[float | int] | None = None
    target_scale: list[float | int] | None = None

    def __post_init__(self, **kwargs):
        for name, value in (("dtype", self.dtype), ("torch_dtype", kwargs.get("torch_dtype"))):
            check_dtype(name, value)
        check_id2label("id2label", self.id2label)
        super().__post_init__(**kwargs)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, **kwargs) -> Self:
        """As in transformers; a `config.json` that holds something else raises a ValueError that names its folder."""
        with naming_the_source(pretrained_model_name_or_path):
            return super().from_pretrained(pretrained_model_name_or_path, *args, **kwargs)

    def validate_input(self):
        """Run by `@strict` after construction and before saving: what every encoder says of its input."""
        for name in ("num_leads", "num_samples", "sampling_rate"):
            value = getattr(self, name, None)
            if value is not None and not 0 < value < _TOO_LARGE:
                raise ValueError(f"{name} is {value}, wanted a positive number below {_TOO_LARGE}")
        check_dtype("dtype", self.dtype)

    def validate_targets(self):
        """Run by `@strict` after construction and before saving."""
        mean, scale = self.target_mean, self.target_scale
        if mean is None and scale is None:
            return
        wanted = self.num_labels
        if mean is None or scale is None or len(mean) != wanted or len(scale) != wanted or min(scale) <= 0:
            raise ValueError(
                f"target_mean is {mean}, target_scale {scale}: wanted {wanted} numbers each, the scales above 0"
            )

    def to_dict(self):
        # the one that writes, not the one that once read
        values = super().to_dict() | {"hf_ecg_version": __version__}
        absent = [key for key in ("target_mean", "target_scale") if values.get(key) is None]
        return {key: value for key, value in values.items() if key not in absent}
