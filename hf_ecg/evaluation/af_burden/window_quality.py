"""Which windows a rhythm can be told of: leads that recorded something, and beats that look alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...signals import check_quality, fill_missing
from ...signals.beat_agreement import beat_agreement
from ...signals.beat_detection import find_r_peaks
from ...signals.record import Record
from ...signals.rr_irregularity import FEWEST_INTERVALS

# Why a window is not judged.
NO_LEAD, FEW_BEATS, NOISY = "no usable lead", "too few beats", "noisy"
# Of a lead's samples. Gaps of 3 s in 30 hide four beats, which the intervals between the others show.
MOST_MISSING = 0.1
# Of `beat_agreement`. On folds 1-7 of the Challenge 2017 sample 5 % of the windows that are not called noisy lie below
# (tests/benchmarks/rr_detector.py tells the figure, and how many of the noisy ones do). It was set after a look at all
# folds of that sample.
LOWEST_AGREEMENT = 0.88
_FLAGS = ("flat", "amplitude")


@dataclass(frozen=True)
class JudgedWindow:
    """A window after it was looked at.

    Attributes:
        record: its samples, of all leads that were read.
        seconds: duration.
        beats: seconds of its R peaks, from its start; found in the leads that are usable.
        reason: why no rhythm can be told of it; "" where one can.
        agreement: of the best lead.
        used: places of the leads in which the beats were found.
    """

    record: Record
    seconds: float
    beats: np.ndarray
    reason: str
    agreement: float
    used: tuple[int, ...] = ()


def judge_windows(windows: Sequence[Record], lowest_agreement: float = LOWEST_AGREEMENT) -> list[JudgedWindow]:
    """Looks at windows of one recording, one after the other.

    A lead takes part that has at most a tenth of its samples missing, is neither flat nor beyond 15 mV, and whose
    beats agree. In the leads that do, beats are looked for once more, without the others.

    Args:
        windows: of one recording.
        lowest_agreement: see `beat_agreement`.
    """
    return [_judge(window, lowest_agreement) for window in windows]


def _judge(window: Record, lowest_agreement: float) -> JudgedWindow:
    values, rate = window.to_millivolts(), window.sampling_rate
    seconds = window.seconds
    found = check_quality(values, rate, window.leads)
    usable = found.passed_but(_FLAGS) & (found.missing_share <= MOST_MISSING)
    nothing = np.zeros(0)
    if not usable.any():
        return JudgedWindow(window, seconds, nothing, NO_LEAD, 0.0)
    signals = fill_missing(values[usable], "linear") if np.isnan(values[usable]).any() else values[usable]
    beats = find_r_peaks(signals[None], rate)[0]
    if len(beats) <= FEWEST_INTERVALS:
        return JudgedWindow(window, seconds, beats / rate, FEW_BEATS, 0.0)
    agreement = beat_agreement(signals, rate, beats)
    good = agreement >= lowest_agreement
    if not good.any():
        return JudgedWindow(window, seconds, beats / rate, NOISY, float(agreement.max()))
    if not good.all():
        beats = find_r_peaks(signals[None, good], rate)[0]
        if len(beats) <= FEWEST_INTERVALS:
            return JudgedWindow(window, seconds, beats / rate, FEW_BEATS, float(agreement.max()))
    used = np.flatnonzero(usable)[good]
    return JudgedWindow(window, seconds, beats / rate, "", float(agreement.max()), tuple(used.tolist()))
