"""What the configurations of all families have in common."""

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig

from ...auto_class import NoSourceCopies
from ...strict_json import naming_the_source
from ...version import __version__

# Beyond it torch has no size: a slip, or a damaged file.
_TOO_LARGE = 2**31

# A damaged number would otherwise be built, block by block. The deepest ResNet ever published has 1,001 layers.
MOST_BLOCKS, MOST_CHANNELS = 1000, 65536


@strict
class ECGConfig(NoSourceCopies, PreTrainedConfig):
    r"""Base of every configuration of this package.

    Args:
        hf_ecg_version (`str`, *optional*): version of hf_ecg that wrote the configuration.
    """

    hf_ecg_version: str | None = None

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, **kwargs):
        """As in transformers; a `config.json` that holds something else raises a ValueError that names its folder."""
        with naming_the_source(pretrained_model_name_or_path):
            return super().from_pretrained(pretrained_model_name_or_path, *args, **kwargs)

    def validate_input(self):
        """Run by `@strict` after construction and before saving: what every encoder says of its input."""
        for name in ("num_leads", "num_samples", "sampling_rate"):
            value = getattr(self, name, None)
            if value is not None and not 0 < value < _TOO_LARGE:
                raise ValueError(f"{name} is {value}, wanted a positive number below {_TOO_LARGE}")
        if isinstance(self.dtype, (int, float, list)):
            raise ValueError(f"dtype is {self.dtype!r}, wanted the name of a torch type")

    def to_dict(self):
        # the one that writes, not the one that once read
        return super().to_dict() | {"hf_ecg_version": __version__}
