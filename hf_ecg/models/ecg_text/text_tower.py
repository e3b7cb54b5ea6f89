"""The text tower of a dual encoder: which models of transformers may be one, how it is built and pooled."""

import inspect
import typing
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from transformers import AutoModel, PreTrainedModel
from transformers.configuration_utils import PreTrainedConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_MAPPING,
)

POOLINGS = ("cls", "mean", "last", "pooler")


def check_text_tower(config: PreTrainedConfig, pooling: str) -> None:
    """Raises ValueError for a tower that would fail at the first batch, or whose pooled output would say nothing.

    Args:
        config: of the text tower.
        pooling: `text_pooling` of the dual encoder.
    """
    kind = f"text_config is of type {config.model_type!r}"
    tower = _tower_class(config)
    if tower is None:
        raise ValueError(f"{kind}, of which AutoModel makes no model")
    taken = inspect.signature(tower.forward).parameters
    if getattr(config, "is_encoder_decoder", False) or "decoder_input_ids" in taken:
        raise ValueError(f"{kind}, an encoder with a decoder, wanted a text encoder such as bert, or a decoder alone")
    if "input_ids" not in taken:
        raise ValueError(f"{kind}, and {tower.__name__} takes no input_ids: wanted a text encoder such as bert")
    if pooling == "pooler" and not _has_pooler(tower):
        raise ValueError(
            f"{kind}, and {tower.__name__} has no pooler: text_pooling is 'pooler', wanted 'cls', 'mean' or 'last'"
        )
    if pooling == "cls" and _pools_its_end(config, tower):
        raise ValueError(
            f"{kind}, which reads from left to right and pools where a text ends: text_pooling is 'cls',"
            " wanted 'pooler'"
        )
    if pooling == "cls" and is_causal(config):
        raise ValueError(
            f"{kind}, a decoder, whose first token sees nothing but itself: text_pooling is 'cls', wanted 'last' or"
            " 'mean'"
        )


def _tower_class(config: PreTrainedConfig) -> Any:
    found = MODEL_MAPPING.get(type(config), None)
    return found[0] if isinstance(found, (list, tuple)) else found


def _has_pooler(tower: type[nn.Module]) -> bool:
    """Whether the output that `forward` declares has a `pooler_output`; one that declares nothing is believed."""
    declared = inspect.signature(tower.forward).return_annotation
    outputs = [one for one in (declared, *typing.get_args(declared)) if isinstance(one, type)]
    fields = [one.__dataclass_fields__ for one in outputs if hasattr(one, "__dataclass_fields__")]
    return not fields or any("pooler_output" in names for names in fields)


def _pools_its_end(config: PreTrainedConfig, tower: type[nn.Module]) -> bool:
    """Whether it is the text half of a CLIP: its first token is the same for every text, and its pooler no option."""
    half = getattr(config, "base_config_key", "") == "text_config"
    return half and _has_pooler(tower) and "add_pooling_layer" not in inspect.signature(tower).parameters


def is_causal(config: PreTrainedConfig) -> bool:
    """Whether a token sees only those before it."""
    for name, means_causal in (("is_causal", True), ("is_decoder", True), ("use_bidirectional_attention", False)):
        # families that can be both say which they are
        if isinstance(getattr(config, name, None), bool):
            return getattr(config, name) is means_causal
    return type(config) in MODEL_FOR_CAUSAL_LM_MAPPING and type(config) not in MODEL_FOR_MASKED_LM_MAPPING


def build_text_tower(config: PreTrainedConfig, pooling: str) -> PreTrainedModel:
    """The text tower, without a pooler that nothing would use: DDP stops at parameters without a gradient."""
    if pooling == "pooler":
        return AutoModel.from_config(config)
    tower_class = _tower_class(config)
    if tower_class is not None and "add_pooling_layer" in inspect.signature(tower_class).parameters:
        return AutoModel.from_config(config, add_pooling_layer=False)
    tower = AutoModel.from_config(config)
    pooler = getattr(tower, "pooler", None)
    if pooler is not None:
        pooler.requires_grad_(False)
    return tower


def longest_text(tower: PreTrainedModel) -> int | None:
    """How many tokens the tower's learned positions reach; None where positions have no end (rotary, relative)."""
    stated = getattr(tower.config, "max_position_embeddings", None)
    if not isinstance(stated, int) or stated < 1:
        return None
    words = tower.get_input_embeddings()
    for module in tower.modules():
        # some families keep one or two rows before the first position
        if isinstance(module, nn.Embedding) and module is not words and 0 <= module.num_embeddings - stated <= 2:
            return stated if module.padding_idx is None else stated - module.padding_idx - 1
    return None


def limit_texts(tokenizer, longest: int | None) -> None:
    """Let a tokenizer cut texts where the tower's positions end, when its own limit is farther or none at all."""
    if longest is not None and tokenizer.model_max_length > longest:
        tokenizer.model_max_length = longest


def warn_of_padding(config: PreTrainedConfig, input_ids: torch.Tensor, attention_mask: torch.Tensor | None) -> None:
    """What models of transformers say of padded tokens without a mask; most towers read padding in silence."""
    if torch.compiler.is_compiling():
        return
    # the configurations of some text models name no such tokens, and the warning asks for all of them
    named = {name: getattr(config, name, None) for name in ("pad_token_id", "bos_token_id", "eos_token_id")}
    told: Any = SimpleNamespace(config=SimpleNamespace(**named, sep_token_id=getattr(config, "sep_token_id", None)))
    PreTrainedModel.warn_if_padding_and_no_attention_mask(told, input_ids, attention_mask)


def pool_tokens(pooling: str, outputs, attention_mask: torch.Tensor | None) -> torch.Tensor:
    """One vector a text from the tower's output.

    Args:
        pooling: "cls", the first token that is not padding; "last", the last one; "mean" over those that are none;
            "pooler", the tower's own.
        outputs: with `last_hidden_state` (texts, tokens, size), and `pooler_output` for "pooler".
        attention_mask: (texts, tokens), 0 where padded, on either side; None = no padding.

    Returns:
        (texts, size).

    Raises:
        ValueError: "pooler" of a tower that gives no `pooler_output`; a mask of another shape than the tokens.
    """
    if pooling == "pooler":
        pooled = outputs.get("pooler_output")
        if pooled is None:
            raise ValueError("text_pooling is 'pooler', and the text tower gives no pooler_output")
        return pooled
    states = outputs.last_hidden_state
    if attention_mask is None:
        return states.mean(dim=1) if pooling == "mean" else states[:, 0 if pooling == "cls" else -1]
    if attention_mask.ndim != 2:
        raise ValueError(f"attention_mask has shape {tuple(attention_mask.shape)}, wanted (texts, tokens)")
    if pooling == "mean":
        weights = attention_mask.to(states.dtype)[:, :, None]
        return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
    real = attention_mask.ne(0).long()
    # the first of the largest: of the mask the first real token, of the running count the last one
    place = (real if pooling == "cls" else real.cumsum(dim=1)).argmax(dim=1)
    return states.gather(1, place[:, None, None].expand(-1, 1, states.shape[2]))[:, 0]
