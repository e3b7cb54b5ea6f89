"""What the configurations of all families have in common."""

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig

from ...version import __version__


@strict
class ECGConfig(PreTrainedConfig):
    r"""Base of every configuration of this package.

    Args:
        hf_ecg_version (`str`, *optional*): version of hf_ecg that wrote the configuration.
    """

    hf_ecg_version: str | None = None

    def to_dict(self):
        # the one that writes, not the one that once read
        return super().to_dict() | {"hf_ecg_version": __version__}
