"""The step that keeps bad recordings from the model: by the report of `signals.quality`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...checks import check_one_of
from ...signals.quality import DAMAGE, FLAGS, QualityReport, check_quality
from .step_base import RecordError, Step


@dataclass(frozen=True)
class QualityGate(Step):
    """Counts leads that have one of `flags` as absent (`on_fail` "mask"), or raises for the first one ("raise").

    A record of which no lead is left raises either way. The default flags are those of damage to a lead; suspected
    reversals, which concern all limb leads at once, count only when listed.
    """

    accepts_missing = True
    on_fail: str = "mask"
    flags: Sequence[str] = DAMAGE

    def __post_init__(self):
        # a list, as JSON gives it back: a reloaded step equals the one that was saved
        if isinstance(self.flags, tuple):
            object.__setattr__(self, "flags", list(self.flags))

    def validate(self):
        check_one_of("on_fail", self.on_fail, ("mask", "raise"))
        if not isinstance(self.flags, list) or not self.flags:
            raise ValueError(f"flags is {self.flags!r}, wanted a list of some of {', '.join(FLAGS)}")
        for flag in self.flags:
            check_one_of("flags", flag, FLAGS)

    def apply(self, batch):
        if not batch.physical:
            raise ValueError("quality is judged in millivolts, but the values are normalized ones")
        masked = batch.lead_mask.copy()
        start, stop = batch.valid
        # Absent leads are zeros, which would contradict the others: each pattern of presence is judged by itself.
        for pattern in np.unique(batch.lead_mask, axis=0):
            rows = np.flatnonzero((batch.lead_mask == pattern).all(-1))
            places = np.flatnonzero(pattern)
            if not len(places):
                continue
            signals = batch.signals[np.ix_(rows, places)][..., start:stop]
            report = check_quality(signals, batch.sampling_rate, [batch.leads[place] for place in places])
            passed = report.passed_but(self.flags)
            masked[np.ix_(rows, places)] = passed
            self._refuse(report, passed, rows)
        if masked.all():
            return
        # Zero, so that neither a gap nor a rail reaches a filter.
        batch.signals = np.where((batch.lead_mask & ~masked)[..., None], 0.0, batch.signals)
        batch.lead_mask = masked

    def _refuse(self, report: QualityReport, passed: np.ndarray, rows: np.ndarray) -> None:
        failed = ~passed.all(-1) if self.on_fail == "raise" else ~passed.any(-1)
        for place in np.flatnonzero(failed)[:1]:
            found = [
                f"{lead}: {', '.join(flag for flag in self.flags if report.flags[flag][place, column])}"
                for column, lead in enumerate(report.leads)
                if not passed[place, column]
            ]
            left = "" if self.on_fail == "raise" else "; no lead is left"
            raise RecordError(int(rows[place]), f"bad leads ({'; '.join(found)}){left}")
