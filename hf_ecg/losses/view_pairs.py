"""Two views of each record: which entries of their similarities are one's own, and which belong together."""

import math
from typing import NamedTuple

import torch

from .distributed import rank
from .pair_targets import Gather


class ViewPairs(NamedTuple):
    """Anchors: both views of the local records; columns: both views of all records, first views before second ones.

    With `batch` local records of `total` on all processes: `anchors` (2 batch, dimensions), `columns` (2 total,
    dimensions); bool (2 batch, 2 total) `own`, an anchor against itself, and `positive`, against the other view of its
    record; `start`, the place of the first local record among all.
    """

    anchors: torch.Tensor
    columns: torch.Tensor
    own: torch.Tensor
    positive: torch.Tensor
    start: int

    @property
    def negative(self) -> torch.Tensor:
        return ~(self.own | self.positive)


def view_pairs(first_embeds: torch.Tensor, second_embeds: torch.Tensor, gather: Gather | None) -> ViewPairs:
    """The views of every process, and the targets of the local ones.

    Raises:
        ValueError: see `check_views`; fewer than two records on all processes together.
    """
    all_first, all_second = first_embeds, second_embeds
    if gather is not None:
        all_first, all_second = gather(torch.cat([first_embeds, second_embeds], dim=1)).chunk(2, dim=1)
    batch, total = len(first_embeds), len(all_first)
    start = 0 if gather is None else rank() * batch
    if start + batch > total:
        raise ValueError(f"gather returned {total} rows, but rank {rank()} with {batch} rows needs {start + batch}")
    if total < 2:
        raise ValueError("one record has no negatives; wanted two or more on all processes together")
    records = torch.arange(start, start + batch, device=first_embeds.device)
    same_record = records[:, None] == torch.arange(total, device=records.device)
    other = torch.zeros_like(same_record)
    return ViewPairs(
        anchors=torch.cat([first_embeds, second_embeds]),
        columns=torch.cat([all_first, all_second]),
        own=torch.cat([torch.cat([same_record, other], dim=1), torch.cat([other, same_record], dim=1)]),
        positive=torch.cat([torch.cat([other, same_record], dim=1), torch.cat([same_record, other], dim=1)]),
        start=start,
    )


def check_views(first_embeds: torch.Tensor, second_embeds: torch.Tensor, temperature: torch.Tensor | float) -> None:
    """Refuse what no contrast of two views can work with.

    Raises:
        ValueError: embeddings that are not two float (rows, dimensions) tensors of one shape, with at least one row; a
            temperature that is a number, but not above zero.
    """
    for name, embeds in (("first_embeds", first_embeds), ("second_embeds", second_embeds)):
        if embeds.ndim != 2 or not embeds.is_floating_point():
            raise ValueError(
                f"{name} is {embeds.dtype} of shape {tuple(embeds.shape)}, wanted floats of shape (batch, dimensions)"
            )
    if first_embeds.shape != second_embeds.shape:
        raise ValueError(
            f"first_embeds {tuple(first_embeds.shape)} and second_embeds {tuple(second_embeds.shape)} must have one"
            " shape: row i of both are views of one record"
        )
    if not len(first_embeds):
        raise ValueError("first_embeds and second_embeds have no rows")
    if not isinstance(temperature, torch.Tensor) and not temperature > 0:
        raise ValueError(f"temperature is {temperature}, wanted a number above 0")


def contrast(
    pairs: ViewPairs, temperature: torch.Tensor, log_weights: torch.Tensor | None, added: float = 0
) -> torch.Tensor:
    """Mean over anchors of -log(e^p / (e^p + sum over negatives of w e^l)), l the similarities over the temperature.

    Args:
        log_weights: log w of every entry, (2 batch, 2 total) or broadcast to it; those of own and positive entries do
            not matter. None for 1.
        added: a constant in the denominator, in units of the anchor's largest term e^l.
    """
    logits = (pairs.anchors @ pairs.columns.T / temperature).masked_fill(pairs.own, float("-inf"))
    positive = logits.masked_fill(~pairs.positive, 0).sum(dim=1)
    terms = logits
    if log_weights is not None:
        terms = torch.where(pairs.negative, logits + log_weights, logits)
    if added:
        floor = logits.detach().amax(dim=1, keepdim=True) + math.log(added)
        terms = torch.cat([terms, floor], dim=1)
    return (terms.logsumexp(dim=1) - positive).mean()
