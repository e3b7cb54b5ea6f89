"""Positions of tokens: fixed ones, and learned ones for records of another length."""

import torch


def sin_cos_positions(number: int, hidden_size: int, base: float = 10000.0) -> torch.Tensor:
    """Sines, then cosines, of positions 0 to number - 1 at frequencies from 1 down to 1 / base.

    The frequencies are base^(-i / (hidden_size / 2)), i = 0 to hidden_size / 2 - 1, as masked autoencoders have them
    (arXiv 2111.06377); computed in float64.

    Returns:
        float32 (number, hidden_size).

    Raises:
        ValueError: an odd hidden_size.
    """
    if hidden_size % 2:
        raise ValueError(f"hidden_size is {hidden_size}, wanted an even number: sines and cosines share it")
    half = hidden_size // 2
    frequencies = base ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = torch.arange(number, dtype=torch.float64)[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1).float()


def interleaved_positions(number: int, hidden_size: int, base: float = 10000.0) -> torch.Tensor:
    """As `sin_cos_positions`, but sine and cosine of each frequency stand beside each other (arXiv 1706.03762)."""
    return sin_cos_positions(number, hidden_size, base).unflatten(1, (2, -1)).transpose(1, 2).flatten(1)


def stretched_positions(positions: torch.Tensor, number: int, lengths: torch.Tensor | None = None) -> torch.Tensor:
    """Learned positions for records of more or fewer tokens than there are positions, by linear interpolation.

    The first and the last of a record's tokens stand where the first and the last position do, as
    `torch.nn.functional.interpolate` without `align_corners` has them.

    Args:
        positions: (positions, hidden_size).
        number: tokens of a row.
        lengths: int64 (batch,), the tokens of each row that are a record's, its first ones; None = all.

    Returns:
        (number, hidden_size); with `lengths` (batch, number, hidden_size), where each record has the positions that it
        would have without padding.
    """
    learned = len(positions)
    if lengths is None:
        if number == learned:
            return positions
        lengths = torch.full((), number, device=positions.device)
    places = torch.arange(number, device=positions.device) + 0.5
    places = (places * learned / lengths.clamp(min=1).unsqueeze(-1) - 0.5).clamp(0, learned - 1)
    low = places.long()
    share = (places - low).unsqueeze(-1).to(positions.dtype)
    return torch.lerp(positions[low], positions[(low + 1).clamp(max=learned - 1)], share)
