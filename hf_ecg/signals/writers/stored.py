"""What the writers share: a record as 16-bit counts."""

import math
from dataclasses import replace

import numpy as np

from ..record import Record
from ..units import MISSING_COUNT

_LARGEST = np.iinfo(np.int16).max
# 0.1 microvolts is far below the noise of any electrode.
_FINEST_GAIN = 10_000.0


def as_stored(record: Record) -> Record:
    """The record as int16 counts with baselines that are whole: itself where it is that, else rounded.

    Raises:
        ValueError: infinite values.
    """
    if _is_stored(record):
        return record
    gain = _rounding_gain(record)
    return replace(record, values=record.to_millivolts(), gain=None, baseline=None).as_counts(gain)


def count_steps(record: Record) -> np.ndarray:
    """Millivolts between two counts of a lead, as `as_stored` makes them; 0 where nothing is rounded."""
    return np.full(len(record.leads), 0.0 if _is_stored(record) else 1 / _rounding_gain(record))


def _is_stored(record: Record) -> bool:
    return record.values.dtype == np.int16 and not (np.asarray(record.baseline) % 1).any()


def _rounding_gain(record: Record) -> float:
    """Counts a millivolt, a power of ten: the finest that 16 bits hold."""
    rows = map(record.lead_millivolts, range(len(record.leads)))
    largest = max(float(np.nanmax(np.abs(row), initial=0.0)) for row in rows)
    if not math.isfinite(largest):
        raise ValueError(f"{record.name} has infinite values")
    return min(_FINEST_GAIN, 10.0 ** math.floor(math.log10(_LARGEST / largest))) if largest else _FINEST_GAIN


def has_missing(record: Record) -> bool:
    if record.gain is None:
        return bool(np.isnan(record.values).any())
    return bool((record.values == MISSING_COUNT).any())
