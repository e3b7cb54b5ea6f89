"""A quality report per lead: what is wrong with a recording, by name; nothing is repaired and no lead is swapped.

Thresholds were chosen on 2,833 records of PTB-XL at 100 Hz, 261 of them also at 500 Hz. The figures are of the same
records (`python tests/benchmarks/quality.py --data_dir PTB-XL [--sampling_rate 500]`):

| | flag | 100 Hz | 500 Hz |
| --- | --- | --- | --- |
| records without any flag | | 97.9 % | 98.1 % |
| caught: NaN for 0.3 s | missing | 100 % | 100 % |
| constant for 1 s; zero throughout | flat | 100 % | 100 % |
| clipped at 1 mV (leads that reach beyond it) | clipped | 78 % | 82 % |
| hum of 0.2 mV at 50 Hz | mains | not looked for | 100 % |
| wander of 2 mV at 0.25 Hz | wander | 100 % | 100 % |
| times 1000 | amplitude | 100 % | 100 % |
| one limb lead inverted | einthoven | 100 % | 100 % |
| left and right arm swapped | arm_reversal | 90 % | 89 % |
| right arm and right leg swapped | leg_reversal | 100 % | 100 % |

What escapes: peaks that reach a rail in fewer than five beats; arms swapped where lead I and V6 do not agree anyway
(0.2 % of the records have this flag as they are). An arm swapped with the left leg looks like another heart, and is
not looked for, nor are chest leads in a wrong order. A suspicion is never acted upon here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..leads import LIMB_LEADS, _checked
from ..resampling import check_rate
from ..units import HIGHEST_RANGE_MV, LOWEST_RANGE_MV
from . import measures

# More than 1 % of 10 s is the length of a QRS complex, which a gap then hides. PTB-XL has no missing sample.
MAX_MISSING_SHARE = 0.01
# PTB-XL repeats a value for at most 0.33 s (0.1 s at the start of many records), but in one record, for 7.3 s.
FLAT_SECONDS = 0.5
MAX_FLAT_SHARE = 0.05
# The smallest range of a lead of PTB-XL is 0.152 mV.
FLAT_RANGE_MV = LOWEST_RANGE_MV
# A rail is met again and again, or long. In PTB-XL no lead meets its extreme five times by chance, nor when its values
# are rounded to 5 microvolts (to 12.5: 1.1 % of the records); the longest is a constant start, of 0.14 s. Made signals
# whose beats are all equal do meet it.
MIN_CLIPPED_RUNS = 5
MIN_CLIPPED_SECONDS = 0.2
MAINS_HZ = (50.0, 60.0)
# Half a small square of paper. The largest hum of PTB-XL at 500 Hz is 0.047 mV, the 99th percentile of leads 0.010.
MAX_MAINS_MV = 0.05
# Of 60 Hz, which Europe's mains do not have, the noise of PTB-XL gives at most 3.0 times its neighbours' power.
MIN_MAINS_RATIO = 4.0
# Room for the neighbours, which end 5 Hz beside the hum, below half the sampling rate.
_MAINS_MARGIN_HZ = 5.0
# Below the slowest heart beat that is likely: 0.5 Hz is 30 a minute (Kligfield et al., Circulation 115:1306, 2007, on
# low-frequency cut-offs of monitors). Periods longer than the record cannot be told from its mean.
WANDER_HZ = 0.5
# Range, not amplitude. 1.5 % of PTB-XL's records lie above; a sine of 2 mV has 4.
MAX_WANDER_MV = 3.0
_SHORTEST_SECONDS = 2.0
# The bound that the extractor sets for a record's median lead; three records of PTB-XL have a lead above it.
MAX_RANGE_MV = HIGHEST_RANGE_MV
# One small square. Rounding to a microvolt gives up to 0.0015 mV, to 5 microvolts 0.01; ecg_id 162 has 0.64 mV.
MAX_EINTHOVEN_MV = 0.1
# Arms interchanged: lead I is its own mirror image and so runs against V6, with which it normally agrees (Kligfield et
# al. 2007; Batchvarov et al., Europace 9:1081, 2007: I inverted, aVR upright, chest leads normal; in dextrocardia the
# chest leads are not). The bound was chosen here; the waveforms and their slopes over 20 ms must both reach it.
MAX_ARM_CORRELATION = -0.5
_SLOPE_SECONDS = 0.02
# Right leg and an arm interchanged: one lead is the difference of the two legs, nearly zero: II for the right arm, III
# for the left (Haisty et al., J Electrocardiol 5:141, 1972). By effective value without wander, PTB-XL goes down to
# 0.18 of the largest of I, II and III, but for one record of 14 mV of wander (0.03).
MAX_LEG_RATIO = 0.1

# Order of every table. The last two are suspicions about the whole recording, the others damage to a lead.
FLAGS = (
    "missing", "flat", "clipped", "mains", "wander", "amplitude", "einthoven", "arm_reversal", "leg_reversal",
)  # fmt: skip
SUSPICIONS = ("arm_reversal", "leg_reversal")
DAMAGE = tuple(flag for flag in FLAGS if flag not in SUSPICIONS)


@dataclass(frozen=True)
class QualityReport:
    """What `check_quality` measured and flagged; arrays are (..., leads) unless said otherwise.

    Attributes:
        leads: their names.
        sampling_rate: hertz.
        missing_share: share of samples that are NaN or infinite.
        flat_share: share in constant stretches of at least `FLAT_SECONDS`.
        range_mv: maximum - minimum, NaN without a sample.
        clipped_runs, clipped_seconds: how often and how long the lead is exactly at its highest or lowest value.
        mains_mv: amplitude of the stronger hum, NaN where it was not looked for.
        wander_mv: range of what lies below `WANDER_HZ`, NaN where it was not looked for.
        einthoven_mv: contradiction to the other limb leads, NaN for leads that cannot contradict any.
        arm_correlation: (...), of lead I with V6 (or V5), NaN where either is absent.
        flags: name (`FLAGS`) -> bool; a suspected reversal is true at all limb leads present.
        unchecked: what was not looked for -> why; its flags are false.
    """

    leads: tuple[str, ...]
    sampling_rate: float
    missing_share: np.ndarray
    flat_share: np.ndarray
    range_mv: np.ndarray
    clipped_runs: np.ndarray
    clipped_seconds: np.ndarray
    mains_mv: np.ndarray
    wander_mv: np.ndarray
    einthoven_mv: np.ndarray
    arm_correlation: np.ndarray
    flags: dict[str, np.ndarray]
    unchecked: dict[str, str]

    @property
    def passed(self) -> np.ndarray:
        """bool (..., leads): no flag."""
        return self.passed_but()

    @property
    def record_passed(self) -> np.ndarray:
        """bool (...): every lead passed."""
        return np.asarray(self.passed.all(-1))

    def passed_but(self, flags: Sequence[str] = FLAGS) -> np.ndarray:
        """bool (..., leads): none of these flags.

        Raises:
            ValueError: an unknown flag.
        """
        unknown = [flag for flag in flags if flag not in FLAGS]
        if unknown:
            raise ValueError(f"unknown flags {unknown}, wanted some of {', '.join(FLAGS)}")
        flagged: np.ndarray = np.zeros_like(self.flags["flat"])
        for flag in flags:
            flagged = flagged | self.flags[flag]
        return ~flagged

    def summary(self) -> dict:
        """Counts of records and leads, in all, passed, and by flag; and what was not looked for."""
        passed, whole = self.passed, self.record_passed
        return {
            "records": whole.size,
            "records_passed": int(whole.sum()),
            "leads": passed.size,
            "leads_passed": int(passed.sum()),
            "flags": {
                name: {"records": int(flag.any(-1).sum()), "leads": int(flag.sum())}
                for name, flag in self.flags.items()
            },
            "unchecked": dict(self.unchecked),
        }

    def to_dict(self) -> dict:
        """Everything as lists, numbers and names for JSON; NaN as None."""
        arrays = {
            name: _plain(value) for name, value in vars(self).items() if isinstance(value, np.ndarray | np.generic)
        }
        return {
            "leads": list(self.leads),
            "sampling_rate": self.sampling_rate,
            **arrays,
            "flags": {name: flag.tolist() for name, flag in self.flags.items()},
            "passed": self.passed.tolist(),
            "record_passed": self.record_passed.tolist(),
            "unchecked": dict(self.unchecked),
        }


def check_quality(signals: np.ndarray, sampling_rate: float, leads: Sequence[str]) -> QualityReport:
    """Measures and judges every lead.

    Args:
        signals: (..., leads, samples) in millivolts, NaN where missing. float32 is computed in as it is, twice as
            fast, which moves the measures by some 1e-5; anything else in float64.
        sampling_rate: hertz. Hum of 50 or 60 Hz is looked for from 110 or 130 Hz on only; see `unchecked`.
        leads: names of the leads of `signals`.

    Raises:
        ValueError: a rate that is not positive, no sample, unknown or doubled lead names or another number of them.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals import check_quality
        >>> signals = np.sin(2 * np.pi * np.arange(2000) / 200) * [[1.0], [0.5]]  # ten seconds at 200 Hz
        >>> signals[1, 400:800] = 0
        >>> report = check_quality(signals, 200, ["V1", "V2"])
        >>> [lead for lead, good in zip(report.leads, report.passed) if not good]
        ['V2']
        >>> [flag for flag, found in report.flags.items() if found.any()]
        ['flat']
    """
    sampling_rate = check_rate("sampling_rate", sampling_rate)
    from scipy import fft

    signals = np.asarray(signals)
    if signals.dtype.kind not in "iuf" or signals.ndim < 1:
        raise ValueError(f"signals are {signals.dtype} of shape {signals.shape}, wanted numbers (..., samples)")
    signals = signals.astype(np.float32 if signals.dtype == np.float32 else np.float64, copy=False)
    leads = _checked(signals, leads)
    length = signals.shape[-1]
    if not length:
        raise ValueError(f"signals have shape {signals.shape}: no samples")
    present = np.full(signals.shape[:-1], length)
    highest, lowest = signals.max(-1), signals.min(-1)
    filled = signals
    if not (np.isfinite(highest) & np.isfinite(lowest)).all():
        finite = np.isfinite(signals)
        present = np.count_nonzero(finite, axis=-1)
        signals = np.where(finite, signals, np.nan)
        highest, lowest = np.fmax.reduce(signals, axis=-1), np.fmin.reduce(signals, axis=-1)
        # a gap is filled with the mean: it shall neither hum nor wander
        means = np.nansum(signals, axis=-1) / np.maximum(present, 1)
        filled = np.where(finite, signals, means[..., None])
    mean = filled.mean(-1)
    # several leads at a time, and in single precision too, which numpy's transform is no faster in
    spectrum = fft.rfft(filled - mean[..., None], axis=-1, overwrite_x=True)
    spectrum[..., 0] = 0

    range_mv = highest - lowest
    flat_share = measures.constant_share(signals, int(np.ceil(FLAT_SECONDS * sampling_rate)))
    runs, samples = measures.runs_at_extreme(signals, lowest, highest, mean)
    seconds = samples / sampling_rate
    unchecked: dict[str, str] = {}
    long_enough = length >= _SHORTEST_SECONDS * sampling_rate
    mains_mv, mains = _mains(spectrum, length, sampling_rate, long_enough, unchecked)
    wander_mv = np.full(range_mv.shape, np.nan)
    if long_enough:
        wander_mv = measures.wander_range(spectrum, length, sampling_rate, WANDER_HZ)
    else:
        unchecked["wander"] = f"records of {length / sampling_rate:g} s, wanted at least {_SHORTEST_SECONDS:g} s"
    einthoven_mv = measures.einthoven_residual(signals, leads)
    if np.isnan(einthoven_mv).all():
        unchecked["einthoven"] = "wanted three limb leads that depend on each other, all with samples"
    limb = np.array([lead in LIMB_LEADS for lead in leads])
    correlation, arms, legs = _reversals(spectrum, length, sampling_rate, leads, long_enough, unchecked)
    flags = {
        "missing": present < (1 - MAX_MISSING_SHARE) * length,
        "flat": (flat_share > MAX_FLAT_SHARE) | (range_mv < FLAT_RANGE_MV),
        "clipped": (runs >= MIN_CLIPPED_RUNS) | (seconds >= MIN_CLIPPED_SECONDS),
        "mains": mains,
        "wander": wander_mv > MAX_WANDER_MV,
        "amplitude": range_mv > MAX_RANGE_MV,
        "einthoven": einthoven_mv > MAX_EINTHOVEN_MV,
        "arm_reversal": arms[..., None] & limb,
        "leg_reversal": legs[..., None] & limb,
    }
    return QualityReport(
        leads=leads,
        sampling_rate=float(sampling_rate),
        missing_share=1 - present / length,
        flat_share=flat_share,
        range_mv=range_mv,
        clipped_runs=runs,
        clipped_seconds=seconds,
        mains_mv=mains_mv,
        wander_mv=wander_mv,
        einthoven_mv=einthoven_mv,
        arm_correlation=correlation,
        flags=flags,
        unchecked=unchecked,
    )


def _mains(spectrum, length: int, sampling_rate: float, long_enough: bool, unchecked: dict):
    strongest = np.full(spectrum.shape[:-1], np.nan)
    flagged = np.zeros(spectrum.shape[:-1], bool)
    for hertz in MAINS_HZ:
        lowest_rate = 2 * (hertz + _MAINS_MARGIN_HZ)
        if sampling_rate < lowest_rate:
            unchecked[f"mains {hertz:g} Hz"] = f"{sampling_rate:g} Hz sampled, wanted at least {lowest_rate:g} Hz"
        elif not long_enough:
            unchecked[f"mains {hertz:g} Hz"] = f"records shorter than {_SHORTEST_SECONDS:g} s"
        else:
            amplitude, ratio = measures.hum_amplitude(spectrum, length, sampling_rate, hertz)
            strongest = np.fmax(strongest, amplitude)
            flagged |= (amplitude > MAX_MAINS_MV) & (ratio > MIN_MAINS_RATIO)
    return strongest, flagged


def _reversals(spectrum, length: int, sampling_rate: float, leads, long_enough: bool, unchecked: dict):
    """Correlation, suspected arm reversal, suspected leg reversal, all (...)."""
    shape = spectrum.shape[:-2]
    correlation, arms, legs = np.full(shape, np.nan), np.zeros(shape, bool), np.zeros(shape, bool)
    names = [lead for lead in ("I", "II", "III", "V6", "V5") if lead in leads]
    chest = next((lead for lead in ("V6", "V5") if lead in leads), None)
    why = "" if long_enough else f"records shorter than {_SHORTEST_SECONDS:g} s"
    if why or "I" not in leads or chest is None:
        unchecked["arm_reversal"] = why or "wanted the leads I and V6 (or V5)"
    if why or not {"I", "II", "III"} <= set(leads):
        unchecked["leg_reversal"] = why or "wanted the leads I, II and III"
    if {"arm_reversal", "leg_reversal"} <= set(unchecked):
        return correlation, arms, legs
    part: dict[str | None, np.ndarray] = {name: spectrum[..., leads.index(name), :] for name in names}
    fast = measures.fast_part(length, sampling_rate, WANDER_HZ)
    slopes = fast * measures.slope_part(length, max(round(_SLOPE_SECONDS * sampling_rate), 1))
    weights = np.stack([fast, slopes], axis=1).astype(spectrum.real.dtype)
    if "arm_reversal" not in unchecked:
        correlation = measures.agreement(part["I"], part[chest], weights).max(-1)
        arms = correlation < MAX_ARM_CORRELATION
    if "leg_reversal" not in unchecked:
        one, two, three = (measures.power(part[name], weights)[..., 0] for name in ("I", "II", "III"))
        legs = np.minimum(two, three) < MAX_LEG_RATIO**2 * np.maximum(np.maximum(one, two), three)
    return correlation, arms, legs


def _plain(values: np.ndarray | np.generic):
    """Nested lists of Python numbers, None for what is not finite."""
    values = np.asarray(values)
    if values.dtype.kind != "f":
        return values.tolist()
    written = values.astype(object)
    written[~np.isfinite(values)] = None
    return written.tolist()
