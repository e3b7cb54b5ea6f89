"""Recordings made anew from their beats, with one cue taken away: the waveform, or the rhythm."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ...checks import check_one_of
from ...signals.beat_detection import find_r_peaks
from ...signals.missing import fill_missing
from ...signals.record import Record
from ..robustness.conditions import ALL, recording_of

RECORDED, BOTH_KEPT, RHYTHM_KEPT, WAVEFORM_KEPT = CUES = (
    "as recorded",
    "both kept",
    "rhythm kept",
    "waveform kept",
)
WORDS = {
    RECORDED: "nothing is changed",
    BOTH_KEPT: "each beat is replaced by the record's own median beat, in its place: what making anew costs",
    RHYTHM_KEPT: "each beat is replaced by the mean beat of all judged records: the waveform is averaged away",
    WAVEFORM_KEPT: "the record's own median beat at equal distances, the same for all records: the rhythm is flat",
}
# A beat is what lies so near to R: P waves before it, T waves behind; less where the next beat comes sooner.
BEFORE_SECONDS, AFTER_SECONDS = 0.30, 0.55
_SHARE_BEFORE = BEFORE_SECONDS / (BEFORE_SECONDS + AFTER_SECONDS)
# Of a flat rhythm: 70 beats a minute, as long as a beat.
FLAT_SECONDS = BEFORE_SECONDS + AFTER_SECONDS
# Of the mean beat: 100, 250 and 500 Hz divide it.
_MEAN_RATE = 500
_FEWEST_BEATS = 3


@dataclass(frozen=True)
class Beats:
    """The beats of a record.

    Args:
        peaks: int (beats,), samples of R.
        before: samples of a beat before R.
        median: float64 (leads, samples of a beat), zero at both ends; NaN of a lead without samples.
    """

    peaks: np.ndarray
    before: int
    median: np.ndarray


def beats_of(millivolts: np.ndarray, sampling_rate: float, record_id: str = "the record") -> Beats:
    """R peaks and the median beat of each lead.

    Args:
        millivolts: (leads, samples); NaN where missing.
        sampling_rate: hertz, at least 50.
        record_id: for the error.

    Raises:
        ValueError: fewer than three beats are found, or a lower rate.
    """
    present = np.isfinite(millivolts).any(axis=1)
    filled = np.zeros(millivolts.shape)
    if present.any():
        filled[present] = fill_missing(millivolts[present])
    (peaks,) = find_r_peaks(filled[None], sampling_rate, lead_mask=present[None])
    if len(peaks) < _FEWEST_BEATS:
        raise ValueError(f"{record_id} has {len(peaks)} beats that are found, wanted {_FEWEST_BEATS} or more")
    # at a fast rate the next beat's P wave is not this beat's
    length = min(FLAT_SECONDS, float(np.median(np.diff(peaks))) / sampling_rate)
    before = round(_SHARE_BEFORE * length * sampling_rate)
    whole = max(before + 2, int(length * sampling_rate))
    starts = peaks - before
    inside = starts[(starts >= 0) & (starts + whole <= filled.shape[1])]
    if not len(inside):
        raise ValueError(f"{record_id} has no whole beat")
    windows = np.stack([filled[:, start : start + whole] for start in inside])
    median = np.median(_without_line(windows), axis=0)
    median[~present] = np.nan
    return Beats(peaks, before, _without_line(median))


def _without_line(beats: np.ndarray) -> np.ndarray:
    """(..., samples) less the line between both ends: no wander, and no step where a beat begins."""
    share = np.linspace(0.0, 1.0, beats.shape[-1])
    return beats - (beats[..., :1] * (1 - share) + beats[..., -1:] * share)


def placed(beat: np.ndarray, before: int, peaks: np.ndarray, num_samples: int) -> np.ndarray:
    """A recording of one beat over and over: (leads, samples of a beat) to (leads, num_samples).

    Where two overlap, the later one stands from its beginning.
    """
    made = np.zeros((len(beat), num_samples))
    for peak in peaks:
        start = int(peak) - before
        first, last = max(start, 0), min(start + beat.shape[1], num_samples)
        if first < last:
            made[:, first:] = 0.0
            made[:, first:last] = beat[:, first - start : last - start]
    made[np.isnan(beat).any(axis=1)] = np.nan
    return made


class MeanBeat:
    """The mean over records of their median beats, by lead; no label is looked at.

    Records count equally. A place far from R is the mean of the records whose beats are that long.
    """

    def __init__(self):
        self._before = round(BEFORE_SECONDS * _MEAN_RATE)
        self._places = np.arange(-self._before, round(AFTER_SECONDS * _MEAN_RATE)) / _MEAN_RATE
        self._sums: dict[str, np.ndarray] = {}
        self._counts: dict[str, np.ndarray] = {}

    def add(self, record: Record) -> None:
        """A record more.

        Raises:
            ValueError: see `beats_of`.
        """
        beats = beats_of(record.to_millivolts(), record.sampling_rate, record.name)
        times = (np.arange(beats.median.shape[1]) - beats.before) / record.sampling_rate
        inside = (self._places >= times[0] - 1e-9) & (self._places <= times[-1] + 1e-9)
        for lead, values in zip(record.leads, beats.median, strict=True):
            if np.isfinite(values).all():
                self._sums.setdefault(lead, np.zeros(len(self._places)))
                self._counts.setdefault(lead, np.zeros(len(self._places)))
                self._sums[lead][inside] += np.interp(self._places[inside], times, values)
                self._counts[lead] += inside

    def of(self, record: Record, before: int, length: int) -> np.ndarray:
        """For a record's leads and rate, as long as its own beats: float64 (leads, length), NaN of an unknown lead."""
        times = (np.arange(length) - before) / record.sampling_rate
        made = np.full((len(record.leads), length), np.nan)
        for row, lead in enumerate(record.leads):
            if lead in self._sums:
                known = self._counts[lead] > 0
                mean = self._sums[lead][known] / self._counts[lead][known]
                made[row] = np.interp(times, self._places[known], mean)
        return _without_line(made)


def mean_beat(rows: Iterable[Mapping]) -> MeanBeat:
    """Of rows of a corpus; those without three beats are left out."""
    made = MeanBeat()
    for row in rows:
        try:
            made.add(recording_of(row))
        except ValueError:
            continue  # the row is refused under every condition, and named there
    return made


@dataclass(frozen=True)
class CueCondition:
    """Which cues of a recording are left.

    Args:
        cue: one of `CUES`.
        mean: for `RHYTHM_KEPT`.

    Raises:
        ValueError: another word, or no mean beat where it is needed.
    """

    cue: str
    mean: MeanBeat | None = field(default=None, compare=False, repr=False)
    # all leads are there, in every condition
    leads: str = ALL

    @property
    def key(self) -> dict:
        """What names the numbers that a model gives; the mean beat follows from the rows."""
        return {"cue": self.cue, "seconds": [BEFORE_SECONDS, AFTER_SECONDS, FLAT_SECONDS]}

    def __post_init__(self):
        check_one_of("cue", self.cue, CUES)
        if self.cue == RHYTHM_KEPT and self.mean is None:
            raise ValueError(f"the condition {self.cue!r} needs a mean beat")

    @property
    def clean(self) -> bool:
        """Whether nothing is changed."""
        return self.cue == RECORDED

    def __call__(self, row: Mapping) -> Record:
        """A row of a corpus as the recording of that condition, in millivolts at its own rate.

        Raises:
            ValueError: see `beats_of`, under every condition, so that all of them keep the same rows.
        """
        record = recording_of(row)
        millivolts = record.to_millivolts()
        beats = beats_of(millivolts, record.sampling_rate, record.name)
        length = millivolts.shape[1]
        if self.cue == RECORDED:
            made = millivolts
        elif self.cue == BOTH_KEPT:
            made = placed(beats.median, beats.before, beats.peaks, length)
        elif self.cue == RHYTHM_KEPT and self.mean is not None:
            mean = self.mean.of(record, beats.before, beats.median.shape[1])
            mean[np.isnan(beats.median).any(axis=1)] = np.nan
            made = placed(mean, beats.before, beats.peaks, length)
        else:
            distance = FLAT_SECONDS * record.sampling_rate
            first = float(beats.peaks[0]) % distance
            peaks = np.round(np.arange(first, length + distance, distance)).astype(np.int64)
            made = placed(beats.median, beats.before, peaks, length)
        return Record(record.name, made, None, None, record.leads, record.sampling_rate)
