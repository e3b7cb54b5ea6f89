import torch

from hf_ecg import CLEARConfig, CLEARForECGClassification, CLEARForECGSurvival, CLEARForPreTraining, CLEARModel
from hf_ecg.models.clear import convert_clear
from tests.models.published_clear import original_state

SIZES = {
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "decoder_hidden_size": 8,
    "decoder_num_attention_heads": 2,
    "decoder_intermediate_size": 12,
    "decoder_num_hidden_layers": 1,
}
BEATS = {"num_samples": 160, "num_beats": 3, "beat_samples": 8}
PLAIN = {"hidden_dropout": 0.0, "attention_dropout": 0.0}
COMPAT = {"embedding_kernel_size": 3} | {
    f"compat_{name}": True
    for name in ("additive_mask", "circular_convolution", "unmasked_padding", "standardised_input")
}


def clear_config(**options):
    """Without dropout: two calls in training are compared."""
    return CLEARConfig(**SIZES | BEATS | PLAIN | options)


def beats(rows, generator):
    """Waves that can be foretold, three beats in each of twelve leads."""
    time = torch.arange(8) + 8 * torch.rand(rows, 36, 1, generator=generator)
    waves = torch.sin(time * 2 * torch.pi / 8) + 0.1 * torch.randn(rows, 36, 8, generator=generator)
    times, peaks = torch.tensor([1, 1, 2]), torch.tensor([20, 70, 130])
    return {
        "beat_tokens": waves,
        "lead_ids": torch.arange(1, 13).repeat_interleave(3).expand(rows, -1),
        "time_ids": times.repeat(12).expand(rows, -1),
        "peak_samples": peaks.repeat(12).expand(rows, -1),
    }


def masked(rows, generator):
    """With absent leads and places without a beat."""
    leads, there = torch.ones(rows, 12, dtype=torch.bool), torch.ones(rows, 12, 3, dtype=torch.bool)
    leads[0, 3:], there[-1, :, 2] = False, False
    return beats(rows, generator) | {"lead_mask": leads, "beat_mask": there.flatten(1)}


def noisy(rows, generator):
    """With the noise of the masking: what is drawn anew each time cannot be compared."""
    return masked(rows, generator) | {"mask_noise": torch.rand(rows, 36, generator=generator)}


CASES = {
    "clear": (CLEARModel, clear_config, beats, "pooler_output"),
    "clear, masked": (CLEARModel, lambda: clear_config(embedding_kernel_size=3), masked, "pooler_output"),
    "clear, compat": (CLEARModel, lambda: clear_config(**COMPAT), beats, "pooler_output"),
    "clear head": (CLEARForECGClassification, lambda: clear_config(num_labels=3), masked, "logits"),
    "clear hug": (
        CLEARForECGClassification,
        lambda: clear_config(num_labels=3, head="hug", hug_activation="gelu"),
        masked,
        "logits",
    ),
    "clear survival": (
        CLEARForECGSurvival,
        lambda: clear_config(survival_breaks=[0, 365, 730.5, 1000]),
        masked,
        "logits",
    ),
    "clear pretraining": (CLEARForPreTraining, clear_config, noisy, "prediction"),
}

STEPS = [
    {"name": "views"},
    {
        "name": "beat_tokens",
        "token_samples": 8,
        "beats_per_lead": 3,
        # what the rooms feed is noise
        "without_beats": "equally_spaced",
    },
]

PUBLISHED = {
    "clear.pth": original_state,
    "your_clear_hug.pth": lambda: original_state(head="hug"),
}


def narrow(monkeypatch):
    heads = SIZES["num_attention_heads"], SIZES["decoder_num_attention_heads"]
    monkeypatch.setitem(convert_clear.ATTENTION_HEADS, SIZES["hidden_size"], heads)
