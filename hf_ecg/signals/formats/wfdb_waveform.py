"""Parts of a WFDB record: a header's text and the samples of some of its signals, in counts or millivolts."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...input_files import read_input
from ..channels import Channels
from ..units import MISSING_COUNT, millivolts_in
from .confinement import check_inside
from .rates import one_rate
from .wfdb_header import Header, SignalLine, parse_header
from .wfdb_published import corrected_gains
from .wfdb_signals import StoredSignals, read_signals

# The header of a record of 100,000 segments, or of 4,096 signals, is far smaller.
_MOST_HEADER_BYTES = 16 * 2**20


class Waveform(NamedTuple):
    """Leads of one rate: int16 counts with gain (counts a millivolt) and baseline, or float64 millivolts without."""

    values: np.ndarray
    gain: np.ndarray | None
    baseline: np.ndarray | None
    remarks: list[str]


def read_header(header: str, root=None) -> Header:
    """The header in a file; see `read` for what is raised."""
    if root is not None:
        check_inside(header, root)
    try:
        stored = read_input(header, _MOST_HEADER_BYTES)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{header} is not there (a WFDB record is named by its .hea file)") from error
    # editors of Windows put a byte-order mark before the text
    text = stored.decode("utf-8-sig", errors="replace")
    if "\0" in text:
        raise ValueError(f"{header} holds null characters: no header, or a damaged one")
    return parse_header(text, header)


def choose_among(lines: Sequence[SignalLine], header: str, choose: Callable[..., Channels]) -> Channels:
    """The channels of a header that are taken."""
    unfit = None
    if not all([line.gain for line in lines]):
        unfit = [None if line.gain else "its gain is 0: not calibrated" for line in lines]
    return choose([line.description for line in lines], [line.unit for line in lines], unfit=unfit, where=header)


def samples_per_frame(lines: Sequence[SignalLine], frame_rate: float, header: str) -> int:
    """Of leads that must have the same number."""
    one_rate([line.description for line in lines], [frame_rate * line.per_frame for line in lines], header)
    return lines[0].per_frame


def read_waveform(header: str, found: Header, places: Sequence[int], root=None, frames_of_all: int = 0) -> Waveform:
    """The samples of some signals of a header, which have the same number of samples a frame; see `read_signals`."""
    stored = read_signals(header, found.lines, places, found.num_frames, root, frames_of_all)
    return scaled(header, stored, [found.lines[place] for place in places])


def scaled(header: str, stored: StoredSignals, lines: Sequence[SignalLine]) -> Waveform:
    """Stored samples with the scales of their lines in the header; an inverted amplifier's are turned over.

    Raises:
        ValueError: a gain that is not that of a voltage.
    """
    gain = np.array([_counts_a_millivolt(line.gain, line.unit) for line in lines])
    if not np.isfinite(gain).all():
        unfit = [f"{line.description!r} ({line.gain:g}/{line.unit})" for line in lines]
        raise ValueError(f"{header}: the gain of {', '.join(unfit)} is not that of a voltage, in a part of the record")
    gain, more = corrected_gains(gain, lines)
    baseline = np.array([float(line.baseline) for line in lines])
    for row, line in enumerate(lines):
        if line.gain < 0:
            # an inverted amplifier; -32768, which is missing, stays what it is
            np.negative(stored.counts[row], out=stored.counts[row])
            gain[row], baseline[row] = -gain[row], -baseline[row]
            if stored.missing is not None:
                stored.counts[row][stored.missing[row]] = MISSING_COUNT
    remarks = stored.remarks + more
    counts = _as_16_bits(stored)
    if counts is not None:
        return Waveform(counts, gain, baseline, remarks)
    return Waveform(_millivolts(stored, gain, baseline), None, None, remarks)


@lru_cache(maxsize=256)
def _counts_a_millivolt(gain: float, unit: str) -> float:
    """NaN where the header tells no voltage."""
    return gain / (millivolts_in(unit) or math.nan) if gain else math.nan


def _as_16_bits(stored: StoredSignals) -> np.ndarray | None:
    """The counts as int16, -32768 where missing; None where a count needs more."""
    if stored.missing is None:
        return stored.counts
    present = stored.counts[~stored.missing]
    if present.size and not MISSING_COUNT < present.min() <= present.max() <= np.iinfo(np.int16).max:
        return None
    return stored.counts.astype(np.int16)


def _millivolts(stored: StoredSignals, gain: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    millivolts: np.ndarray = stored.counts.astype(np.float64)
    millivolts -= baseline[:, None]
    millivolts /= gain[:, None]
    millivolts[stored.missing] = np.nan
    return millivolts
