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
    judges_leads_together = True
    # what was recorded is judged, not what views made of it
    may_follow_views = False
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
        for rows, stretch in batch.stretches():
            # Absent leads are zeros, which would contradict the others: each pattern of presence is judged by itself.
            for pattern in np.unique(batch.lead_mask[rows], axis=0):
                alike = rows[(batch.lead_mask[rows] == pattern).all(-1)]
                if pattern.any():
                    masked[np.ix_(alike, np.flatnonzero(pattern))] = self._passed(batch, alike, pattern, stretch)
        if masked.all():
            return
        # Zero, so that neither a gap nor a rail reaches a filter.
        batch.signals = np.where((batch.lead_mask & ~masked)[..., None], 0.0, batch.signals)
        batch.lead_mask = masked

    def _passed(self, batch, rows: np.ndarray, pattern: np.ndarray, stretch: slice) -> np.ndarray:
        """bool (rows, present leads)."""
        places = np.flatnonzero(pattern)
        signals = batch.signals[np.ix_(rows, places)][..., stretch]
        report = check_quality(signals, batch.sampling_rate, [batch.leads[place] for place in places])
        passed = report.passed_but(self.flags)
        self._refuse(report, passed, rows)
        return passed

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
