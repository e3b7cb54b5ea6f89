"""Steps on leads: which ones the model sees, and which of them count as present."""

from dataclasses import dataclass

import numpy as np

from ...checks import check_positive
from ...signals.channels import how_to_rename
from ...signals.leads import LIMB_LEADS, canonical_leads, select_leads
from ..on_purpose import purpose
from ..outputs import WAVEFORM
from .derivation import derive, set_parents_aside
from .step_base import RecordError, Step, WaveformBatch


@dataclass(frozen=True)
class DeriveLimbLeads(Step):
    """Adds the wanted limb leads that are absent from any two that are given; does nothing to normalized values.

    A lead that a later step counts as absent (`mask_flat_leads`, `quality_gate`) takes those with it that were
    derived from it; `keep_leads` and random views, which only choose what a model is given, do not.
    """

    accepts_missing = True

    def apply(self, batch):
        wanted = batch.wanted if batch.lead is None else (batch.lead,)
        lacking = [lead for lead in wanted if lead in LIMB_LEADS and lead not in batch.leads]
        given = [lead for lead in batch.leads if lead in LIMB_LEADS]
        if purpose().no_derivation or not batch.physical or not lacking or len(given) < 2:
            return
        derive(batch, [lead for lead in LIMB_LEADS if lead in lacking])


@dataclass(frozen=True)
class SelectLeads(Step):
    """The model's leads in the model's order; absent ones are zero and false in the mask."""

    accepts_missing = True
    chooses_leads = True
    may_follow_views = False

    @property
    def outputs(self):
        return WAVEFORM

    def apply(self, batch):
        if batch.lead is not None:
            raise ValueError(
                f"lead={batch.lead!r} was given, but this recipe takes all of {list(batch.wanted)};"
                " only a recipe with the step pick_lead takes one"
            )
        _select(batch, batch.wanted)


@dataclass(frozen=True)
class KeepLeads(Step):
    """Of the model's leads these alone count as present, recorded or derived; the others are zero and false in the
    mask, as if the record had never had them. Lead I and II stay two leads, though they give all six of the limbs."""

    accepts_missing = True
    chooses_leads = True
    may_follow_views = False
    leads: list[str]

    def validate(self):
        if not isinstance(self.leads, (list, tuple)) or not self.leads:
            raise ValueError(f"leads is {self.leads!r}, wanted a list of lead names")
        canonical_leads(self.leads)

    def apply(self, batch):
        kept = np.isin(batch.leads, canonical_leads(self.leads))
        set_parents_aside(batch, canonical_leads(self.leads))
        batch.lead_mask = batch.lead_mask & kept
        without = np.flatnonzero(~batch.lead_mask.any(axis=1))
        if len(without):
            raise RecordError(int(without[0]), f"the record has none of {list(self.leads)}")


@dataclass(frozen=True)
class PickLead(Step):
    """One of the accepted leads: the one asked for, or the only one that the record has."""

    accepts_missing = True
    chooses_leads = True
    may_follow_views = False

    @property
    def outputs(self):
        return WAVEFORM

    def apply(self, batch):
        accepted = [lead for lead in batch.wanted if lead in batch.leads]
        if batch.lead is not None:
            if batch.lead not in batch.wanted:
                raise ValueError(f"lead={batch.lead!r} was given, but the recipe accepts {list(batch.wanted)}")
            if batch.lead not in batch.leads:
                hint = how_to_rename(batch.leads, [batch.lead])
                raise ValueError(f"lead={batch.lead!r} was given, but the record has {list(batch.leads)}{hint}")
            accepted = [batch.lead]
        if len(accepted) > 1:
            raise ValueError(
                f"the record has {accepted}, of which the model takes one: say which by lead=...; on"
                " the command line by --lead or --leads, of the command or of `hf-ecg prepare`"
            )
        if not accepted:
            hint = how_to_rename(batch.leads, batch.wanted)
            raise ValueError(f"the record has {list(batch.leads)}, but the recipe accepts {list(batch.wanted)}{hint}")
        _select(batch, tuple(accepted))


@dataclass(frozen=True)
class MaskFlatLeads(Step):
    """Counts leads whose range over the record is at most `maximum_range` (millivolts) as absent."""

    accepts_missing = True
    # what was recorded is judged, not what views made of it
    may_follow_views = False
    maximum_range: float = 0.0

    def validate(self):
        check_positive("maximum_range", self.maximum_range, or_zero=True)

    def apply(self, batch):
        with np.errstate(invalid="ignore"):
            extent = np.fmax.reduce(batch.signals, axis=-1) - np.fmin.reduce(batch.signals, axis=-1)
        batch.lead_mask = batch.lead_mask & (extent > self.maximum_range)


def _select(batch: WaveformBatch, wanted: tuple[str, ...]) -> None:
    if batch.leads == wanted:
        return
    if not set(wanted) & set(batch.leads):
        hint = how_to_rename(batch.leads, wanted)
        raise ValueError(f"the record has {list(batch.leads)}, none of the model's leads {list(wanted)}{hint}")
    before = dict(zip(batch.leads, batch.lead_mask.T, strict=True))
    absent = np.zeros(len(batch.signals), bool)
    set_parents_aside(batch, wanted)
    batch.choose_leads(wanted)
    batch.signals, _ = select_leads(batch.signals, batch.leads, wanted)
    batch.lead_mask = np.stack([before.get(lead, absent) for lead in wanted], axis=1)
    batch.leads = wanted
