"""A fixed number of samples: cut or lengthen."""

import numpy as np

from ..checks import check_one_of, shown
from ._arrays import as_numbers

# Values of one record in one array, 2 GiB as float32: a day of twelve leads at 500 Hz, and a little more.
MOST_VALUES = 2**29


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


def _check(num_samples: int, position: str, positions: tuple[str, ...]) -> None:
    if isinstance(num_samples, bool) or not isinstance(num_samples, (int, np.integer)) or num_samples < 1:
        raise ValueError(f"num_samples is {shown(num_samples)}, wanted a whole number of at least 1")
    check_one_of("position", position, positions)
