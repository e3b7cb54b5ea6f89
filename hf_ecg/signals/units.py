"""From counts, microvolts or volts to millivolts, and whether numbers can be millivolts at all."""

import logging
import re
from functools import lru_cache

import numpy as np

from ..checks import nearest, shown
from ..said_once import first_time
from ._arrays import as_double, as_numbers

logger = logging.getLogger(__name__)

UNITS = ("mV", "uV", "V", "normalized")
MISSING_COUNT = -32768
LOWEST_RANGE_MV, HIGHEST_RANGE_MV = 0.05, 15.0
_FACTORS = {"mV": 1.0, "uV": 1e-3, "V": 1e3, "nV": 1e-6, "normalized": 1.0}
_MICRO, _GREEK_MU = "\u00b5", "\u03bc"


def _garbled() -> frozenset[str]:
    """What becomes of a micro sign that was written in one encoding and read in another, and what stands for a byte
    that could not be read."""
    found = {"?", "\ufffd", "\ufffd\ufffd", "&micro;", "&mu;"}
    for sign in (_MICRO, _GREEK_MU):
        for written in ("utf-8", "latin-1", "cp1253", "cp932"):
            for seen in ("latin-1", "cp1252", "cp437", "cp850", "mac_roman"):
                try:
                    garbled = sign.encode(written).decode(seen)
                    found.add(garbled.lower())
                    found.add(garbled.encode("utf-8").decode(seen).lower())  # twice
                except UnicodeError:
                    continue
    return frozenset(found)


# Compared without case: "MV" of a header is millivolt too, for no ECG is told in megavolts. U+00B5 is the micro sign,
# U+03BC the Greek letter mu. Beside English: German, Romance, Slavic and Nordic words, Cyrillic and Chinese letters.
_VOLTS = r"(?:v|volts?|voltios?|volti|wolt|в|вольт)"
_SPELLINGS = {
    "mV": rf"(?:m|mill?i){_VOLTS}|milliv|м{_VOLTS}|милли{_VOLTS}|毫伏|mdcdimmillivolt",
    "uV": rf"(?:u|{_MICRO}|{_GREEK_MU}|mc|mk|mi[ck]ro|мк|микро){_VOLTS}|微伏|mdcdimmicrovolt",
    "nV": rf"(?:n|nano){_VOLTS}|mdcdimnanovolt",
    "V": rf"{_VOLTS}|伏|mdcdimvolt",
}
_VOLTAGES = {unit: re.compile(spelling) for unit, spelling in _SPELLINGS.items()}
_GARBLED = _garbled()
_BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_IN_BRACKETS = re.compile(r"(.*\S)\s*(?:\(([^()]*)\)|\[([^\[\]]*)\]|\{([^{}]*)\})", re.DOTALL)
_BEHIND = re.compile(r"(.*?[^\s_/,:;-])(?:\s*[_/,:;]\s*|\s+(?:in\s+)?)([^\s_/,:;]+)", re.DOTALL | re.IGNORECASE)


def known_voltage(units: str) -> str | None:
    """mV, uV, nV or V for a unit as headers and people write it; None for what is not a voltage (pm, NU, mmHg, adu).

    A micro sign that was read in a wrong encoding is understood ("\u00c2\u00b5V"), so are brackets around the unit.

    Example:
        >>> from hf_ecg.signals.units import known_voltage
        >>> [known_voltage(unit) for unit in ("\u00b5V", "MV", "millivolts", "volt", "mmHg")]
        ['uV', 'mV', 'mV', 'V', None]
    """
    if not isinstance(units, str):
        return None
    rest = units.strip("\ufeff \t\r\n\"'")
    if rest and _BRACKETS.get(rest[0]) == rest[-1]:
        rest = rest[1:-1].strip()
    known = _voltage(rest)
    if rest.startswith("MV"):
        _tell_megavolt()
    return known


# headers repeat the same few
@lru_cache(maxsize=256)
def _voltage(text: str) -> str | None:
    rest = text.lower()
    if rest.endswith("v") and rest[:-1] in _GARBLED:
        return "uV"
    rest = re.sub(rf"(?<=\w\w)[\s_-]+(?=\w)|(?<=[{_MICRO}{_GREEK_MU}])\s+", "", rest).rstrip(".")
    return next((unit for unit, spelling in _VOLTAGES.items() if spelling.fullmatch(rest)), None)


@lru_cache(maxsize=256)
def split_unit(name: str) -> tuple[str, str | None]:
    """A channel's name and the voltage that stands behind it, as tables and EDF write it; None where none does.

    "V" alone counts in brackets only: behind a space it may be a lead.

    Example:
        >>> from hf_ecg.signals.units import split_unit
        >>> split_unit("ecg [uV]"), split_unit("lead_I_mV"), split_unit("V1"), split_unit("time (s)")
        (('ecg', 'uV'), ('lead_I', 'mV'), ('V1', None), ('time (s)', None))
    """
    found = _IN_BRACKETS.fullmatch(name.strip())
    if found is not None:
        unit = next(part for part in found.groups()[1:] if part is not None)
        return (found[1], unit.strip()) if _voltage(unit.strip()) else (name, None)
    found = _BEHIND.fullmatch(name.strip())
    if found is not None and len(found[2]) > 1 and _voltage(found[2]):
        return found[1], found[2]
    return name, None


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


def to_millivolts(signals: np.ndarray, units: str, out: np.ndarray | None = None) -> np.ndarray:
    """Numbers in `units` as millivolts; "normalized" ones pass as they are.

    Args:
        signals: (..., samples).
        units: mV, uV, nV or V in any spelling of `known_voltage`, or normalized.
        out: float64 of their shape, where the millivolts go; the signals themselves may be. Default: a new array.

    Raises:
        ValueError: another unit.
    """
    factor = _FACTORS[known_units(units)]
    signals, dtype = as_double(signals)
    return np.multiply(signals, factor, out=out).astype(dtype, copy=False)


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
