"""What derived leads were made of: a lead is present only as long as both leads that it was derived from are.

Derived leads are linear in two recorded ones, so whatever shows that one of those is not a recording (an electrode
that was off, a flag of the quality report) holds for the derived one too, also when a model is not given the parents.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ...signals.leads import LIMB_LEADS, derive_limb_leads
from .step_base import RecordError, Step, WaveformBatch


@dataclass
class Derivation:
    """Of a batch.

    Attributes:
        leads: the derived ones.
        parents: int `(records, derived leads, 2)`, places in `LIMB_LEADS`.
        aside: the parents that the model is not given, which the steps go on to judge; None when there are none.
    """

    leads: tuple[str, ...]
    parents: np.ndarray
    aside: WaveformBatch | None = None

    def parents_of(self, leads: Iterable[str]) -> set[str]:
        """Of those that are derived, in any record."""
        places = [self.leads.index(lead) for lead in leads if lead in self.leads]
        return {LIMB_LEADS[place] for place in np.unique(self.parents[:, places]).tolist()}


def derive(batch: WaveformBatch, lacking: list[str]) -> None:
    """Adds limb leads, each record's from the first two of its limb leads that are not flat, or from the first two."""
    given = [lead for lead in LIMB_LEADS if lead in batch.leads]
    signals = batch.signals[:, [batch.leads.index(lead) for lead in given]]
    with np.errstate(invalid="ignore"):
        live = np.fmax.reduce(signals, axis=-1) > np.fmin.reduce(signals, axis=-1)
    # flat ones behind the others; the sort is stable
    chosen = np.argsort(~live, axis=1, kind="stable")[:, :2]
    chosen[live.sum(1) < 2] = (0, 1)
    chosen.sort(axis=1)
    derived = np.empty((len(signals), len(lacking), signals.shape[-1]))
    for pair in np.unique(chosen, axis=0):
        rows = np.flatnonzero((chosen == pair).all(1))
        made, leads = derive_limb_leads(signals[np.ix_(rows, pair)], [given[place] for place in pair])
        derived[rows] = made[:, [leads.index(lead) for lead in lacking]]
    places = np.array([LIMB_LEADS.index(lead) for lead in given])[chosen]
    batch.derivation = Derivation(tuple(lacking), np.repeat(places[:, None], len(lacking), axis=1))
    batch.signals = np.concatenate([batch.signals, derived], axis=1)
    batch.leads = (*batch.leads, *lacking)
    batch.lead_mask = np.ones(batch.signals.shape[:2], bool)


def set_parents_aside(batch: WaveformBatch, kept: Iterable[str]) -> None:
    """Keeps the parents of the kept leads that are not kept themselves, for the steps that follow to judge."""
    derivation, kept = batch.derivation, tuple(kept)
    if derivation is None:
        return
    before = () if derivation.aside is None else derivation.aside.leads
    leaving = [lead for lead in batch.leads if lead in derivation.parents_of(kept) - set(kept) - set(before)]
    if not leaving:
        return
    places = [batch.leads.index(lead) for lead in leaving]
    added = _of_leads(batch, batch.signals[:, places], batch.lead_mask[:, places], tuple(leaving))
    derivation.aside = added if derivation.aside is None else _together(derivation.aside, added)


def apply_step(step: Step, batch: WaveformBatch) -> None:
    """The step on the batch and on the parents set aside; then a derived lead is absent where a parent is.

    Raises:
        ValueError: what the step refuses, or a record that has no other lead than derived ones whose parents are none.
    """
    derivation = batch.derivation
    aside = None if derivation is None else derivation.aside
    before = batch.lead_mask
    if derivation is None or aside is None:
        step.apply(batch)
    elif step.judges_leads_together:
        both, number = _together(batch, aside), len(batch.leads)
        step.apply(both)
        batch.signals, aside.signals = both.signals[:, :number], both.signals[:, number:]
        batch.lead_mask, aside.lead_mask = both.lead_mask[:, :number], both.lead_mask[:, number:]
        # the step has asked whether any lead is left, and those set aside are none of the model's
        for record in np.flatnonzero(before.any(1) & ~batch.lead_mask.any(1))[:1].tolist():
            raise RecordError(record, f"no lead is left of {', '.join(batch.leads)}")
    else:
        step.apply(batch)
        # what is made of the waveform is made for the model alone
        made = any(output.axes for output in step.outputs if output.name in batch.tensors)
        if not (made or step.drops or step.chooses_leads):
            aside.complete = batch.complete
            step.apply(aside)
    if batch.derivation is not None:
        _follow_parents(batch, batch.derivation)


def _follow_parents(batch: WaveformBatch, derivation: Derivation) -> None:
    present = np.ones((len(batch.signals), len(LIMB_LEADS)), bool)
    for part in (batch, derivation.aside):
        for place, lead in enumerate(part.leads if part is not None else ()):
            if part is not None and lead in LIMB_LEADS:
                present[:, LIMB_LEADS.index(lead)] = part.lead_mask[:, place]
    mask = batch.lead_mask.copy()
    rows = np.arange(len(mask))[:, None]
    for place, lead in enumerate(batch.leads):
        if lead in derivation.leads:
            mask[:, place] &= present[rows, derivation.parents[:, derivation.leads.index(lead)]].all(1)
    emptied = np.flatnonzero(batch.lead_mask.any(1) & ~mask.any(1))
    if len(emptied):
        record = int(emptied[0])
        left = [lead for lead, there in zip(batch.leads, batch.lead_mask[record], strict=True) if there]
        raise RecordError(
            record, f"no lead is left: {', '.join(left)} would be derived from leads that this step counts as absent"
        )
    batch.lead_mask = mask


def _of_leads(batch: WaveformBatch, signals: np.ndarray, lead_mask: np.ndarray, leads: tuple[str, ...]):
    return replace(
        batch, signals=signals, lead_mask=lead_mask, leads=leads, tensors={}, outputs={}, derivation=None, wanted=leads
    )


def _together(first: WaveformBatch, second: WaveformBatch) -> WaveformBatch:
    signals, lead_mask = (
        np.concatenate([getattr(part, name) for part in (first, second)], axis=1) for name in ("signals", "lead_mask")
    )
    return _of_leads(first, signals, lead_mask, (*first.leads, *second.leads))
