"""The waves of one lead of a median beat, between boundaries that hold for all leads."""

import numpy as np
from scipy.signal import find_peaks

from .beats import RATE
from .boundaries import level, samples
from .measurements import NAN, LeadMeasurements

# A quarter of a small square: what lies below is not a wave.
SMALLEST_WAVE_MV = 0.025
# A notch is one that goes down by half a small square.
_NOTCH_MV = 0.05


def measure_lead(
    beat: np.ndarray, qrs: tuple[int, int] | None, t: tuple[int, int] | None, p: tuple[int, int, int] | None
) -> LeadMeasurements:
    """One lead of the median beat, (samples,) in mV over the level before QRS, with the boundaries found.

    Args:
        qrs: first and last sample. t: peak and end. p: first sample, peak, last sample.
    """
    found: dict[str, float] = {}
    if qrs is not None and np.isfinite(beat[qrs[0] : qrs[1] + 1]).all():
        found |= _qrs(beat[qrs[0] : qrs[1] + 1])
        for name, delay in (("j_mv", 0), ("st_60_mv", 60), ("st_80_mv", 80)):
            found[name] = _mean(beat, qrs[1] + samples(delay))
    if qrs is not None and t is not None:
        found |= _t(beat, qrs[1], *t)
    if p is not None:
        part = level(beat[max(p[0] - samples(8), 0) : p[2] + samples(8)])
        found |= {"p_mv": float(part.max()), "p_low_mv": float(part.min())}
    return LeadMeasurements(**found)


def _mean(beat: np.ndarray, place: int) -> float:
    part = beat[place - samples(4) : place + samples(4) + 1]
    return float(part.mean()) if len(part) else NAN


def _qrs(part: np.ndarray) -> dict[str, float]:
    milliseconds = 1000 / RATE
    signs = np.where(np.abs(part) < SMALLEST_WAVE_MV, 0, np.sign(part)).astype(int)
    waves = _runs(signs)
    tallest = max(float(part.max()), 0.0)
    rises = [wave for wave in waves if wave[0] > 0]
    peaks, _ = find_peaks(np.pad(part, 1, constant_values=part.min()), prominence=max(_NOTCH_MV, 0.05 * np.ptp(part)))
    peaks = peaks - 1
    peaks = peaks[part[peaks] > SMALLEST_WAVE_MV]
    result = {
        "qrs_range_mv": float(np.ptp(part)),
        "r_mv": tallest if rises else 0.0,
        "r_peaks": float(len(peaks)),
        "r_prime_mv": float(part[peaks[-1]]) if len(peaks) > 1 else 0.0,
        "r_time_ms": float(part.argmax()) * milliseconds if rises else NAN,
        "q_mv": 0.0,
        "q_ms": 0.0,
        "s_mv": 0.0,
        "s_ms": 0.0,
    }
    if waves and waves[0][0] < 0:
        _, start, stop = waves[0]
        result["q_mv"], result["q_ms"] = float(-part[start:stop].min()), (stop - start) * milliseconds
    if not rises:
        result["s_mv"] = result["q_mv"]
        return result
    behind = part[int(part.argmax()) if len(peaks) < 2 else int(peaks[0]) :]
    result["s_mv"] = max(float(-behind.min()), 0.0)
    sign, start, stop = waves[-1]
    if sign < 0:
        result["s_ms"] = (stop - start) * milliseconds
    return result


def _runs(signs: np.ndarray) -> list[tuple[int, int, int]]:
    """(sign, first sample, one behind the last) of the waves; what is too small between two of one sign joins them."""
    waves: list[tuple[int, int, int]] = []
    for place in np.flatnonzero(signs):
        if waves and waves[-1][0] == signs[place]:
            waves[-1] = (waves[-1][0], waves[-1][1], int(place) + 1)
        else:
            waves.append((int(signs[place]), int(place), int(place) + 1))
    return waves


def _t(beat: np.ndarray, qrs_end: int, peak: int, end: int) -> dict[str, float]:
    part = beat[max(qrs_end + samples(80), peak - samples(120)) : min(end + samples(10), len(beat))]
    if not len(part) or not np.isfinite(part).all():
        return {}
    low, high = float(part.min()), float(part.max())
    return {"t_mv": high if high >= -low else low, "t_low_mv": low, "t_high_mv": high}
