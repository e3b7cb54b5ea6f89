"""Random views that take leads away: they become zero and absent in `lead_mask`, as those that nobody recorded."""

from collections.abc import Sequence

import torch

from ..signals.leads import canonical_leads
from .view_base import Generators, Waveforms, uniform


def lead_dropout(waveforms: Waveforms, generator: Generators, *, lead_probability: float) -> Waveforms:
    """Drops leads: they become zero and absent in `lead_mask`. At least one present lead is kept.

    Args:
        waveforms: records.
        generator: one for the batch, or one per record.
        lead_probability: that a present lead is dropped.
    """
    lead_mask = waveforms.lead_mask
    chance = uniform(generator, tuple(lead_mask.shape), waveforms.input_values.device, torch.float32)
    chance = chance.masked_fill(~lead_mask, -1.0)
    return _keep(waveforms, lead_mask & ((chance >= lead_probability) | (chance == chance.amax(1, keepdim=True))))


def lead_subset(waveforms: Waveforms, generator: Generators, *, kept: Sequence[int]) -> Waveforms:
    """Keeps some of the present leads, any of them alike; how many is drawn evenly. The others become absent.

    A record with fewer present leads than are to be kept stays as it is.

    Args:
        waveforms: records.
        generator: one for the batch, or one per record.
        kept: the fewest and the most leads that stay, both among the numbers that are drawn.

    Source:
        TolerantECG, arXiv 2507.09887: 6 to 12 leads of the views that its teacher sees, 1 to 6 of the others.
    """
    low, high = kept
    lead_mask = waveforms.lead_mask
    drawn = uniform(generator, (len(lead_mask), 1 + lead_mask.shape[1]), lead_mask.device, torch.float64)
    number = (low + (drawn[:, :1] * (high - low + 1)).long()).clamp(max=high)
    # absent leads have the last ranks
    ranks = drawn[:, 1:].masked_fill(~lead_mask, 2.0).argsort(dim=1).argsort(dim=1)
    return _keep(waveforms, lead_mask & (ranks < number))


def check_kept(where: str, kept) -> None:
    """Raises ValueError for what is not the fewest and the most leads that stay."""
    numbers = isinstance(kept, (list, tuple)) and len(kept) == 2 and all(type(one) is int for one in kept)
    if not numbers or not 1 <= kept[0] <= kept[1]:
        raise ValueError(f"{where} is {kept!r}, wanted [fewest, most] leads, whole numbers from 1")


def lead_zeroing(waveforms: Waveforms, generator: Generators, *, lead_probability: float = 0.5) -> Waveforms:
    """Random lead masking as ECG-FM has it: leads become zero, and still count as recorded; all of them may.

    `lead_dropout` makes them absent, and keeps one.

    Args:
        waveforms: records.
        generator: one for the batch, or one per record.
        lead_probability: that a lead becomes zero.

    Source:
        Oh et al., arXiv 2203.06889, section 3.3; fairseq_signals/data/ecg/augmentations.py at 6b9e1375, whose
        selection "conditional" unpacks its own name in place of the condition, and is not offered.
    """
    chance = uniform(generator, tuple(waveforms.lead_mask.shape), waveforms.input_values.device, torch.float32)
    return waveforms._replace(
        input_values=waveforms.input_values.masked_fill((chance < lead_probability)[..., None], 0.0)
    )


def lead_patterns(
    waveforms: Waveforms, generator: Generators, *, patterns: Sequence[Sequence[str]], leads: Sequence[str]
) -> Waveforms:
    """Keeps the leads of one of several patterns, drawn evenly for each record: those that devices record.

    A record that has no lead of its pattern stays as it is.

    Args:
        waveforms: records.
        generator: one for the batch, or one per record.
        patterns: lists of lead names. Limb leads are derived from any two of them before views act, so a device of
            leads I and II is the pattern of all six.
        leads: names of the waveforms' leads, in their order; the feature extractor's own when left out.
    """
    values, lead_mask, _ = waveforms
    names, device = canonical_leads(leads), values.device
    wanted = torch.tensor([[name in canonical_leads(one) for name in names] for one in patterns], device=device)
    drawn = uniform(generator, (len(values),), device, torch.float64)
    kept = lead_mask & wanted[(drawn * len(patterns)).long().clamp(max=len(patterns) - 1)]
    return _keep(waveforms, torch.where(kept.any(1, keepdim=True), kept, lead_mask))


def check_patterns(where: str, patterns, leads: Sequence[str] | None) -> None:
    """Raises ValueError for what is not a list of lists of leads, or names one that the waveforms do not have."""
    lists = isinstance(patterns, (list, tuple)) and bool(patterns)
    if not lists or not all(isinstance(one, (list, tuple)) and one for one in patterns):
        raise ValueError(f"{where} is {patterns!r}, wanted a list of lists of leads")
    named = {lead for one in patterns for lead in canonical_leads(one)}
    if leads is not None and (unknown := sorted(named - set(canonical_leads(leads)))):
        raise ValueError(f"{where} names {unknown}, which are not among the waveforms' leads {list(leads)}")


def _keep(waveforms: Waveforms, kept: torch.Tensor) -> Waveforms:
    values, lead_mask, sample_mask = waveforms
    return Waveforms(values.masked_fill((lead_mask & ~kept)[..., None], 0.0), kept, sample_mask)
