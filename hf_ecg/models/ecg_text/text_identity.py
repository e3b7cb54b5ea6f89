"""Numbers by which texts of a batch are told apart."""

import torch


def ids_of_texts(
    input_ids: torch.Tensor | None, attention_mask: torch.Tensor | None, text_features: torch.Tensor | None
) -> torch.Tensor:
    """Integers (texts,) equal where texts are equal, whatever the padding: the same on every process.

    Args:
        input_ids: (texts, tokens); None takes `text_features`.
        attention_mask: (texts, tokens), 0 where padded.
        text_features: (texts, hidden size): cached features of one text are the same bits.

    Raises:
        ValueError: neither tokens nor features.
    """
    if input_ids is None:
        if text_features is None:
            raise ValueError("texts given as inputs_embeds are told apart by text_ids only: give them too")
        input_ids, attention_mask = text_features.detach().float().contiguous().view(torch.int32), None
    counted = torch.ones_like(input_ids) if attention_mask is None else attention_mask.ne(0)
    counted = counted.long()
    tokens = (input_ids.long() + 1) * counted
    # a polynomial in 64-bit integers, which wrap around; padding adds nothing and moves nothing
    powers = torch.full((tokens.shape[1],), 6364136223846793005, device=tokens.device).cumprod(dim=0)
    powers = powers[counted.cumsum(dim=1).sub(1).clamp(min=0)]
    mixed = (tokens * 0x9E3779B1) ^ (tokens >> 7)
    return (mixed * powers).sum(dim=1)
