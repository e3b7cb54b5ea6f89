"""What a user hands over (arrays, rows, files) as stacks of millivolts of equal shape, rate and leads."""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..checks import shown
from ..said_once import first_time
from ..signals.calibration_pulse import without_calibration_pulse
from ..signals.channels import choose_channels, take_channels
from ..signals.formats import read
from ..signals.formats.told import LeavesOpen
from ..signals.leads import STANDARD_LEADS, canonical_leads
from ..signals.record import Record
from ..signals.units import check_amplitude, counts_to_millivolts, known_units, to_millivolts
from .input_values import array_of_numbers, checked_rate, length_of, whole_number
from .on_purpose import purpose

logger = logging.getLogger(__name__)
# What a row must hold so that its counts mean something; the other columns of the Rows contract are not needed here.
ROW_COLUMNS = ("signal", "num_samples", "sampling_rate", "leads", "gain", "baseline")
COUNTS = "counts"


@dataclass
class Recording:
    """One record as it came: counts with gain and baseline, or numbers with a unit."""

    name: str
    values: np.ndarray
    sampling_rate: float
    leads: tuple[str, ...]
    units: str
    gain: np.ndarray | None = None
    baseline: np.ndarray | None = None

    def cut(self, first: int, end: int) -> "Recording":
        """The samples from `first` to before `end`, as a view."""
        return replace(self, values=self.values[:, first:end])


@dataclass
class WaveformGroup:
    """Records that share leads, rate and length, stacked: float64 `(records, leads, samples)`.

    A lead without a single sample is not among `leads`: it is absent, exactly as if the record had not named it.
    `physical` is false for values that are not voltages any more; `complete` is true when no sample is missing;
    `positions` are the records' places in the input. The memory of `signals` is the group's own.
    """

    signals: np.ndarray
    leads: tuple[str, ...]
    sampling_rate: float
    physical: bool
    complete: bool
    positions: list[int]
    names: list[str]


def read_inputs(signals, sampling_rate=None, leads=None, units=None, rename=None) -> list[WaveformGroup]:
    """Reads any accepted input as groups of waveforms in millivolts (or as given, when units is "normalized").

    Args:
        signals: an array `(leads, samples)` or `(records, leads, samples)`; a path, see `hf_ecg.read`; a `Record`; a
            row (or a slice of rows) with the columns of `ROW_COLUMNS`; or a list of any of these, of any lengths.
        sampling_rate: hertz; required for arrays, must agree with what rows and records carry.
        leads: names in the order of the arrays' leads, required for arrays. Of files and `Record`s it chooses leads,
            with rows it must agree.
        units: mV, uV, nV or V in any spelling, or normalized; required for arrays; rows and records are mV.
        rename: names of leads for channels of files, records and rows, before `leads` chooses; see
            `hf_ecg.signals.choose_channels`.

    Raises:
        ValueError: something required is missing or contradicts the input, a shape or a name is wrong, a value is
            infinite, a record has no sample at all, or its amplitude cannot be in the unit it is said to be.
    """
    recordings = read_recordings(signals, sampling_rate, leads, units, rename)
    return grouped(recordings, range(len(recordings)))


def read_recordings(signals, sampling_rate=None, leads=None, units=None, rename=None) -> list[Recording]:
    """The records as they came, in their order; see `read_inputs`."""
    rate = None if sampling_rate is None else checked_rate(sampling_rate, "sampling_rate")
    names = None if leads is None else _lead_names(leads)
    units = None if units is None else known_units(units)
    return [
        _recording(item, position, rate, names, units, rename)
        for position, item in enumerate(_list_of_records(signals))
    ]


def grouped(recordings: Sequence[Recording], positions: Sequence[int]) -> list[WaveformGroup]:
    """Recordings, or windows of some, stacked where they have one shape; `positions` say whose they are.

    Raises:
        ValueError: a value is infinite, nothing was recorded at all, or an amplitude that cannot be in its unit.
    """
    groups: dict[tuple, list[int]] = {}
    for place, recording in enumerate(recordings):
        key = (recording.leads, recording.sampling_rate, recording.values.shape[-1], recording.units)
        groups.setdefault(key, []).append(place)
    return [
        part
        for places in groups.values()
        for part in _split_by_absent_leads(
            _stacked([recordings[place] for place in places], [positions[place] for place in places])
        )
    ]


def _list_of_records(signals) -> list:
    if isinstance(signals, Mapping):
        return _rows_of_slice(signals)
    if isinstance(signals, (str, os.PathLike, Record)):
        return [signals]
    if isinstance(signals, (list, tuple)):
        if not signals:
            raise ValueError("signals is an empty list, wanted at least one record")
        if all(isinstance(item, (list, tuple)) and np.ndim(item[:1]) == 1 for item in signals):
            # A record written as nested Python lists: one list a lead.
            return [array_of_numbers(signals, "signals")]
        return list(signals)
    array = array_of_numbers(signals, "signals")
    if array.ndim == 2:
        return [array]
    if array.ndim == 3:
        if not len(array):
            raise ValueError(f"signals has shape {array.shape}, wanted at least one record")
        return list(array)
    raise ValueError(
        f"signals has shape {array.shape}, wanted (leads, samples) or (records, leads, samples);"
        " write one lead as signals[None]"
    )


def _rows_of_slice(rows: Mapping) -> list[Mapping]:
    """`dataset[3]` is one row; `dataset[:8]` is a mapping of columns."""
    number = length_of(rows.get("num_samples"))
    if number is None:
        return [rows]
    for column, values in rows.items():
        if length_of(values) != number:
            raise ValueError(
                f"signals is a slice of {number} rows by its column num_samples, but its column {column} is"
                f" {shown(values)}"
            )
    return [{column: values[i] for column, values in rows.items()} for i in range(number)]


def _recording(item, position: int, rate, leads, units, rename) -> Recording:
    name = f"record {position}"
    if isinstance(item, (str, os.PathLike)):
        found, units = read_file(item, rate, leads, units, rename)
        recording = _from_record(found, f"{name} ({os.fspath(item)})")
    elif isinstance(item, Record):
        name = f"{name} ({item.name})"
        item = take_channels(item, leads, rename, name)
        if item.reconstructed and first_time("reconstructed", *item.reconstructed):
            made = ", ".join(item.reconstructed)
            logger.warning("%s: nobody measured %s, which a model made: read as measured (said once)", name, made)
        recording = _from_record(item, name)
    elif isinstance(item, Mapping):
        recording = read_row(item, name, rename)
        if leads is not None and leads != recording.leads:
            raise ValueError(f"{recording.name}: leads {list(leads)} were given, but it has {list(recording.leads)}")
    else:
        if rename is not None:
            raise ValueError(f"{name} is an array, whose leads are named by leads=; rename is for files and records")
        return _from_array(item, name, rate, leads, units)
    if rate is not None and rate != recording.sampling_rate:
        raise ValueError(
            f"{recording.name}: sampling_rate {rate:g} was given, but it has {recording.sampling_rate:g} Hz"
        )
    if units is not None and units != "mV":
        raise ValueError(f"{recording.name}: units {units!r} was given, but it carries its own gain and is in mV")
    return recording


def read_file(path, rate, leads, units, rename) -> tuple[Record, str | None]:
    """A record, and the unit that is still to be compared with it; rate and unit are told where the file says none."""
    try:
        return read(path, leads=leads, rename=rename), units
    except LeavesOpen:
        if rate is None and units is None:
            raise
    return read(path, leads=leads, rename=rename, sampling_rate=rate, units=units), None


def _from_array(item, name: str, rate, leads, units) -> Recording:
    values = array_of_numbers(item, name)
    given = {"sampling_rate": rate, "leads": leads, "units": units}
    missing = [key for key, value in given.items() if value is None]
    if missing:
        raise ValueError(f"{name} is an array, which does not say what it holds: {', '.join(missing)} must be given")
    _check_shape(values, leads, name)
    return Recording(name, values, rate, leads, units)


def _from_record(record: Record, name: str) -> Recording:
    record = without_calibration_pulse(record)
    _check_shape(record.values, record.leads, name)
    rate = checked_rate(record.sampling_rate, name, of_file=bool(record.source_format))
    if record.gain is None:
        return Recording(name, record.values, rate, record.leads, "mV")
    gain, baseline = np.asarray(record.gain), np.asarray(record.baseline)
    return Recording(name, record.values, rate, record.leads, COUNTS, gain, baseline)


def read_row(row: Mapping, name: str, rename=None) -> Recording:
    """A row of a corpus as counts `(leads, samples)`; `name` stands in the errors, `rename` names its leads.

    Raises:
        ValueError: a column is missing, or does not fit the others.
    """
    missing = [column for column in ROW_COLUMNS if row.get(column) is None]
    if missing:
        raise ValueError(f"{name} is a row without {', '.join(missing)}; it has the columns {sorted(map(str, row))}")
    if row.get("record_id") is not None:
        name = f"{name} ({str(row['record_id'])[:100]})"
    leads = _lead_names(row["leads"])
    if rename is not None:
        leads = choose_channels(leads, rename=rename, where=name).leads
    num_samples = whole_number(row["num_samples"], f"{name}: the column num_samples")
    counts = array_of_numbers(row["signal"], name)
    if counts.dtype != np.int16:
        limits = np.iinfo(np.int16)
        if counts.dtype.kind not in "iu" or (
            counts.size and not limits.min <= counts.min() <= counts.max() <= limits.max
        ):
            raise ValueError(f"{name}: the column signal holds {counts.dtype} values, wanted int16 counts")
        counts = counts.astype(np.int16)
    if counts.size != len(leads) * num_samples:
        raise ValueError(f"{name}: signal has {counts.size} counts, wanted {len(leads)} leads x {num_samples} samples")
    counts = counts.reshape(len(leads), num_samples)
    _check_shape(counts, leads, name)
    gain, baseline = (
        array_of_numbers(row[column], f"{name}: the column {column}").astype(np.float64)
        for column in ("gain", "baseline")
    )
    for column, values in (("gain", gain), ("baseline", baseline)):
        if values.shape != (len(leads),):
            raise ValueError(
                f"{name}: {column} has shape {values.shape}, wanted one value for each of {len(leads)} leads"
            )
    return Recording(name, counts, checked_rate(row["sampling_rate"], name), leads, COUNTS, gain, baseline)


def _stacked(recordings: list[Recording], positions: list[int]) -> WaveformGroup:
    first = recordings[0]
    names = [recording.name for recording in recordings]
    values = np.stack([recording.values for recording in recordings])
    if first.units == COUNTS:
        gain, baseline = (np.stack([getattr(r, key) for r in recordings]) for key in ("gain", "baseline"))
        signals = with_record_name(counts_to_millivolts, names, values, gain, baseline)
    else:
        values = values.astype(np.float64, copy=False)
        signals = to_millivolts(values, first.units, out=values)
    order = _canonical_order(first.leads)
    leads = tuple(first.leads[i] for i in order)
    if leads != first.leads:
        signals = signals[:, list(order)]
    complete = bool(np.isfinite(signals).all())
    if not complete:
        infinite = np.argwhere(np.isinf(signals).any(-1))
        if len(infinite):
            record, lead = infinite[0]
            raise ValueError(f"{names[record]}: lead {leads[lead]} has infinite values")
    return WaveformGroup(signals, leads, first.sampling_rate, first.units != "normalized", complete, positions, names)


def _split_by_absent_leads(group: WaveformGroup) -> Iterable[WaveformGroup]:
    absent = np.isnan(group.signals[..., 0])
    if absent.any():
        absent &= np.isnan(group.signals).all(-1)
    patterns: dict[tuple, list[int]] = {}
    for row, pattern in enumerate(map(tuple, absent.tolist())):
        patterns.setdefault(pattern, []).append(row)
    for pattern, rows in patterns.items():
        names = [group.names[row] for row in rows]
        if all(pattern):
            raise ValueError(f"{names[0]}: none of its leads {list(group.leads)} has a single sample")
        part = group
        if any(pattern) or len(patterns) > 1:
            kept = [i for i, missing in enumerate(pattern) if not missing]
            part = WaveformGroup(
                group.signals[np.ix_(rows, kept)],
                tuple(group.leads[i] for i in kept),
                group.sampling_rate,
                group.physical,
                group.complete,
                [group.positions[row] for row in rows],
                names,
            )
        if part.physical and not purpose().known_units:
            with_record_name(check_amplitude, part.names, part.signals)
        yield part


def with_record_name(function, names: list[str], *stacks: np.ndarray):
    """`function(*stacks)`; when it raises, the same error with the name of the first record it raises for."""
    try:
        return function(*stacks)
    except ValueError as error:
        for i, name in enumerate(names):
            try:
                function(*(stack[i : i + 1] for stack in stacks))
            except ValueError as single:
                raise ValueError(f"{name}: {single}") from error
        raise


def _check_shape(values: np.ndarray, leads: tuple[str, ...], name: str) -> None:
    if values.ndim != 2:
        raise ValueError(f"{name} has shape {values.shape}, wanted (leads, samples)")
    if len(values) != len(leads):
        hint = "; it looks transposed" if values.shape[1] == len(leads) else ""
        raise ValueError(f"{name} has shape {values.shape}, but {len(leads)} leads are named: {list(leads)}{hint}")
    if not values.size:
        raise ValueError(f"{name} has shape {values.shape}: no samples")


def _lead_names(leads) -> tuple[str, ...]:
    # a set or a mapping has no order that says which row of the array is which lead
    names = (leads,) if isinstance(leads, str) else None
    if names is None and not isinstance(leads, (Set, Mapping, bytes)):
        # an array without axes says that it can be gone through, and cannot
        with suppress(TypeError):
            names = tuple(leads)
    if names is None:
        raise ValueError(f"leads is {shown(leads)}, wanted a list of names in the order of the array's rows")
    return _canonical(tuple(map(str, names)))


# Every row of a corpus spells out the same dozen names: parsing them anew would cost more than its arithmetic.
@lru_cache(maxsize=256)
def _canonical(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(canonical_leads(names))


@lru_cache(maxsize=256)
def _canonical_order(leads: tuple[str, ...]) -> tuple[int, ...]:
    """One order for every permutation of the same leads: sums over leads then round alike."""
    standard = {lead: i for i, lead in enumerate(STANDARD_LEADS)}
    return tuple(sorted(range(len(leads)), key=lambda i: (standard.get(leads[i], len(standard)), leads[i])))
