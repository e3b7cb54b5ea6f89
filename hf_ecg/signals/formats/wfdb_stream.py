"""A WFDB record as a stream: any part of it is read by itself, so that a day costs as much memory as its windows."""

import os
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..channels import Channels, choose_channels
from ..record import Record
from .confinement import check_inside
from .wfdb_header import SignalLine
from .wfdb_packing import DIFFERENCES, PACKINGS
from .wfdb_record import FORMAT, record_file
from .wfdb_signals import (
    ALIGNED,
    StoredSignals,
    check_file_size,
    check_sums,
    empty_counts,
    mark_missing,
    open_signal_file,
    place_frames,
    read_frames,
    signal_groups,
)
from .wfdb_waveform import choose_among, read_header, scaled


class WFDBStream:
    """A record of which parts are read; their samples are those of `wfdb_record.read`.

    Args:
        path, root, choose: see `wfdb_record.read`.

    Raises:
        ValueError, OSError: see `wfdb_record.read`.
    """

    def __init__(self, path: str, root=None, choose: Callable[..., Channels] = choose_channels):
        self._header, self._root = record_file(path), root
        self._found = read_header(self._header, root)
        self.has_parts = bool(self._found.num_frames) and not self._found.segments
        if not self.has_parts:
            return
        channels = choose_among(self._found.lines, self._header, choose)
        self._places, self.leads = channels.places, channels.leads
        self._lines = [self._found.lines[place] for place in channels.places]
        self.has_parts = _has_parts(self._lines)
        self.name, self.comments = self._found.name, self._found.comments
        self.sampling_rate, self.num_samples = self._found.frame_rate, self._found.num_frames

    def part(self, first: int, end: int) -> Record:
        """The samples from `first` to before `end`."""
        return self._part(first, end)[0]

    def windows(self, length: int) -> Iterator[tuple[int, Record]]:
        """First sample and record of windows side by side; the last one may be shorter.

        Raises:
            ValueError: behind the last window: a checksum is another one, so what came before is damaged somewhere.
        """
        sums = np.zeros(len(self._lines), np.int64)
        for first in range(0, self.num_samples, length):
            record, found = self._part(first, min(first + length, self.num_samples))
            sums += found
            yield first, record
        check_sums(self._header, sums.tolist(), self._lines)

    def _part(self, first: int, end: int) -> tuple[Record, np.ndarray]:
        if not 0 <= first < end <= self.num_samples:
            raise ValueError(f"{self.name} has {self.num_samples} samples, wanted those from {first} to {end}")
        stored, sums = self._stored(first, end - first)
        waveform = scaled(self._header, stored, self._lines)
        said = dict(self._found.said)
        record = Record(
            name=self.name,
            values=waveform.values,
            gain=waveform.gain,
            baseline=waveform.baseline,
            leads=self.leads,
            sampling_rate=self.sampling_rate,
            comments=self.comments,
            lead_names=tuple(line.description for line in self._lines),
            units=tuple(line.unit for line in self._lines),
            source_format=FORMAT,
            remarks=(*said.pop("remarks", ()), *waveform.remarks),
            **said,
        )
        return record, sums

    def _stored(self, first: int, frames: int) -> tuple[StoredSignals, np.ndarray]:
        """The stored samples, and their sum in each signal."""
        counts = empty_counts(self._lines, frames)
        start = first // ALIGNED * ALIGNED
        for group in signal_groups(self._header, self._found.lines, self._places):
            if self._root is not None and os.path.islink(group.path):
                check_inside(group.path, self._root)
            with open_signal_file(group.path, self._header) as file:
                check_file_size(self._header, group, file, self._found.num_frames, 0)
                read = read_frames(file, group, start, first - start + frames)
            place_frames(read[first - start :], group, counts, 0)
        sums = counts.sum(-1, dtype=np.int64)
        return StoredSignals(counts, mark_missing(counts, self._lines), []), sums


def _has_parts(lines: Sequence[SignalLine]) -> bool:
    """Whether a part of these signals can be read without what comes before: neither compressed, nor differences, nor
    skewed, nor several samples a frame."""
    return all(
        line.format in PACKINGS and line.format != DIFFERENCES and not line.skew and line.per_frame == 1
        for line in lines
    )
