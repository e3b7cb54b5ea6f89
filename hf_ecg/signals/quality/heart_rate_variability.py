"""Heart-rate variability of a short window: what the distances between its R peaks look like, and nothing else.

Time domain and Poincare plot only: 20 s have some 15 to 35 beats, too few for the power of slow oscillations. The
arithmetic is that of `neurokit2.hrv_time` and `neurokit2.hrv_nonlinear` (a test compares them); that package is not
used here, because it takes seconds to import and computes some eighty measures more.
"""

import numpy as np

from .._arrays import check_number

# Fewer have no two distances to compare: noisy by rule.
FEWEST_BEATS = 3
WINDOW_SECONDS = 20.0
# Spec of the method: a distance outside of it is not one of two heart beats, 200 to 30 a minute.
PLAUSIBLE_MS = (300.0, 2000.0)
# Of the distance before: more is an extra beat, a missed one or a wrong one.
JUMP_SHARE = 0.2
HRV_FEATURES = (
    "beats", "mean_rr", "median_rr", "min_rr", "max_rr", "sdnn", "rmssd", "sdsd", "cvnn", "cvsd", "madnn", "mcvnn",
    "iqrnn", "pnn20", "pnn50", "sd1", "sd2", "sd1_sd2", "implausible_share", "jump_share",
)  # fmt: skip
# of a normal distribution's standard deviation over its median absolute deviation
_MAD_SCALE = 1.4826


def hrv_features(peaks, sampling_rate: float, seconds: float = WINDOW_SECONDS) -> np.ndarray:
    """The features of `HRV_FEATURES`, in their order.

    Distances and their spreads are in milliseconds, shares and `pnn20`, `pnn50` between 0 and 1 (neurokit2: percent,
    and of the number of distances, as here). Standard deviations divide by one less than the number.

    Args:
        peaks: samples of the R peaks of one window, ascending.
        sampling_rate: hertz.
        seconds: length of the window; `beats` is the number for 20 s.

    Returns:
        float64 (20,). With fewer than three peaks all but `beats` are NaN; a spread of a single difference, and a
        ratio to a spread of nothing, are 0.

    Raises:
        ValueError: peaks that do not ascend, a rate or a length that is not positive.

    Source:
        The list of Kalpande, Sahu and Lone (arXiv 2502.14522) is not known to us: this one is inferred.

    Example:
        >>> from hf_ecg.signals.quality import HRV_FEATURES, hrv_features
        >>> found = hrv_features([0, 80, 160, 250], sampling_rate=100, seconds=5)
        >>> {name: round(float(found[HRV_FEATURES.index(name)]), 3) for name in ("beats", "mean_rr", "rmssd")}
        {'beats': 16.0, 'mean_rr': 833.333, 'rmssd': 70.711}
    """
    check_number("sampling_rate", sampling_rate, positive=True)
    check_number("seconds", seconds, positive=True)
    peaks = np.asarray(peaks, np.float64)
    if peaks.ndim != 1 or (np.diff(peaks) <= 0).any():
        raise ValueError(f"peaks of shape {peaks.shape}, wanted one row of ascending samples")
    features = np.full(len(HRV_FEATURES), np.nan)
    features[0] = len(peaks) * WINDOW_SECONDS / seconds
    if len(peaks) < FEWEST_BEATS:
        return features
    rr = np.diff(peaks) * (1000 / sampling_rate)
    steps = np.diff(rr)
    mean, median = rr.mean(), np.median(rr)
    sdnn, rmssd, sdsd = rr.std(ddof=1), np.sqrt(np.mean(steps**2)), _spread(steps)
    mad = _MAD_SCALE * np.median(np.abs(rr - median))
    low, high = np.quantile(rr, (0.25, 0.75))
    sd1, sd2 = sdsd / np.sqrt(2), _spread(rr[1:] + rr[:-1]) / np.sqrt(2)
    size = np.abs(steps)
    features[1:] = (
        mean, median, rr.min(), rr.max(), sdnn, rmssd, sdsd, sdnn / mean, rmssd / mean, mad, mad / median,
        high - low, np.count_nonzero(size > 20) / len(rr), np.count_nonzero(size > 50) / len(rr), sd1, sd2,
        sd1 / sd2 if sd2 > 0 else 0.0,
        np.mean((rr < PLAUSIBLE_MS[0]) | (rr > PLAUSIBLE_MS[1])), np.mean(size > JUMP_SHARE * rr[:-1]),
    )  # fmt: skip
    return features


def _spread(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0
