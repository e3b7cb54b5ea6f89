"""A record of which parts are read, so that a day costs as much memory as its windows."""

from collections.abc import Callable, Iterator

from ..patient_fields import with_patient
from ..record import Record
from ..window import SHORT, window_spans


class RecordParts:
    """What a format's `parts` gives, and a record in memory is.

    Args:
        cut: gives the samples from a first one to before an end as a `Record`.
        num_samples: of the whole.

    Attributes:
        name, leads, sampling_rate, num_samples, comments: see `Record`; without what says who was recorded.
    """

    def __init__(self, cut: Callable[[int, int], Record], num_samples: int):
        self._cut, self.num_samples = cut, num_samples
        told = with_patient(cut(0, 1), keep_identifiers=False)
        self.name, self.leads, self.comments = told.name, told.leads, told.comments
        self.sampling_rate = told.sampling_rate

    def part(self, first: int, end: int) -> Record:
        """The samples from `first` to before `end`.

        Raises:
            ValueError: they are not all in the record; what the format's `read` refuses.
        """
        if not 0 <= first < end <= self.num_samples:
            raise ValueError(f"{self.name} has {self.num_samples} samples, wanted those from {first} to {end}")
        return self._cut(first, end)

    def windows(self, length: int) -> Iterator[tuple[int, Record]]:
        """First sample and record of windows side by side; the last one may be shorter."""
        for first, end in window_spans(self.num_samples, length, rest=SHORT):
            yield first, self._cut(first, end)
