"""Occlusion: what a score loses when a beat of a lead is taken out of the record."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch

from ..processing.on_purpose import on_purpose
from .asked_score import AskedScore
from .explained_record import ExplainedRecord

BATCH = 16


class Occluded(NamedTuple):
    """Losses of a score, above zero where what was taken out speaks for it.

    Attributes:
        score: of the whole record.
        grid: float64 (leads, beats), of one beat in one lead.
        by_lead: float64 (leads,), of a whole lead; NaN where the record has no other.
        by_beat: float64 (beats,), of a beat in all leads.
    """

    score: float
    grid: np.ndarray
    by_lead: np.ndarray
    by_beat: np.ndarray


def occlude(score: AskedScore, record: ExplainedRecord, beats: np.ndarray) -> Occluded:
    """Takes out each beat of each lead, each whole lead, and each beat in all leads, and asks the model again.

    A beat is replaced by the straight line between the ends of its span, a lead by its median. This is done to the
    record, before the feature extractor: limb leads that are derived change with those that they come from, and any
    model can be asked, whatever it reads.

    Args:
        score: who is asked.
        record: what about.
        beats: (beats, 2), seconds; see `ExplainedRecord.beats`.

    Raises:
        ValueError: what the extractor refuses.

    Source: Zeiler, Fergus 2014, "Visualizing and understanding convolutional networks", section 4.2.
    """
    leads = [record.given.leads.index(lead) for lead in record.seen]
    whole = record.given.values
    spans = np.rint(beats * record.given.sampling_rate).astype(int)
    alone = len(leads) < 2

    def changed() -> Iterator[np.ndarray]:
        yield whole
        for lead in leads:
            for first, end in spans:
                yield _without(whole, [lead], first, end)
        for first, end in spans:
            yield _without(whole, leads, first, end)
        for lead in [] if alone else leads:
            yield _flat(whole, lead)

    full, *lost = _scores(score, record, changed())
    losses = full - np.array(lost)
    cells = len(leads) * len(spans)
    grid, by_beat = losses[:cells].reshape(len(leads), len(spans)), losses[cells : cells + len(spans)]
    return Occluded(full, grid, np.full(1, np.nan) if alone else losses[cells + len(spans) :], by_beat)


def _scores(score: AskedScore, record: ExplainedRecord, signals: Iterable[np.ndarray]) -> list[float]:
    found: list[float] = []
    some: list[np.ndarray] = []
    signals = iter(signals)
    while some := [one for _, one in zip(range(BATCH), signals, strict=False)]:
        with on_purpose(known_units=True), torch.no_grad():
            inputs = score.extractor(
                np.stack(some),
                sampling_rate=record.given.sampling_rate,
                leads=record.given.leads,
                units="mV",
                lead=record.lead,
                window="recipe",
                return_tensors="pt",
            )
            # the rows of a record stand side by side, and their mean counts
            found += score(dict(inputs)).reshape(len(some), -1).mean(dim=1).tolist()
    return found


def _without(whole: np.ndarray, leads: list[int], first: int, end: int) -> np.ndarray:
    changed = whole.copy()
    for lead in leads:
        ends = whole[lead, [max(first, 0), min(end, whole.shape[1]) - 1]]
        if not np.isfinite(ends).all():
            ends = np.full(2, np.nanmedian(whole[lead]))
        changed[lead, first:end] = np.linspace(*ends, end - first)
    return changed


def _flat(whole: np.ndarray, lead: int) -> np.ndarray:
    changed = whole.copy()
    changed[lead] = np.nanmedian(whole[lead])
    return changed
