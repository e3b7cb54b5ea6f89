"""How irregular the heart beats: numbers of the intervals between beats (RR) by which atrial fibrillation is told.

In atrial fibrillation each interval is as good as independent of those before it. So do premature beats make intervals
uneven, but in a pattern that comes again; `lowest_change` is small for a pattern of two, three or four beats.
"""

import numpy as np

from ._arrays import as_numbers

# What `rr_features` gives, in this order. Sources: rate and log are our choice; root mean square of differences,
# turning points and entropy: Dash et al., Ann Biomed Eng 37:1701 (2009); the cells of differences over intervals: Lian
# et al., Am J Cardiol 107:1494 (2011); coefficient of sample entropy: Lake and Moorman, Am J Physiol 300:H319 (2011).
# The medians and `lowest_change` are our own.
RR_FEATURES = (
    "log_mean_rr",
    "rms_change",
    "median_change",
    "lowest_change",
    "turning_points",
    "rr_entropy",
    "filled_cells",
    "sample_entropy",
)
# Nine beats: below, none of the numbers means anything.
FEWEST_INTERVALS = 8
_CELL_SECONDS = 0.025
_ENTROPY_BINS = 16
_TOLERANCE_SECONDS = 0.03
_LAGS = (1, 2, 3, 4)


def rr_features(beats, left_out=None) -> np.ndarray | None:
    """`RR_FEATURES` of one stretch of beats.

    Args:
        beats: their times in seconds, ascending; some 20 to 60 of them.
        left_out: bool (beats,), such as ventricular ones: the intervals before and behind them are not looked at.
            They come early and are waited for, whatever the rhythm is. What is left counts as side by side.

    Returns:
        float64 (8,), None with fewer than `FEWEST_INTERVALS` intervals.

    Raises:
        ValueError: times that do not ascend, a mask of another shape.

    Example:
        >>> import numpy as np
        >>> from hf_ecg.signals.rr_irregularity import RR_FEATURES, rr_features
        >>> bigeminy = np.cumsum([0.6, 1.2] * 12)
        >>> dict(zip(RR_FEATURES, rr_features(bigeminy).round(2).tolist()))["lowest_change"]
        0.0
    """
    beats = as_numbers(beats, "beats").astype(np.float64)
    intervals = np.diff(beats)
    if (intervals <= 0).any():
        raise ValueError("the times of the beats do not ascend")
    if left_out is not None:
        left_out = np.asarray(left_out, bool)
        if left_out.shape != beats.shape:
            raise ValueError(f"left_out has shape {left_out.shape}, wanted {beats.shape}")
        intervals = intervals[~(left_out[1:] | left_out[:-1])]
    if len(intervals) < FEWEST_INTERVALS:
        return None
    mean, changes = float(intervals.mean()), np.diff(intervals)
    lags = [float(np.median(np.abs(intervals[lag:] - intervals[:-lag]))) for lag in _LAGS]
    # a change of direction in two thirds of all places, where intervals are independent
    turning = float((changes[1:] * changes[:-1] < 0).mean())
    cells = np.floor(np.stack([intervals[1:], changes]) / _CELL_SECONDS).astype(np.int64)
    return np.array(
        [
            np.log(mean),
            np.sqrt((changes**2).mean()) / mean,
            lags[0] / mean,
            min(lags) / mean,
            turning,
            _entropy(intervals),
            np.unique(cells, axis=1).shape[1] / len(changes),
            _sample_entropy(intervals) - np.log(mean),
        ]
    )


def _entropy(intervals: np.ndarray) -> float:
    """Shannon's, of a histogram over the middle of the intervals, 1 at most."""
    low, high = np.quantile(intervals, (0.05, 0.95))
    # a regular heart's histogram would be of rounding errors
    width = max(high - low, _CELL_SECONDS * _ENTROPY_BINS / 2)
    places = np.clip((intervals - low) / width * _ENTROPY_BINS, 0, _ENTROPY_BINS - 1).astype(np.int64)
    shares = np.bincount(places) / len(intervals)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum() / np.log(_ENTROPY_BINS))


def _sample_entropy(intervals: np.ndarray) -> float:
    """Of pairs of one interval that are alike, how rarely the next ones are too; at least one is counted."""
    alike = np.abs(intervals[:, None] - intervals) < _TOLERANCE_SECONDS
    pairs = np.triu(alike[:-1, :-1], 1)
    longer = pairs & alike[1:, 1:]
    matches, both = max(int(pairs.sum()), 1), max(int(longer.sum()), 1)
    return float(-np.log(both / matches) + np.log(2 * _TOLERANCE_SECONDS))
