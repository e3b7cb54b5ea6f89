"""The sets of leads that a reconstruction is made from, and the leads that it is judged by."""

from dataclasses import dataclass

import torch

from ...data.collators.lead_reconstruction import shown_leads_of
from ...signals.leads import CHEST_LEADS, LIMB_LEADS, STANDARD_LEADS, canonical_leads

LEAD_SETS = ("I", "II", "I+II", "I+II+V2", "I+II+V1+V5")
# the leads that do not follow from each other
INDEPENDENT_LEADS = ("I", "II", *CHEST_LEADS)


@dataclass(frozen=True)
class LeadSet:
    """What a model is shown.

    Args:
        leads: their names.
    """

    leads: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "LeadSet":
        """Of a text such as "I+II+V2".

        Raises:
            ValueError: an unknown lead, one that is not of the twelve, no limb lead, or one lead twice.
        """
        leads = canonical_leads([part.strip() for part in text.split("+")])
        shown_leads_of(leads)
        if not set(leads) & set(LIMB_LEADS):
            raise ValueError(f"the set {text!r} has no limb lead, wanted one of {', '.join(LIMB_LEADS)} in it")
        return cls(leads)

    @property
    def name(self) -> str:
        return "+".join(self.leads)

    @property
    def mask(self) -> torch.Tensor:
        """bool (12,)."""
        return shown_leads_of(self.leads)

    @property
    def regressors(self) -> list[int]:
        """Places of the leads that a regression reads: of limb leads two at most, for more follow from them."""
        limb = [lead for lead in self.leads if lead in LIMB_LEADS][:2]
        return [STANDARD_LEADS.index(lead) for lead in (*limb, *(one for one in self.leads if one in CHEST_LEADS))]

    @property
    def judged(self) -> tuple[str, ...]:
        """Leads I, II and V1 to V6 as far as they neither are shown nor follow.

        Of a single limb lead that is neither I nor II both follow from one unknown number: I stands for it.
        """
        limb = [lead for lead in self.leads if lead in LIMB_LEADS]
        unknown: tuple[str, ...] = ()
        if len(limb) == 1:
            unknown = ("II",) if limb[0] == "I" else ("I",)
        return unknown + tuple(lead for lead in CHEST_LEADS if lead not in self.leads)
