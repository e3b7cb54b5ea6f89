"""How alike embeddings are, drawn to how alike risks are."""

import torch

from .risk_weights import of_views
from .view_pairs import ViewPairs


def similarity(distances: torch.Tensor) -> torch.Tensor:
    """S = 1 - D, and 1 within a record."""
    return (1 - distances).fill_diagonal_(1)


def published_alignment(
    pairs: ViewPairs, target: torch.Tensor, certainty: torch.Tensor, added: float = 0
) -> torch.Tensor:
    """Mean square between scaled cosines and `target`, weighted by `certainty`; both (total, total)."""
    lowest, span = _range(pairs, certainty.repeat(2, 2) > 0, added)
    scaled = (pairs.anchors @ pairs.columns.T - lowest) / span
    weights = of_views(certainty, pairs)
    share = len(pairs.anchors) / len(pairs.columns)
    return (weights * (scaled - of_views(target, pairs)) ** 2).sum() / (4 * certainty.sum() * share)


def centred_alignment(pairs: ViewPairs, target: torch.Tensor, certainty: torch.Tensor) -> torch.Tensor:
    """The same over pairs of different records, each side less its own mean: a constant target asks for no level.

    What a constant target still asks for is that the cosines differ less.
    """
    weights, cosines, target = _different_records(pairs, target, certainty)
    _, span = _range(pairs, weights > 0, 0)
    apart = _centred(cosines, weights) / span - _centred(target, weights)
    return (weights * apart**2).sum() / weights.sum()


def correlation_alignment(pairs: ViewPairs, target: torch.Tensor, certainty: torch.Tensor) -> torch.Tensor:
    """1 - Pearson's correlation over pairs of different records: neither level nor scale of the target says anything.

    1, without a gradient, where all targets are equal.
    """
    weights, cosines, target = _different_records(pairs, target, certainty)
    cosines, target = _centred(cosines, weights), _centred(target, weights)
    squares = (weights * cosines**2).sum() * (weights * target**2).sum()
    # the root of zero has no slope; float32 leaves equal targets differences of 1e-7
    defined = squares > 1e-12 * weights.sum() ** 2
    scale = torch.where(defined, squares, torch.ones_like(squares)).sqrt()
    return 1 - torch.where(defined, (weights * cosines * target).sum() / scale, torch.zeros_like(scale))


FORMS = {"published": published_alignment, "centred": centred_alignment, "correlation": correlation_alignment}


def _different_records(pairs, target, certainty):
    """Weights, cosines and targets of all views of all processes, (2 total, 2 total): 0 weighs what is not asked."""
    same = torch.eye(len(target), dtype=torch.bool, device=target.device)
    weights = certainty.masked_fill(same, 0).repeat(2, 2)
    return weights, pairs.columns @ pairs.columns.T, target.repeat(2, 2)


def _centred(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return values - (weights * values).sum() / weights.sum()


def _range(pairs: ViewPairs, counted: torch.Tensor, added: float) -> tuple[torch.Tensor, torch.Tensor]:
    # lowest and highest are those of all processes' views, not of the local ones alone
    everything = pairs.columns @ pairs.columns.T
    lowest = everything.masked_fill(~counted, float("inf")).amin()
    highest = everything.masked_fill(~counted, float("-inf")).amax()
    span = highest - lowest + added
    return lowest, span if added else span.clamp_min(1e-6)
