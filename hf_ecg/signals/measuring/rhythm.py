"""How regular the heart beats, in a word and in numbers."""

from dataclasses import dataclass

import numpy as np

from .formulas import NAN

# Of the usual interval: by how much the middle interval is off in a rhythm that is not regular, and how early a beat
# is premature; both as `signals.delineation` has them.
_REGULAR, _EARLY = 0.08, 0.15
# The share of all intervals that are early in a rhythm with premature beats.
_MOST_EARLY = 0.35


@dataclass(frozen=True)
class Rhythm:
    """Attributes:

    word: "regular", "regular with premature beats", "irregular", or "unknown" with fewer than three intervals.
    rr_ms: mean interval. sdnn_ms, rmssd_ms: standard deviation of the intervals, root mean square of their changes.
    irregularity: median distance of the intervals from their median, over it.
    premature, premature_wide: beats that come early; those of another shape among them.
    """

    word: str = "unknown"
    rr_ms: float = NAN
    sdnn_ms: float = NAN
    rmssd_ms: float = NAN
    irregularity: float = NAN
    premature: int = 0
    premature_wide: int = 0


def judge_rhythm(seconds: np.ndarray, usual: np.ndarray, gap_before: np.ndarray) -> Rhythm:
    """The rhythm of beats.

    Args:
        seconds: of the R peaks, ascending.
        usual: bool, those of the usual shape.
        gap_before: bool, where something is missing between the beat before and this one: no interval.
    """
    whole = ~gap_before[1:]
    intervals, other = np.diff(seconds)[whole], ~usual[1:][whole]
    if not len(intervals):
        return Rhythm()
    middle, mean = float(np.median(intervals)), float(intervals.mean())
    irregularity = float(np.median(np.abs(intervals - middle))) / middle
    early = intervals < (1 - _EARLY) * middle
    word = "unknown"
    if len(intervals) >= 3:
        word = "regular" if irregularity <= _REGULAR and early.mean() <= _MOST_EARLY else "irregular"
        if word == "regular" and early.any():
            word = "regular with premature beats"
    changes = np.diff(intervals)
    return Rhythm(
        word,
        mean * 1000,
        float(intervals.std()) * 1000,
        float(np.sqrt((changes**2).mean())) * 1000 if len(changes) else NAN,
        irregularity,
        int(early.sum()),
        int((early & other).sum()),
    )
