"""Names of blocks that several originals share: a pre-norm block of vit1d.py (MERL, ST-MEM), PyTorch's attention."""

import re
from collections.abc import Mapping
from typing import Any

import torch

_MODULES = {
    "attn.norm": "attention_norm",
    "attn.fn.query": "attention.query",
    "attn.fn.key": "attention.key",
    "attn.fn.value": "attention.value",
    "attn.fn.to_out.0": "attention.output",
    "ff.norm": "feed_forward_norm",
    "ff.fn.net.0": "feed_forward.expand",
    "ff.fn.net.3": "feed_forward.contract",
}


def block_name(key: str) -> str | None:
    """A tensor's name inside `PreNormBlock`, from the one inside the original's block, after `with_parts`."""
    module, _, kind = key.rpartition(".")
    return f"{_MODULES[module]}.{kind}" if module in _MODULES else None


def with_parts(state: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors with queries, keys and values apart, which the original keeps in one: `attn.fn.to_qkv` becomes
    `attn.fn.query`, `attn.fn.key` and `attn.fn.value`.
    """
    apart: dict[str, Any] = {}
    for key, value in state.items():
        match = re.fullmatch(r"(.+\.attn\.fn)\.to_qkv\.(weight|bias)", key)
        if match is None or not isinstance(value, torch.Tensor):
            apart[key] = value
            continue
        parts = zip(("query", "key", "value"), value.chunk(3), strict=False)
        apart |= {f"{match[1]}.{name}.{match[2]}": part for name, part in parts}
    return apart


_PARTS = {"q": "query", "k": "key", "v": "value"}


def with_attention_parts(state: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors with queries, keys and values of each `nn.MultiheadAttention` apart and by our names.

    `in_proj_weight` and `in_proj_bias` become `query.weight` ... `value.bias`; so do `q_proj_weight` and its like,
    which PyTorch has where keys are of another size. What else there is keeps its name.
    """
    apart: dict[str, Any] = {}
    for key, value in state.items():
        joint = re.fullmatch(r"(.*)in_proj_(weight|bias)", key)
        single = re.fullmatch(r"(.*)([qkv])_proj_weight", key)
        if joint and isinstance(value, torch.Tensor):
            parts = zip(_PARTS.values(), value.chunk(3), strict=False)
            apart |= {f"{joint[1]}{name}.{joint[2]}": part for name, part in parts}
        else:
            apart[f"{single[1]}{_PARTS[single[2]]}.weight" if single else key] = value
    return apart
