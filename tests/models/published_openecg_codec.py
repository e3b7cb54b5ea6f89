"""What the package openecg publishes of its codec, small and with random weights, and its arithmetic."""

import torch
from torch.nn import functional as F

WIDTH, HEADS, FEED = 8, 2, 12
SETTINGS = {
    **{"patch_size": 10, "n_leads": 12, "d_model": WIDTH, "n_heads": HEADS, "n_layers": 3, "ff": FEED, "n_classes": 4},
    **{"dropout": 0.1, "use_lead_emb": False, "pos_type": "sinusoidal", "conv_stem": False, "mid_split": 1},
    **{"arch": "vit_transformer_sample_res_convtok_mh_1ch", "n_reg": 0, "lower_kernel": 7, "n_input_channels": 1},
    **{"sample_res_frame": True, "tokenizer": "conv", "beat_n_classes": 6, "rhythm_n_classes": 6},
}


def original_content():
    """The file: state and configuration."""
    state = {}

    def layer(name, *shape):
        state[f"{name}.weight"] = torch.randn(shape) / _fan_in(shape) ** 0.5
        state[f"{name}.bias"] = 0.1 * torch.randn(shape[0])

    def norm(name):
        state[f"{name}.weight"], state[f"{name}.bias"] = 1 + 0.1 * torch.randn(WIDTH), 0.1 * torch.randn(WIDTH)

    angles = torch.arange(512)[:, None] / 10000 ** (torch.arange(WIDTH // 2) / (WIDTH // 2))
    state["pos_enc"] = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[None]
    layer("head", 4, WIDTH)
    layer("lower_convs.0", WIDTH, WIDTH, 7)
    norm("lower_norms.0")
    for block in range(2):
        name = f"upper_transformer.layers.{block}"
        layer(f"{name}.self_attn.in_proj", 3 * WIDTH, WIDTH)
        for kind in ("weight", "bias"):
            state[f"{name}.self_attn.in_proj_{kind}"] = state.pop(f"{name}.self_attn.in_proj.{kind}")
        layer(f"{name}.self_attn.out_proj", WIDTH, WIDTH)
        layer(f"{name}.linear1", FEED, WIDTH)
        layer(f"{name}.linear2", WIDTH, FEED)
        norm(f"{name}.norm1")
        norm(f"{name}.norm2")
    for name in ("refine.0", "refine.2"):
        layer(name, WIDTH, WIDTH, 5)
    layer("conv_tok", WIDTH, 1, 20)
    for name, classes in (("head_sample", 4), ("beat_sample", 6), ("rhythm_sample", 6)):
        layer(name, classes, WIDTH)
    return {"model_state": state, "model_config": dict(SETTINGS), "epoch": 6}


def _fan_in(shape):
    return torch.tensor(shape[1:]).prod().item()


def original_logits(state, values):
    """Three (batch, samples, classes) of (batch, samples), by plain operations; samples are a multiple of ten."""

    def of(name):
        return state[f"{name}.weight"], state[f"{name}.bias"]

    def norm(values, name):
        return F.layer_norm(values, (WIDTH,), *of(name))

    values = F.conv1d(values[:, None], *of("conv_tok"), 10, 5).mT
    values = values + state["pos_enc"][:, : values.shape[1]]
    values = norm(values + F.gelu(F.conv1d(values.mT, *of("lower_convs.0"), padding=3).mT), "lower_norms.0")
    for block in range(2):
        name = f"upper_transformer.layers.{block}"
        joint = [state[f"{name}.self_attn.in_proj_{kind}"] for kind in ("weight", "bias")]
        parts = F.linear(norm(values, f"{name}.norm1"), *joint).unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        weights = (parts[0] @ parts[1].mT / (WIDTH // HEADS) ** 0.5).softmax(-1)
        mixed = (weights @ parts[2]).transpose(1, 2).flatten(2)
        values = values + F.linear(mixed, *of(f"{name}.self_attn.out_proj"))
        inner = F.gelu(F.linear(norm(values, f"{name}.norm2"), *of(f"{name}.linear1")))
        values = values + F.linear(inner, *of(f"{name}.linear2"))
    values = F.interpolate(values.mT, scale_factor=10, mode="nearest")
    refined = F.conv1d(F.gelu(F.conv1d(values, *of("refine.0"), padding=2)), *of("refine.2"), padding=2)
    states = (values + refined).mT
    return [F.linear(states, *of(name)) for name in ("head_sample", "beat_sample", "rhythm_sample")]
