"""The least-squares estimate of all leads from any of them, in closed form from the leads' second moments."""

import torch


def least_squares_weights(moments: torch.Tensor, used: torch.Tensor) -> torch.Tensor:
    """Weights of the linear regression of every lead on those that are used, without an intercept.

    `moments[a, u] @ inverse(moments[u, u])` for each record's own set u, by the sweep operator (Goodnight, The
    American Statistician 33:149-158, 1979): twelve steps whatever the set, so that a graph of it can be exported.

    Args:
        moments: (leads, leads), the mean over samples of the product of each two leads.
        used: bool (batch, leads).

    Returns:
        float32 (batch, leads, leads): row a holds the weights of lead a; zero for leads that are not used. A lead
        that is used stands for itself.
    """
    moments = moments.float()
    number = moments.shape[0]
    eye = torch.eye(number, device=moments.device)
    smallest = 1e-6 * moments.diagonal().mean()
    table = moments.expand(used.shape[0], number, number)
    for lead in range(number):
        # one sweep is a change of rank one, but for an element that is not read again
        column = table[:, :, lead] - eye[lead]
        pivot = table[:, lead, lead].clamp(min=smallest)[:, None, None]
        swept = table - column[:, :, None] * column[:, None, :] / pivot
        table = torch.where(used[:, lead, None, None], swept, table)
    weights = torch.where(used[:, None, :], table, 0.0)
    return torch.where(used[:, :, None], eye, weights)
