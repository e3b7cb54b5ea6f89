from typing import cast

from transformers import AutoConfig
from transformers.configuration_utils import PreTrainedConfig, SubConfigSpec

from ..ecg_fm.configuration_ecg_fm import ECGFMConfig
from ..shared.configuration_ecg import MOST_CHANNELS
from ..shared.configuration_tower import ECGNestedConfig
from ..shared.strict_configuration import strict

_SIZES = ("hidden_size", "num_beat_queries", "num_caption_queries", "caption_size", "num_pooling_heads")


@strict
class MELPConfig(ECGNestedConfig):
    r"""Configuration of [`MELPModel`]. The defaults are those of MELP's published encoder (arXiv 2506.21803).

    Args:
        body_config (`dict` or `ECGFMConfig`, *optional*): the network that both pools look at; defaults to ECG-FM's
            with 8 blocks and records of 10 s.
        num_samples (`int`, defaults to 5000): samples of the input the model was made for; others work, and give other
            numbers, see [`ECGFMModel`].
        hidden_size (`int`, defaults to 256): of a beat vector and of `pooler_output`.
        num_beat_queries (`int`, defaults to 14): learned queries, a beat vector each. The released classes begin with
            10 or 13, the released training with 12, the published encoder has 14.
        num_caption_queries (`int`, defaults to 128): learned queries, a caption token each.
        caption_size (`int`, defaults to 768): of a caption token.
        num_pooling_heads (`int`, defaults to 8): heads of both pools.
        layer_norm_eps (`float`, defaults to 1e-5): of the pools' norms.
        classifier_dropout (`float`, defaults to 0.0): before the classification head.
        initializer_range (`float`, defaults to 0.02): standard deviation of initial weights.

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import MELPConfig
        >>> config = MELPConfig()
        >>> config.num_samples, config.num_beat_queries, config.body_config.num_hidden_layers
        (5000, 14, 8)
    """

    model_type = "melp"
    sub_configs_defaults = {"body_config": SubConfigSpec(config_class=AutoConfig, model_type="ecg_fm")}

    body_config: dict | PreTrainedConfig | None = None
    num_samples: int = 5000
    hidden_size: int = 256
    num_beat_queries: int = 14
    num_caption_queries: int = 128
    caption_size: int = 768
    num_pooling_heads: int = 8
    layer_norm_eps: float = 1e-5
    classifier_dropout: float | int = 0.0
    initializer_range: float = 0.02

    def __post_init__(self, **kwargs):
        if self.body_config is None:
            self.body_config = ECGFMConfig(num_samples=self.num_samples, num_hidden_layers=8)
        super().__post_init__(**kwargs)

    @property
    def num_leads(self) -> int:
        """Leads of the body."""
        return cast(PreTrainedConfig, self.body_config).num_leads

    @property
    def sampling_rate(self) -> float:
        """Hertz of the body."""
        return cast(PreTrainedConfig, self.body_config).sampling_rate

    def validate_architecture(self):
        """Run by `@strict` after construction and before saving."""
        if not isinstance(self.body_config, ECGFMConfig):
            found = getattr(self.body_config, "model_type", type(self.body_config).__name__)
            raise ValueError(f"body_config is of type {found!r}, wanted 'ecg_fm'")
        for name in _SIZES:
            if not 1 <= getattr(self, name) <= MOST_CHANNELS:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted 1 to {MOST_CHANNELS}")
        for name in ("hidden_size", "caption_size"):
            if getattr(self, name) % self.num_pooling_heads:
                raise ValueError(
                    f"{name} is {getattr(self, name)}, wanted a multiple of the {self.num_pooling_heads} heads"
                )
