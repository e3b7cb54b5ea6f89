"""WFDB records of several segments: each a record of its own, one after the other. Source: WFDB manual, header(5).

In the fixed layout all segments have the same signals. In the variable one the first segment is a layout without
samples that lists all signals, and each segment has some of them, with gains of its own.
"""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..channels import Channels
from ..units import MISSING_COUNT, counts_to_millivolts
from .wfdb_header import GAP, Header, Segment, SignalLine
from .wfdb_signals import check_number
from .wfdb_waveform import Waveform, choose_among, read_header, read_waveform, samples_per_frame

# A signal by its description, and the how many-th of that description it is.
_Key = tuple[str, int]


class _Part(NamedTuple):
    """What a segment holds: first sample in the record, rows of the leads that it has, their samples."""

    start: int
    rows: list[int]
    waveform: Waveform


class _Segments(NamedTuple):
    """The segments that hold samples, by name, and the signals of the whole record."""

    headers: dict[str, Header]
    signals: list[SignalLine]

    def places(self, name: str, wanted: Sequence[_Key]) -> dict[_Key, int]:
        """Where the wanted signals are in a segment, of those that it has."""
        return {key: place for place, key in enumerate(_keys(self.headers[name].lines)) if key in wanted}


def read_segments(
    header: str, master: Header, root, choose: Callable[..., Channels]
) -> tuple[Channels, list[SignalLine], float, Waveform]:
    """The channels that are taken, a line for each, their rate, and their samples.

    NaN or -32768 in gaps and where a segment lacks a lead. Counts when all segments have the same gains and baselines,
    else millivolts.

    Raises:
        OSError: a segment's files are not there.
        ValueError: segments of other lengths, rates or layouts than the record says; see `wfdb_record.read`.
    """
    segments = _segments(header, master, root)
    channels = choose_among(segments.signals, header, choose)
    lines = [segments.signals[place] for place in channels.places]
    keys = _keys(segments.signals)
    wanted = [keys[place] for place in channels.places]
    places = {name: segments.places(name, wanted) for name in segments.headers}
    if not any(places.values()):
        raise ValueError(f"{header}: a record without samples of {list(channels.leads)}: no segment has them")
    taken = {
        (key, line.per_frame): line
        for name, of_key in places.items()
        for key, line in ((key, segments.headers[name].lines[place]) for key, place in of_key.items())
    }
    per_frame = samples_per_frame(list(taken.values()), master.frame_rate, header)
    frames = sum(segment.num_frames for segment in master.segments)
    samples = per_frame * frames
    check_number(header, samples * len(wanted), len(wanted))
    parts, start = [], 0
    for segment in master.segments:
        of_key = places.get(segment.name) if segment.num_frames else None
        if of_key:
            found = segments.headers[segment.name]
            rows = [wanted.index(key) for key in of_key]
            waveform = read_waveform(_path(header, segment.name), found, list(of_key.values()), root, frames)
            parts.append(_Part(start * per_frame, rows, waveform))
        start += segment.num_frames
    return channels, lines, master.frame_rate * per_frame, _joined(parts, len(wanted), samples)


def _segments(header: str, master: Header, root) -> _Segments:
    total = sum(segment.num_frames for segment in master.segments)
    if master.num_frames and total != master.num_frames:
        raise ValueError(f"{header} says {master.num_frames} samples, and its segments have {total}")
    first = master.segments[0]
    # a first segment of no length lists the signals of all
    variable = first.num_frames == 0 and first.name != GAP
    layout = _segment_header(header, master, first, root).lines if variable else None
    headers: dict[str, Header] = {}
    for segment in master.segments:
        if segment.name == GAP or not segment.num_frames:
            continue
        if segment.name not in headers:
            headers[segment.name] = _segment_header(header, master, segment, root)
        elif headers[segment.name].num_frames != segment.num_frames:
            raise ValueError(f"{header} names the segment {segment.name} twice, with different numbers of samples")
    if not headers:
        raise ValueError(f"{header}: a record without samples: all of its segments are gaps")
    if layout is None:
        layout = next(iter(headers.values())).lines
        for name, found in headers.items():
            if _keys(found.lines) != _keys(layout):
                raise ValueError(
                    f"{header}: segment {name} has the signals {[line.description for line in found.lines]}, the first"
                    f" one {[line.description for line in layout]}, and there is no layout"
                )
    listed = _keys(layout)
    for name, found in headers.items():
        unlisted = [key[0] for key in _keys(found.lines) if key not in listed]
        if unlisted:
            raise ValueError(f"{header}: segment {name} has the signals {unlisted}, which its layout does not list")
    return _Segments(headers, _calibrated(layout, headers))


def _calibrated(layout: list[SignalLine], headers: dict[str, Header]) -> list[SignalLine]:
    """The layout's lines; where one says no gain, for it has no samples, the first one of a segment that does."""
    found = [dict(zip(_keys(one.lines), one.lines, strict=True)) for one in headers.values()]
    keys = zip(layout, _keys(layout), strict=True)
    return [next((one[key] for one in found if not line.gain and key in one), line) for line, key in keys]


def _path(header: str, name: str) -> str:
    return os.path.join(os.path.dirname(header), f"{name}.hea")


def _segment_header(header: str, master: Header, segment: Segment, root) -> Header:
    path = _path(header, segment.name)
    try:
        found = read_header(path, root)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} is not there, though {header} names it as a segment") from error
    if found.segments:
        raise ValueError(f"{path}, a segment of {header}, has segments itself")
    if found.frame_rate != master.frame_rate:
        raise ValueError(
            f"{path} has {found.frame_rate:g} Hz, and {header} {master.frame_rate:g}, of which it is a segment"
        )
    if found.num_frames and segment.num_frames and found.num_frames != segment.num_frames:
        raise ValueError(
            f"{path} says {found.num_frames} samples, and {header} says {segment.num_frames} for this segment"
        )
    return found._replace(num_frames=segment.num_frames)


def _keys(lines: Sequence[SignalLine]) -> list[_Key]:
    names = [line.description for line in lines]
    return [(name, names[:place].count(name)) for place, name in enumerate(names)]


def _joined(parts: list[_Part], leads: int, samples: int) -> Waveform:
    remarks = list(dict.fromkeys(remark for part in parts for remark in part.waveform.remarks))
    scales = _common_scales(parts, leads)
    if scales is None:
        values = np.full((leads, samples), np.nan)
    else:
        values = np.full((leads, samples), MISSING_COUNT, np.int16)
    for part in parts:
        own, gain, baseline, _ = part.waveform
        if scales is None and gain is not None and baseline is not None:
            own = counts_to_millivolts(own, gain, baseline)
        values[part.rows, part.start : part.start + own.shape[1]] = own
    gain, baseline = (None, None) if scales is None else scales
    return Waveform(values, gain, baseline, remarks)


def _common_scales(parts: list[_Part], leads: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Gain and baseline of each lead; None when segments differ, or hold millivolts."""
    found: dict[int, tuple[float, float]] = {}
    for part in parts:
        _, gain, baseline, _ = part.waveform
        if gain is None or baseline is None:
            return None
        for row, *scale in zip(part.rows, gain.tolist(), baseline.tolist(), strict=True):
            if found.setdefault(row, tuple(scale)) != tuple(scale):
                return None
    # a lead that no segment has is missing throughout, whatever its scale
    scales = np.array([found.get(row, (1.0, 0.0)) for row in range(leads)])
    return scales[:, 0], scales[:, 1]
