"""Recordings that no model can use, whatever its recipe: nothing recorded, electrodes off, amplifier at its limit.

The bounds are those by which an extractor refuses a record (`units.check_amplitude`). What a model refuses besides, by
the steps of its recipe, is not known here.
"""

import numpy as np

from .units import HIGHEST_RANGE_MV, LOWEST_RANGE_MV, median_of_ranges, median_ranges

NO_SAMPLES, FLAT, ELECTRODES_OFF, SATURATED = "no samples", "flat", "electrodes off", "saturated"
# In single precision a range is right to a millionth.
_DOUBT = 1e-3


def unusable_reason(signals: np.ndarray) -> str:
    """Why nobody can use a recording: one of the kinds above, a colon and what was found; "" for a usable one.

    Args:
        signals: (leads, samples) in millivolts, NaN where missing.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals.usability import unusable_reason
        >>> noise = 0.01 * np.sin(np.arange(1000)) * np.ones((12, 1))
        >>> unusable_reason(noise)
        "electrodes off: the leads' median range is 0.02 mV, wanted at least 0.05"
    """
    if not np.isfinite(signals).any():
        return f"{NO_SAMPLES}: none of the leads has a single sample"
    (median,) = median_ranges(signals)
    if np.isnan(median):
        return f"{FLAT}: every lead is constant"
    if median < LOWEST_RANGE_MV:
        return f"{ELECTRODES_OFF}: the leads' median range is {median:.4g} mV, wanted at least {LOWEST_RANGE_MV}"
    if median > HIGHEST_RANGE_MV:
        return f"{SATURATED}: the leads' median range is {median:.4g} mV, wanted at most {HIGHEST_RANGE_MV}"
    return ""


def doubtful(ranges: np.ndarray) -> np.ndarray:
    """Which records may be unusable, by the ranges of their leads in single precision.

    Args:
        ranges: (records, leads) in millivolts, NaN for a lead without samples.

    Returns:
        bool (records,): false for a record that `unusable_reason` has nothing against.
    """
    medians = median_of_ranges(ranges)
    low, high = LOWEST_RANGE_MV * (1 + _DOUBT), HIGHEST_RANGE_MV * (1 - _DOUBT)
    return ~((medians > low) & (medians < high))
