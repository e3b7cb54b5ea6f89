"""Weights of the negatives: how much their logarithms differ within a row, by the distance of risks."""

import math
from typing import NamedTuple

import torch

from .risk_distance import RiskDistances
from .view_pairs import ViewPairs

SPREAD_UNITS = ("logits", "absolute")


class WeightSpread(NamedTuple):
    """What the logarithms of an anchor's weights are to have as their standard deviation, over its known negatives.

    Args:
        value: the standard deviation, in units of `unit`.
        unit: "absolute", or "logits": of the standard deviation that the logits of the anchor's negatives have. With 1
            the distance of risks says as much as the similarity of embeddings.
    """

    value: float
    unit: str = "logits"


def softmax_log_weights(distances: torch.Tensor, sharpness: float, pairs: ViewPairs) -> torch.Tensor:
    """(2 batch, 2 total): log of (number of negatives) x softmax of `sharpness` x distance over the negatives."""
    same = _same(distances)
    weights = (sharpness * distances).masked_fill(same, float("-inf")).log_softmax(dim=1)
    return of_views((weights + math.log(len(distances) - 1)).masked_fill(same, 0), pairs)


def spread_log_weights(
    distances: RiskDistances, spread: WeightSpread, pairs: ViewPairs, temperature: torch.Tensor
) -> torch.Tensor:
    """(2 batch, 2 total): log-weights whose standard deviation over the known negatives of an anchor is stated.

    Softmax of a distance leaves the spread to the distances: one outlier among the risks, and there is none. Here each
    row of distances is centred and divided by its own standard deviation first. The mean of the weights is 1. No
    gradient flows through the deviation of the logits.
    """
    counted = of_views((distances.certainty > 0) & ~_same(distances.distance), pairs)
    standard = _standardised(of_views(distances.distance, pairs), counted)
    scale = torch.full_like(standard[:, :1], spread.value)
    if spread.unit == "logits":
        logits = (pairs.anchors @ pairs.columns.T / temperature).detach()
        scale = scale * row_deviation(logits, pairs.negative)[:, None]
    weights = (scale * standard).masked_fill(~pairs.negative, float("-inf")).log_softmax(dim=1)
    return (weights + math.log(len(pairs.columns) - 2)).masked_fill(~pairs.negative, 0)


def of_views(records: torch.Tensor, pairs: ViewPairs) -> torch.Tensor:
    """Rows of the local records of (total, total), repeated for both views on both sides."""
    batch = len(pairs.anchors) // 2
    return records[pairs.start : pairs.start + batch].repeat(2, 2)


def row_deviation(values: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    """Standard deviation (population) over the entries of each row that count; 0 where none does."""
    mean = _row_mean(values, counted)
    return _row_mean((values - mean) ** 2, counted)[:, 0].sqrt()


def _row_mean(values: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    number = counted.sum(dim=1, keepdim=True).clamp(min=1)
    return values.masked_fill(~counted, 0).sum(dim=1, keepdim=True) / number


def _standardised(values: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    """Rows with mean 0 and standard deviation 1 over what counts; 0 where all that counts is equal."""
    deviation = row_deviation(values, counted)[:, None]
    # rounding leaves equal distances a deviation of their last bit
    differs = deviation > 1e-6
    centred = values - _row_mean(values, counted)
    return torch.where(differs, centred / torch.where(differs, deviation, torch.ones_like(deviation)), 0)


def _same(distances: torch.Tensor) -> torch.Tensor:
    return torch.eye(len(distances), dtype=torch.bool, device=distances.device)
