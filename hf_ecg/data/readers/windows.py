"""Records of other lengths and rates than a corpus shall have: another rate first, then windows."""

import math
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from ...signals.record import Record
from ...signals.resampling import resample
from ...signals.units import MISSING_COUNT
from ...signals.window import DROP, window_spans
from ..builder import UnfitRecord

SHORT_RECORDS = ("keep", "skip")
RESAMPLING = "polyphase"


@dataclass(frozen=True)
class WindowRule:
    """What becomes of a record.

    A record at another rate is resampled, in millivolts, and rounded to counts of its own gain. Windows of `seconds`
    lie side by side from the first sample on; what is left at the end is not used (see `signals.window_spans`, which
    says why rows end otherwise than the windows that a model is asked about). A record shorter than one window is
    a row of its own length ("keep") or left out ("skip"); nothing is padded here, which is the feature extractor's
    work. So of windows of 10 s, a record of 6 s gives one row or none, one of 19 s one row, one of 60 s six.

    Args:
        sampling_rate: of every row, hertz.
        seconds: of a window; None takes records whole.
        short_records: "keep" or "skip".
        max_windows: take that many windows of a record at most, the first ones.
    """

    sampling_rate: int
    seconds: float | None = None
    short_records: str = "keep"
    max_windows: int | None = None

    def __post_init__(self):
        if self.sampling_rate < 1 or int(self.sampling_rate) != self.sampling_rate:
            raise ValueError(f"sampling_rate is {self.sampling_rate}, wanted a whole number of hertz")
        if self.seconds is not None and not (math.isfinite(self.seconds) and round(self._length(self.seconds)) >= 1):
            raise ValueError(f"window_seconds is {self.seconds}, wanted at least one sample")
        if self.short_records not in SHORT_RECORDS:
            raise ValueError(f"short_records is {self.short_records!r}, wanted one of {SHORT_RECORDS}")
        if self.max_windows is not None and self.max_windows < 1:
            raise ValueError(f"max_windows is {self.max_windows}, wanted at least 1")
        if self.seconds is None and (self.max_windows is not None or self.short_records == "skip"):
            raise ValueError("max_windows and short_records='skip' want window_seconds")

    @property
    def num_samples(self) -> int | None:
        """Samples of every row, or None when rows differ."""
        return round(self._length(self.seconds)) if self.seconds is not None and self.short_records == "skip" else None

    def __call__(self, record: Record) -> list[tuple[float, Record]]:
        """Start in seconds and samples of each window; a whole record is one that starts at 0.

        Raises:
            ValueError: as `UnfitRecord`: a record that is too short, or one at another rate that lacks samples or
            whose
                counts would exceed 16 bits.
        """
        record = at_rate(record, self.sampling_rate)
        available = record.num_samples
        if self.seconds is None:
            return [(0.0, record)]
        length = round(self._length(self.seconds))
        if available < length:
            if self.short_records == "skip":
                found = f"{record.name} has {available / self.sampling_rate:g} s"
                raise UnfitRecord("shorter than the window", f"{found}, wanted at least {self.seconds:g} s")
            return [(0.0, record)]
        spans = islice(window_spans(available, length, rest=DROP), self.max_windows)
        return [(start / self.sampling_rate, record.cut(start, end)) for start, end in spans]

    def describe(self) -> str:
        """The rule in a sentence, for a card."""
        rate = f"{self.sampling_rate} Hz (other rates resampled, {RESAMPLING})"
        if self.seconds is None:
            return f"Records are whole, at {rate}."
        most = "" if self.max_windows is None else f", the first {self.max_windows} of a record at most"
        short = "are rows of their own length" if self.short_records == "keep" else "are left out"
        return (
            f"Records are cut into windows of {self.seconds:g} s, side by side from the start{most}; the rest at the"
            f" end is not used, and records shorter than a window {short}. All at {rate}. Labels are those of the"
            " whole record: a finding that comes and goes need not be in each window."
        )

    def _length(self, seconds: float) -> float:
        return seconds * self.sampling_rate


def at_rate(record: Record, sampling_rate: float) -> Record:
    """The record at another rate, its counts rounded; the record itself when the rate is its own.

    Raises:
        ValueError: as `UnfitRecord`: missing samples, or counts beyond 16 bits.
    """
    if record.sampling_rate == sampling_rate:
        return record
    record = record.as_counts()
    rates = f"{record.name} is sampled at {record.sampling_rate:g} Hz, wanted {sampling_rate:g} Hz"
    if (record.counts == MISSING_COUNT).any():
        raise UnfitRecord("missing samples at another rate", f"{rates}: missing samples cannot be resampled")
    millivolts = resample(record.to_millivolts(), record.sampling_rate, sampling_rate, RESAMPLING)
    counts = np.rint(millivolts * record.gain[:, None] + record.baseline[:, None])
    if counts.min() <= MISSING_COUNT or counts.max() > np.iinfo(np.int16).max:
        raise UnfitRecord(
            "counts beyond 16 bits", f"{rates}: its counts then reach {counts.min():g} to {counts.max():g}"
        )
    return replace(record, values=counts.astype(np.int16), sampling_rate=float(sampling_rate))
