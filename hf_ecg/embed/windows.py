"""Windows of the model's length: where they lie in a record, and what is wrong with their leads."""

from dataclasses import dataclass

import numpy as np

from ..signals.quality import FLAGS, check_quality
from ..signals.record import Record

WINDOWS = ("all", "first", "recipe")
# A last window that would add less than this share of its length to what the others cover is not worth a row.
SMALLEST_REST = 0.1


@dataclass
class Window:
    """A stretch of a record: `index` within it, seconds from its beginning, and the samples as a record of their own.

    `item` is the record's place in the list; `record_id` and `path` say where it comes from.
    """

    item: int
    record_id: str
    path: str
    index: int
    start: float
    stop: float
    record: Record

    def quality(self) -> dict:
        """Flag -> leads that have it (empty: none; None: it could not be looked for), as `check_quality` judges the
        stored samples of this window."""
        record = self.record
        report = check_quality(record.to_millivolts(), record.sampling_rate, record.leads)
        unchecked = set(report.unchecked)
        hums = {name for name in unchecked if name.startswith("mains ")}
        if len(hums) == 2:  # neither of the two frequencies
            unchecked.add("mains")
        return {
            flag: None if flag in unchecked else [report.leads[i] for i in np.flatnonzero(report.flags[flag])]
            for flag in FLAGS
        }


def window_spans(num_samples: int, length: int | None, stride: int | None = None, which: str = "all"):
    """Start and end (samples) of the windows of a record, one after the other.

    A record that is not longer than a window is one window. Else windows begin at multiples of the stride; what
    remains behind the last whole one gets a window that is moved back to end with the record, so that it overlaps the
    one before it, unless it would add less than a tenth of a window.

    Args:
        num_samples: of the record.
        length: samples of a window; None takes the record as one.
        stride: samples between starts; None is `length`.
        which: "all", or "first" for the first one alone; "recipe" leaves the whole record to the model's recipe.

    Example:
        >>> list(window_spans(2500, 1000))
        [(0, 1000), (1000, 2000), (1500, 2500)]
    """
    if which == "recipe" or length is None or num_samples <= length:
        yield 0, num_samples
        return
    if which == "first":
        yield 0, length
        return
    stride = length if stride is None else stride
    start = 0
    while start + length <= num_samples:
        yield start, start + length
        start += stride
    covered = start - stride + length
    if num_samples - covered >= SMALLEST_REST * length:
        yield num_samples - length, num_samples


def cut(record: Record, start: int, end: int) -> Record:
    """The record's samples from `start` to `end`, as a view."""
    return record.cut(start, end)
