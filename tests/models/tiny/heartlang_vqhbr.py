import torch

from hf_ecg import (
    HeartLangVQHBRConfig,
    HeartLangVQHBRForECGClassification,
    HeartLangVQHBRForECGSurvival,
    HeartLangVQHBRForPreTraining,
    HeartLangVQHBRModel,
)
from hf_ecg.models.heartlang_vqhbr import convert_heartlang_vqhbr
from tests.models.published_heartlang import SIZES, WORDS, vocabulary

STEPS = [{"name": "views"}, {"name": "beat_tokens", "max_tokens": 40, "token_samples": 8}]
BEATS = {"num_samples": 160, "beat_samples": 8, "num_tokens": 40}


def vqhbr_config(**options):
    return HeartLangVQHBRConfig(**SIZES | WORDS | BEATS | options)


def beats(rows, generator):
    """Waves that can be foretold, three beats in each of twelve leads."""
    time = torch.arange(8) + 8 * torch.rand(rows, 36, 1, generator=generator)
    waves = torch.sin(time * 2 * torch.pi / 8) + 0.1 * torch.randn(rows, 36, 8, generator=generator)
    return {
        "beat_tokens": waves,
        "lead_ids": torch.arange(1, 13).repeat_interleave(3).expand(rows, -1),
        "time_ids": torch.tensor([1, 1, 2]).repeat(12).expand(rows, -1),
        "peak_samples": torch.tensor([20, 70, 130]).repeat(12).expand(rows, -1),
    }


def masked(rows, generator):
    """With absent leads and places without a beat."""
    leads, there = torch.ones(rows, 12, dtype=torch.bool), torch.ones(rows, 36, dtype=torch.bool)
    leads[0, 3:], there[-1, 30:] = False, False
    return beats(rows, generator) | {"lead_mask": leads, "beat_mask": there}


CASES = {
    "heartlang_vqhbr": (HeartLangVQHBRModel, vqhbr_config, beats, "pooler_output"),
    "heartlang_vqhbr, masked": (HeartLangVQHBRModel, vqhbr_config, masked, "pooler_output"),
    "heartlang_vqhbr head": (
        HeartLangVQHBRForECGClassification,
        lambda: vqhbr_config(num_labels=3),
        masked,
        "logits",
    ),
    "heartlang_vqhbr survival": (
        HeartLangVQHBRForECGSurvival,
        lambda: vqhbr_config(survival_breaks=[0, 365, 730.5, 1000]),
        masked,
        "logits",
    ),
    # of rounded numbers another word may be the nearest
    "heartlang_vqhbr pretraining": (
        HeartLangVQHBRForPreTraining,
        lambda: vqhbr_config(num_hidden_layers=1, initializer_range=0.1),
        masked,
        "code_vectors",
    ),
}

PUBLISHED = {"checkpoint-100.pth": lambda: {"model": vocabulary()}}


def narrow(monkeypatch):
    for name, value in (SIZES | WORDS).items():
        monkeypatch.setitem(convert_heartlang_vqhbr.SIZES, name, value)
