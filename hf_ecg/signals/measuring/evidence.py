"""What each value rests on, and what speaks against it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..delineation.beats import BEFORE, RATE
from .lead_waves import P_END, P_ONSET, P_PEAK, QRS_END, QRS_ONSET, SHARED, T_END, T_PEAK
from .result import DOUBTFUL, GOOD, MISSING, Measured
from .shapes import Shape

_FEWEST_BEATS = 3
# ms: leads that disagree more about a boundary, between their quartiles.
_SPREAD_MS = {P_ONSET: 30, P_END: 35, QRS_ONSET: 20, QRS_END: 28, T_END: 40}
# Of the wave: what is left of the noise in the median beat.
_LOUD = 0.3
_FLAT_T_MV = 0.1
_COARSE_HZ, _BLUNT_HZ = 200.0, 100.0


@dataclass
class Evidence:
    """The usual shapes of a record, a stretch each, and reasons to doubt them.

    Args:
        shapes: the usual shape of each stretch that has one.
        rows: of the leads that do not follow from others.
        rate: of the record, hertz.
        beats, usual: how many there are, and how many of the usual shape.
    """

    shapes: Sequence[Shape]
    rows: Sequence[int]
    rate: float
    beats: int
    usual: int
    always: list[str] = field(default_factory=list)
    # of voltages and directions, which a record of less than 100 Hz has no fast parts of
    waves: list[str] = field(default_factory=list)

    def __post_init__(self):
        if self.usual < _FEWEST_BEATS:
            self.always.append(f"it rests on {self.usual} beat{'s' * (self.usual != 1)}")
        elif self.beats >= 4 and self.usual < 0.5 * self.beats:
            self.always.append(f"only {self.usual} of {self.beats} beats have this shape")
        self.waves += [*self.always, *([self.coarse] if self.rate < _BLUNT_HZ else [])]

    @property
    def coarse(self) -> str:
        return f"a sample is {1000 / self.rate:.0f} ms long"

    def middle(self, first: int, last: int) -> float:
        """Milliseconds from one place to another, of all leads together: the middle of the stretches."""
        return self._middle([shape.whole[last] - shape.whole[first] for shape in self.shapes])

    def middle_of_lead(self, row: int, first: int, last: int) -> float:
        return self._middle([shape.leads[row, last] - shape.leads[row, first] for shape in self.shapes])

    def _middle(self, values) -> float:
        finite = [value for value in values if np.isfinite(value)]
        # in less than half of the stretches is nowhere
        return float(np.median(finite)) * 1000 / RATE if 2 * len(finite) > len(values) else np.nan

    def interval(self, first: int, last: int, missing: Sequence[str]) -> Measured:
        """The time between two places with its reliability; `missing` says why where there is none."""
        value = self.middle(first, last)
        if not np.isfinite(value):
            return Measured(np.nan, "ms", MISSING, tuple(missing))
        why = [*self.always, *self._spread(first), *self._spread(last)]
        if self.rate < _COARSE_HZ:
            why.append(self.coarse)
        for place in {first, last}:
            why += self._noise(place)
        return judged(value, "ms", why)

    def _spread(self, place: int) -> list[str]:
        if place not in _SPREAD_MS or len(self.rows) < 3:
            return []
        found = []
        for shape in self.shapes:
            there = shape.leads[self.rows, place]
            there = there[np.isfinite(there)]
            if len(there) >= 3:
                found.append(np.subtract(*np.quantile(there, (0.75, 0.25))) * 1000 / RATE)
        # before each was moved towards the others
        spread = float(np.median(found)) / (1 - SHARED) if found else 0.0
        wave = {P_ONSET: "the beginning of P", P_END: "the end of P", QRS_ONSET: "the beginning of QRS"}
        name = wave.get(place, "the end of QRS" if place == QRS_END else "the end of T")
        return [f"leads differ by {spread:.0f} ms about {name}"] if spread > _SPREAD_MS[place] else []

    def _noise(self, place: int) -> list[str]:
        peak = P_PEAK if place in (P_ONSET, P_END) else T_PEAK if place == T_END else None
        if peak is None:
            return []
        name, ratios, heights = "P" if peak == P_PEAK else "T", [], []
        for shape in self.shapes:
            if not np.isfinite(shape.whole[peak]):
                continue
            at = BEFORE + int(shape.whole[peak])
            level = shape.beat[self.rows, BEFORE + int(shape.whole[P_ONSET])] if peak == P_PEAK else 0.0
            size = np.abs(shape.beat[self.rows, min(at, shape.beat.shape[1] - 1)] - level)
            lead = int(np.nanargmax(size)) if np.isfinite(size).any() else 0
            heights.append(float(size[lead]))
            ratios.append(
                float(shape.noise_mv[self.rows[lead]]) / np.sqrt(max(len(shape.marks), 1)) / max(size[lead], 1e-6)
            )
        if not heights:
            return []
        if name == "T" and np.median(heights) < _FLAT_T_MV:
            return [f"T is flat ({np.median(heights):.2f} mV at most)"]
        ratio = float(np.nanmedian(ratios)) if np.isfinite(ratios).any() else 0.0
        return [f"noise is {100 * ratio:.0f} % of {name}"] if ratio > _LOUD else []


def judged(value: float, unit: str, why: Sequence[str], missing: Sequence[str] = ()) -> Measured:
    """A value that is good where nothing speaks against it."""
    if not np.isfinite(value):
        return Measured(np.nan, unit, MISSING, tuple(missing or why))
    why = tuple(dict.fromkeys(why))
    return Measured(float(value), unit, DOUBTFUL if why else GOOD, why)
