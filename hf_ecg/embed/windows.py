"""Windows of a record, a row each, and what is wrong with their leads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..signals.measuring import GOOD, measure
from ..signals.quality import FLAGS, QualityReport, check_quality
from ..signals.record import Record
from ..signals.window import WINDOWS

__all__ = ["WINDOWS", "Window", "qualities_of"]

# windows that are judged together: what fits into the caches
_AT_ONCE = 16


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

    def measurements(self) -> dict | None:
        """What `hf_ecg.measure` finds in this window, as the table has it (`measuring.VALUE_NAMES` and words); None
        where it cannot be measured, such as below 50 Hz."""
        try:
            found = measure(self.record)
        except ValueError:
            return None
        values = {row["name"]: row["value"] for row in found.rows()}
        doubts = [f"{name}: {one}" for name, one in found.values.items() if one.reliability != GOOD]
        return values | {"beats": len(found.beats), "rhythm": found.rhythm.word, "doubts": doubts}


def qualities_of(windows: Sequence[Window]) -> list[dict]:
    """Of each window: flag -> leads that have it (empty: none; None: it could not be looked for), as `check_quality`
    judges its stored samples."""
    stacks: dict[tuple, list[tuple[int, np.ndarray]]] = {}
    for place, window in enumerate(windows):
        record = window.record
        values = record.to_millivolts()
        # what is missing decides what can be looked for: such a window is judged alone
        alone = place if np.isnan(values.min()) else -1
        key = (alone, record.leads, record.sampling_rate, values.shape)
        stacks.setdefault(key, []).append((place, values))
    found: dict[int, dict] = {}
    for (_, leads, rate, _), stack in stacks.items():
        for first in range(0, len(stack), _AT_ONCE):
            part = stack[first : first + _AT_ONCE]
            report = check_quality(np.stack([values for _, values in part]), rate, leads)
            found |= {place: _flagged(report, row) for row, (place, _) in enumerate(part)}
    return [found[place] for place in range(len(windows))]


def _flagged(report: QualityReport, row: int) -> dict:
    unchecked = set(report.unchecked)
    hums = {name for name in unchecked if name.startswith("mains ")}
    if len(hums) == 2:  # neither of the two frequencies
        unchecked.add("mains")
    return {
        flag: None if flag in unchecked else [report.leads[i] for i in np.flatnonzero(report.flags[flag][row])]
        for flag in FLAGS
    }
