"""Names of leads, their standard order, and the limb leads that two others determine."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

LIMB_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF")
CHEST_LEADS = ("V1", "V2", "V3", "V4", "V5", "V6")
STANDARD_LEADS = LIMB_LEADS + CHEST_LEADS
# MLII is a modified lead (electrodes on the torso): not the standard II. X, Y, Z are Frank's.
_OTHER_LEADS = ("MLI", "MLII", "MLIII", "V3R", "V4R", "V5R", "V6R", "V7", "V8", "V9", "X", "Y", "Z", "ES", "AS", "AI")
_KNOWN = {name.upper(): name for name in STANDARD_LEADS + _OTHER_LEADS}

# Every limb lead is a combination of I and II (Einthoven; Goldberger's augmented leads).
_FROM_I_AND_II = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}


def canonical_leads(names: Sequence[str]) -> tuple[str, ...]:
    """The names as this package writes them (`aVR`, `V1`), compared case-insensitively.

    Args:
        names: names of leads, such as a WFDB header's "AVR".

    Raises:
        ValueError: an unknown name, or one lead named twice.
    """
    if isinstance(names, str):
        raise ValueError(f"leads is the string {names!r}, wanted a list of names")
    return _canonical(tuple(map(str, names)))


# A corpus repeats the same dozen names in every record: looking at them anew costs more than a record's arithmetic.
@lru_cache(maxsize=256)
def _canonical(names: tuple[str, ...]) -> tuple[str, ...]:
    leads = []
    for name in names:
        lead = _KNOWN.get(name.strip().upper())
        if lead is None:
            raise ValueError(f"unknown lead {name!r}; known are {', '.join(_KNOWN.values())}")
        if lead in leads:
            raise ValueError(f"lead {lead} is named twice in {list(names)}")
        leads.append(lead)
    return tuple(leads)


def select_leads(signals: np.ndarray, leads: Sequence[str], wanted: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Leads in the wanted order; absent ones are zero.

    Args:
        signals: (..., leads, samples).
        leads: names of the leads of `signals`.
        wanted: names of the leads of the result.

    Returns:
        (..., wanted, samples) in the type of `signals`, and bool (wanted,): which were there.

    Raises:
        ValueError: unknown or doubled names, or another number of names than of leads.
    """
    signals, leads, wanted = np.asarray(signals), _checked(signals, leads), canonical_leads(wanted)
    mask = np.array([lead in leads for lead in wanted], dtype=bool)
    if mask.all():
        return np.take(signals, [leads.index(lead) for lead in wanted], axis=-2), mask
    selected = np.zeros((*signals.shape[:-2], len(wanted), signals.shape[-1]), dtype=signals.dtype)
    for place, lead in enumerate(wanted):
        if mask[place]:
            selected[..., place, :] = signals[..., leads.index(lead), :]
    return selected, mask


def derive_limb_leads(signals: np.ndarray, leads: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Append the limb leads that are absent, from two that are present.

    Holds for physical units only: III = II - I, aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2.

    Args:
        signals: (..., leads, samples) in millivolts; float64 stays float64, anything else gives float32.
        leads: names of the leads of `signals`.

    Returns:
        The signals with all six limb leads (given leads untouched and first), and their names.

    Raises:
        ValueError: fewer than two limb leads are present.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals import derive_limb_leads
        >>> signals, leads = derive_limb_leads(np.array([[0.5], [1.25]]), ["I", "II"])
        >>> {lead: float(value) for lead, value in zip(leads, signals[:, 0])}
        {'I': 0.5, 'II': 1.25, 'III': 0.75, 'aVR': -0.875, 'aVL': -0.125, 'aVF': 1.0}
    """
    signals, leads = np.asarray(signals), _checked(signals, leads)
    present = [lead for lead in LIMB_LEADS if lead in leads]
    absent = [lead for lead in LIMB_LEADS if lead not in leads]
    if not absent:
        return signals, leads
    if len(present) < 2:
        raise ValueError(f"deriving limb leads needs two of {', '.join(LIMB_LEADS)}; found {list(leads)}")
    first, second = present[:2]
    # rows: what two given leads are in terms of I and II; its inverse brings I and II back
    inverse = np.linalg.inv(np.array([_FROM_I_AND_II[first], _FROM_I_AND_II[second]]))
    pair = [signals[..., leads.index(lead), :].astype(np.float64) for lead in (first, second)]
    derived = []
    for lead in absent:
        weights = np.array(_FROM_I_AND_II[lead]) @ inverse
        derived.append(weights[0] * pair[0] + weights[1] * pair[1])
    dtype = np.float64 if signals.dtype == np.float64 else np.float32
    joined = np.concatenate([signals.astype(dtype), np.stack(derived, axis=-2).astype(dtype)], axis=-2)
    return joined, leads + tuple(absent)


def _checked(signals: np.ndarray, leads: Sequence[str]) -> tuple[str, ...]:
    names, shape = canonical_leads(leads), np.shape(signals)
    if len(shape) < 2 or shape[-2] != len(names):
        raise ValueError(f"signals have shape {shape}, wanted (..., {len(names)}, samples) for leads {list(names)}")
    return names
