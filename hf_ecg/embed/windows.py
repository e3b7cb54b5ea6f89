"""Windows of a record, a row each, and what is wrong with their leads."""

from dataclasses import dataclass

import numpy as np

from ..signals.measuring import GOOD, measure
from ..signals.quality import FLAGS, check_quality
from ..signals.record import Record
from ..signals.window import WINDOWS

__all__ = ["WINDOWS", "Window"]


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
