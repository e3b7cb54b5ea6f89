"""EDF, EDF+, BDF and BDF+ files as one `Record`; see `edf_header` for the standards.

The two packages for it were tried: pyedflib refuses discontinuous files (EDF+D) and, as edfio, hands out what fills
the end of a file as signal; edfio joins the pieces of EDF+D as if there were no gaps. Where both read a file its
values are those that are read here.
"""

import math
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from ...input_files import InputFile
from ..channels import Channels, choose_channels
from ..record import Annotation, Record
from ..units import MISSING_COUNT, millivolts_in
from .edf_annotations import Annotations, read_annotations, record_places
from .edf_header import BDF_MARK, EDF_MARK, Header, Signal, device, patient_fields, read_header
from .rates import one_rate, rate_of_duration
from .record_parts import RecordParts
from .remarks import tell
from .stored_counts import long_runs, stored_values

FORMAT = "EDF"
ENDINGS = (".edf", ".bdf")
_BLOCK_BYTES = 2**22
# Shorter than that, a value that stands at the end or at the lowest count may be the signal's.
_SHORTEST_FILL_S = 0.1


class _Layout(NamedTuple):
    """What the header says, and of its signals those that are read."""

    header: Header
    number: int
    signals: list[Signal]
    chosen: Channels
    rate: float
    remarks: list[str]

    @property
    def per_record(self) -> int:
        return self.signals[0].per_record


def matches(path: str, head: bytes) -> bool:
    """By the first eight bytes."""
    return head.startswith((EDF_MARK, BDF_MARK))


def parts(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> RecordParts | None:
    """What `read` reads, part by part; None of a record with gaps, or of far longer data records than seconds."""
    with InputFile(path) as file:
        layout = _opened(file, path, choose)
        try:
            if layout.header.record_samples * layout.header.bytes_a_sample > _BLOCK_BYTES:
                return None
            onsets = _annotations(file, layout.header, layout.number, layout.remarks).onsets
            length = layout.number * layout.per_record
            if record_places(layout.header, onsets, layout.per_record, layout.rate, layout.remarks)[-1] != (
                length - layout.per_record
            ):
                return None
            recorded = length - _fill_at_end(file, layout)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    tell(path, layout.remarks)

    def cut(first: int, end: int) -> Record:
        with InputFile(path) as file:
            found = _part(file, layout, first, end, recorded)
        return replace(found, name=os.path.splitext(os.path.basename(path))[0])

    return RecordParts(cut, length)


def read(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> Record:
    """Read a record; the gaps of a discontinuous one are missing samples.

    Raises:
        ValueError: a damaged header, fewer data than it says, no signal but annotations, chosen channels of different
            rates, data records that go back in time or lie very far apart.
    """
    with InputFile(path) as file:
        layout = _opened(file, path, choose)
        try:
            record = _read(file, layout)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    tell(path, record.remarks)
    return replace(record, name=os.path.splitext(os.path.basename(path))[0])


def _opened(file: InputFile, path: str, choose: Callable[..., Channels]) -> _Layout:
    try:
        header = read_header(file)
        remarks = list(header.remarks)
        number = _number_of_records(header, file.size, remarks)
        candidates = _candidates(header, number)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    chosen = choose(
        [signal.label for signal in candidates],
        [signal.unit for signal in candidates],
        unfit=[None if math.isfinite(signal.step) else "its ranges give no scale" for signal in candidates],
        where=path,
    )
    signals = [candidates[place] for place in chosen.places]
    rates = [rate_of_duration(signal.per_record, header.duration) for signal in signals]
    rate = one_rate([signal.label for signal in signals], rates, path)
    return _Layout(header, number, signals, chosen, rate, remarks)


def _number_of_records(header: Header, size: int, remarks: list[str]) -> int:
    record_bytes = header.record_samples * header.bytes_a_sample
    if not record_bytes:
        raise ValueError("its signals have no samples")
    there, rest = divmod(size - header.size, record_bytes)
    if header.records < 0:
        remarks.append(f"the header does not say how many data records there are: {there} are there")
        number = there
    elif header.records > there:
        raise ValueError(
            f"the header says {header.records} data records of {record_bytes} bytes, and {there} are there: truncated"
        )
    else:
        number, rest = header.records, size - header.size - header.records * record_bytes
    if rest:
        remarks.append(f"bytes behind the last data record are left out: {rest}")
    if not number:
        raise ValueError("there is no data record in it")
    return number


def _candidates(header: Header, number: int) -> list[Signal]:
    found = [signal for signal in header.signals if not signal.is_annotations and signal.per_record]
    if not found:
        raise ValueError(
            f"it holds annotations and no signal ({number} data records): the recording that they belong to is another"
            " file"
        )
    return found


def _read(file: InputFile, layout: _Layout) -> Record:
    header, number, signals, _, rate, remarks = layout
    notes = _annotations(file, header, number, remarks)
    begins = notes.onsets[0] if math.isfinite(notes.onsets[0]) else 0.0
    places = record_places(header, notes.onsets, signals[0].per_record, rate, remarks)
    length = int(places[-1]) + signals[0].per_record
    gaps = length > number * signals[0].per_record
    counts: np.ndarray = np.empty((len(signals), length), _dtype(header))
    missing = np.ones(length, bool) if gaps else None
    for first, block in _blocks(file, header, range(number)):
        for row, signal in enumerate(signals):
            part = block[:, signal.offset : signal.offset + signal.per_record]
            for place, samples in zip(places[first:], part, strict=False) if gaps else [(places[first], part)]:
                counts[row, place : place + samples.size] = samples.reshape(-1)
                if missing is not None:
                    missing[place : place + samples.size] = False
    at_end = min(_run_at_end(row, signal.lowest) for row, signal in zip(counts, signals, strict=True))
    filled = _missing(counts, layout, at_end if at_end >= _shortest_fill(rate) else 0, remarks)
    if missing is not None:
        filled |= missing
    start = header.start
    if isinstance(start, datetime) and abs(begins) < 1e9:
        start += timedelta(seconds=begins)
    record = _record(layout, counts, filled, remarks)
    told = tuple(Annotation(note.seconds - begins, note.text, note.duration) for note in notes.notes)
    return replace(record, start_time=start, annotations=told)


def _part(file: InputFile, layout: _Layout, first: int, end: int, recorded: int) -> Record:
    """The samples from `first` to before `end`; behind `recorded` nothing but filling is."""
    per_record = layout.per_record
    # whether the lowest count stands for nothing is seen by its neighbours
    margin = _shortest_fill(layout.rate)
    start = max(0, first - margin) // per_record
    stop = min(layout.number, -(-(end + margin) // per_record))
    counts: np.ndarray = np.empty((len(layout.signals), (stop - start) * per_record), _dtype(layout.header))
    for place, block in _blocks(file, layout.header, range(start, stop)):
        for row, signal in enumerate(layout.signals):
            part = block[:, signal.offset : signal.offset + per_record].reshape(-1)
            counts[row, (place - start) * per_record :][: part.size] = part
    missing = _missing(counts, layout, max(0, stop * per_record - max(recorded, start * per_record)), [])
    inside = slice(first - start * per_record, end - start * per_record)
    filled = missing[:, inside]
    remarks: list[str] = []
    _tell_filled(filled, remarks)
    return _record(layout, counts[:, inside], filled, remarks)


def _record(layout: _Layout, counts: np.ndarray, filled: np.ndarray, remarks: list[str]) -> Record:
    header, signals = layout.header, layout.signals
    factors = np.array([millivolts_in(signal.unit) or math.nan for signal in signals])
    step, zero = (np.array([getattr(signal, key) for signal in signals]) for key in ("step", "zero"))
    values = stored_values(counts, step * factors, zero, filled)
    return Record(
        name="EDF",
        values=values.values,
        gain=values.gain,
        baseline=values.baseline,
        leads=layout.chosen.leads,
        sampling_rate=layout.rate,
        comments=sorted(
            {f"Prefiltering: {text}" for text in (signal.filters for signal in signals) if _is_told(text)}
        ),
        lead_names=tuple(signal.label for signal in signals),
        units=tuple(signal.unit for signal in signals),
        source_format="BDF" if header.is_bdf else FORMAT,
        device=device(header),
        remarks=tuple(remarks),
        patient=patient_fields(header),
    )


def _dtype(header: Header) -> np.dtype:
    return np.dtype(np.int32 if header.is_bdf else np.int16)


def _blocks(file: InputFile, header: Header, numbers: range):
    """Number of the first data record and samples (records, samples of a record), some megabytes at a time."""
    record_bytes = header.record_samples * header.bytes_a_sample
    at_once = max(1, _BLOCK_BYTES // record_bytes)
    for first in range(numbers.start, numbers.stop, at_once):
        records = min(at_once, numbers.stop - first)
        stored = file.read(header.size + first * record_bytes, records * record_bytes)
        if len(stored) < records * record_bytes:
            raise ValueError("it ended while it was read: truncated")
        if not header.is_bdf:
            yield first, np.frombuffer(stored, "<i2").reshape(records, -1)
            continue
        parts = np.frombuffer(stored, np.uint8).reshape(records, -1, 3).astype(np.int32)
        # the highest of the three bytes has the sign
        yield first, (parts[..., 0] | parts[..., 1] << 8 | parts[..., 2] << 16) << 8 >> 8


def _annotations(file: InputFile, header: Header, number: int, remarks: list[str]) -> Annotations:
    size = header.bytes_a_sample
    record_bytes = header.record_samples * size
    told = [signal for signal in header.signals if signal.is_annotations] if header.is_plus else []
    onsets, notes, damaged = np.full(number, math.nan), [], 0
    for place, signal in enumerate(told):
        starts = range(header.size, header.size + number * record_bytes, record_bytes)
        stored = [file.read(start + signal.offset * size, signal.per_record * size) for start in starts]
        found = read_annotations(stored, place == 0)
        onsets = found.onsets if place == 0 else onsets
        notes += found.notes
        damaged += found.damaged
    if damaged:
        remarks.append(f"annotations that are damaged are left out: {damaged}")
    return Annotations(onsets, sorted(notes, key=lambda note: note.seconds), damaged)


def _shortest_fill(rate: float) -> int:
    return max(2, math.ceil(_SHORTEST_FILL_S * rate))


def _fill_at_end(file: InputFile, layout: _Layout) -> int:
    """Samples at the end of the file at which all signals have their lowest count, where these are filling."""
    found = 0
    for place in reversed(range(layout.number)):
        ((_, block),) = _blocks(file, layout.header, range(place, place + 1))
        own = min(
            _run_at_end(block[0, signal.offset : signal.offset + layout.per_record], signal.lowest)
            for signal in layout.signals
        )
        found += own
        if own < layout.per_record:
            break
    return found if found >= _shortest_fill(layout.rate) else 0


def _missing(counts: np.ndarray, layout: _Layout, at_end: int, remarks: list[str]) -> np.ndarray:
    """What fills a file with its lowest count; the last `at_end` samples of all signals do."""
    missing = np.zeros(counts.shape, bool)
    shortest = _shortest_fill(layout.rate)
    for row, signal in enumerate(layout.signals):
        if counts.dtype == np.int16:
            # -32768 may be a signal's lowest value, which it takes a moment
            runs = shortest if signal.lowest == MISSING_COUNT else 1
            missing[row] = long_runs(counts[row], MISSING_COUNT, runs)
    if at_end:
        missing[:, -at_end:] = True
    _tell_filled(missing, remarks)
    return missing


def _tell_filled(missing: np.ndarray, remarks: list[str]) -> None:
    filled = int(missing.any(0).sum())
    if filled:
        remarks.append(f"samples of the lowest count fill the signal, and are missing: {filled}")


def _is_told(text: str) -> bool:
    return bool(text) and not text.lower().endswith("not recorded")


def _run_at_end(row: np.ndarray, value: int) -> int:
    other = row[::-1] != value
    return int(other.argmax()) if other.any() else len(row)
