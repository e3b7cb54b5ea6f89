"""Limb leads from limb leads: the six span two dimensions, so that two of them give the other four.

Which limb leads are there is a number of 0 to 63, a bit for each of I, II, III, aVR, aVL, aVF. For each number the
tables say how leads I and II follow from what is there and, where that is one lead or none, from an estimate.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ...signals.leads import LIMB_LEADS, STANDARD_LEADS, derive_limb_leads

NUM_LIMB = len(LIMB_LEADS)
# (6, 2): what each limb lead is in terms of I and II
LIMB_FROM_I_AND_II = derive_limb_leads(np.eye(2), ["I", "II"])[0]
# (12, 8): the twelve leads of eight that do not follow from each other, I, II, V1 to V6
TWELVE_FROM_EIGHT = np.zeros((len(STANDARD_LEADS), 8))
TWELVE_FROM_EIGHT[:NUM_LIMB, :2] = LIMB_FROM_I_AND_II
TWELVE_FROM_EIGHT[NUM_LIMB:, 2:] = np.eye(6)


@dataclass(frozen=True)
class LimbTables:
    """One entry for each of the 64 sets of limb leads.

    Args:
        measured: (64, 2, 6), I and II of the limb leads that are there.
        estimated: (64, 2, 2), what is added of an estimate of I and II: nothing where two leads are there. Where one
            is, the estimate is moved by as little as makes it agree with that lead.
        used: bool (64, 6), the limb leads that say something new: the first two that are there.
        known: bool (64, 6), the limb leads that are there or follow.
    """

    measured: torch.Tensor
    estimated: torch.Tensor
    used: torch.Tensor
    known: torch.Tensor


def _limb_tables() -> LimbTables:
    measured, estimated = np.zeros((64, 2, NUM_LIMB)), np.zeros((64, 2, 2))
    used, known = np.zeros((64, NUM_LIMB), dtype=bool), np.zeros((64, NUM_LIMB), dtype=bool)
    for code in range(64):
        there = [lead for lead in range(NUM_LIMB) if code >> lead & 1]
        pair = there[:2]
        used[code, pair] = True
        known[code] = len(there) > 1 or used[code]
        rows = LIMB_FROM_I_AND_II[pair]
        # of two rows the inverse, of one the shortest step, of none nothing
        measured[code][:, pair] = np.linalg.pinv(rows) if len(pair) < 2 else np.linalg.inv(rows)
        estimated[code] = np.eye(2) - measured[code][:, pair] @ rows if len(pair) < 2 else 0.0
    return LimbTables(*map(torch.from_numpy, (measured.astype(np.float32), estimated.astype(np.float32), used, known)))


# made once, float32 on the CPU: a graph takes them as constants
_TABLES = _limb_tables()
_SIX = torch.from_numpy(LIMB_FROM_I_AND_II.astype(np.float32))


def limb_code(lead_mask: torch.Tensor) -> torch.Tensor:
    """int64 (batch,): which of the 64 sets of limb leads there is.

    Args:
        lead_mask: bool (batch, 12).
    """
    bits = 2 ** torch.arange(NUM_LIMB, device=lead_mask.device)
    return (lead_mask[:, :NUM_LIMB] * bits).sum(dim=1)


def known_leads(lead_mask: torch.Tensor) -> torch.Tensor:
    """bool (batch, 12): the leads that are there, and the limb leads that follow from two of them."""
    known = _TABLES.known.to(lead_mask.device)[limb_code(lead_mask)]
    return torch.cat([known, lead_mask[:, NUM_LIMB:]], dim=1)


def used_leads(lead_mask: torch.Tensor) -> torch.Tensor:
    """bool (batch, 12): the leads that are there, of the limb leads the first two."""
    used = _TABLES.used.to(lead_mask.device)[limb_code(lead_mask)]
    return torch.cat([used, lead_mask[:, NUM_LIMB:]], dim=1)


def six_limb_leads(values: torch.Tensor, lead_mask: torch.Tensor, estimate: torch.Tensor) -> torch.Tensor:
    """All six limb leads, which agree with each other and with those that are there.

    Args:
        values: (batch, 12, samples), zero in absent leads.
        lead_mask: bool (batch, 12).
        estimate: (batch, 2, samples), of I and II.

    Returns:
        (batch, 6, samples). With two limb leads there or more the estimate changes nothing.
    """
    code = limb_code(lead_mask)
    measured, estimated = (table.to(values.device)[code] for table in (_TABLES.measured, _TABLES.estimated))
    pair = measured @ values[:, :NUM_LIMB].float() + estimated @ estimate.float()
    six = _SIX.to(values.device) @ pair
    return torch.where(lead_mask[:, :NUM_LIMB, None], values[:, :NUM_LIMB].float(), six)
