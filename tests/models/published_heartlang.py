"""What the authors of HeartLang publish, with narrow blocks and random weights."""

import numpy as np
import torch
from torch.nn import functional as F

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "head_size": 4,
    "intermediate_size": 24,
}
WORDS = {"decoder_num_hidden_layers": 1, "codebook_size": 12, "code_size": 6}


def transformer(prefix="", beat=96, depth=2, size=16, inner=8, between=24):
    """An encoder or decoder of the original, whose names begin with `prefix`."""
    state = {
        "cls_token": torch.randn(size),
        "pos_embed": torch.randn(1, 257, size),
        "mask_token": torch.randn(1, 1, size),
        "token_embed.tokenConv.weight": torch.randn(size, beat, 3) / 8,
        "spa_embed.embed.weight": torch.randn(16, size),
        "tem_embed.embed.weight": torch.randn(16, size),
    }
    for number in range(depth):
        layer = f"transformer.layers.{number}"
        state[f"{layer}.0.to_qkv.weight"] = torch.randn(3 * inner, size) / 4
        for name, *shape in (
            ("0.norm", size),
            ("0.to_out.0", size, inner),
            ("1.net.0", size),
            ("1.net.1", between, size),
            ("1.net.4", size, between),
        ):
            state |= affine(f"{layer}.{name}", *shape)
    state |= affine("norm_layer", size)
    return {prefix + key: value for key, value in state.items()}


def affine(name, *shape):
    return {f"{name}.weight": torch.randn(*shape) / 4, f"{name}.bias": torch.randn(shape[0]) / 4}


def pretrained(words=12):
    """`heartlang_base/checkpoint-200.pth`."""
    return transformer() | affine("lm_head", words, 16)


def finetuned(classes=3):
    """As the original's fine-tuning leaves it."""
    state = {f"backbone.{key}": value for key, value in pretrained(words=10).items()}
    return state | affine("mlp_head", classes, 16)


def vocabulary(words=12, width=6):
    """`vqhbr/MIMIC-IV/checkpoint-100.pth`."""
    state = transformer("encoder.") | transformer("decoder.", beat=width, depth=1)
    for name, out in (("encode_task_layer", width), ("decode_task_layer", 96)):
        state |= affine(f"{name}.0", 16, 16) | affine(f"{name}.2", out, 16)
    return state | {
        "quantize.cluster_size": torch.rand(words),
        "quantize.embedding.weight": torch.nn.functional.normalize(torch.randn(words, width), dim=1),
        "quantize.embedding.cluster_size": torch.zeros(words),
        "quantize.embedding.embed_avg": torch.randn(words, width),
        "quantize.embedding.initted": torch.ones(1),
    }


def original_states(state, beats, leads, times, heads=2):
    """What the released code's encoder computes of the tensors of a pretrained file: (batch, tokens, size).

    Args:
        beats: (batch, tokens, 96); zeros where there is no beat, which is then read all the same.
        leads, times: int64 (batch, tokens), from 1; 0 for none.
    """
    x = F.pad(beats.transpose(1, 2), (1, 1), mode="circular")
    x = F.conv1d(x, state["token_embed.tokenConv.weight"]).transpose(1, 2)
    x = x + state["spa_embed.embed.weight"][leads] + state["tem_embed.embed.weight"][times]
    x = torch.cat([state["cls_token"].expand(len(beats), 1, -1), x], dim=1)
    x = x + state["pos_embed"][:, : x.shape[1]]

    def linear(name, value):
        return F.linear(value, state[f"{name}.weight"], state.get(f"{name}.bias"))

    def norm(name, value):
        return F.layer_norm(value, value.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"])

    for number in range(sum(key.endswith("to_qkv.weight") for key in state)):
        attention, between = (f"transformer.layers.{number}.{part}" for part in ("0", "1.net"))
        parts = linear(f"{attention}.to_qkv", norm(f"{attention}.norm", x)).chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in parts)
        weights = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(-1)
        x = x + linear(f"{attention}.to_out.0", (weights @ value).transpose(1, 2).flatten(2))
        inner = F.gelu(linear(f"{between}.1", norm(f"{between}.0", x)))
        x = x + linear(f"{between}.4", inner)
    states = norm("norm_layer", x)[:, 1:]
    return states * beats.ne(0).any(dim=-1, keepdim=True)


def drawn_beats():
    """Beats of two records, 9 in each of 12 leads, and zeros behind them; their leads and seconds, from 1."""
    beats = torch.zeros(2, 256, 96)
    beats[:, :108] = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 108, 96), np.float32))
    leads, times = torch.zeros(2, 2, 256, dtype=torch.long)
    leads[:, :108], times[:, :108] = torch.arange(108) // 9 + 1, torch.arange(108) % 9 + 1
    return beats, leads, times
