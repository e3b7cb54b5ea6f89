"""Samples of an MFER file: where they stand in its frames, and what they are in millivolts."""

from typing import NamedTuple

import numpy as np

from ...input_files import InputFile
from . import mfer_definitions as mfer
from .mfer_definitions import Frame, Value
from .stored_counts import Values, stored_values

_TYPES = {0: "i2", 1: "u2", 2: "i4", 3: "u1", 4: "u2", 5: "i1", 6: "u4", 7: "f4", 8: "f8"}
_HUFFMAN = 9
# Of a sequence: a part of a record reads whole ones.
_LARGEST_SEQUENCE, _BLOCK_BYTES = 2**20, 2**22


class _Layout(NamedTuple):
    """Where the samples of each channel stand in a sequence of a frame; sequences in it."""

    types: list[np.dtype]
    blocks: list[int]
    offsets: list[int]
    size: int
    sequences: int


class MFERSamples:
    """Those of some channels, which are read when they are asked for.

    Args:
        frames: in their order.
        places: of the channels.
        scales: of each, millivolts a count and the count of zero.
        remarks: what is odd is added here.

    Attributes:
        number: of samples of each channel.
        has_parts: whether a part of them is read without much of the rest.

    Raises:
        ValueError: fewer samples than the definitions say, ones that are not read, channels of different lengths.
    """

    def __init__(self, frames: list[Frame], places, scales, remarks: list[str]):
        self._frames, self._places, self._scales = frames, list(places), np.array(scales)
        self._layouts = layouts = [_layout(frame) for frame in frames]
        lengths = {sum(layout.sequences * layout.blocks[place] for layout in layouts) for place in places}
        if len(lengths) > 1:
            raise ValueError(f"its leads have {sorted(lengths)} samples at one rate")
        (self.number,) = lengths
        dtypes = {layouts[0].types[place] for place in places}
        self._native = next(iter(dtypes)).newbyteorder("=") if len(dtypes) == 1 else np.dtype(np.float64)
        # of each frame its first sample
        self._starts, rest, at = [], 0, 0
        for number, (frame, layout) in enumerate(zip(frames, layouts, strict=True)):
            self._starts.append(at)
            rest += frame.end - frame.first - layout.sequences * layout.size
            if number and frame.pointer not in (None, at):
                remarks.append(f"a part of the record does not begin where the one in front of it ends: {number + 1}")
            at += layout.sequences * layout.blocks[self._places[0]]
        if rest:
            remarks.append(f"bytes behind the last whole sequence are left out: {rest}")
        self.has_parts = all(
            layout.size <= _LARGEST_SEQUENCE and len({layout.blocks[place] for place in places}) == 1
            for layout in layouts
        )

    def values(self, file: InputFile, first: int, end: int, remarks: list[str]) -> Values:
        """Those from `first` to before `end`; all of them, unless it `has_parts`."""
        counts = np.empty((len(self._places), end - first), self._native)
        done = [0] * len(self._places)
        for frame, layout, start in zip(self._frames, self._layouts, self._starts, strict=True):
            block = layout.blocks[self._places[0]]
            whole = (first, end) == (0, self.number)
            low = 0 if whole else min(max(first - start, 0) // block, layout.sequences)
            high = layout.sequences if whole else min(max(-(-(end - start) // block), 0), layout.sequences)
            at_once = max(1, _BLOCK_BYTES // layout.size)
            for begun in range(low, high, at_once):
                number = min(at_once, high - begun)
                stored = file.read(frame.first + begun * layout.size, number * layout.size)
                if len(stored) < number * layout.size:
                    raise ValueError("it ended while it was read: truncated")
                rows = np.frombuffer(stored, np.uint8).reshape(number, layout.size)
                for row, place in enumerate(self._places):
                    offset, dtype, own = layout.offsets[place], layout.types[place], layout.blocks[place]
                    part = (
                        np.ascontiguousarray(rows[:, offset : offset + own * dtype.itemsize]).view(dtype).reshape(-1)
                    )
                    if not whole:
                        skipped = max(first - start - begun * own, 0)
                        part = part[skipped : max(end - start - begun * own, 0)]
                    counts[row, done[row] : done[row] + len(part)] = part
                    done[row] += len(part)
        channels = self._frames[0].channels
        nulls = [typed(channels[place].get(mfer.NULL), self._layouts[0].types[place]) for place in self._places]
        return _scaled(counts, nulls, self._scales, remarks)


def kind_of(channel: dict[int, Value]) -> int:
    value = channel.get(mfer.TYPE)
    return 0 if value is None else value.stored[0]


def type_of(channel: dict[int, Value], order: str = "big") -> np.dtype:
    kind = kind_of(channel)
    if kind not in _TYPES:
        told = "compressed, which is not read" if kind == _HUFFMAN else "of no known kind"
        raise ValueError(f"samples of the kind {kind} are {told}")
    return np.dtype((">" if order == "big" else "<") + _TYPES[kind])


def typed(value: Value | None, dtype: np.dtype) -> float | None:
    """A number of the kind of the samples."""
    if value is None or len(value.stored) < dtype.itemsize:
        return None
    dtype = dtype.newbyteorder(">" if value.order == "big" else "<")
    return float(np.frombuffer(value.stored, dtype, 1)[0])


def _layout(frame: Frame) -> _Layout:
    types = [type_of(channel, frame.order) for channel in frame.channels]
    blocks = [channel[mfer.BLOCK].number() if mfer.BLOCK in channel else 1 for channel in frame.channels]
    sizes = [block * dtype.itemsize for block, dtype in zip(blocks, types, strict=True)]
    said = {channel[mfer.SEQUENCES].number() for channel in frame.channels if mfer.SEQUENCES in channel}
    there = frame.end - frame.first
    if min(blocks) < 1 or len(said) > 1:
        raise ValueError(f"blocks of {min(blocks)} samples in {sorted(said)} sequences are not read")
    sequences = said.pop() if said else there // sum(sizes)
    if sequences < 1 or sequences * sum(sizes) > there:
        raise ValueError(
            f"a frame of {sequences} sequences takes {sequences * sum(sizes)} bytes, and {there} are there: truncated"
        )
    offsets = [sum(sizes[:place]) for place in range(len(sizes))]
    return _Layout(types, blocks, offsets, sum(sizes), sequences)


def _scaled(counts: np.ndarray, nulls: list[float | None], scales: np.ndarray, remarks: list[str]) -> Values:
    step, zero = scales[:, 0], scales[:, 1]
    told = any(null is not None for null in nulls) or counts.dtype != np.int16
    missing = np.zeros(counts.shape, bool) if told else None
    for row, null in enumerate(nulls):
        if null is not None and missing is not None:
            missing[row] = counts[row] == null
    if counts.dtype.kind == "f":
        millivolts = (counts.astype(np.float64) - zero[:, None]) * step[:, None]
        bad = ~np.isfinite(millivolts) | (missing if missing is not None else False)
        millivolts[bad] = np.nan
        lost = int(bad.any(0).sum())
        found = Values(millivolts, None, None)
    else:
        wide = counts if counts.dtype == np.int16 else counts.astype(np.int64)
        found = stored_values(wide, step, zero, missing)
        gone = found.values == -32768 if found.values.dtype == np.int16 else np.isnan(found.values)
        lost = int(gone.any(0).sum())
    if lost:
        remarks.append(f"samples that the file marks as not there are missing: {lost}")
    return found
