"""A record's beats as a grid, leads by beats, and which tokens of it look at which others."""

from dataclasses import dataclass, replace

import torch

from ..shared.attention import pair_mask_of
from ..shared.beat_inputs import check_beats
from ..shared.masking import take
from ..shared.padding import all_where_none
from ..shared.table_rows import check_rows
from .configuration_clear import CLEARConfig


@dataclass(frozen=True)
class BeatGrid:
    """The beats of a batch, lead after lead, each lead with the same number of places.

    Args:
        beats: (batch, tokens, beat_samples).
        times: int64 (batch, tokens), rows of the table of times.
        leads: int64 (batch, tokens), places of the leads, from 0.
        numbers: int64 (batch, tokens), which beat of its lead each is, from 0.
        peaks: int64 (batch, tokens), samples of the R peaks; -1 where there is none, or none was given.
        counted: bool (batch, tokens), the beats that are looked at; None = all.
        present: bool (batch, leads), the leads that have a beat that counts; all where no lead has one. None = all.
    """

    beats: torch.Tensor
    times: torch.Tensor
    leads: torch.Tensor
    numbers: torch.Tensor
    peaks: torch.Tensor
    counted: torch.Tensor | None
    present: torch.Tensor | None

    def positions_of(self, config: CLEARConfig) -> torch.Tensor:
        """int64 (batch, tokens), rows of the table of positions, whose first are those of class tokens."""
        return config.num_leads + self.leads * config.num_beats + self.numbers

    def only(self, kept: torch.Tensor) -> "BeatGrid":
        """The beats at `kept` (batch, number), in that order; one below 0 does not count."""
        there, kept = kept >= 0, kept.clamp(min=0)
        counted: torch.Tensor | None = there if self.counted is None else self.counted.gather(1, kept) & there
        if self.counted is None and not torch.compiler.is_compiling() and bool(there.all()):
            counted = None
        names = ("times", "leads", "numbers", "peaks")
        chosen = {name: getattr(self, name).gather(1, kept) for name in names}
        return replace(self, beats=take(self.beats, kept), counted=counted, **chosen)

    def filled(self, num_leads: int) -> "BeatGrid":
        """Without the last places of each lead that no record of the batch fills."""
        if self.counted is None or torch.compiler.is_compiling():
            return self
        used = self.counted.unflatten(1, (num_leads, -1)).any(dim=1).any(dim=0).nonzero()
        number = int(used.max()) + 1 if len(used) else 1
        if number * num_leads == self.counted.shape[1]:
            return self
        cut = {
            name: value.unflatten(1, (num_leads, -1))[:, :, :number].flatten(1, 2)
            for name, value in vars(self).items()
            if name != "present" and value is not None
        }
        return replace(self, **cut)


def beat_grid(
    config: CLEARConfig, beat_tokens, beat_mask=None, lead_ids=None, time_ids=None, peak_samples=None, lead_mask=None
) -> BeatGrid:
    """What `CLEARModel.forward` is given, checked, with what was left out.

    Raises:
        ValueError: as `CLEARModel.forward` says.
    """
    of_beats = {"beat_mask": beat_mask, "lead_ids": lead_ids, "time_ids": time_ids}
    check_beats(beat_tokens, config.beat_samples, lead_mask, config.num_leads, **of_beats, peak_samples=peak_samples)
    batch, tokens = beat_tokens.shape[:2]
    slots = tokens // config.num_leads
    if slots * config.num_leads != tokens or slots > config.num_beats:
        raise ValueError(
            f"beat_tokens have {tokens} places, wanted {config.num_leads} leads of up to {config.num_beats} beats,"
            " lead after lead"
        )
    grid = torch.arange(config.num_leads * slots, device=beat_tokens.device)
    leads, numbers = (value.expand(batch, -1) for value in (grid // slots, grid % slots))
    counted = _counted(config, beat_mask, lead_mask, slots)
    if lead_ids is not None:
        _check_order(lead_ids, leads, counted, beat_mask)
    if time_ids is not None:
        check_rows("time_ids", time_ids, config.num_time_embeddings, "rows of seconds")
    peaks = torch.full_like(leads, -1) if peak_samples is None else peak_samples
    return BeatGrid(
        # whatever stands where no beat is, NaN too
        beats=beat_tokens if counted is None else beat_tokens.masked_fill(~counted.unsqueeze(2), 0.0),
        times=torch.zeros_like(leads) if time_ids is None else time_ids,
        leads=leads,
        numbers=numbers,
        peaks=peaks if beat_mask is None else peaks.masked_fill(~beat_mask.bool(), -1),
        counted=counted,
        present=_present(counted, config.num_leads),
    )


def _counted(config: CLEARConfig, beat_mask, lead_mask, slots: int) -> torch.Tensor | None:
    given = []
    if beat_mask is not None and not config.compat_unmasked_padding:
        given.append(beat_mask.bool())
    if lead_mask is not None:
        given.append(lead_mask.bool().repeat_interleave(slots, dim=1))
    if not given:
        return None
    counted = given[0] if len(given) == 1 else given[0] & given[1]
    return None if not torch.compiler.is_compiling() and bool(counted.all()) else counted


def _present(counted: torch.Tensor | None, num_leads: int) -> torch.Tensor | None:
    return None if counted is None else all_where_none(counted.unflatten(1, (num_leads, -1)).any(dim=2))


def _check_order(lead_ids: torch.Tensor, leads: torch.Tensor, counted, beat_mask) -> None:
    if torch.compiler.is_compiling():
        return
    wrong = lead_ids != leads + 1
    for mask in (counted, beat_mask):
        wrong = wrong if mask is None else wrong & mask.bool()
    if wrong.any():
        record, token = wrong.nonzero()[0].tolist()
        raise ValueError(
            f"token {token} of record {record} is of lead {int(lead_ids[record, token])}, wanted"
            f" {int(leads[record, token]) + 1}: beats come lead after lead, each lead with the same number of places"
        )


def encoder_mask(config: CLEARConfig, grid: BeatGrid, hidden_states: torch.Tensor) -> torch.Tensor:
    """A class token looks at itself and the beats of its lead, a beat at all class tokens and beats; what does not
    count is not looked at but by itself. As `pair_mask_of` makes it.

    With `compat_additive_mask` class tokens look at everything, and 1 is added to the scores of what the released code
    meant to block: all but a stretch of as many tokens as their lead has beats, the first stretch at the first token.
    """
    own, itself = _of_lead(config, grid), _diagonal(config.num_leads, grid)
    batch, leads, tokens = own.shape
    between = own.new_ones(batch, tokens, tokens)
    from_beats = torch.cat([own.new_ones(batch, tokens, leads), between], dim=2)
    if not config.compat_additive_mask:
        from_class = torch.cat([itself.expand(batch, -1, -1), own], dim=2)
        return pair_mask_of(config, hidden_states, _counting(grid, from_class, from_beats))
    number = own.sum(dim=2, keepdim=True)
    last = number.cumsum(dim=1)
    place = torch.arange(leads + tokens, device=own.device)
    outside = (place < last - number) | (place >= last)
    added = torch.cat([outside, torch.zeros_like(from_beats)], dim=1)
    return pair_mask_of(config, hidden_states, _counting(grid, torch.ones_like(outside), from_beats), added)


def decoder_mask(
    config: CLEARConfig, grid: BeatGrid, removed: torch.Tensor, hidden_states: torch.Tensor
) -> torch.Tensor:
    """A class token looks at itself and the beats of its lead; a beat at its lead's class token; one that was removed
    at the same beat in all leads, one that was kept at all that were kept.

    Args:
        removed: bool (batch, tokens).
    """
    own, itself = _of_lead(config, grid), _diagonal(config.num_leads, grid)
    same = grid.numbers.unsqueeze(2) == grid.numbers.unsqueeze(1)
    between = torch.where(removed.unsqueeze(2), same, ~removed.unsqueeze(1))
    from_class = torch.cat([itself.expand(own.shape[0], -1, -1), own], dim=2)
    from_beats = torch.cat([own.transpose(1, 2), between], dim=2)
    return pair_mask_of(config, hidden_states, _counting(grid, from_class, from_beats))


def _of_lead(config: CLEARConfig, grid: BeatGrid) -> torch.Tensor:
    """bool (batch, leads, tokens): which tokens are beats of which lead."""
    return grid.leads.unsqueeze(1) == torch.arange(config.num_leads, device=grid.leads.device).unsqueeze(1)


def _diagonal(number: int, grid: BeatGrid) -> torch.Tensor:
    return torch.eye(number, dtype=torch.bool, device=grid.leads.device)


def _counting(grid: BeatGrid, from_class: torch.Tensor, from_beats: torch.Tensor) -> torch.Tensor:
    """bool (batch, leads + tokens, leads + tokens), without those that do not count; every token looks at itself."""
    allowed = torch.cat([from_class, from_beats], dim=1)
    if grid.counted is None and grid.present is None:
        return allowed
    present = _all_true(from_class[:, :, 0]) if grid.present is None else grid.present
    counted = _all_true(grid.leads) if grid.counted is None else grid.counted
    return (allowed & torch.cat([present, counted], dim=1).unsqueeze(1)) | _diagonal(allowed.shape[1], grid)


def _all_true(like: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(like, dtype=torch.bool)
