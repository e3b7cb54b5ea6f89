"""From counts, microvolts or volts to millivolts, and whether numbers can be millivolts at all."""

import logging

import numpy as np

from ..checks import nearest, shown
from ..said_once import first_time
from ._arrays import as_double, as_numbers

logger = logging.getLogger(__name__)

UNITS = ("mV", "uV", "V", "normalized")
MISSING_COUNT = -32768
LOWEST_RANGE_MV, HIGHEST_RANGE_MV = 0.05, 15.0
_FACTORS = {"mV": 1.0, "uV": 1e-3, "V": 1e3, "nV": 1e-6, "normalized": 1.0}
# Compared without case: "MV" of a header is millivolt too, for no ECG is told in megavolts. U+00B5 is the micro sign,
# U+03BC the Greek letter mu.
_SPELLINGS = {
    "mV": ("mv", "mvolt", "mvolts", "milliv", "millivolt", "millivolts"),
    "uV": tuple(f"{micro}{volt}" for micro in ("u", "\u00b5", "\u03bc", "micro") for volt in ("v", "volt", "volts")),
    "nV": ("nv", "nvolt", "nvolts", "nanovolt", "nanovolts"),
    "V": ("v", "volt", "volts"),
}
_VOLTAGES = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}


def known_voltage(units: str) -> str | None:
    """mV, uV, nV or V for a unit as headers and people write it; None for what is not a voltage (pm, NU, mmHg, adu).

    Example:
        >>> from hf_ecg.signals.units import known_voltage
        >>> [known_voltage(unit) for unit in ("\u00b5V", "MV", "millivolts", "volt", "mmHg")]
        ['uV', 'mV', 'mV', 'V', None]
    """
    if not isinstance(units, str):
        return None
    if units.strip() == "MV":
        _tell_megavolt()
    return _VOLTAGES.get(units.strip().lower())


def _tell_megavolt() -> None:
    if first_time("megavolt"):
        logger.warning("the unit 'MV', which is megavolt, is read as millivolt (said once)")


def known_units(units: str) -> str:
    """The name of a voltage, see `known_voltage`, or "normalized" for numbers that are not voltages any more.

    Raises:
        ValueError: anything else.
    """
    if not isinstance(units, str):
        raise ValueError(f"units is {shown(units)}, wanted one of {', '.join(UNITS)}")
    known = "normalized" if units == "normalized" else known_voltage(units)
    if known is None:
        raise ValueError(f"units is {shown(units)}, wanted one of {', '.join(UNITS)}{nearest(units, UNITS)}")
    return known


def millivolts_in(units: str) -> float | None:
    """Millivolts in one of these; None for what is not a voltage."""
    known = known_voltage(units)
    return None if known is None else _FACTORS[known]


def to_millivolts(signals: np.ndarray, units: str) -> np.ndarray:
    """Numbers in `units` as millivolts; "normalized" ones pass as they are.

    Args:
        signals: (..., samples).
        units: mV, uV, nV or V in any spelling of `known_voltage`, or normalized.

    Raises:
        ValueError: another unit.
    """
    factor = _FACTORS[known_units(units)]
    signals, dtype = as_double(signals)
    return (signals * factor).astype(dtype, copy=False)


def counts_to_millivolts(
    counts: np.ndarray, gain: np.ndarray, baseline: np.ndarray, dtype: type = np.float64
) -> np.ndarray:
    """mV = (count - baseline) / gain, NaN where the count is -32768 (missing).

    Args:
        counts: int16 (..., leads, samples).
        gain: counts per millivolt, (..., leads) or a number.
        baseline: count at zero millivolt, (..., leads) or a number.
        dtype: to compute in and to hand out; float32 tells all counts apart and is enough to judge a recording.

    Returns:
        (..., leads, samples) in `dtype`.

    Raises:
        ValueError: no numbers, a gain that is zero, negative or not finite, or a baseline that is not finite.
    """
    counts = as_numbers(counts, "counts")
    gain = as_numbers(gain, "gain", axes=0).astype(np.float64, copy=False)
    baseline = as_numbers(baseline, "baseline", axes=0).astype(np.float64, copy=False)
    if not (np.isfinite(gain).all() and (gain > 0).all()):
        raise ValueError(f"gain is {gain.tolist()}, wanted positive counts per millivolt for every lead")
    if not np.isfinite(baseline).all():
        raise ValueError(f"baseline is {baseline.tolist()}, wanted finite counts for every lead")
    # in place: fresh memory costs more than the arithmetic
    millivolts: np.ndarray = counts.astype(dtype)
    millivolts -= baseline.astype(dtype)[..., None]
    millivolts /= gain.astype(dtype)[..., None]
    if counts.size and counts.min() <= MISSING_COUNT:
        millivolts[counts == MISSING_COUNT] = np.nan
    return millivolts


def median_ranges(signals: np.ndarray) -> np.ndarray:
    """The median over the leads of each record of their ranges (maximum - minimum) over the finite samples.

    Flat leads are left out, as an electrode may be off.

    Args:
        signals: (..., leads, samples) in millivolts, NaN where missing.

    Returns:
        float64 (records,), NaN where all leads are flat or have no samples.
    """
    signals = as_numbers(signals, axes=0)
    # fmax and fmin pass over NaN
    ranges = np.fmax.reduce(signals, axis=-1) - np.fmin.reduce(signals, axis=-1)
    return median_of_ranges(ranges.reshape(-1, ranges.shape[-1]) if ranges.ndim else ranges.reshape(1, 1))


def median_of_ranges(ranges: np.ndarray) -> np.ndarray:
    """See `median_ranges`; of ranges that are known: (records, leads), NaN for a lead without samples."""
    present = ranges > 0
    if present.all():
        medians: np.ndarray = np.median(ranges, axis=1)
        return medians
    pairs = zip(ranges, present, strict=True)
    return np.array([np.median(row[keep]) if keep.any() else np.nan for row, keep in pairs])


def check_amplitude(signals: np.ndarray) -> None:
    """Raise when a record cannot be in millivolts: counts or microvolts passed as mV, or volts.

    A record passes when the median range of its leads lies in 0.05 to 15 mV, or all are flat; see `median_ranges`.

    Args:
        signals: (..., leads, samples), NaN where missing.

    Raises:
        ValueError: naming the median found.
    """
    medians = median_ranges(signals)
    wrong = (medians < LOWEST_RANGE_MV) | (medians > HIGHEST_RANGE_MV)
    if wrong.any():
        raise ValueError(
            f"the leads' median range is {medians[wrong][0]:.4g} mV, wanted {LOWEST_RANGE_MV} to {HIGHEST_RANGE_MV}:"
            " are these counts, or another unit than was said?"
        )
