"""The limb leads that a file leaves out, because they follow from I and II: as counts, without rounding."""

import numpy as np

from ..leads import LIMB_LEADS, STANDARD_LEADS, known_lead
from ..units import MISSING_COUNT
from .xml_values import Lead

# Einthoven; Goldberger's augmented leads. (Weights of I and II, divisor.)
_FROM_I_AND_II = {"III": (-1, 1, 1), "aVR": (-1, -1, 2), "aVL": (2, -1, 2), "aVF": (-1, 2, 2)}


def with_limb_leads(leads: list[Lead]) -> tuple[list[Lead], list[str]]:
    """The leads, with those of III, aVR, aVL and aVF that are not there, in the usual order; and what was done, in
    words. Where I and II have one gain, the others are whole numbers too, of twice the gain where they are halved.

    Leads of the same length are wanted. Without I and II nothing is added.
    """
    by_lead = {known_lead(lead.name): lead for lead in leads}
    absent = [name for name in LIMB_LEADS if name not in by_lead]
    if not absent or "I" not in by_lead or "II" not in by_lead:
        return leads, []
    made = [_combined(name, by_lead["I"], by_lead["II"]) for name in absent]
    order = {name: place for place, name in enumerate(STANDARD_LEADS)}
    joined = sorted([*leads, *made], key=lambda lead: order.get(known_lead(lead.name) or "", len(order)))
    return joined, [f"{', '.join(absent)} are not stored: they were computed from I and II"]


def _combined(name: str, first: Lead, second: Lead) -> Lead:
    one, two, divisor = _FROM_I_AND_II[name]
    if first.is_whole and second.is_whole and first.gain == second.gain and not first.baseline and not second.baseline:
        counts = one * first.counts.astype(np.int64) + two * second.counts.astype(np.int64)
        missing = (first.counts == MISSING_COUNT) | (second.counts == MISSING_COUNT)
        # what would be taken for a missing one is half a count off
        counts[counts == MISSING_COUNT] += 1
        counts[missing] = MISSING_COUNT
        return Lead(name, first.unit, counts.astype(np.int32), first.gain * divisor)
    return Lead(name, "mV", (one * first.to_millivolts() + two * second.to_millivolts()) / divisor, 1.0)
