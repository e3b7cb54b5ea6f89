"""Texts of one field differ in a few directions by much and in many by little: bring the directions closer."""

import torch

# As shares of the largest standard deviation: what is smaller is raised as if it were this, and what is noise dropped.
_SMALLEST, _NOISE = 0.02, 1e-6


def whitener(centred: torch.Tensor, power: float) -> torch.Tensor:
    """The symmetric matrix that divides each principal direction by its standard deviation to a power.

    The standard deviation over all values stays what it is. Directions in which the texts do not differ are dropped:
    nothing could be learnt of them.

    Args:
        centred: features less their mean, (texts, hidden size).
        power: 0 leaves the directions as they are, 1 makes all alike.

    Returns:
        float64 (hidden size, hidden size), to be multiplied from the right.
    """
    centred = centred.double()
    _, deviations, directions = torch.linalg.svd(centred, full_matrices=False)
    gains = deviations.clamp(min=_SMALLEST * deviations[0]) ** -power
    gains = gains * (deviations > _NOISE * deviations[0])
    matrix = directions.T @ (gains[:, None] * directions)
    return matrix * (centred.std() / (centred @ matrix).std())
