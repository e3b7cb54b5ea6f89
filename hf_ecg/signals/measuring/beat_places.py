"""The table of beats: each R peak with the boundaries of its shape."""

from collections.abc import Sequence

import numpy as np

from ..delineation.beats import RATE
from .lead_waves import PLACES, R_PEAK
from .result import BeatTable
from .shapes import Shape

# A mark that was aligned belongs to the R peak that lies this near.
_NEAR = round(0.15 * RATE)


def beat_table(shapes: Sequence[Sequence[Shape]], marks: np.ndarray, rate: float, leads: Sequence[str]) -> BeatTable:
    """Beats in samples of the record's rate.

    Args:
        shapes: of each stretch, the usual one first.
        marks: samples of the R peaks at `RATE` hertz.
        rate: of the record, hertz.
        leads: their names, in the order of the shapes' rows.
    """
    whole = np.full((len(marks), len(PLACES)), np.nan)
    by_lead = np.full((len(marks), len(leads), len(PLACES)), np.nan)
    usual = np.zeros(len(marks), bool)
    for stretch in shapes:
        for number, shape in enumerate(stretch):
            near = _nearest(marks, shape.marks)
            there = np.abs(marks[near] - shape.marks) <= _NEAR
            near, at = near[there], shape.marks[there]
            whole[near] = at[:, None] + shape.whole
            by_lead[near] = at[:, None, None] + shape.leads
            usual[near] = number == 0
    for found in (whole, by_lead):
        found[found < 0] = np.nan
    scale = rate / RATE
    places = {name: whole[:, place] * scale for place, name in enumerate(PLACES) if place != R_PEAK}
    per_lead = {
        lead: {name: by_lead[:, row, place] * scale for place, name in enumerate(PLACES)}
        for row, lead in enumerate(leads)
    }
    return BeatTable(np.rint(marks * scale).astype(np.int64), usual, places, per_lead, float(rate))


def _nearest(marks: np.ndarray, others: np.ndarray) -> np.ndarray:
    place = np.clip(np.searchsorted(marks, others), 1, max(len(marks) - 1, 1))
    place = np.minimum(place, len(marks) - 1)
    before = np.maximum(place - 1, 0)
    return np.where(np.abs(marks[before] - others) <= np.abs(marks[place] - others), before, place)
