"""Sentences of tokenised reports, by the token of a full stop."""

from collections.abc import Sequence

import torch


def sentences_by_token(
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor | None,
    end_token_id: int,
    special_ids: Sequence[int],
    compat_sentences: bool = False,
) -> torch.Tensor:
    """The number of the sentence that each token is of; a full stop is part of the sentence that it ends.

    Args:
        input_ids: int64 (texts, tokens).
        attention_mask: (texts, tokens), 0 where padded; None = no padding.
        end_token_id: of the full stop.
        special_ids: tokens that are of none.
        compat_sentences: what has no full stop behind it is of no sentence, as in the released code.

    Returns:
        int64 (texts, tokens), from 0 in each text; -1 where a token is of none.
    """
    ends = input_ids == end_token_id
    before = ends.long().cumsum(dim=1) - ends.long()
    special = torch.tensor(list(special_ids), device=input_ids.device)
    left_out = torch.isin(input_ids, special)
    if attention_mask is not None:
        left_out = left_out | attention_mask.eq(0)
    if compat_sentences:
        left_out = left_out | (before == ends.sum(dim=1, keepdim=True))
    return before.masked_fill(left_out, -1)
