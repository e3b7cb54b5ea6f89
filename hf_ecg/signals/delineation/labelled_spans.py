"""Classes of samples as spans of time: what a model that labels every sample says, in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...checks import check_positive


@dataclass(frozen=True)
class LabelledSpan:
    """A stretch of samples of one class.

    Args:
        label: the class.
        start: seconds from the first sample.
        end: seconds, where the first sample after it begins.
    """

    label: str
    start: float
    end: float


def labelled_spans(
    track, classes: Sequence[str], sampling_rate: float, leave_out: Sequence[str] = ("other", "none")
) -> list[LabelledSpan]:
    """The stretches of samples that have the same class.

    Args:
        track: whole numbers (samples,), the class of each sample.
        classes: their names.
        sampling_rate: hertz.
        leave_out: classes that give no spans, such as what is no wave.

    Raises:
        ValueError: another shape, numbers that are no class, a rate that is not positive.

    Example:
        >>> from hf_ecg.signals.delineation import labelled_spans
        >>> labelled_spans([0, 1, 1, 0, 2], ["other", "P", "QRS"], sampling_rate=2)
        [LabelledSpan(label='P', start=0.5, end=1.5), LabelledSpan(label='QRS', start=2.0, end=2.5)]
    """
    track = np.asarray(track)
    if track.ndim != 1 or track.dtype.kind not in "iu":
        raise ValueError(f"the track has shape {track.shape} and type {track.dtype}, wanted whole numbers (samples,)")
    check_positive("sampling_rate", sampling_rate)
    if len(track) == 0:
        return []
    if track.min() < 0 or track.max() >= len(classes):
        raise ValueError(f"the track goes from {track.min()} to {track.max()}, wanted 0 to {len(classes) - 1}")
    starts = np.flatnonzero(np.concatenate([[True], track[1:] != track[:-1]]))
    ends = np.append(starts[1:], len(track))
    return [
        LabelledSpan(classes[track[start]], start / sampling_rate, end / sampling_rate)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        if classes[track[start]] not in leave_out
    ]
