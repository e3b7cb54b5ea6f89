import math
from typing import Any

from transformers import AutoConfig
from transformers.configuration_utils import PreTrainedConfig, SubConfigSpec

from ..ecg_convnextv2.configuration_ecg_convnextv2 import ECGConvNeXtV2Config
from ..ecg_text.configuration_ecg_text import ECGTextConfig
from ..shared.strict_configuration import strict

# michiyasunaga/BioLinkBERT-base: bert-base with its own vocabulary.
_BIO_LINK_BERT: dict[str, Any] = {"model_type": "bert", "vocab_size": 28895}


@strict
class TolerantECGConfig(ECGTextConfig):
    r"""Configuration of [`TolerantECGForPreTraining`]. The defaults are TolerantECG's (arXiv 2507.09887).

    Args:
        ecg_config (`dict` or `PreTrainedConfig`, *optional*): the ECG tower, any encoder of this package; defaults to
            ConvNeXt V2 tiny.
        text_config (`dict` or `PreTrainedConfig`, *optional*): the text tower; defaults to BioLinkBERT's shape.
        teachers (`list[str]`, defaults to `["mask", "noise"]`): what the views of a batch are made by, in its order;
            each has a momentum teacher and a head of its own. None of them: the contrast with texts alone.
        num_teacher_views (`int`, defaults to 2): how many views, the first ones, a teacher sees.
        distillation_hidden_size (`int`, defaults to 256): of the heads.
        distillation_size (`int`, defaults to 768): dimensions that views are told apart by.
        student_temperature (`float`, defaults to 0.1): of the student's outputs.
        teacher_temperature (`float`, defaults to 0.07): of the teachers'.
        compat_trained_temperatures (`bool`, defaults to `False`): train a student's temperature for each teacher, as
            the released code does; the paper's is fixed.
        center_momentum (`float`, defaults to 0.9): of the teachers' centers.
        teacher_momentum (`float`, defaults to 0.996): of the teachers at the first step.
        teacher_momentum_end (`float`, defaults to 0.996): at the last one, reached along half a cosine.
        pair_loss_weight (`float`, defaults to 2.0): of the contrast with texts.
        distillation_weight (`float`, defaults to 1.0): of the self-distillation, the mean over the teachers.
        projection_dim, loss_type, logit_scale_init_value and all other fields: see [`ECGTextConfig`].

    Raises:
        ValueError: a field of another type, or values that do not go together; the message names both.

    Example:
        >>> from hf_ecg import TolerantECGConfig
        >>> config = TolerantECGConfig()
        >>> config.ecg_config.model_type, config.teachers, config.loss_type
        ('ecg_convnextv2', ['mask', 'noise'], 'softmax')
    """

    model_type = "tolerantecg"
    sub_configs_defaults = {
        "ecg_config": SubConfigSpec(config_class=AutoConfig, model_type="ecg_convnextv2"),
        "text_config": SubConfigSpec(config_class=AutoConfig, model_type="bert"),
    }

    projection_dim: int = 768
    projection_bias: bool = False
    text_projection_norm: bool = True
    loss_type: str = "softmax"
    logit_scale_init_value: float | int = math.log(1 / 0.07)
    teachers: list[str] | tuple[str, ...] = ("mask", "noise")
    num_teacher_views: int = 2
    distillation_hidden_size: int = 256
    distillation_size: int = 768
    student_temperature: float | int = 0.1
    teacher_temperature: float | int = 0.07
    compat_trained_temperatures: bool = False
    center_momentum: float | int = 0.9
    teacher_momentum: float | int = 0.996
    teacher_momentum_end: float | int = 0.996
    pair_loss_weight: float | int = 2.0
    distillation_weight: float | int = 1.0

    def __post_init__(self, **kwargs):
        self.teachers = list(self.teachers)
        if self.ecg_config is None:
            self.ecg_config = ECGConvNeXtV2Config()
        if self.text_config is None:
            self.text_config: dict | PreTrainedConfig | None = dict(_BIO_LINK_BERT)
        super().__post_init__(**kwargs)

    def validate_teachers(self):
        """Run by `@strict` after construction and before saving."""
        self.check_sizes("num_teacher_views", "distillation_hidden_size", "distillation_size")
        if len(set(self.teachers)) < len(self.teachers) or not all(name.isidentifier() for name in self.teachers):
            raise ValueError(f"teachers is {self.teachers}, wanted different names such as 'mask'")
        for name in ("student_temperature", "teacher_temperature"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted a number above 0")
        for name in ("center_momentum", "teacher_momentum", "teacher_momentum_end"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted 0 to 1")
        for name in ("pair_loss_weight", "distillation_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted a number of at least 0")
