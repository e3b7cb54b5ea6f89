"""What every step of a recipe shares: the batch it works on and its parameters."""

from dataclasses import dataclass

import numpy as np


@dataclass
class WaveformBatch:
    """What the steps hand on: float64 `(records, leads, samples)`, theirs to overwrite, and what is known about it.

    Attributes:
        lead_mask: bool `(records, leads)`, false where a lead is absent.
        valid: first sample and end of what was recorded; the rest is padding.
        complete: no sample is missing, so that nobody needs to look for any.
        physical: the values are millivolts, so that limb leads may be derived.
        wanted: the leads that the recipe accepts, in the model's order.
        lead: the one lead that the caller picked, or None.
        target_rate, num_samples: what the recipe aims at, for the steps that do not say otherwise.
        origin: int `(records,)`, the position of each record in the group that came in.
        amplitude: `(records, leads, 2)` offset and scale in millivolts, or None.
    """

    signals: np.ndarray
    lead_mask: np.ndarray
    leads: tuple[str, ...]
    sampling_rate: float
    valid: tuple[int, int]
    complete: bool
    physical: bool
    wanted: tuple[str, ...]
    lead: str | None
    target_rate: float
    num_samples: int | None
    origin: np.ndarray
    amplitude: np.ndarray | None = None


@dataclass(frozen=True)
class Step:
    """A step's fields are its parameters; a field whose default is None follows the recipe's own value."""

    # Steps that compare or move samples without computing with them may meet missing ones.
    accepts_missing = False

    def validate(self) -> None:
        """Raises ValueError for a value that no record could be processed with."""

    def apply(self, batch: WaveformBatch) -> None:
        raise NotImplementedError


class RecordError(ValueError):
    """An error of one record of a batch; the extractor, which knows the names, puts the record's before it."""

    def __init__(self, record: int, message: str):
        super().__init__(message)
        self.record = record
