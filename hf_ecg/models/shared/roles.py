"""What may be asked of any model of this package, in place of looking for its attributes."""

from typing import Any

from torch import nn
from transformers import PreTrainedModel
from transformers.configuration_utils import PreTrainedConfig

from .configuration_tower import ECGTowerConfig
from .modeling_ecg import ECGModelBase


def ecg_encoder(model: Any) -> PreTrainedModel:
    """The bare ECG encoder inside a model: of heads, dual encoders, pretraining models and what stands around them.

    Returns:
        The encoder, which shares its weights with the model; the model itself when it is one, or none of ours.
    """
    return model.get_ecg_encoder() if isinstance(model, ECGModelBase) else model


def is_dual_encoder(model: nn.Module | type) -> bool:
    """Whether ECGs and texts meet in one space, by `get_ecg_features`, `get_text_features` and `logit_scale`."""
    return model_role(model) == "dual encoder"


def model_role(model: nn.Module | type) -> str:
    """What users do with a model, or with a class of models.

    Returns:
        "encoder", "classifier", "survival model", "dual encoder", "delineation", "lead reconstruction" or
        "pretraining"; "other" when it is none of ours.
    """
    model_class = model if isinstance(model, type) else type(model)
    return model_class.role if issubclass(model_class, ECGModelBase) else "other"


# what a model of each role is, in words, and what may be done with it
ROLE_WORDS = {
    "encoder": ("an encoder without a trained head", "hf-ecg finetune makes a classifier of it"),
    "classifier": ("a classifier", "ecg-classification takes it"),
    "survival model": ("a survival model", "AutoModelForECGSurvival takes it, ecg-feature-extraction its encoder"),
    "dual encoder": ("a dual encoder", "zero-shot-ecg-classification takes it"),
    "delineation": ("a model that labels every sample", "AutoModelForECGDelineation takes it"),
    "lead reconstruction": ("a model that completes the twelve leads", "ecg-lead-reconstruction takes it"),
    "pretraining": ("a pretraining model", "ecg-feature-extraction takes its encoder"),
}


def ecg_config(config: PreTrainedConfig) -> PreTrainedConfig:
    """The configuration of the ECG encoder inside a model's; itself when the model is one."""
    return ecg_config(config.ecg_config) if isinstance(config, ECGTowerConfig) else config
