"""What an explanation is: a number for each sample of each lead, in the record's own time."""

from dataclasses import dataclass

import numpy as np

from ..signals.record import Record


@dataclass(frozen=True)
class Explanation:
    """Which part of a record speaks for a score (above zero), and which against it (below).

    Attributes:
        method: "integrated_gradients", "occlusion" or "attention".
        asked: the class or the text; "" for attention, which is not asked anything.
        unit: of the score, "log-odds", "scaled cosine" or "value"; of attention "share of attention".
        record: the stretch that was explained, in millivolts; limb leads that the model derives are derived in it.
        leads: names, those of the record that the model sees.
        values: float64 (leads, samples), at the record's rate. By integrated gradients their sum over all, and
            `outside`, is `score - reference`. By occlusion a beat of a lead has its effect spread over its samples.
        by_lead: float64 (leads,). By occlusion what the score loses when the whole lead is made flat; else the sum.
        beats: float64 (beats, 2), seconds from the record's beginning to a beat's first and last moment.
        by_beat: float64 (beats,), the same of a beat in all leads.
        score: of the record; None for attention.
        reference: score of a flat line in all leads, which the integrated gradients start from; else None.
        probability: of the score, where it is one.
        outside: what fell on padding, beside the record.
        remarks: what a reader of the picture should know, in words.
    """

    method: str
    asked: str
    unit: str
    record: Record
    leads: tuple[str, ...]
    values: np.ndarray
    by_lead: np.ndarray
    beats: np.ndarray
    by_beat: np.ndarray
    score: float | None = None
    reference: float | None = None
    probability: float | None = None
    outside: float = 0.0
    remarks: tuple[str, ...] = ()

    @property
    def gap(self) -> float | None:
        """How far integrated gradients miss completeness: (sum - difference of scores) / |difference|; else None.

        Source: Sundararajan et al. 2017, "Axiomatic attribution for deep networks", Proposition 1.
        """
        if self.score is None or self.reference is None:
            return None
        difference = self.score - self.reference
        return float((self.values.sum() + self.outside - difference) / max(abs(difference), 1e-12))

    def summary(self) -> dict:
        """What a table or JSON holds: all but the samples."""
        return {
            "method": self.method,
            "asked": self.asked,
            "unit": self.unit,
            "score": self.score,
            "probability": self.probability,
            "reference": self.reference,
            "gap": self.gap,
            "by_lead": dict(zip(self.leads, self.by_lead.tolist(), strict=True)),
            "beats": [
                {"from_s": start, "to_s": end, "value": value}
                for (start, end), value in zip(self.beats.tolist(), self.by_beat.tolist(), strict=True)
            ],
            "remarks": list(self.remarks),
        }
