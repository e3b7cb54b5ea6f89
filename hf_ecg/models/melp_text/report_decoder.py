"""What writes reports: blocks over the text tower's states, which look at the report so far and at the ECG in turn."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers.cache_utils import Cache

from ..shared.attention import AttentionCache
from ..shared.transformer import ECGTransformerBlock, PreNormBlock
from .configuration_melp_text import MELPTextConfig


class ContextBlock(ECGTransformerBlock):
    """x + attention(norm(x), norm(context)), then x + feed_forward(norm(x))."""

    def __init__(self, config, hidden_size: int, *args, layer_norm_eps: float = 1e-5, **kwargs):
        super().__init__(config, hidden_size, *args, layer_norm_eps=layer_norm_eps, **kwargs)
        self.context_norm = nn.LayerNorm(hidden_size, eps=layer_norm_eps)

    def forward(self, hidden_states: torch.Tensor, context: torch.Tensor, **kwargs) -> torch.Tensor:
        """(batch, tokens, hidden_size) and (batch, others, hidden_size) to the first shape."""
        attended, _ = self.attention(self.attention_norm(hidden_states), context=self.context_norm(context), **kwargs)
        hidden_states = hidden_states + self.drop(attended)
        return hidden_states + self.drop(self.feed_forward(self.feed_forward_norm(hidden_states)))


class ReportDecoder(nn.Module):
    """CoCa's multimodal decoder: a block over the tokens so far and one over the ECG's caption tokens, in turn.

    It has no positions and no word vectors of its own: it reads what the text tower says of each token.

    Source:
        CoCa, arXiv 2205.01917, section 3.2; MELP, arXiv 2506.21803, section 3.2. There the weights of `vocabulary`
        begin as whatever lies in the memory; here as CoCa's would, normal with one over the root of the width.
    """

    def __init__(self, config: MELPTextConfig):
        super().__init__()
        text: Any = config.text_config
        size, heads = text.hidden_size, config.decoder_num_attention_heads
        inner = 4 * size if config.decoder_intermediate_size is None else config.decoder_intermediate_size
        options: dict[str, Any] = {"layer_norm_eps": config.layer_norm_eps, "dropout": config.decoder_dropout}
        layers = range(config.decoder_num_hidden_layers)
        self.report_blocks = nn.ModuleList(
            PreNormBlock(config, size, heads, inner, attention={"is_causal": True}, **options) for _ in layers
        )
        self.ecg_blocks = nn.ModuleList(ContextBlock(config, size, heads, inner, **options) for _ in layers)
        self.norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.vocabulary = nn.Parameter(torch.empty(size, text.vocab_size))

    def forward(
        self,
        token_states: torch.Tensor,
        caption_states: torch.Tensor,
        attention_mask: torch.Tensor | None,
        past_key_values: Cache | None = None,
        first_layer: int = 0,
    ) -> torch.Tensor:
        """
        Args:
            token_states: (texts, tokens, hidden_size) of the text tower.
            caption_states: (texts, caption tokens, hidden_size) of each text's ECG.
            attention_mask: causal, in the form that the configuration's attention wants; see `create_causal_mask`.
            past_key_values: holds the keys and values of earlier tokens, in layers from `first_layer` on.
            first_layer: those before are the text tower's.

        Returns:
            (texts, tokens, vocabulary), of the token that follows each.
        """
        number = len(self.report_blocks)
        for layer, (report_block, ecg_block) in enumerate(zip(self.report_blocks, self.ecg_blocks, strict=True)):
            own, others = None, None
            if past_key_values is not None:
                own = AttentionCache(past_key_values, first_layer + layer)
                others = AttentionCache(past_key_values, first_layer + number + layer)
            token_states = report_block(token_states, attention_mask, cache=own)
            # by its place: a reentrant checkpoint sees the gradients of such arguments only
            token_states = ecg_block(token_states, caption_states, cache=others)
        return F.linear(self.norm(token_states), self.vocabulary.T.to(token_states.dtype))
