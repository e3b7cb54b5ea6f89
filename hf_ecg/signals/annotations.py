"""What experts marked in a recording: its beats, and from where to where which rhythm lasts.

Read from the annotation files of WFDB in the two ways in which corpora write them:

* "marks", as MIT-BIH: an entry a beat with its kind, and a `+` where the rhythm changes, with its code as a note.
* "comments", as SHDB-AF: every entry is a comment (`"`) at a beat of no kind, and the rhythm's code is the note of the
  first beat of an interval.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ..checks import check_one_of
from .formats.wfdb_annotation_file import StoredAnnotations, read_annotation_file
from .formats.wfdb_record import record_file
from .formats.wfdb_waveform import read_header

# of annot(5), the entries that are beats
BEAT_SYMBOLS = "NLRBAaJSVrFejnE/fQ?"
COMMENT, RHYTHM_CHANGE = '"', "+"
LAYOUTS = (MARKS, COMMENTS) = ("marks", "comments")
_RHYTHM = "("


class Rhythm(NamedTuple):
    """An interval of one rhythm, from the sample `start` to before `end`; `code` without bracket, such as "AFIB"."""

    start: int
    end: int
    code: str


class Beats(NamedTuple):
    """`samples` int64 `(beats,)`, ascending, and `symbols` `(beats,)`, the kind of each in one character."""

    samples: np.ndarray
    symbols: np.ndarray


@dataclass(frozen=True, eq=False)
class RecordAnnotations:
    """The annotations of a recording, or of a part of it. Every place is counted from the recording's first sample.

    Attributes:
        samples: int64 `(entries,)`, ascending.
        symbols: `(entries,)`, one character each.
        notes: text each, "" where there is none.
        rhythms: the intervals, those that reach into the part cut to it. What is before the first mark of a rhythm is
            in none.
        sampling_rate: hertz.
        first, end: the part, samples `first` to before `end`.
        layout: "marks" or "comments".
    """

    samples: np.ndarray
    symbols: np.ndarray
    notes: tuple[str, ...]
    rhythms: tuple[Rhythm, ...]
    sampling_rate: float
    first: int
    end: int
    layout: str
    beats: Beats = field(init=False, repr=False)

    def __post_init__(self):
        wanted = list(BEAT_SYMBOLS) if self.layout == MARKS else [COMMENT]
        kept = np.isin(self.symbols, wanted)
        object.__setattr__(self, "beats", Beats(self.samples[kept], self.symbols[kept]))

    def cut(self, first: int, end: int) -> "RecordAnnotations":
        """The part from sample `first` to before `end`, places still counted from the recording's first sample.

        Raises:
            ValueError: a part that is empty or not within this one.
        """
        _check_part(first, end, self.first, self.end, "the annotations")
        low, high = np.searchsorted(self.samples, [first, end])
        return replace(
            self,
            samples=self.samples[low:high],
            symbols=self.symbols[low:high],
            notes=self.notes[low:high],
            rhythms=_within(self.rhythms, first, end),
            first=first,
            end=end,
        )

    def rhythm_codes(self, samples) -> np.ndarray:
        """The code of the rhythm at each of some samples, "" where none is marked."""
        samples = np.asarray(samples)
        if not self.rhythms:
            return np.full(samples.shape, "", dtype="<U1")
        starts, ends, codes = (np.array(column) for column in zip(*self.rhythms, strict=True))
        place = np.searchsorted(starts, samples, side="right") - 1
        return np.where((place >= 0) & (samples < ends[place]), codes[place], "")


def read_annotations(
    path,
    extension: str = "atr",
    *,
    first: int = 0,
    end: int | None = None,
    root=None,
    layout: str | None = None,
) -> RecordAnnotations:
    """The annotations of a WFDB record.

    Args:
        path: of the record, without ending or its header; the header tells its rate and length.
        extension: of the annotation file beside it.
        first, end: the part wanted, in samples; default: all.
        root: folder that no file may leave, symbolic links followed.
        layout: "marks" or "comments", see the module; by default "comments" when every entry is one.

    Returns:
        `RecordAnnotations`; `.beats.samples`, `.beats.symbols` and `.rhythms` are what most want.

    Raises:
        ValueError: a file that is not an annotation file or is cut off, a header without a length, an entry behind the
            record's end, another rate than the header's, a part that is not within the record, an unknown layout.
        OSError: the header or the annotation file is not there.

    Example:
        >>> from hf_ecg.signals.annotations import read_annotations
        >>> found = read_annotations("mitdb/201", end=3600)  # doctest: +SKIP
        >>> found.beats.symbols[:4].tolist(), found.rhythms  # doctest: +SKIP
        (['N', 'N', 'N', 'N'], (Rhythm(start=60, end=3600, code='AFIB'),))
    """
    header_file = record_file(os.fspath(path))
    header = read_header(header_file, root)
    file = f"{os.path.splitext(header_file)[0]}.{extension}"
    if not os.path.lexists(file):
        raise FileNotFoundError(f"{file} is not there: the beats of {header.name} are not known")
    stored = read_annotation_file(file, root)
    length, rate = header.num_frames, header.frame_rate
    _check_fits(stored, length, rate, file, header_file)
    if layout is None:
        layout = COMMENTS if len(stored.symbols) and (stored.symbols == COMMENT).all() else MARKS
    check_one_of("layout", layout, LAYOUTS)
    whole = RecordAnnotations(
        samples=stored.samples,
        symbols=stored.symbols,
        notes=tuple(stored.notes),
        rhythms=_rhythms(stored, length, COMMENT if layout == COMMENTS else RHYTHM_CHANGE),
        sampling_rate=rate,
        first=0,
        end=length,
        layout=layout,
    )
    if first == 0 and end is None:
        return whole
    end = length if end is None else end
    _check_part(first, end, 0, length, header_file)
    return whole.cut(first, end)


def _check_fits(stored: StoredAnnotations, length: int, rate: float, file: str, header: str) -> None:
    if not length:
        raise ValueError(f"{header} does not say how many samples there are: the end of the last rhythm is not known")
    if stored.sampling_rate is not None and stored.sampling_rate != rate:
        raise ValueError(f"{file} counts in {stored.sampling_rate:g} Hz, {header} in {rate:g} Hz")
    if len(stored.samples) and (stored.samples[0] < 0 or stored.samples[-1] >= length):
        raise ValueError(
            f"{file} has entries from sample {stored.samples[0]} to {stored.samples[-1]}, {header} has {length}"
            " samples: not the annotations of this record"
        )


def _check_part(first: int, end: int, low: int, high: int, where: str) -> None:
    if not low <= first < end <= high:
        raise ValueError(f"the samples {first} to {end} of {where} were asked for, which has {low} to {high}")


def _rhythms(stored: StoredAnnotations, length: int, symbol: str) -> tuple[Rhythm, ...]:
    """Each lasts to the next mark, the last one to the record's end; a note without a bracket is no rhythm."""
    marks = [
        (int(stored.samples[place]), stored.notes[place].strip().lstrip(_RHYTHM).strip())
        for place in np.flatnonzero(stored.symbols == symbol)
        if stored.notes[place].strip().startswith(_RHYTHM)
    ]
    ends = [*(start for start, _ in marks), length][1:]
    return tuple(Rhythm(start, end, code) for (start, code), end in zip(marks, ends, strict=True) if end > start)


def _within(rhythms: Sequence[Rhythm], first: int, end: int) -> tuple[Rhythm, ...]:
    return tuple(
        Rhythm(max(start, first), min(stop, end), code)
        for start, stop, code in rhythms
        if start < end and stop > first
    )
