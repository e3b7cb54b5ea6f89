"""Names of HeartLang's released tensors, of its vocabulary too."""

import re
from collections.abc import Mapping
from typing import Any

import torch

from .beat_embedding import convolution_as_linear

_TABLES = {
    "cls_token": "class_token",
    "pos_embed": "positions",
    "token_embed.tokenConv.weight": "beats.projection.weight",
    "spa_embed.embed.weight": "beats.leads",
    "tem_embed.embed.weight": "beats.times",
    "norm_layer.weight": "norm.weight",
    "norm_layer.bias": "norm.bias",
}
_INSIDE = {
    "0.norm": "attention_norm",
    "0.query": "attention.query",
    "0.key": "attention.key",
    "0.value": "attention.value",
    "0.to_out.0": "attention.output",
    "1.net.0": "feed_forward_norm",
    "1.net.1": "feed_forward.expand",
    "1.net.4": "feed_forward.contract",
}


def transformer_name(key: str) -> str | None:
    """A tensor's name inside `BeatTransformer`, from the one inside the original's, after `transformer_tensors`."""
    if key in _TABLES:
        return _TABLES[key]
    layer = re.fullmatch(r"transformer\.layers\.(\d+)\.(.+)\.(weight|bias)", key)
    if layer is None or layer[2] not in _INSIDE:
        return None
    return f"layers.{layer[1]}.{_INSIDE[layer[2]]}.{layer[3]}"


def transformer_tensors(state: Mapping[str, Any]) -> dict[str, Any]:
    """Tensors that are joint or of another shape there; names stay the original's."""
    ours: dict[str, Any] = {}
    for key, value in state.items():
        if not isinstance(value, torch.Tensor):
            ours[key] = value
            continue
        joint = re.fullmatch(r"(.+)\.to_qkv\.weight", key)
        if joint is not None:
            parts = zip(("query", "key", "value"), value.chunk(3), strict=False)
            ours |= {f"{joint[1]}.{name}.weight": part for name, part in parts}
        elif key.endswith("pos_embed") and value.ndim == 3:
            ours[key] = value.squeeze(0)
        elif key.endswith("mask_token"):
            ours[key] = value.flatten()
        elif key.endswith("tokenConv.weight") and value.ndim == 3:
            ours[key] = convolution_as_linear(value)
        else:
            ours[key] = value
    return ours
