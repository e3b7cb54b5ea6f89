"""What CLEF's loss makes of the risks: weights of the negatives, and the target of the alignment."""

import math
from typing import NamedTuple

import torch

from .risk_alignment import similarity
from .risk_distance import known_distances, published_distances
from .risk_weights import WeightSpread, of_views, softmax_log_weights, spread_log_weights
from .view_pairs import ViewPairs

PATHS = (MASKED, PAPER, RELEASED) = ("masked", "paper", "compat_released_code")


class RiskTerms(NamedTuple):
    """`log_weights` (2 batch, 2 total) of negatives; `target` S and `certainty` (total, total) of the alignment."""

    log_weights: torch.Tensor
    target: torch.Tensor
    certainty: torch.Tensor


def risk_terms(
    pairs: ViewPairs,
    temperature: torch.Tensor,
    risk: torch.Tensor,
    missing_rate: torch.Tensor | None = None,
    *,
    path: str = MASKED,
    distance: str = "squared",
    sharpness: float | WeightSpread = 0.8,
) -> RiskTerms:
    """Of the views and risks of all processes; see `risk_weighted_contrastive_loss`.

    Args:
        pairs: of the views.
        temperature: of the logits, which a `WeightSpread` may be counted in.
        risk: (total, columns), one column but for "masked".
        missing_rate: (total,).
        path, distance, sharpness: of the loss.
    """
    if path != MASKED:
        return _published(pairs, risk[:, 0], missing_rate, released=path == RELEASED)
    distances = known_distances(risk, missing_rate, distance)
    if isinstance(sharpness, WeightSpread):
        weights = spread_log_weights(distances, sharpness, pairs, temperature)
    else:
        weights = softmax_log_weights(distances.distance, sharpness, pairs)
    return RiskTerms(weights, similarity(0.8 * distances.distance + 0.2), distances.certainty)


def _published(pairs: ViewPairs, risk: torch.Tensor, missing_rate: torch.Tensor | None, released: bool) -> RiskTerms:
    known = risk.isfinite()
    if not released:
        missing_rate = torch.zeros_like(risk) if missing_rate is None else missing_rate
        missing_rate = torch.where(known, missing_rate, torch.ones_like(risk))
    risk = torch.where(known, risk, torch.zeros_like(risk))
    distances = published_distances(risk, missing_rate, added=1e-6 if released else 0)
    # a record's two views share its weight
    weights = of_views(distances.log_softmax(dim=1) - math.log(2), pairs)
    return RiskTerms(weights, similarity(distances), torch.ones_like(distances))
