"""A fixed number of samples: cut or lengthen; and where windows lie in a longer record."""

from collections.abc import Iterator

import numpy as np

from ..checks import check_one_of, shown
from ._arrays import as_numbers

# Values of one record in one array, 2 GiB as float32: a day of twelve leads at 500 Hz, and a little more.
MOST_VALUES = 2**29
WINDOWS = ("all", "first", "recipe")
# A last window that would add less than this share of its length to what the others cover is not worth a row.
SMALLEST_REST = 0.1
# What becomes of the samples behind the last whole window.
RESTS = (OVERLAP, DROP, SHORT) = ("overlap", "drop", "short")


def check_size(num_samples: int, leads: int, what: str) -> None:
    """Refuse a record that would not fit into memory, before the memory is asked for.

    Args:
        num_samples: of each lead.
        leads: number of leads.
        what: would be that long; stands first in the error.

    Raises:
        ValueError: more than `MOST_VALUES` values.
    """
    if num_samples * leads > MOST_VALUES:
        raise ValueError(
            f"{what}: {num_samples} samples x {leads} leads, wanted at most {MOST_VALUES} values a record (2 GiB)"
        )


def crop(signals: np.ndarray, num_samples: int, position: str = "start") -> np.ndarray:
    """Keep `num_samples` from the start, the center or the end; a record that is not longer passes as it is.

    Args:
        signals: (..., samples).
        num_samples: samples to keep.
        position: "start", "center" or "end".

    Raises:
        ValueError: unknown position, or no sample to keep.
    """
    signals = as_numbers(signals)
    _check(num_samples, position, ("start", "center", "end"))
    length = signals.shape[-1]
    if length <= num_samples:
        return signals
    first = {"start": 0, "center": (length - num_samples) // 2, "end": length - num_samples}[position]
    return signals[..., first : first + num_samples]


def pad(signals: np.ndarray, num_samples: int, position: str = "end", value: float = 0.0) -> np.ndarray:
    """Lengthen to `num_samples` by a constant; a record that is not shorter passes as it is.

    Args:
        signals: (..., samples).
        num_samples: samples of the result.
        position: where the constant goes: "end", "start", or "both" (the odd one at the end).
        value: the constant.

    Raises:
        ValueError: unknown position, or no samples wanted.
    """
    signals = as_numbers(signals)
    _check(num_samples, position, ("end", "start", "both"))
    lacking = num_samples - signals.shape[-1]
    if lacking <= 0:
        return signals
    before = {"end": 0, "start": lacking, "both": lacking // 2}[position]
    widths = [(0, 0)] * (signals.ndim - 1) + [(before, lacking - before)]
    return np.pad(signals, widths, constant_values=value)


def window_spans(
    num_samples: int, length: int | None, stride: int | None = None, which: str = "all", rest: str = OVERLAP
) -> Iterator[tuple[int, int]]:
    """Start and end (samples) of the windows of a record, one after the other.

    A record that is not longer than a window is one window. Else windows begin at multiples of the stride; what
    remains behind the last whole one gets a window that is moved back to end with the record, so that it overlaps the
    one before it, unless it would add less than a tenth of a window. This is what models are asked about. Rows of a
    corpus leave the rest out, for a sample in two rows would be learned from twice; where time is counted, as by the
    AF burden, the rest is a window of its own.

    Args:
        num_samples: of the record.
        length: samples of a window; None takes the record as one.
        stride: samples between starts; None is `length`.
        which: "all", or "first" for the first one alone; "recipe" leaves the whole record to the model's recipe.
        rest: "overlap", "drop", or "short": a shorter window, however short.

    Example:
        >>> from hf_ecg.signals.window import window_spans
        >>> list(window_spans(2500, 1000))
        [(0, 1000), (1000, 2000), (1500, 2500)]
        >>> list(window_spans(2500, 1000, rest="short"))
        [(0, 1000), (1000, 2000), (2000, 2500)]
    """
    check_one_of("rest", rest, RESTS)
    if which == "recipe" or length is None or num_samples <= length:
        yield 0, num_samples
        return
    if which == "first":
        yield 0, length
        return
    stride = length if stride is None else stride
    start = 0
    while start + length <= num_samples:
        yield start, start + length
        start += stride
    covered = start - stride + length
    if rest == SHORT and covered < num_samples:
        yield covered, num_samples
    if rest == OVERLAP and num_samples - covered >= SMALLEST_REST * length:
        yield num_samples - length, num_samples


def _check(num_samples: int, position: str, positions: tuple[str, ...]) -> None:
    if isinstance(num_samples, bool) or not isinstance(num_samples, (int, np.integer)) or num_samples < 1:
        raise ValueError(f"num_samples is {shown(num_samples)}, wanted a whole number of at least 1")
    check_one_of("position", position, positions)
