"""Long records part by part, in little memory: a day of two leads costs what a window costs."""

from collections.abc import Iterator, Mapping, Sequence

from ..checks import is_finite_number, shown
from .formats import open_parts, read
from .formats.record_parts import RecordParts
from .patient_fields import clear_comments, with_patient
from .record import Record

# Seconds up to which a record is read at once: a part costs as much memory.
LONGEST_AT_ONCE_S = 600.0


def open_long(
    path, root=None, *, leads: Sequence[str] | None = None, rename: Mapping[str | int, str] | None = None
) -> "RecordStream | None":
    """A long record of which parts are read; None where it is short, or its file must be read whole.

    It is looked through once, so that a damaged file is refused before anything of it is used, as `hf_ecg.read` does.

    Args:
        path, root, leads, rename: see `hf_ecg.read`.

    Raises:
        OSError, ValueError: see `hf_ecg.read`.
    """
    parts = open_parts(path, root, leads=leads, rename=rename)
    if parts is None or parts.num_samples <= LONGEST_AT_ONCE_S * parts.sampling_rate:
        return None
    stream = RecordStream(path, root, leads=leads, rename=rename)
    for _ in stream.windows(LONGEST_AT_ONCE_S):
        pass
    return stream


class RecordStream:
    """A record that is read in parts.

    Formats that say where a sample lies are read part by part: EDF and BDF without gaps, ISHNE, MFER, and a WFDB
    record of one segment that is neither compressed nor skewed. Any other file is read whole when it is opened, and
    cut: the same record, in more memory.

    Args:
        path, root, leads, rename: see `hf_ecg.read`.

    Attributes:
        name, leads, sampling_rate, num_samples, comments: see `Record`.
        in_parts: whether it is read part by part.

    Raises:
        OSError, ValueError: see `hf_ecg.read`.

    Example:
        >>> from hf_ecg.signals.streaming import RecordStream
        >>> stream = RecordStream("record.hea", leads=["II"])
        >>> [(start, part.num_samples) for start, part in stream.windows(4)]
        [(0, 2000), (2000, 2000), (4000, 1000)]
    """

    def __init__(
        self, path, root=None, *, leads: Sequence[str] | None = None, rename: Mapping[str | int, str] | None = None
    ):
        parts = open_parts(path, root, leads=leads, rename=rename)
        self.in_parts = parts is not None
        source = parts
        if source is None:
            record = read(path, root, leads=leads, rename=rename)
            source = RecordParts(record.cut, record.num_samples)
        self._source = source
        self.name, self.leads, self.comments = source.name, source.leads, clear_comments(source.comments)
        self.sampling_rate, self.num_samples = source.sampling_rate, source.num_samples

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.num_samples / self.sampling_rate

    def part(self, first: int, end: int) -> Record:
        """The samples from `first` to before `end`; checksums are not compared.

        Raises:
            ValueError: they are not all in the record.
        """
        return with_patient(self._source.part(first, end), keep_identifiers=False)

    # as a `Record` calls it
    cut = part

    def windows(self, seconds: float) -> Iterator[tuple[int, Record]]:
        """First sample and record of windows side by side; the last one may be shorter (`window_spans`, "short").

        Raises:
            ValueError: a window without a sample; behind the last window: a checksum is another one, so that what came
                before is damaged somewhere.
        """
        if not (is_finite_number(seconds) and round(seconds * self.sampling_rate) >= 1):
            raise ValueError(f"a window of {shown(seconds)} s at {self.sampling_rate:g} Hz has no sample")
        windows = self._source.windows(round(seconds * self.sampling_rate))
        return ((first, with_patient(part, keep_identifiers=False)) for first, part in windows)
