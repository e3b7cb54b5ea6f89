"""Spans of masked tokens, and which others each is compared with: a function of the numbers handed in."""

import torch


def draw_spans(
    order: torch.Tensor,
    chance: torch.Tensor,
    counted: torch.Tensor,
    *,
    probability: float,
    length: int,
    least: int = 2,
) -> torch.Tensor:
    """Spans of `length` tokens that may overlap, at places drawn without replacement.

    Of n tokens that count, int(probability * n / length + u) spans begin, u the row's chance: on average as
    many as would cover that share if none overlapped.

    Args:
        order: (batch, tokens), the spans begin where it is smallest.
        chance: (batch, 1) in [0, 1), whether there is one more.
        counted: bool (batch, tokens), the tokens that hold a record, from the first one on.
        probability: share of tokens.
        length: of a span; in a record that is shorter than one, all tokens are masked.
        least: spans, where there is room for so many places to begin.

    Returns:
        bool (batch, tokens).

    Source:
        wav2vec 2.0, arXiv 2006.11477, section 3.1; the rounding and the two spans at least are fairseq's.
    """
    number = counted.sum(dim=1, keepdim=True)
    # float64: a product such as 0.65 * 200 / 10 is then 13 on every machine
    spans = (number.double() * probability / length + chance.double()).long().clamp(min=least)
    places = torch.arange(order.shape[1], device=order.device)
    possible = counted & (places < (number - length + 1).clamp(min=1))
    rank = order.masked_fill(~possible, torch.inf).argsort(dim=1).argsort(dim=1)
    begun = ((rank < spans) & possible).long().cumsum(dim=1)
    # a token is masked when more spans have begun than those that are over
    over = torch.where(places >= length, begun[:, (places - length).clamp(min=0)], 0)
    return (begun > over) & counted


def as_many_in_each(masked: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """The mask with as many tokens in each row as in the one with the fewest; those with the least noise stay.

    Args:
        masked: bool (batch, tokens).
        noise: (batch, tokens).
    """
    fewest = masked.sum(dim=1).min()
    rank = noise.masked_fill(~masked, torch.inf).argsort(dim=1).argsort(dim=1)
    return masked & (rank < fewest)


def draw_negatives(noise: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
    """For each masked token places of other masked tokens of its row, drawn with replacement.

    Args:
        noise: (batch, tokens, negatives) in [0, 1).
        masked: bool (batch, tokens).

    Returns:
        int64 (batch, tokens, negatives); -1 where a row has no other masked token. For tokens that are not masked they
        mean nothing.
    """
    number = masked.sum(dim=1)[:, None, None]
    # the places of masked tokens come first
    places = masked.int().argsort(dim=1, descending=True, stable=True)
    own = (masked.long().cumsum(dim=1) - 1)[..., None]
    chosen = torch.minimum((noise * (number - 1)).long(), number - 2).clamp(min=0)
    chosen = chosen + (chosen >= own).long()
    chosen = chosen.clamp(max=masked.shape[1] - 1)
    found = places[:, None].expand(-1, masked.shape[1], -1).gather(2, chosen)
    return torch.where(number > 1, found, -1)
