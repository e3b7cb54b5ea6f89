"""One vector of many positions by attention, or some: learned tokens look at all of them."""

import torch
from torch import nn
from transformers.configuration_utils import PreTrainedConfig

from .attention import ECGSelfAttention, attention_mask_of
from .padding import lengths_of
from .positions import stretched_positions


class ECGAttentionPooling(nn.Module):
    """A learned token looks at itself and at all positions, each with a learned vector of its place.

    Args:
        config: of the model, see `ECGSelfAttention`.
        hidden_size: of the positions' vectors, and of the result.
        num_heads: heads.
        num_positions: places that are learned.
        interpolate: whether records of another length are taken, with the places stretched to each record's own.

    Source:
        CLIP's ResNets (arXiv 2103.00020, section 2.4) and MERL (arXiv 2403.06659), with the place of the token inside
        the token.
    """

    def __init__(
        self, config: PreTrainedConfig, hidden_size: int, num_heads: int, num_positions: int, interpolate: bool = False
    ):
        super().__init__()
        self.config, self.interpolate = config, interpolate
        self.token = nn.Parameter(torch.empty(hidden_size))
        self.positions = nn.Parameter(torch.empty(num_positions, hidden_size))
        self.attention = ECGSelfAttention(config, hidden_size, num_heads)
        self.output = nn.Linear(hidden_size, hidden_size)

    def forward(self, hidden_states: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """
        Args:
            hidden_states: (batch, positions, hidden_size).
            mask: bool (batch, positions), false where a position must not be looked at; None = all count.

        Returns:
            (batch, hidden_size).

        Raises:
            ValueError: another number of positions than are learned, unless they are stretched.
        """
        batch, number, _ = hidden_states.shape
        if not self.interpolate and number != len(self.positions):
            raise ValueError(
                f"the ECG encoder gives {number} positions, and the pooling has learned {len(self.positions)}: records"
                " of another length want interpolate_positions=True in the configuration"
            )
        lengths = lengths_of(mask) if mask is not None and self.interpolate else None
        placed = hidden_states + stretched_positions(self.positions, number, lengths)
        token = self.token.expand(batch, 1, -1).to(placed.dtype)
        seen = torch.cat([token, placed], dim=1)
        counted = None if mask is None else torch.cat([mask.new_ones(batch, 1), mask], dim=1)
        attention_mask = attention_mask_of(self.config, token, counted, context=seen)
        pooled, _ = self.attention(token, attention_mask, context=seen)
        return self.output(pooled[:, 0])


class ECGQueryPooling(nn.Module):
    """Learned queries look at all positions: as many vectors as there are queries.

    Args:
        config: of the model, see `ECGSelfAttention`.
        num_queries: vectors.
        hidden_size: of each.
        num_heads: heads.
        context_size: of the positions' vectors.
        layer_norm_eps: of the norms of queries and positions.

    Source:
        CoCa (arXiv 2205.01917, section 3.2), as open_clip writes it: both are normed before they meet.
    """

    def __init__(
        self,
        config: PreTrainedConfig,
        num_queries: int,
        hidden_size: int,
        num_heads: int,
        context_size: int,
        layer_norm_eps: float = 1e-5,
    ):
        super().__init__()
        self.config = config
        self.queries = nn.Parameter(torch.empty(num_queries, hidden_size))
        self.query_norm = nn.LayerNorm(hidden_size, eps=layer_norm_eps)
        self.context_norm = nn.LayerNorm(context_size, eps=layer_norm_eps)
        self.attention = ECGSelfAttention(config, hidden_size, num_heads, context_size=context_size)

    def forward(
        self, hidden_states: torch.Tensor, mask: torch.Tensor | None = None, **kwargs
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """
        Args:
            hidden_states: (batch, positions, context_size).
            mask: bool (batch, positions), false where a position must not be looked at; None = all count.

        Returns:
            (batch, num_queries, hidden_size), and the weights (batch, heads, num_queries, positions) where attention
            is "eager".
        """
        queries = self.query_norm(self.queries).expand(hidden_states.shape[0], -1, -1)
        attention_mask = attention_mask_of(self.config, queries, mask, context=hidden_states)
        return self.attention(queries, attention_mask, context=self.context_norm(hidden_states), **kwargs)
