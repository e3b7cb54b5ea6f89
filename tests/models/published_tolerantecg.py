"""What TolerantECG's training writes, with narrow blocks and random weights, and its arithmetic."""

import torch
from torch.nn import functional as F

WIDTHS, DEPTHS = (8, 12, 16, 16), (1, 2, 1, 1)


def original_state(prefix="", head=False, whole=False):
    """The encoder's file; with the linear layer of cabce7b; with the rest of a whole training."""
    state = {}

    def layer(name, *shape, around=0.0):
        state[f"{name}.weight"] = around + torch.randn(*shape) / 3
        state[f"{name}.bias"] = torch.randn(shape[0]) / 4

    layer("downsample_layers.0.0", WIDTHS[0], 12, 4)
    layer("downsample_layers.0.1", WIDTHS[0], around=1.0)
    for number in (1, 2, 3):
        layer(f"downsample_layers.{number}.0", WIDTHS[number - 1], around=1.0)
        layer(f"downsample_layers.{number}.1", WIDTHS[number], WIDTHS[number - 1], 2)
    for number, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
        for block in (f"stages.{number}.{one}" for one in range(depth)):
            layer(f"{block}.dwconv", width, 1, 7)
            layer(f"{block}.norm", width, around=1.0)
            layer(f"{block}.pwconv1", 4 * width, width)
            for kind in ("gamma", "beta"):
                state[f"{block}.grn.{kind}"] = torch.randn(1, 1, 4 * width) / 3
            layer(f"{block}.pwconv2", width, 4 * width)
    layer("norm", WIDTHS[-1], around=1.0)
    if head:
        state["head.weight"] = torch.randn(WIDTHS[-1], WIDTHS[-1])
    if whole:
        teachers = {f"teacher_mask_ecg_encoder.{key}": value for key, value in state.items()}
        state = {f"student_ecg_encoder.{key}": value for key, value in state.items()} | teachers
        state |= {"student_mask_dino_head.mlp.bias": torch.zeros(4), "text_encoder.model.x": torch.zeros(2)}
        return state | {"constrastive_criterion.logit_scale": torch.zeros(())}
    return {f"{prefix}{key}": value for key, value in state.items()}


def original_embedding(state, values):
    """The original's arithmetic, written from its description, of (batch, 12, samples)."""

    def of(name):
        return [state[f"{name}.{kind}"] for kind in ("weight", "bias")]

    def norm(name, values, eps=1e-6):
        return F.layer_norm(values.transpose(1, 2), (values.shape[1],), *of(name), eps).transpose(1, 2)

    for number, depth in enumerate(DEPTHS):
        name = f"downsample_layers.{number}"
        if number:
            values = F.conv1d(norm(f"{name}.0", values), *of(f"{name}.1"), stride=2)
        else:
            values = norm(f"{name}.1", F.conv1d(values, *of(f"{name}.0"), stride=4))
        for block in (f"stages.{number}.{one}" for one in range(depth)):
            inner = F.conv1d(values, *of(f"{block}.dwconv"), padding=3, groups=values.shape[1])
            inner = F.gelu(F.linear(norm(f"{block}.norm", inner).transpose(1, 2), *of(f"{block}.pwconv1")))
            size = torch.linalg.vector_norm(inner, dim=1, keepdim=True)
            relative = inner * size / (size.mean(dim=2, keepdim=True) + 1e-6)
            inner = state[f"{block}.grn.gamma"] * relative + state[f"{block}.grn.beta"] + inner
            values = values + F.linear(inner, *of(f"{block}.pwconv2")).transpose(1, 2)
    pooled = F.layer_norm(values.mean(2), (values.shape[1],), *of("norm"))
    return pooled @ state["head.weight"].T if "head.weight" in state else pooled
