import torch

from hf_ecg import (
    HeartLangConfig,
    HeartLangForECGClassification,
    HeartLangForECGSurvival,
    HeartLangForPreTraining,
    HeartLangModel,
)
from hf_ecg.models.heartlang import convert_heartlang
from tests.models.published_heartlang import SIZES, pretrained
from tests.models.tiny.heartlang_vqhbr import BEATS, STEPS, beats, masked, vqhbr_config

__all__ = ["CASES", "PUBLISHED", "STEPS", "narrow"]

PLAIN = {"hidden_dropout": 0.0, "attention_dropout": 0.0, "vocabulary_size": 12}


def heartlang_config(**options):
    """Without dropout: two calls in training are compared."""
    return HeartLangConfig(**SIZES | BEATS | PLAIN | options)


def with_vocabulary(**options):
    return heartlang_config(vocabulary_config=vqhbr_config(num_hidden_layers=1), num_hidden_layers=1, **options)


def noisy(rows, generator):
    """With the noise of the masking: what is drawn anew each time cannot be compared."""
    return masked(rows, generator) | {"mask_noise": torch.rand(rows, 36, generator=generator)}


CASES = {
    "heartlang": (HeartLangModel, heartlang_config, beats, "pooler_output"),
    "heartlang, masked": (HeartLangModel, heartlang_config, masked, "pooler_output"),
    "heartlang, compat": (
        HeartLangModel,
        lambda: heartlang_config(compat_visible_padding=True),
        masked,
        "pooler_output",
    ),
    "heartlang head": (HeartLangForECGClassification, lambda: heartlang_config(num_labels=3), masked, "logits"),
    "heartlang survival": (
        HeartLangForECGSurvival,
        lambda: heartlang_config(survival_breaks=[0, 365, 730.5, 1000]),
        masked,
        "logits",
    ),
    "heartlang pretraining": (HeartLangForPreTraining, with_vocabulary, noisy, "logits"),
}

PUBLISHED = {"checkpoint-200.pth": lambda: {"model": pretrained()}}


def narrow(monkeypatch):
    for name, value in (SIZES | {"vocabulary_size": 12}).items():
        monkeypatch.setitem(convert_heartlang.SIZES, name, value)
