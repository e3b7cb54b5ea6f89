"""Survival in intervals of time: the likelihood of events and censored times, and the curve that a head predicts."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch.nn import functional as F

from .distributed import world_size
from .pair_targets import Gather, without_autocast

REDUCTIONS = ("sum", "mean")


def survival_loss(
    logits: torch.Tensor,
    time: torch.Tensor,
    event: torch.Tensor,
    breaks: Sequence[float],
    *,
    reduction: str = "sum",
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""Negative log-likelihood in intervals: $-\sum_i\sum_j\big(s_{ij}\log p_{ij}+f_{ij}\log(1-p_{ij})\big)$.

    $p=\sigma(\text{logit})$ is the probability to outlive an interval of those who enter it. $s_{ij}$ is 1 where
    record i is known to have outlived interval j: until its event, or, of one that is lost from sight, where it was
    seen for at least half of the interval. $f_{ij}$ is 1 in the interval of the event.

    **Inputs**: an event at or after the last break is one that was not seen in the time that is modelled.
    **Relations**: nnet-survival and ECG-CLIP's released code sum over the batch, and clamp both probabilities at a
    small number; here the logarithms are exact. A row whose time or event is not known adds nothing.

    Args:
        logits: (rows, intervals).
        time: (rows,), when the event was, or the record was last seen; in the unit of the breaks.
        event: (rows,), 1 for an event and 0 for a record that was lost from sight.
        breaks: ends of the intervals, rising from 0; one more than there are intervals.
        reduction: "sum" over rows, as published, or "mean" over the rows that are known.
        gather: `gather_with_gradient`, so that the mean over processes is that of the whole batch: the sum over the
            rows of every process, or their mean.

    Returns:
        Scalar; zero when no row is known.

    Raises:
        ValueError: shapes that do not fit, breaks that do not rise from 0, a negative time, an event that is neither 0
            nor 1, an unknown reduction.

    Source:
        Gensheimer and Narasimhan, A scalable discrete-time survival model for neural networks, PeerJ 2019, equation 1;
        dt-yuhui/ECG-CLIP, VHD-Survival/factory/survival.py.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import survival_loss
        >>> died_in_the_first_year = survival_loss(
        ...     torch.zeros(1, 2), torch.tensor([200.0]), torch.tensor([1.0]), breaks=[0, 365, 730]
        ... )
        >>> round(died_in_the_first_year.item(), 4)
        0.6931
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction is {reduction!r}, wanted one of {REDUCTIONS}")
    survived, failed = survival_targets(time, event, breaks)
    if logits.shape != survived.shape:
        raise ValueError(f"logits have shape {tuple(logits.shape)}, wanted {tuple(survived.shape)}: rows, intervals")
    with without_autocast(logits):
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        survived, failed = survived.to(logits), failed.to(logits)
        total = -(survived * F.logsigmoid(logits) + failed * F.logsigmoid(-logits)).sum()
        processes = 1 if gather is None else world_size()
        if reduction == "sum":
            return total * processes
        known = (time.isfinite() & event.isfinite()).sum().to(total)
        if gather is not None:
            known = gather(known[None]).sum()
        return total * processes / known.clamp(min=1)


def survival_targets(
    time: torch.Tensor, event: torch.Tensor, breaks: Sequence[float]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Which intervals each record outlived, and in which its event was; see `survival_loss`.

    Returns:
        float64 (rows, intervals) twice, of 0 and 1; zeros where time or event is not finite.

    Raises:
        ValueError: see `survival_loss`.
    """
    edges = check_breaks(breaks, time.device)
    if time.ndim != 1 or time.shape != event.shape:
        raise ValueError(f"time and event have shapes {tuple(time.shape)} and {tuple(event.shape)}, wanted (rows,)")
    known = (time.isfinite() & event.isfinite())[:, None]
    time, event = (torch.where(known[:, 0], value.detach(), 0).to(edges)[:, None] for value in (time, event))
    # a compiled graph cannot look at values
    if not torch.compiler.is_compiling():
        if (time < 0).any():
            raise ValueError(f"time goes down to {time.min().item():g}, wanted numbers from 0")
        if not ((event == 0) | (event == 1)).all():
            raise ValueError("event holds another number than 0 (last seen) and 1 (the event)")
    starts, ends, died = edges[:-1], edges[1:], event == 1
    survived = torch.where(died, time >= ends, time >= (starts + ends) / 2) & known
    failed = died & (time >= starts) & (time < ends) & known
    return survived.to(edges), failed.to(edges)


def survival_at(
    logits: torch.Tensor, time: float, breaks: Sequence[float], *, compat_flat_start: bool = False
) -> torch.Tensor:
    """The probability to be without an event until a time: the product over intervals, linear within one.

    Args:
        logits: (..., intervals), of the probability to outlive each interval.
        time: in the unit of the breaks.
        breaks: see `survival_loss`.
        compat_flat_start: as ECG-CLIP's released code, which interpolates from the end of the first interval on:
            before it the curve does not rise to 1 but stays what it is there, and after the last break it stays too.

    Returns:
        (...), float32 or better.

    Raises:
        ValueError: a time before 0, or after the last break, of which the model says nothing.

    Example:
        >>> import torch
        >>> from hf_ecg.losses.survival import survival_at
        >>> curve = [survival_at(torch.zeros(2), time, breaks=[0, 365, 730]).item() for time in (0, 365, 547.5)]
        >>> curve
        [1.0, 0.5, 0.375]
    """
    edges = check_breaks(breaks, logits.device)
    if logits.shape[-1] != len(edges) - 1:
        raise ValueError(f"logits have shape {tuple(logits.shape)}, wanted {len(edges) - 1} intervals")
    last = edges[-1].item()
    if not (time >= 0 and (compat_flat_start or time <= last)):
        raise ValueError(f"time is {time}, wanted 0 to {last:g}, where the last interval ends")
    with without_autocast(logits):
        curve = survival_curve(logits)
    time = min(max(float(time), edges[1].item()), last) if compat_flat_start else float(time)
    place = min(int(torch.searchsorted(edges, torch.tensor(time).to(edges), right=True).item()), len(edges) - 1)
    start, end = edges[place - 1].item(), edges[place].item()
    return torch.lerp(curve[..., place - 1], curve[..., place], (time - start) / (end - start))


def survival_curve(logits: torch.Tensor) -> torch.Tensor:
    """(..., intervals) of logits to (..., intervals + 1): the probability of no event until each break, 1 at first."""
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return F.pad(F.logsigmoid(logits).cumsum(-1).exp(), (1, 0), value=1.0)


def check_breaks(breaks: Sequence[float], device=None) -> torch.Tensor:
    """The breaks as float64.

    Raises:
        ValueError: fewer than two, or such that do not rise from 0.
    """
    values = [float(value) for value in breaks]
    rises = len(values) > 1 and all(left < right for left, right in pairwise(values)) and math.isfinite(values[-1])
    if not rises or values[0] != 0:
        raise ValueError(f"breaks are {values}, wanted at least two numbers that rise from 0")
    return torch.tensor(values, dtype=torch.float64, device=device)
