"""One record, from whatever a user hands over, as the window that is drawn."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..processing.inputs import read_inputs
from ..signals.channels import take_channels
from ..signals.formats import read
from ..signals.leads import STANDARD_LEADS, canonical_leads
from ..signals.record import Record

USUAL_WINDOW_S = 10.0
# 1.5 m of paper; a PNG of more than 65,535 pixels cannot be drawn
LONGEST_WINDOW_S = 60.0


@dataclass
class Window:
    """Part of a record: millivolts by lead (float64, NaN where missing), from `start` on, and what it was part of.

    `leads` are all that the record names, those without a sample included; `signals` holds those with samples.
    """

    name: str | None
    leads: tuple[str, ...]
    signals: dict[str, np.ndarray]
    sampling_rate: float
    first: int
    start: float
    seconds: float
    duration: float
    simulated: bool = False
    reconstructed: tuple[str, ...] = ()


def read_window(signals, sampling_rate, leads, units, start: float, seconds: float | None) -> Window:
    """Read one record (array, row, path of a file, `Record`) and cut it.

    Raises:
        ValueError: see `read_inputs`; several records; no voltages; a window that leaves the record.
    """
    item = _single(signals, leads)
    name, named = _names(item, leads)
    made: tuple[str, ...] = ()
    if isinstance(item, Record):
        # the picture itself says which leads are made
        made, item = item.reconstructed, replace(item, reconstructed=())
    groups = read_inputs(item, sampling_rate=sampling_rate, leads=leads, units=units)
    number = sum(len(group.positions) for group in groups)
    if number != 1:
        raise ValueError(f"signals holds {number} records, wanted one: a figure shows one record")
    group = groups[0]
    where = group.names[0]
    if not group.physical:
        raise ValueError(f"{where}: units is 'normalized', wanted a voltage: ECG paper has millivolts")
    rate, length = group.sampling_rate, group.signals.shape[-1]
    duration = length / rate
    if isinstance(start, bool) or not (math.isfinite(start) and 0 <= start < duration):
        raise ValueError(f"{where}: start is {start} s, wanted 0 or more and less than its {duration:g} s")
    if seconds is None:
        seconds = min(USUAL_WINDOW_S, duration - start)
    elif not (math.isfinite(seconds) and 0 < seconds <= duration - start + 0.5 / rate):
        raise ValueError(f"{where}: seconds is {seconds}, wanted more than 0 and up to {duration - start:g}, its end")
    if seconds > LONGEST_WINDOW_S:
        raise ValueError(f"{where}: seconds is {seconds:g}, wanted at most {LONGEST_WINDOW_S:g} in one figure")
    if seconds * rate < 2:
        raise ValueError(f"{where}: {seconds:g} s at {rate:g} Hz is less than two samples: nothing to draw")
    first, end = math.ceil(start * rate - 1e-6), math.floor((start + seconds) * rate + 1e-6) + 1
    cut = {lead: group.signals[0, i, first:end] for i, lead in enumerate(group.leads)}
    simulated = isinstance(item, Record) and item.is_simulated
    return Window(name, _printed_order(named), cut, rate, first, start, seconds, duration, simulated, made)


def _single(signals, leads):
    if isinstance(signals, (list, tuple)) and len(signals) == 1 and np.ndim(signals[0]) == 0:
        signals = signals[0]
    if isinstance(signals, (str, os.PathLike)):
        return read(signals, leads=leads)
    if isinstance(signals, Record):
        return take_channels(signals, leads)
    if (
        isinstance(signals, Mapping)
        and np.ndim(signals.get("num_samples", 0)) == 1
        and len(signals["num_samples"]) == 1
    ):
        return {column: values[0] for column, values in signals.items()}
    return signals


def _names(item, leads) -> tuple[str | None, tuple[str, ...]]:
    """What the record calls itself, and every lead it names: `read_inputs` leaves out those without a sample."""
    if isinstance(item, Record):
        return Path(item.name).name, item.leads
    if isinstance(item, Mapping):
        name, leads = item.get("record_id"), item.get("leads")
        # a slice of several rows, or no names at all: read_inputs says what is wrong
        if leads is None or any(not isinstance(lead, str) for lead in leads):
            return name, ()
        return name, canonical_leads(leads)
    return None, () if leads is None else canonical_leads([leads] if isinstance(leads, str) else leads)


def _printed_order(leads: tuple[str, ...]) -> tuple[str, ...]:
    """Twelve leads are printed in one order everywhere; others as the record has them."""
    if not set(STANDARD_LEADS) <= set(leads):
        return leads
    return STANDARD_LEADS + tuple(lead for lead in leads if lead not in STANDARD_LEADS)
