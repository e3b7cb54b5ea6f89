"""What it costs a model that a record lacks leads, where the table of `hf-ecg evaluate robustness` lies beside it."""

from collections.abc import Collection, Iterable, Sequence

from transformers.utils import logging

from .said_once import first_time
from .signals.leads import LIMB_LEADS, STANDARD_LEADS
from .trained_on import read_beside

logger = logging.get_logger(__name__)

# what `hf-ecg evaluate robustness` writes; a copy beside the weights is read by the rooms that use them
REPORT_NAME = "robustness.json"
# sets of leads by their names in it, and its conditions without added noise
LEAD_SETS = {
    "12": STANDARD_LEADS,
    "8": tuple(lead for lead in STANDARD_LEADS if lead not in LIMB_LEADS[2:]),
    "6 limb": LIMB_LEADS,
    "I+II+V2": ("I", "II", "V2"),
    "II": ("II",),
    "I": ("I",),
}
CLEAN = "clean"


def lead_cost(source, present: Collection[str], revision: str | None = None) -> str | None:
    """A sentence on what a model lost, on the records of its report, with so few leads; None where nothing is known.

    Args:
        source: folder or Hub id of a model.
        present: the leads that it sees, derived ones included. Of sets that were not measured the largest within it
            counts.
        revision: on the Hub.

    Raises:
        ValueError: a report that is not a JSON object.

    Example:
        >>> import hf_ecg
        >>> from hf_ecg.lead_costs import lead_cost
        >>> lead_cost(hf_ecg.pretrained("ecg-text-small"), ["I"]).partition(" (PTB-XL")[0]
        'superdiagnostic: macro AUROC 0.816 (0.790 to 0.842) with I alone, 0.901 with all leads'
    """
    report = read_beside(str(source), REPORT_NAME, revision)
    found = []
    for task in report.get("tasks") or ():
        cells = {
            cell["leads"]: cell["auroc"]
            for cell in task.get("cells") or ()
            if cell.get("noise") == CLEAN and cell.get("leads") in LEAD_SETS and cell.get("auroc")
        }
        whole = cells.get("12")
        inside = [name for name in cells if set(LEAD_SETS[name]) <= set(present) and name != "12"]
        if whole is None or not inside:
            continue
        name = max(inside, key=lambda name: len(LEAD_SETS[name]))
        exact = set(LEAD_SETS[name]) == set(present)
        leads = name.replace(" limb", " limb leads") + (" alone" if exact else " alone, the nearest that was measured")
        cell = cells[name]
        found.append(
            f"{task['name']}: macro AUROC {cell['value']:.3f} ({cell['low']:.3f} to {cell['high']:.3f}) with {leads},"
            f" {whole['value']:.3f} with all leads"
        )
    if not found:
        return None
    about = report.get("about")
    return "; ".join(found) + (f" ({about})" if about else "")


def tell_lead_costs(source, leads: Sequence[str], masks: Iterable, revision: str | None = None) -> None:
    """Warns once for each model and set of leads of what absent ones cost it.

    Args:
        source, revision: of the model; see `lead_cost`.
        leads: the model's, in its order.
        masks: rows of a `lead_mask`.
    """
    for mask in {tuple(map(bool, row)) for row in masks}:
        if all(mask) or len(mask) != len(leads):
            continue
        present = [lead for lead, there in zip(leads, mask, strict=True) if there]
        if not present or not first_time("lead cost", str(source), *present):
            continue
        cost = lead_cost(source, present, revision)
        if cost is not None:
            logger.warning("what the absent leads cost: %s", cost)
