"""Transformer blocks: attention and a feed-forward part, with the norms before or after."""

import torch
from torch import nn
from torch.nn import functional as F
from transformers.activations import ACT2FN
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_layers import GradientCheckpointingLayer

from .attention import ECGSelfAttention


class ECGFeedForward(nn.Module):
    """Linear, activation, linear."""

    def __init__(self, hidden_size: int, intermediate_size: int, activation: str = "gelu", dropout: float = 0.0):
        super().__init__()
        self.expand = nn.Linear(hidden_size, intermediate_size)
        self.activation = ACT2FN[activation]
        self.contract = nn.Linear(intermediate_size, hidden_size)
        self.dropout = dropout

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        hidden_states = self.activation(self.expand(hidden_states))
        return self.contract(F.dropout(hidden_states, self.dropout, self.training))


class ECGTransformerBlock(GradientCheckpointingLayer):
    """What both kinds of block are made of.

    Args:
        config: of the model, see `ECGSelfAttention`.
        hidden_size, num_heads, intermediate_size: sizes.
        activation: of the feed-forward part, a name that transformers knows; "gelu" is the exact one.
        layer_norm_eps: of both norms.
        dropout: of what either part adds.
        inner_dropout: inside the feed-forward part; by default as `dropout`.
        attention: further options of `ECGSelfAttention`.
    """

    def __init__(
        self,
        config: PreTrainedConfig,
        hidden_size: int,
        num_heads: int,
        intermediate_size: int,
        *,
        activation: str = "gelu",
        layer_norm_eps: float = 1e-5,
        dropout: float = 0.0,
        inner_dropout: float | None = None,
        attention: dict | None = None,
    ):
        super().__init__()
        self.attention_norm = nn.LayerNorm(hidden_size, eps=layer_norm_eps)
        self.attention = ECGSelfAttention(config, hidden_size, num_heads, **(attention or {}))
        self.feed_forward_norm = nn.LayerNorm(hidden_size, eps=layer_norm_eps)
        inner = dropout if inner_dropout is None else inner_dropout
        self.feed_forward = ECGFeedForward(hidden_size, intermediate_size, activation, inner)
        self.dropout = dropout

    def drop(self, added: torch.Tensor) -> torch.Tensor:
        """Dropout of what a part adds."""
        return F.dropout(added, self.dropout, self.training)


class PreNormBlock(ECGTransformerBlock):
    """x + part(norm(x)), of attention, then of the feed-forward part."""

    def forward(
        self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None = None, **kwargs
    ) -> torch.Tensor:
        """(batch, tokens, hidden_size) to the same; `attention_mask` is made by `attention_mask_of`."""
        attended, _ = self.attention(self.attention_norm(hidden_states), attention_mask, **kwargs)
        hidden_states = hidden_states + self.drop(attended)
        return hidden_states + self.drop(self.feed_forward(self.feed_forward_norm(hidden_states)))


class PostNormBlock(ECGTransformerBlock):
    """norm(x + part(x)), of attention, then of the feed-forward part."""

    def forward(
        self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None = None, **kwargs
    ) -> torch.Tensor:
        """(batch, tokens, hidden_size) to the same; `attention_mask` is made by `attention_mask_of`."""
        attended, _ = self.attention(hidden_states, attention_mask, **kwargs)
        hidden_states = self.attention_norm(hidden_states + self.drop(attended))
        return self.feed_forward_norm(hidden_states + self.drop(self.feed_forward(hidden_states)))


def pre_norm_blocks(config, prefix: str = "") -> nn.ModuleList:
    """The blocks that a configuration describes by `num_hidden_layers`, `hidden_size`, `num_attention_heads` and
    `intermediate_size`, which begin with `prefix`, and by `layer_norm_eps`, `hidden_dropout`, `attention_dropout`.
    """
    names = ("hidden_size", "num_attention_heads", "intermediate_size")
    sizes = [getattr(config, f"{prefix}{name}") for name in names]
    return nn.ModuleList(
        PreNormBlock(
            config,
            *sizes,
            layer_norm_eps=config.layer_norm_eps,
            dropout=config.hidden_dropout,
            attention={"dropout": config.attention_dropout},
        )
        for _ in range(getattr(config, f"{prefix}num_hidden_layers"))
    )
