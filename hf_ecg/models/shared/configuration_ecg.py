"""What the configurations of all families have in common."""

import re
from math import isfinite
from typing import Any, ClassVar, Self, cast

import torch
from transformers.configuration_utils import PreTrainedConfig

from ...auto_class import NoSourceCopies
from ...checks import check_one_of
from ...losses.survival import REDUCTIONS as SURVIVAL_REDUCTIONS
from ...strict_json import naming_the_source
from ...version import __version__
from .covariates import check_covariates
from .strict_configuration import strict

# Beyond it torch has no size: a slip, or a damaged file.
_TOO_LARGE = 2**31

# A damaged number would otherwise be built, block by block. The deepest ResNet ever published has 1,001 layers.
MOST_BLOCKS, MOST_CHANNELS = 1000, 65536

# Of each label a name is kept; SNOMED CT has 360,000 concepts.
_MOST_LABELS = 1_000_000


def check_dtype(name: str, value) -> None:
    """Raises ValueError for what is not a type of torch's tensors: transformers looks up any name in torch."""
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


def check_num_labels(name: str, value) -> None:
    """Raises ValueError for what is not a number of labels: transformers makes a name for each."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_LABELS:
        raise ValueError(f"{name} is {value!r}, wanted a whole number up to {_MOST_LABELS}")


# fields of a regression, which other configurations do not write
TARGET_FIELDS = ("target_mean", "target_scale", "regression_loss", "target_limit")
SURVIVAL_FIELDS = ("survival_breaks", "survival_reduction", "compat_flat_survival_start")
COVARIATE_FIELDS = ("covariates", "covariate_mean", "covariate_scale", "covariate_hidden_size")
# what a head's configuration holds, and no encoder's
HEAD_FIELDS = ("class_weights", *TARGET_FIELDS, *SURVIVAL_FIELDS, *COVARIATE_FIELDS)
REGRESSION_LOSSES = (SQUARED, SMOOTH_L1) = ("squared", "smooth_l1")


@strict
class ECGConfig(NoSourceCopies, PreTrainedConfig):
    r"""Base of every configuration of this package.

    Args:
        hf_ecg_version (`str`, *optional*): version of hf_ecg that wrote the configuration.
        class_weights (`list[float]`, *optional*): of a single-label problem, how much a record of each class counts in
            the loss; the mean over a batch is by their sum.
        target_mean, target_scale (`list[float]`, *optional*): of a regression's targets, one each: the head works on
            `(target - mean) / scale`, while `logits` and labels are in the target's own unit.
        regression_loss (`str`, *optional*): of a regression, `"squared"` (also when it is left out) or `"smooth_l1"`.
        target_limit (`float`, *optional*): labels further than so many `target_scale` from `target_mean` are drawn in
            to it in the loss.
        survival_breaks (`list[float]`, *optional*): of a survival head, where its intervals begin and end: rising from
            0, in days or any other unit.
        survival_reduction (`str`, *optional*): of its loss over the rows of a batch, `"sum"` (also when it is left
            out) or `"mean"`.
        compat_flat_survival_start (`bool`, *optional*): the curve before the end of the first interval does not rise
            to 1, as in ECG-CLIP's released code.
        covariates (`list[str]`, *optional*): names of the numbers that a head takes beside the waveform, such as
            `["age", "sex"]`; `num_covariates=2` names them by their places.
        covariate_mean, covariate_scale (`list[float]`, *optional*): of the covariates in the training rows, one each:
            the head works on `(value - mean) / scale`.
        covariate_hidden_size (`int`, *optional*): width of a layer that the covariates go through before they stand
            beside the waveform; without it the head is linear in them.
    """

    # whole outputs of the parts: transformers.Trainer would gather and keep them for every record
    keys_to_ignore_at_inference: ClassVar[list[str]] = ["ecg_model_output", "text_model_output"]

    hf_ecg_version: str | None = None
    class_weights: list[float | int] | None = None
    target_mean: list[float | int] | None = None
    target_scale: list[float | int] | None = None
    regression_loss: str | None = None
    target_limit: float | int | None = None
    survival_breaks: list[float | int] | None = None
    survival_reduction: str | None = None
    compat_flat_survival_start: bool | None = None
    covariates: list[str] | None = None
    covariate_mean: list[float | int] | None = None
    covariate_scale: list[float | int] | None = None
    covariate_hidden_size: int | None = None

    def __post_init__(self, **kwargs):
        for name, value in (("dtype", self.dtype), ("torch_dtype", kwargs.get("torch_dtype"))):
            check_dtype(name, value)
        check_id2label("id2label", self.id2label)
        if "num_labels" in kwargs:
            check_num_labels("num_labels", kwargs["num_labels"])
        if "num_covariates" in kwargs:
            self._name_covariates(kwargs.pop("num_covariates"))
        super().__post_init__(**kwargs)

    @property
    def num_labels(self) -> int | None:
        """As in transformers, which counts `id2label`."""
        return None if self.id2label is None else len(self.id2label)

    @num_labels.setter
    def num_labels(self, value: int) -> None:
        check_num_labels("num_labels", value)
        cast(Any, PreTrainedConfig.num_labels).fset(self, value)

    @property
    def num_covariates(self) -> int:
        """How many numbers a head takes beside the waveform."""
        return len(self.covariates or ())

    def _name_covariates(self, number) -> None:
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= MOST_CHANNELS:
            raise ValueError(f"num_covariates is {number!r}, wanted a whole number up to {MOST_CHANNELS}")
        if self.covariates is None and number:
            self.covariates = [f"covariate_{place}" for place in range(number)]
        if self.num_covariates != number:
            raise ValueError(f"num_covariates is {number}, but covariates are {self.covariates}")

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

    def validate_numbers(self):
        """Run by `@strict` after construction and before saving."""
        for name in type(self).__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, (int, float)) and not abs(value) < _TOO_LARGE:
                raise ValueError(f"{name} is {value}, wanted a number below {_TOO_LARGE}")
            if name.endswith("dropout") and not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}, wanted a probability, 0 to 1")

    def validate_class_weights(self):
        """Run by `@strict` after construction and before saving."""
        weights = self.class_weights
        if weights is not None and (
            len(weights) != self.num_labels or not all(0 < one < _TOO_LARGE for one in weights)
        ):
            raise ValueError(f"class_weights are {weights}, wanted {self.num_labels} positive numbers, one a class")

    def validate_targets(self):
        """Run by `@strict` after construction and before saving."""
        mean, scale = self.target_mean, self.target_scale
        if self.regression_loss is not None:
            check_one_of("regression_loss", self.regression_loss, REGRESSION_LOSSES)
        if self.target_limit is not None and (scale is None or not self.target_limit > 0):
            raise ValueError(f"target_limit is {self.target_limit}, wanted above 0, beside a target_scale")
        if mean is None and scale is None:
            return
        wanted = self.num_labels
        lengths = [len(values or ()) for values in (mean, scale)]
        finite = all(map(isfinite, [*(mean or ()), *(scale or ())]))
        if lengths != [wanted, wanted] or not finite or min(scale or (1,)) <= 0:
            raise ValueError(
                f"target_mean is {mean}, target_scale {scale}: wanted {wanted} numbers each, the scales above 0"
            )

    def validate_covariates(self):
        """Run by `@strict` after construction and before saving."""
        check_covariates(self.covariates, self.covariate_mean, self.covariate_scale, self.covariate_hidden_size)

    def check_blocks(self, prefix: str = "") -> None:
        """Of a transformer, whose fields begin with `prefix`: raises ValueError for sizes that cannot be."""
        for most, names in (
            (MOST_BLOCKS, ("num_hidden_layers",)),
            (MOST_CHANNELS, ("hidden_size", "num_attention_heads", "intermediate_size")),
        ):
            for name in names:
                value = getattr(self, f"{prefix}{name}")
                if not 1 <= value <= most:
                    raise ValueError(f"{prefix}{name} is {value}, wanted 1 to {most}")
        size, heads = (getattr(self, f"{prefix}{name}") for name in ("hidden_size", "num_attention_heads"))
        if size % heads:
            raise ValueError(f"{prefix}hidden_size is {size}, wanted a multiple of the {heads} heads")

    def check_patches(self) -> None:
        """Of a model that reads patches: raises ValueError for a size that does not divide the input."""
        size, samples = (getattr(self, name) for name in ("patch_size", "num_samples"))
        if not 2 <= size <= samples or samples % size:
            raise ValueError(f"patch_size is {size}, wanted at least 2 and a divisor of num_samples, {samples}")

    def check_mask_ratio(self) -> None:
        """Of a masked autoencoder: raises ValueError for a share that keeps no patch, or removes none."""
        ratio, patches = (getattr(self, name) for name in ("mask_ratio", "num_patches"))
        if not 0 < ratio < 1:
            raise ValueError(f"mask_ratio is {ratio}, wanted a share between 0 and 1")
        kept = int(patches * (1 - ratio))
        if not 1 <= kept < patches:
            raise ValueError(
                f"mask_ratio is {ratio}, which keeps {kept} of {patches} patches: wanted a share between 0 and 1 that"
                " keeps and removes some"
            )

    def validate_survival(self):
        """Run by `@strict` after construction and before saving."""
        breaks = self.survival_breaks
        if self.survival_reduction is not None:
            check_one_of("survival_reduction", self.survival_reduction, SURVIVAL_REDUCTIONS)
        if breaks is None:
            return
        rising = all(first < second < _TOO_LARGE for first, second in zip(breaks, breaks[1:], strict=False))
        if len(breaks) < 2 or breaks[0] != 0 or not rising:
            raise ValueError(f"survival_breaks are {breaks}, wanted at least two numbers that rise from 0")

    def to_dict(self):
        # the one that writes, not the one that once read
        values = super().to_dict() | {"hf_ecg_version": __version__}
        absent = [key for key in HEAD_FIELDS if values.get(key) is None]
        return {key: value for key, value in values.items() if key not in absent}
