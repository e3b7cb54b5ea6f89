"""Steps that change nothing: what a record must be for a model, refused in a sentence where it is not."""

from dataclasses import dataclass

import numpy as np

from ...checks import check_positive
from ..on_purpose import purpose
from .step_base import RecordError, Step

# What recipes call `RequireLength`.
REQUIRE_LENGTH = "require_length"
# How near to 0 and 1 mean and standard deviation are when somebody has made them so.
_TOLERANCE = 0.01
# And of so many recorded leads, where a part was cut out later. Of 3,141 records in millivolts (PTB-XL at 100 Hz,
# CODE-15, CPSC2018, Challenge 2021) none has four leads of its twelve like that; half of a z-scored record has, in
# every second case.
_LEADS, _TOLERANCE_OF_LEADS = 4, 0.25
# And of a record as a whole that has fewer leads than these: of 461 records in millivolts, 25 would else be
# refused by some of their leads, V2 to V5 for instance.
_WHOLE, _TOLERANCE_OF_SOME = 12, 1e-4


@dataclass(frozen=True)
class RequireMillivolts(Step):
    """Refuses normalised values: those that are said to be, and those that show it, whatever unit was said.

    No ECG in millivolts has a mean of 0 and a standard deviation of 1 in every lead, or reaches from 0 to 1 or from -1
    to 1 exactly in all of several leads, or from 0 to 1 as a whole. Derived leads are not asked, nor are ends where
    every lead repeats one value, which somebody padded.
    """

    accepts_missing = True
    # what was recorded is judged, not what views made of it
    may_follow_views = False

    def apply(self, batch):
        if not batch.physical:
            raise ValueError("the values are normalized ones, and this model reads voltages: give it millivolts")
        if purpose().known_units:
            return
        derived = () if batch.derivation is None else batch.derivation.leads
        asked = batch.lead_mask & ~np.isin(batch.leads, derived)
        with np.errstate(invalid="ignore"):
            for row, (signals, recorded) in enumerate(zip(batch.signals, asked, strict=True)):
                made = _normalised_by(_without_flat_ends(signals[recorded][:, batch.sample_mask[row]]))
                if made:
                    raise RecordError(
                        row, f"{made}: these are not voltages any more, and this model reads voltages: give it mV"
                    )


@dataclass(frozen=True)
class RequireLength(Step):
    """Refuses records that are shorter or longer, in seconds, than the model was trained for.

    Args:
        minimum: seconds; None takes any.
        maximum: seconds; None takes any. A longer record is cut into windows by `hf-ecg embed`.
    """

    accepts_missing = True
    may_follow_views = False
    minimum: float | None = None
    maximum: float | None = None

    def validate(self):
        for name in ("minimum", "maximum"):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name))
        if self.minimum is None and self.maximum is None:
            raise ValueError("neither minimum nor maximum is given, wanted at least one of them")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")

    def apply(self, batch):
        seconds = batch.sample_mask.sum(1) / batch.sampling_rate
        # a sample more or less is nobody's fault
        slack = 1 / batch.sampling_rate
        lowest = -np.inf if self.minimum is None else self.minimum - slack
        highest = np.inf if self.maximum is None else self.maximum + slack
        for row in np.flatnonzero((seconds < lowest) | (seconds > highest))[:1]:
            longer = seconds[row] > highest
            how = "; cut it into windows by window= (seconds), as `hf-ecg embed` does" if longer else ""
            found = "has a signal for" if batch.gaps[row].any() else "lasts"
            raise RecordError(int(row), f"the record {found} {seconds[row]:g} s, wanted {self.wanted}{how}")

    @property
    def wanted(self) -> str:
        """In words, such as "5 to 120 s"."""
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} to {self.maximum:g} s"
        return f"at most {self.maximum:g} s" if self.minimum is None else f"at least {self.minimum:g} s"


def _normalised_by(signals: np.ndarray) -> str:
    """How somebody has normalised the leads of a record (leads, samples), in words; empty when nobody has."""
    if not len(signals):
        return ""
    # several times faster, and most windows have no gap
    whole = not np.isnan(signals).any()
    mean_of, deviation_of = (np.mean, np.std) if whole else (np.nanmean, np.nanstd)
    low, high = (f(signals, axis=1) for f in ((np.min, np.max) if whole else (np.nanmin, np.nanmax)))
    alive = high > low
    if not alive.any():
        return ""
    signals, low, high = signals[alive], low[alive], high[alive]
    of_leads = _TOLERANCE if len(signals) < _LEADS else _TOLERANCE_OF_LEADS
    of_record = _TOLERANCE if len(signals) >= _WHOLE else _TOLERANCE_OF_SOME
    for axis, tolerance, what in ((1, of_leads, "every lead has"), (None, of_record, "the record has")):
        if np.any(np.abs(mean_of(signals, axis=axis)) >= tolerance):
            continue
        if np.all(np.abs(np.log(deviation_of(signals, axis=axis))) < np.log1p(tolerance)):
            return f"{what} a mean of 0 and a standard deviation of 1"
    if len(signals) < 2:
        return ""
    for bottom in (0.0, -1.0):
        if np.all(np.abs(low - bottom) < 1e-6) and np.all(np.abs(high - 1) < 1e-6):
            return f"every lead reaches from {bottom:g} to 1"
    if abs(low.min()) < 1e-6 and abs(high.max() - 1) < 1e-6:
        return "the record reaches from 0 to 1"
    return ""


def _without_flat_ends(signals: np.ndarray) -> np.ndarray:
    """(leads, samples) without the stretches at both ends in which no lead moves; all of it where none ever does."""
    # a missing value is unlike any, and so counts as moving
    moving = np.flatnonzero((signals[:, 1:] != signals[:, :-1]).any(axis=0))
    return signals[:, moving[0] : moving[-1] + 2] if len(moving) else signals
