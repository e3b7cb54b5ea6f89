"""Self-attention through transformers' interface, so that eager, sdpa, flash and flex are a user's choice."""

from typing import Any, NamedTuple, cast

import torch
from torch import nn
from torch.nn import functional as F
from transformers.cache_utils import Cache
from transformers.configuration_utils import PreTrainedConfig
from transformers.masking_utils import create_bidirectional_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from .padding import all_where_none


class AttentionCache(NamedTuple):
    """Where an attention keeps its keys and values while a text is written, one token after the other.

    Attributes:
        cache: of all attentions of a model.
        layer: which of its layers is this attention's own.
    """

    cache: Cache
    layer: int

    def kept(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Keys and values (batch, heads, tokens, head_size) of earlier calls; None when there were none."""
        layers = cast(list[Any], self.cache.layers)
        if self.layer >= len(layers) or not layers[self.layer].get_seq_length():
            return None
        return layers[self.layer].keys, layers[self.layer].values


class ECGSelfAttention(nn.Module):
    """Multi-head attention, every token over every token that the mask does not hide: its own, or those of a context.

    Args:
        config: of the model, which says how attention is computed (`attn_implementation`).
        hidden_size: of the tokens.
        num_heads: heads.
        head_size: of a head; by default hidden_size / num_heads.
        dropout: of the attention weights.
        bias: of the projections of queries, keys and values; the one of the output always has one.
        context_size: of the tokens of a context; by default hidden_size.
        is_causal: whether a token looks only at those before it, where there is no mask to say so.
    """

    def __init__(
        self,
        config: PreTrainedConfig,
        hidden_size: int,
        num_heads: int,
        *,
        head_size: int | None = None,
        dropout: float = 0.0,
        bias: bool = True,
        context_size: int | None = None,
        is_causal: bool = False,
    ):
        super().__init__()
        self.config, self.is_causal = config, is_causal
        self.head_size = hidden_size // num_heads if head_size is None else head_size
        self.scaling = self.head_size**-0.5
        self.dropout = dropout
        inner = self.head_size * num_heads
        seen_size = hidden_size if context_size is None else context_size
        self.query = nn.Linear(hidden_size, inner, bias=bias)
        self.key = nn.Linear(seen_size, inner, bias=bias)
        self.value = nn.Linear(seen_size, inner, bias=bias)
        self.output = nn.Linear(inner, hidden_size)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        context: torch.Tensor | None = None,
        cache: AttentionCache | None = None,
        **kwargs,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """
        Args:
            hidden_states: (batch, tokens, hidden_size).
            attention_mask: as `attention_mask_of` makes it.
            context: (batch, others, context_size), what the tokens look at in place of each other.
            cache: the tokens stand behind those whose keys and values it holds; of a context, which is always the
                same, they are computed once.

        Returns:
            (batch, tokens, hidden_size), and the weights (batch, heads, tokens, tokens or others) where attention is
            "eager".

        Raises:
            ValueError: `output_attentions` of an attention that does not compute weights.
        """
        how = self.config._attn_implementation
        if kwargs.pop("output_attentions", False) and how != "eager":
            raise ValueError(f"output_attentions wants attn_implementation='eager', this model has {how!r}")
        shape = hidden_states.shape[:-1]
        query = self._heads(self.query, hidden_states)
        key, value = self._seen(hidden_states, context, cache)
        attend = ALL_ATTENTION_FUNCTIONS.get_interface(how, eager_attention)
        dropout = self.dropout if self.training else 0.0
        mixed, weights = attend(
            self,
            query,
            key,
            value,
            attention_mask,
            scaling=self.scaling,
            dropout=dropout,
            is_causal=self.is_causal,
            **kwargs,
        )
        return self.output(mixed.reshape(*shape, -1)), weights

    def _heads(self, part: nn.Linear, tokens: torch.Tensor) -> torch.Tensor:
        return part(tokens).view(*tokens.shape[:-1], -1, self.head_size).transpose(1, 2)

    def _seen(self, hidden_states, context, cache: AttentionCache | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values, (batch, heads, tokens, head_size) each."""
        kept = None if cache is None or context is None else cache.kept()
        if kept is not None:
            return kept
        seen = hidden_states if context is None else context
        key, value = self._heads(self.key, seen), self._heads(self.value, seen)
        return (key, value) if cache is None else cache.cache.update(key, value, cache.layer)


def eager_attention(module, query, key, value, attention_mask, scaling: float, dropout: float = 0.0, **kwargs):
    """The plain arithmetic, which shows its weights; arguments and results are those of transformers' interface."""
    scores = query @ key.transpose(-1, -2) * scaling
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = F.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    mixed = F.dropout(weights, dropout, training=module.training) @ value
    return mixed.transpose(1, 2).contiguous(), weights


def attention_mask_of(
    config: PreTrainedConfig,
    hidden_states: torch.Tensor,
    counted: torch.Tensor | None,
    context: torch.Tensor | None = None,
) -> torch.Tensor | None:
    """The mask in the form that the configuration's attention wants.

    Args:
        config: of the model.
        hidden_states: (batch, tokens, hidden_size), what attention will see.
        counted: bool (batch, tokens), false where a token must not be looked at; None = all count. A row without any
            token counts all of its: there is nothing to be hidden, and an empty softmax is not a number.
        context: (batch, others, hidden_size), when the tokens look at others; `counted` is of these then.
    """
    counted = all_where_none(counted)
    if counted is not None and torch.compiler.is_compiling() and config._attn_implementation == "sdpa":
        # what follows, of one row for all queries: an exporter cannot tell the strides of (tokens, tokens) apart when
        # there may be any number of tokens
        return counted[:, None, None]
    mask = create_bidirectional_mask(
        config=config, inputs_embeds=hidden_states, attention_mask=counted, encoder_hidden_states=context
    )
    return cast(torch.Tensor | None, mask)


def pair_mask_of(
    config: PreTrainedConfig, hidden_states: torch.Tensor, allowed: torch.Tensor, added: torch.Tensor | None = None
) -> torch.Tensor:
    """A mask that says of each pair of tokens whether the first may look at the second, for "sdpa" and "eager".

    Args:
        config: of the model.
        hidden_states: (batch, tokens, hidden_size), what attention will see.
        allowed: bool (batch or 1, tokens, tokens); a token that may look at none would not be a number.
        added: (batch or 1, tokens, tokens), what is added to the scores of pairs that are allowed.
    """
    if added is None and config._attn_implementation == "sdpa":
        return allowed.unsqueeze(1)
    scores = torch.zeros((), device=allowed.device) if added is None else added
    blocked = torch.finfo(hidden_states.dtype).min
    return torch.where(allowed, scores.to(hidden_states.dtype), blocked).unsqueeze(1)
