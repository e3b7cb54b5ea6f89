"""Means in which each record counts once, however many of its items are judged."""

import torch


def mean_by_record(values: torch.Tensor, judged: torch.Tensor | None = None) -> torch.Tensor:
    """Mean over records of the mean over their judged items.

    Where records have unequally many, a mean over all items would differ from the mean of its parts: of a batch in
    steps, or of one on several processes.

    Args:
        values: (batch, ...), any value, or none, where it is not judged.
        judged: bool of the same shape; None = all.

    Returns:
        Scalar; a record without a judged item adds zero.

    Example:
        >>> values, judged = torch.tensor([[1.0, 3.0], [5.0, 7.0]]), torch.tensor([[True, True], [True, False]])
        >>> mean_by_record(values, judged)
        tensor(3.5000)
    """
    values = values.flatten(1)
    if judged is None:
        return values.mean()
    judged = judged.flatten(1)
    # not a product: what is not judged may not be a number at all
    sums = values.masked_fill(~judged, 0.0).sum(dim=1)
    return (sums / judged.sum(dim=1).clamp(min=1)).mean()
