"""Batches for lead reconstruction: waveforms, and the few leads of each record that a model is shown."""

from collections.abc import Mapping, Sequence

import torch

from ...signals.leads import CHEST_LEADS, LIMB_LEADS, STANDARD_LEADS, canonical_leads
from .waveforms import WaveformCollator

NUM_LIMB = len(LIMB_LEADS)


def draw_shown_leads(
    generator: torch.Generator,
    present: torch.Tensor,
    two_limb_share: float,
    single_limb_leads: Sequence[str],
    chest_shares: Sequence[float],
) -> torch.Tensor:
    """One or two limb leads and none, one or more chest leads, at random among those that a record has.

    Args:
        generator: of one record in one epoch.
        present: bool (12,), the leads of the record.
        two_limb_share: how often two limb leads are shown, any two alike; else one.
        single_limb_leads: the limb leads that are shown alone.
        chest_shares: how often no chest lead is shown, one, two and so on; the last is what remains to 1.

    Returns:
        bool (12,). Of a record that lacks what was drawn others are shown, and fewer when it has no others.
    """
    chance, order = torch.rand(2, generator=generator).tolist(), torch.rand(len(STANDARD_LEADS), generator=generator)
    # absent leads come last
    ranked = order.masked_fill(~present, 2.0)
    limb = [lead for lead in ranked[:NUM_LIMB].argsort().tolist() if present[lead]]
    if chance[0] < two_limb_share:
        chosen = limb[:2]
    else:
        alone = [lead for lead in limb if STANDARD_LEADS[lead] in single_limb_leads]
        chosen = (alone or limb)[:1]
    bounds = torch.tensor(chest_shares, dtype=torch.float64).cumsum(0)[:-1]
    number = int((chance[1] >= bounds).sum())
    chest = [NUM_LIMB + lead for lead in ranked[NUM_LIMB:].argsort().tolist() if present[NUM_LIMB + lead]]
    shown = torch.zeros(len(STANDARD_LEADS), dtype=torch.bool)
    shown[chosen + chest[:number]] = True
    return shown


def shown_leads_of(leads: Sequence[str]) -> torch.Tensor:
    """bool (12,): these leads of the standard ones.

    Raises:
        ValueError: a lead that is not one of the twelve.
    """
    names = canonical_leads(leads)
    others = [lead for lead in names if lead not in STANDARD_LEADS]
    if others:
        raise ValueError(f"leads {others} are not among the standard ones, {', '.join(LIMB_LEADS + CHEST_LEADS)}")
    return torch.tensor([lead in names for lead in STANDARD_LEADS])


class ECGLeadReconstructionCollator(WaveformCollator):
    """Waveforms and `shown_leads` bool (batch, 12), drawn for each record from (seed, epoch, record).

    Args:
        feature_extractor, views, seed, prepared: see `WaveformCollator`; its leads are the standard twelve in order.
        drawn: keyword arguments of `draw_shown_leads`; None where `fixed` is given.
        fixed: the leads that every record is shown, in place of drawn ones.

    Raises:
        ValueError: see `WaveformCollator`; an extractor of other leads.
    """

    def __init__(
        self,
        feature_extractor,
        views: Sequence[dict] = (),
        seed: int = 0,
        prepared=None,
        drawn: Mapping | None = None,
        fixed: Sequence[str] | None = None,
    ):
        super().__init__(feature_extractor, views, seed, None, prepared)
        if (drawn is None) == (fixed is None):
            raise ValueError("wanted either drawn or fixed leads to be shown")
        check_standard_leads(self.feature_extractor)
        self.drawn, self.fixed = drawn, None if fixed is None else shown_leads_of(fixed)

    def __call__(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        """Makes a batch: the extractor's inputs, and `shown_leads`.

        Raises:
            ValueError: what the feature extractor refuses.
        """
        batch = self.waveforms(rows)
        present = batch["lead_mask"]
        if self.fixed is not None:
            batch["shown_leads"] = self.fixed.expand(len(rows), -1) & present
        else:
            drawn = [
                draw_shown_leads(self.generator(row, "shown_leads"), one, **self.drawn or {})
                for row, one in zip(rows, present, strict=True)
            ]
            batch["shown_leads"] = torch.stack(drawn)
        return batch


def check_standard_leads(extractor) -> None:
    """Raises ValueError when a feature extractor does not make the standard twelve leads in their order."""
    found = list(extractor.leads)
    if found != list(STANDARD_LEADS):
        raise ValueError(
            f"the feature extractor's leads are {found}; lead reconstruction wants {', '.join(STANDARD_LEADS)}"
        )
