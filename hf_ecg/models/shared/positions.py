"""Fixed positions of tokens."""

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
