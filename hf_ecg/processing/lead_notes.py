"""What is said once of leads: those that a model has no place for, and those that it wants and a record lacks."""

from collections.abc import Iterable, Sequence

from transformers.utils import logging

from ..signals.leads import LIMB_LEADS, STANDARD_LEADS, canonical_leads
from .inputs import WaveformGroup
from .on_purpose import purpose
from .steps.lead_steps import KeepLeads, PickLead
from .steps.step_base import Step

logger = logging.get_logger(__name__)
_told: set[tuple] = set()


def tell_unused_leads(groups: Iterable[WaveformGroup], wanted: Iterable[str]) -> None:
    """Warns of leads that a model has no place for and that are none of the twelve, such as MLII and V7; once for each
    set of them. That a model takes some of the twelve is what its leads say."""
    wanted = {*wanted, *STANDARD_LEADS}
    for group in groups:
        unused = tuple(lead for lead in group.leads if lead not in wanted)
        # where nothing is left, an error says so
        if unused and len(unused) < len(group.leads) and unused not in _told:
            _told.add(unused)
            logger.warning(
                "%s: the model does not see its leads %s, for it takes none of that name; where one of them stands for"
                " another lead, rename= says which (said once for these)",
                group.names[0],
                ", ".join(unused),
            )


def tell_absent_leads(groups: Iterable[WaveformGroup], wanted: Sequence[str], steps: Sequence[Step]) -> None:
    """Warns of leads that a model reads and a record neither has nor gives by derivation; once for each set of them.

    Args:
        groups: see `read_inputs`.
        wanted: the model's leads.
        steps: of the recipe; one that picks or keeps leads says itself which the model reads.
    """
    if purpose().absent_leads or any(isinstance(step, PickLead) for step in steps):
        return
    for step in steps:
        if isinstance(step, KeepLeads):
            wanted = [lead for lead in wanted if lead in canonical_leads(step.leads)]
    for group in groups:
        derivable = group.physical and len(set(group.leads) & set(LIMB_LEADS)) > 1
        lacking = [lead for lead in wanted if lead not in group.leads]
        derived = [lead for lead in lacking if derivable and lead in LIMB_LEADS]
        absent = [lead for lead in lacking if lead not in derived]
        key = ("absent", tuple(wanted), tuple(absent))
        # where nothing is left, an error says so
        if not absent or len(absent) == len(wanted) or key in _told:
            continue
        _told.add(key)
        also = f"; {', '.join(derived)} are derived from the other limb leads" if derived else ""
        logger.warning(
            "%s has no %s, which the model reads: they are zero, and false in lead_mask%s (said once for these)",
            *(group.names[0], ", ".join(absent), also),
        )
