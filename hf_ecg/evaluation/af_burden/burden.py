"""AF burden of one recording from the answers for its windows: share of time, interval, episodes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..metrics.bootstrap import CONFIDENCE, Interval, percentile_interval

# A block of the bootstrap is a 24th of the recording, an hour of a day, and five minutes at least.
_BLOCKS, _SHORTEST_BLOCK = 24, 300.0
# Windows that are not judged do not end an episode when AF is on both sides of at most this many seconds.
LONGEST_GAP = 120.0


@dataclass(frozen=True)
class Episode:
    """Start and end of a stretch of AF, seconds from the recording's start; `gaps`: seconds in it not judged."""

    start: float
    end: float
    gaps: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def burden_of(af: np.ndarray, seconds: np.ndarray) -> float | None:
    """Share of the judged time that is AF; None where nothing was judged.

    Args:
        af: (windows,) 1 for AF, 0 for not, NaN where not judged.
        seconds: (windows,) their durations.
    """
    judged = np.isfinite(af)
    total = seconds[judged].sum()
    return float((af[judged] * seconds[judged]).sum() / total) if total > 0 else None


def block_seconds_of(seconds: float) -> float:
    """The length of the blocks for a recording of so many seconds."""
    return max(seconds / _BLOCKS, _SHORTEST_BLOCK)


def burden_interval(
    af: np.ndarray,
    seconds: np.ndarray,
    block_seconds: float,
    replicates: int,
    seed: int,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The burden with the percentile interval of a circular block bootstrap over time.

    Blocks of neighbouring windows are drawn with replacement from everywhere in the recording, until there are as many
    windows as it has (Politis and Romano, 1992). So the interval is about time: what another stretch as long, of the
    same person with the same coming and going of AF, might have shown. It knows nothing of wrong answers of the
    detector, and is too short where episodes last longer than a block.

    Args:
        af, seconds: as `burden_of`; windows in the order of time, side by side.
        block_seconds: of a block.
        replicates, seed: of the bootstrap.
        confidence: of the interval.

    Returns:
        The burden with its interval; low and high are None where all judged windows are alike, or where the recording
        has fewer than two blocks: nothing is known then of how it varies.
    """
    value = burden_of(af, seconds)
    if value is None:
        return Interval(None, None, None)
    block = max(1, round(block_seconds / float(np.median(seconds))))
    if value in (0.0, 1.0) or len(af) < 2 * block:
        return Interval(value, None, None)
    judged = np.isfinite(af)
    weights = np.where(judged, seconds, 0.0)
    parts = np.stack([np.where(judged, af, 0.0) * weights, weights])
    # sums of blocks anywhere, beyond the end from the start again
    sums = np.cumsum(np.concatenate([np.zeros((2, 1)), parts, parts], axis=1), axis=1)
    number, rest = divmod(len(af), block)
    lengths = [block] * number + ([rest] if rest else [])
    starts = np.random.default_rng([seed, 2]).integers(len(af), size=(replicates, len(lengths)))
    in_af, of_time = (sums[:, starts + lengths] - sums[:, starts]).sum(axis=-1)
    drawn = np.divide(in_af, of_time, out=np.full(replicates, np.nan), where=of_time > 0)
    return percentile_interval(value, drawn, confidence)


def find_episodes(
    af: np.ndarray, starts: np.ndarray, seconds: np.ndarray, longest_gap: float = LONGEST_GAP
) -> list[Episode]:
    """The stretches of AF, in the order of time.

    Windows that are not judged are in an episode where AF is on both sides and they last `longest_gap` at most; they
    count as `gaps`. Else the episode ends before them.

    Args:
        af, seconds: as `burden_of`.
        starts: (windows,) seconds from the recording's start.
        longest_gap: seconds.
    """
    found: list[Episode] = []
    waiting: float | None = None  # seconds not judged since the last window of AF; None after one without AF
    for state, start, length in zip(af.tolist(), starts.tolist(), seconds.tolist(), strict=True):
        if np.isnan(state):
            waiting = None if waiting is None else waiting + length
        elif not state:
            waiting = None
        else:
            if waiting is not None and waiting <= longest_gap:
                last = found.pop()
                found.append(Episode(last.start, start + length, last.gaps + waiting))
            else:
                found.append(Episode(start, start + length, 0.0))
            waiting = 0.0
    return found


def longest(episodes: Sequence[Episode]) -> float:
    """Seconds of the longest one, 0 without any."""
    return max((episode.seconds for episode in episodes), default=0.0)
