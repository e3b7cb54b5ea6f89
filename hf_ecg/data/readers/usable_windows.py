"""The first windows of a long record that a model can use, read one by one: a day costs the memory of a window."""

from dataclasses import dataclass

from ...signals.channels import ChannelError
from ...signals.record import Record
from ...signals.streaming import RecordStream
from ...signals.units import MISSING_COUNT
from ...signals.usability import unusable_reason
from ...signals.window import DROP, window_spans
from ..builder import UnfitRecord
from .columns import RowLeads
from .windows import RESAMPLING, WindowRule, at_rate

# CLEF's loader looks at ten windows before it gives up
TRIES = 10


@dataclass(frozen=True)
class UsableWindows:
    """Which windows of a long record become rows.

    Windows lie side by side from the first sample on. One that is flat, without electrodes, saturated or with missing
    samples is passed over.

    Args:
        sampling_rate: of the rows, hertz; others are resampled.
        seconds: of a window.
        number: rows of a record at most, the first usable windows.
        tries: unusable windows that may come before each of them.

    Raises:
        ValueError: numbers below one, a window without a sample.
    """

    sampling_rate: int
    seconds: float = 10.0
    number: int = 1
    tries: int = TRIES

    def __post_init__(self):
        WindowRule(self.sampling_rate, self.seconds, "skip", self.number)
        if self.tries < 0:
            raise ValueError(f"tries is {self.tries}, wanted at least 0")

    @property
    def num_samples(self) -> int:
        """Samples of every row."""
        return round(self.seconds * self.sampling_rate)

    def __call__(self, stream: RecordStream) -> list[tuple[float, Record]]:
        """Start in seconds and samples of each window.

        Raises:
            ValueError: as `UnfitRecord`: none is usable, with the reason of the first; or the record is too short.
        """
        length = round(self.seconds * stream.sampling_rate)
        found: list[tuple[float, Record]] = []
        reasons: list[str] = []
        passed = 0
        for first, end in window_spans(stream.num_samples, length, rest=DROP):
            if end - first < length:
                break
            part = stream.part(first, end)
            reason = _reason(part)
            if not reason:
                start = first / stream.sampling_rate
                found.append((start, fitted(part, self.sampling_rate, self.num_samples)))
                passed = 0
                if len(found) == self.number:
                    break
                continue
            reasons.append(reason)
            passed += 1
            if passed > self.tries:
                break
        if found:
            return found
        if not reasons:
            told = f"{stream.name} has {stream.seconds:g} s, wanted at least {self.seconds:g} s"
            raise UnfitRecord("shorter than the window", told)
        told = f"{stream.name}: none of {len(reasons)} windows is usable: {reasons[0]}"
        raise UnfitRecord("no usable window", told)

    def describe(self) -> str:
        """The rule in a sentence, for a card."""
        which = "window" if self.number == 1 else f"{self.number} windows"
        return (
            f"Of each recording the first usable {which} of {self.seconds:g} s, at {self.sampling_rate} Hz (other"
            f" rates resampled, {RESAMPLING}). Flat, saturated and incomplete windows are passed over, {self.tries} at"
            " most. Labels are those of the whole recording."
        )


def open_stream(path, root, channels: RowLeads) -> RecordStream:
    """A record to be read in parts, with these leads.

    Raises:
        ValueError, OSError: see `RecordStream`; as `UnfitRecord` where it has other leads.
    """
    try:
        return RecordStream(path, root, leads=channels.leads, rename=channels.rename)
    except ChannelError as error:
        raise UnfitRecord("other leads", str(error)) from error


def fitted(part: Record, sampling_rate: int, num_samples: int) -> Record:
    """A window at another rate, cut to `num_samples` where resampling rounds its length up."""
    part = at_rate(part, sampling_rate)
    return part if part.num_samples == num_samples else part.cut(0, num_samples)


def _reason(part: Record) -> str:
    if (part.as_counts().counts == MISSING_COUNT).any():
        return "missing samples"
    return unusable_reason(part.to_millivolts())
