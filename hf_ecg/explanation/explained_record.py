"""The stretch of a record that is explained, in millivolts: what the extractor reads of it, and its beats."""

import math
from dataclasses import dataclass, replace
from os import PathLike, fspath

import numpy as np

from ..processing import ECGFeatureExtractor
from ..processing.inputs import read_inputs
from ..processing.row_places import RowPlaces, row_places
from ..saved_models import window_seconds
from ..signals.beat_detection import find_r_peaks
from ..signals.formats import read
from ..signals.leads import LIMB_LEADS, derive_limb_leads
from ..signals.record import Record

# as long as one figure may be, see plotting
LONGEST_S = 60.0
# Of the time between two R peaks: where one beat's T wave has ended and the next one's P wave has not begun.
BETWEEN_BEATS = 0.6
# Slowest sensible beat, for the first and the last of a record.
LONGEST_BEAT_S = 1.2


@dataclass(frozen=True)
class ExplainedRecord:
    """What is explained.

    Attributes:
        given: the stretch as it was recorded, in millivolts, all its leads; this is what the extractor reads.
        places: where the rows lie that the extractor makes of it, in seconds from the stretch's beginning.
        start: seconds from the record's beginning to the stretch.
        remarks: what was left out.
    """

    given: Record
    places: RowPlaces
    start: float
    lead: str | None
    remarks: tuple[str, ...] = ()

    @property
    def seen(self) -> tuple[str, ...]:
        """The recorded leads that have a part in what the model sees."""
        limb = [lead for lead in self.places.leads if lead in LIMB_LEADS]
        derived = [lead for lead in limb if lead not in self.given.leads]
        sources = LIMB_LEADS if derived else ()
        return tuple(lead for lead in self.given.leads if lead in self.places.leads or lead in sources)

    def with_derived_leads(self) -> Record:
        """The stretch with the leads that the model sees, derived ones too, in the model's order."""
        values, leads = self.given.values, self.given.leads
        if len([lead for lead in leads if lead in LIMB_LEADS]) >= 2:
            values, leads = derive_limb_leads(values, leads)
        names = [lead for lead in self.places.leads if lead in leads]
        rows = values[[leads.index(lead) for lead in names]]
        return replace(self.given, values=rows, leads=tuple(names), lead_names=(), units=())

    def beats(self) -> np.ndarray:
        """float64 (beats, 2): first and last moment of each beat, seconds from the stretch's beginning."""
        signals = np.nan_to_num(self.given.values)[None]
        (peaks,) = find_r_peaks(signals, self.given.sampling_rate)
        return beat_spans(peaks / self.given.sampling_rate, self.given.seconds)


def beat_spans(peaks: np.ndarray, seconds: float) -> np.ndarray:
    """From R peaks (seconds, ascending) to the spans of their beats, from before P to behind T, side by side.

    Example:
        >>> from hf_ecg.explanation.explained_record import beat_spans
        >>> beat_spans(np.array([0.5, 1.5, 2.5]), 3.0).round(2).tolist()
        [[0.1, 1.1], [1.1, 2.1], [2.1, 3.0]]
    """
    if not len(peaks):
        return np.zeros((0, 2))
    gaps = np.minimum(np.diff(peaks), LONGEST_BEAT_S) if len(peaks) > 1 else np.array([1.0])
    first = peaks - (1 - BETWEEN_BEATS) * np.concatenate([gaps[:1], gaps][: len(peaks)] if len(peaks) > 1 else [gaps])
    last = peaks + BETWEEN_BEATS * (np.concatenate([gaps, gaps[-1:]]) if len(peaks) > 1 else gaps)
    return np.clip(np.stack([first, last], axis=1), 0.0, seconds)


def explained_record(
    ecg,
    extractor: ECGFeatureExtractor,
    model,
    *,
    sampling_rate=None,
    leads=None,
    units=None,
    rename=None,
    lead: str | None = None,
    start: float = 0.0,
    seconds: float | None = None,
) -> ExplainedRecord:
    """Reads one record and takes the stretch of it that the model can see at once.

    Args:
        ecg: a path, a `Record`, a row, or an array (leads, samples) with `sampling_rate`, `leads` and `units`.
        extractor, model: who is to see it.
        start, seconds: of the stretch; default the beginning, as long as the window that the model was made for, or up
            to a minute where it was made for none.

    Raises:
        ValueError: what the extractor refuses, several records, values that are no voltages, a stretch that leaves the
            record or is longer than a minute.
    """
    record = _in_millivolts(ecg, sampling_rate, leads, units, rename)
    if isinstance(start, bool) or not (math.isfinite(start) and 0 <= start < record.seconds):
        raise ValueError(f"start is {start} s, wanted 0 or more and less than the record's {record.seconds:g} s")
    there = record.seconds - start
    if seconds is None:
        seconds = min(there, window_seconds(extractor, model) or LONGEST_S, LONGEST_S)
    elif not (math.isfinite(seconds) and 0 < seconds <= there + 0.5 / record.sampling_rate):
        raise ValueError(f"seconds is {seconds}, wanted more than 0 and up to {there:g}, the record's end")
    if seconds > LONGEST_S:
        raise ValueError(f"seconds is {seconds:g}, wanted at most {LONGEST_S:g}: one explanation is one picture")
    first = round(start * record.sampling_rate)
    stretch = record.cut(first, min(record.num_samples, first + round(seconds * record.sampling_rate)))
    remarks = []
    if stretch.num_samples < record.num_samples:
        remarks.append(f"{start:g} to {start + stretch.seconds:g} s of {record.seconds:g} s are explained")
    places = row_places(extractor, stretch, lead=lead)
    return ExplainedRecord(stretch, places, start, lead, tuple(remarks))


def _in_millivolts(ecg, sampling_rate, leads, units, rename) -> Record:
    """The record, with the leads that have samples, as `read_inputs` reads it."""
    if isinstance(ecg, (str, PathLike)):
        ecg = replace(read(ecg, leads=leads, rename=rename), name=fspath(ecg))
        leads = rename = None
    groups = read_inputs(ecg, sampling_rate, leads, units, rename)
    if sum(len(group.signals) for group in groups) != 1:
        raise ValueError("several records were given, wanted one: an explanation is of one")
    (group,) = groups
    if not group.physical:
        raise ValueError(f"{group.names[0]}: units is 'normalized', wanted a voltage: it is drawn in millivolts")
    if isinstance(ecg, Record):
        plain = {"values": group.signals[0], "gain": None, "baseline": None, "leads": group.leads}
        return replace(ecg, **plain, lead_names=(), units=())
    return Record(group.names[0], group.signals[0], None, None, group.leads, group.sampling_rate)
