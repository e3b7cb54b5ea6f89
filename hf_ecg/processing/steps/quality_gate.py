"""The step that keeps bad recordings from the model: by the flags or the noise detectors of `signals.quality`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...checks import check_one_of, shown
from ...signals.quality import DAMAGE, FLAGS, NoiseDetector, check_quality, load_noise_detector
from ...signals.quality.noise_detector import check_threshold
from ...signals.quality.noise_features import METHODS as NOISE_METHODS
from .step_base import RecordError, Step

BY_FLAGS = "flags"
METHODS = (BY_FLAGS, *NOISE_METHODS)


@dataclass(frozen=True)
class QualityGate(Step):
    """Counts bad leads as absent (`on_fail` "mask"), or raises for the first one ("raise").

    A record of which no lead is left raises either way. By the method "flags" a lead is bad that has one of `flags`;
    the default ones are those of damage to a lead, and suspected reversals, which concern all limb leads at once,
    count only when listed. By "hrv" and "hrv_and_waveform" a lead is bad that the package's detector of that name
    calls noisy (`signals.quality.detect_noise`), at `threshold` or its own. `detector` is one of your own in place of
    the package's: a JSON file of `hf-ecg study noise`, fitted with that method. A saved recipe holds the detector
    itself, so it goes with the model. Two gates look for both.
    """

    accepts_missing = True
    judges_leads_together = True
    # what was recorded is judged, not what views made of it
    may_follow_views = False
    on_fail: str = "mask"
    flags: Sequence[str] = DAMAGE
    method: str = BY_FLAGS
    threshold: float | None = None
    detector: str | dict | None = None

    def __post_init__(self):
        if isinstance(self.detector, str):
            object.__setattr__(self, "detector", json.loads(NoiseDetector.load(self.detector).to_json()))
        # a list, as JSON gives it back: a reloaded step equals the one that was saved
        if isinstance(self.flags, tuple):
            object.__setattr__(self, "flags", list(self.flags))

    def validate(self):
        check_one_of("on_fail", self.on_fail, ("mask", "raise"))
        if not isinstance(self.flags, list) or not self.flags:
            raise ValueError(f"flags is {self.flags!r}, wanted a list of some of {', '.join(FLAGS)}")
        for flag in self.flags:
            check_one_of("flags", flag, FLAGS)
        check_one_of("method", self.method, METHODS)
        if self.method != BY_FLAGS and self.flags != list(DAMAGE):
            raise ValueError(f"flags are of the method {BY_FLAGS!r}, found them with {self.method!r}: use two gates")
        if self.threshold is not None:
            check_threshold(self.threshold)
            if self.method == BY_FLAGS:
                raise ValueError(f"threshold is {self.threshold}, which the method {BY_FLAGS!r} has none of")
        if self.detector is not None:
            self._validate_detector()

    def _validate_detector(self) -> None:
        try:
            method = NoiseDetector.from_dict(self.detector).method
        except ValueError as error:
            raise ValueError(f"detector is not a noise detector of this version: {error}") from error
        if method != self.method:
            raise ValueError(f"detector was fitted with the method {method!r}, found it with {shown(self.method)}")

    def apply(self, batch):
        if not batch.physical and self.method == BY_FLAGS:
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
        leads = [batch.leads[place] for place in places]
        passed, reasons = self._judged(signals, batch.sampling_rate, leads)
        self._refuse(passed, reasons, leads, rows)
        return passed

    def _judged(self, signals: np.ndarray, sampling_rate: float, leads: list[str]):
        """bool (rows, leads) that passed, and (row, lead) -> what is wrong with that lead."""
        if self.method == BY_FLAGS:
            report = check_quality(signals, sampling_rate, leads)

            def flags_of(row: int, lead: int) -> str:
                return ", ".join(flag for flag in self.flags if report.flags[flag][row, lead])

            return report.passed_but(self.flags), flags_of
        own = self.detector
        detector = load_noise_detector(self.method) if own is None else NoiseDetector.from_dict(own)
        noise = detector(signals, sampling_rate, self.threshold)

        def noise_of(row: int, lead: int) -> str:
            return f"noise {noise.probability[row, lead]:.2f}, at most {noise.threshold:g} passes"

        return ~noise.noisy, noise_of

    def _refuse(
        self, passed: np.ndarray, reasons: Callable[[int, int], str], leads: list[str], rows: np.ndarray
    ) -> None:
        failed = ~passed.all(-1) if self.on_fail == "raise" else ~passed.any(-1)
        for place in np.flatnonzero(failed)[:1]:
            found = [
                f"{lead}: {reasons(int(place), column)}"
                for column, lead in enumerate(leads)
                if not passed[place, column]
            ]
            left = "" if self.on_fail == "raise" else "; no lead is left"
            raise RecordError(int(rows[place]), f"bad leads ({'; '.join(found)}){left}")
