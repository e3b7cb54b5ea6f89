"""What a verifier says of one waveform feature of one record."""

import math
from dataclasses import dataclass
from typing import Literal

VERIFIERS = ("clep", "measured", "none")


@dataclass(frozen=True)
class Verdict:
    """A feature kept, rejected, or left undecided.

    Attributes:
        feature: its text, as it was proposed.
        verifier: which one decided; "none" when none could.
        score: larger where the signal shows the feature more; comparable between records of one feature and verifier,
            not between features. None where nothing was computed.
        keep: whether the feature may go into the report.
        reason: in words, with the numbers that it rests on.

    Raises:
        ValueError: an unknown verifier, a feature kept by none or without a score, a score that is not finite.
    """

    feature: str
    verifier: Literal["clep", "measured", "none"]
    score: float | None
    keep: bool
    reason: str

    def __post_init__(self):
        if self.verifier not in VERIFIERS:
            raise ValueError(f"verifier is {self.verifier!r}, wanted one of {', '.join(VERIFIERS)}")
        if self.score is not None and not math.isfinite(self.score):
            raise ValueError(f"{self.feature!r}: score is {self.score!r}, wanted a finite number or None")
        if self.keep and (self.verifier == "none" or self.score is None):
            raise ValueError(f"{self.feature!r} is kept by {self.verifier} with score {self.score}: no verdict")

    @property
    def verdict(self) -> Literal["kept", "rejected", "undecided"]:
        """As the column `waveform_features` has it."""
        if self.keep:
            return "kept"
        return "undecided" if self.verifier == "none" else "rejected"


def undecided(feature: str, reason: str, score: float | None = None) -> Verdict:
    """A feature that the verifier cannot judge: it is neither kept nor rejected."""
    return Verdict(feature, "none", score, False, reason)
