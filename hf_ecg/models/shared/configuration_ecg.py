"""What the configurations of all families have in common."""

import math

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig

from ...auto_class import NoSourceCopies
from ...version import __version__


@strict
class ECGConfig(NoSourceCopies, PreTrainedConfig):
    r"""Base of every configuration of this package.

    Args:
        hf_ecg_version (`str`, *optional*): version of hf_ecg that wrote the configuration.
    """

    hf_ecg_version: str | None = None

    def validate_input(self):
        """Run by `@strict` after construction and before saving: what every encoder says of its input."""
        for name in ("num_leads", "num_samples", "sampling_rate"):
            value = getattr(self, name, None)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} is {value}, wanted a positive number")

    def to_dict(self):
        # the one that writes, not the one that once read
        return super().to_dict() | {"hf_ecg_version": __version__}
