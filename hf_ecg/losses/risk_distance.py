"""How far apart the clinical risks of a batch are, and which of these distances are known."""

from typing import NamedTuple

import torch

DISTANCES = ("squared", "rank")


class RiskDistances(NamedTuple):
    """`distance` (total, total), in [0, 1], 0 on the diagonal; `certainty` (total, total), 0 where nothing is known.

    `certainty` is the share that a pair has in an alignment; 1 on the diagonal of records with a known risk.
    """

    distance: torch.Tensor
    certainty: torch.Tensor


def known_distances(risk: torch.Tensor, missing_rate: torch.Tensor | None, distance: str) -> RiskDistances:
    """Distances between known risks, and their median where one is unknown.

    Distances are divided by the largest known one, so that the scale of the risk does not matter. With a missing rate
    the certainty of a pair is exp(-m_i m_j), and its distance keeps only that share of what sets it apart from the
    median.

    Args:
        risk: (total,), not finite where unknown; or (total, columns): the mean of the columns' distances, and a record
            is known where all of its columns are.
        missing_rate: (total,) in [0, 1], or None.
        distance: "squared" (r_i - r_j)^2; "rank" |rank_i - rank_j| among the known risks, equal ones sharing a rank.
    """
    columns = risk[:, None] if risk.ndim == 1 else risk
    known = columns.isfinite().all(dim=1)
    parts = [_apart(column, known, distance) for column in columns.unbind(dim=1)]
    apart = torch.stack(parts).mean(dim=0)
    both = known[:, None] & known
    same = torch.eye(len(risk), dtype=torch.bool, device=risk.device)
    certainty = torch.ones_like(apart) if missing_rate is None else torch.exp(-missing_rate[:, None] * missing_rate)
    median = _median(apart, both & ~same)
    apart = torch.where(both, median + certainty * (apart - median), median).masked_fill(same, 0)
    return RiskDistances(apart, certainty.masked_fill(same, 1).masked_fill(~both, 0))


def published_distances(risk: torch.Tensor, missing_rate: torch.Tensor | None, added: float = 0) -> torch.Tensor:
    """CLEF's distances: squared, min-max scaled over the whole batch with its diagonal, then to 0.2 to 1.

    Args:
        risk: (total,), 0 in place of unknown ones.
        missing_rate: (total,): D_ij *= exp(-m_i m_j).
        added: to the range that is divided by.

    Returns:
        (total, total), 0 on the diagonal.
    """
    apart = (risk[:, None] - risk) ** 2
    span = apart.amax() - apart.amin() + added
    apart = (apart - apart.amin()) / torch.where(span > 0, span, torch.ones_like(span))
    apart = (0.8 * apart + 0.2).masked_fill(torch.eye(len(risk), dtype=torch.bool, device=risk.device), 0)
    return apart if missing_rate is None else apart * torch.exp(-missing_rate[:, None] * missing_rate)


def _apart(risk: torch.Tensor, known: torch.Tensor, distance: str) -> torch.Tensor:
    """(total, total), over the largest of the known ones; entries of unknown records mean nothing."""
    values = torch.where(known, risk, torch.zeros_like(risk))
    if distance == "rank":
        values = _ranks(values, known)
    lowest = values.masked_fill(~known, float("inf")).amin()
    highest = values.masked_fill(~known, float("-inf")).amax()
    # the quotient before the square: a risk in any unit, per cent or millionths, stays within range
    spread = torch.where(highest > lowest, highest - lowest, torch.ones_like(highest))
    apart = ((values[:, None] - values) / spread).abs()
    return apart**2 if distance == "squared" else apart


def _ranks(values: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    below = (values[:, None] > values) & known
    equal = (values[:, None] == values) & known
    return below.sum(dim=1).to(values) + (equal.sum(dim=1).to(values) + 1) / 2


def _median(values: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    """Mean of the two middle ones of those that count; 0 of none. torch.median takes the lower one, torch.quantile at
    most 2^24, and no shape may depend on what is known, or the loss could not be compiled."""
    ordered = values.masked_fill(~counted, float("inf")).flatten().sort().values
    number = counted.sum()
    middle = torch.stack([(number - 1).clamp(min=0) // 2, number // 2])
    return torch.where(number > 0, ordered[middle].mean(), torch.zeros_like(ordered[0]))
