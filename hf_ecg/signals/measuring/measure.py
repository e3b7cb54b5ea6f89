"""From a record to its measurements."""

from collections.abc import Sequence

import numpy as np

from ..calibration_pulse import without_calibration_pulse
from ..delineation.beats import RATE
from ..delineation.measure import LEAST_RANGE_MV, MOST_MISSING, SHORTEST_SECONDS
from ..leads import LIMB_LEADS, canonical_leads, derive_limb_leads
from ..missing import fill_missing
from ..record import Record
from ..resampling import resample
from ..units import HIGHEST_RANGE_MV, known_voltage, to_millivolts
from .beat_places import beat_table
from .mains import without_mains
from .marks import find_marks
from .pacing import LOWEST_RATE, find_spikes, is_paced, without_spikes
from .record_values import measured_record
from .result import ECGMeasurements
from .shapes import Shape, find_shapes

# Boundaries are looked for in stretches of this length: the rate may change in a long record.
_STRETCH_S = 60.0
# What I and II say already.
_DERIVED = ("III", "aVR", "aVL", "aVF")
_LOWEST_RATE = 50.0


def measure(record, sampling_rate=None, leads=None, units=None, *, sex: str | None = None) -> ECGMeasurements:
    """Rate, intervals, axes, voltages, rhythm, and the boundaries of every beat, each with its reliability.

    R peaks are found in all leads together (`signals.beat_detection`). Beats that look alike make a median beat, on
    which P, QRS and T get their boundaries in each lead by itself. `values` are of all leads together: a wave begins
    where three tenths of its leads have begun, and ends where seven have ended. `leads` has them lead by lead.
    The docs page `how_to/measure` says how each value is defined, and `results/measurements` how far to trust it.

    Args:
        record: a `Record`, the path of a file that `hf_ecg.read` takes, or an array (leads, samples), NaN where
            missing.
        sampling_rate: hertz, of an array.
        leads: names of the leads of an array; of a record, those to measure.
        units: of an array: "mV", "uV" or "V".
        sex: "male" or "female", for Cornell's bounds and product.

    Returns:
        `ECGMeasurements`. A record without beats has values that are "not measured", and says why.

    Raises:
        ValueError: an array without its rate, leads or units; another shape; a rate below 50 Hz; infinite samples;
            units that are not a voltage; beats of more than 15 mV, which are another unit than was said.
        OSError: the file is not there, or damaged.

    Example:
        >>> import hf_ecg
        >>> found = hf_ecg.measure("record.hea")
        >>> found.values["qrs_ms"].reliability in ("good", "doubtful", "not measured")
        True
    """
    if sex not in (None, "male", "female"):
        raise ValueError(f"sex is {sex!r}, wanted 'male', 'female' or None")
    name, signal, rate, names = _read(record, sampling_rate, leads, units)
    if not (np.isfinite(rate) and rate >= _LOWEST_RATE):
        raise ValueError(f"{name}: sampling_rate is {rate:g} Hz, waves are measured at {_LOWEST_RATE:g} Hz and more")
    if np.isinf(signal).any():
        raise ValueError(f"{name}: infinite samples are not missing ones: find out where they come from")
    seconds = signal.shape[1] / rate
    missing = np.isnan(signal)
    signal, names, left_out = _usable(signal, missing, names)
    if not names or seconds < SHORTEST_SECONDS:
        why = (
            f"the record has {seconds:.1f} s, wanted {SHORTEST_SECONDS:g}" if names else "no lead has a usable signal"
        )
        table = beat_table([], np.zeros(0), rate, ())
        return measured_record(name, seconds, rate, (), (), [], table, np.zeros(0, bool), left_out, why, sex)
    signal = resample(signal - np.median(signal, axis=1, keepdims=True), rate, RATE, "polyphase")
    rows = [row for row, lead in enumerate(names) if not ({"I", "II"} <= set(names) and lead in _DERIVED)]
    gone = missing.all(axis=0)
    signal, marks, paced = _marks(signal, rows, names, rate)
    marks = marks[~_in_gap(marks / RATE, gone, rate)]
    _check_voltage(name, signal[rows], marks)
    shapes = _shapes(signal, marks, rows)
    table = beat_table(shapes, marks, rate, names)
    why = "" if len(marks) else "no beat was found"
    return measured_record(
        name, seconds, rate, names, rows, shapes, table, _gaps(table.r, gone), left_out, why, sex, paced
    )


def _read(record, sampling_rate, leads, units) -> tuple[str, np.ndarray, float, tuple[str, ...]]:
    from ..channels import take_channels
    from ..formats import read

    if isinstance(record, Record):
        record = without_calibration_pulse(take_channels(record, leads))
        return record.name, record.to_millivolts(), record.sampling_rate, record.leads
    if isinstance(record, np.ndarray) or (isinstance(record, Sequence) and not isinstance(record, str)):
        absent = [
            key
            for key, value in (("sampling_rate", sampling_rate), ("leads", leads), ("units", units))
            if value is None
        ]
        if absent:
            raise ValueError(f"an array needs {', '.join(absent)} beside it")
        signal, names = np.asarray(record), canonical_leads(leads)
        if signal.ndim != 2 or len(signal) != len(names) or signal.dtype.kind not in "iuf":
            raise ValueError(
                f"the array is {signal.dtype} of shape {signal.shape}, wanted ({len(names)} leads, samples)"
            )
        if known_voltage(str(units)) is None:
            raise ValueError(f"units is {units!r}, wanted a voltage, such as mV or uV: voltages are measured")
        return "array", to_millivolts(signal.astype(np.float64), units), float(sampling_rate), names
    found = without_calibration_pulse(read(record, leads=leads))
    return found.name, found.to_millivolts(), found.sampling_rate, found.leads


def _usable(signal, missing, names):
    """Leads that can be measured, the limb leads that follow from them, and lead -> why it is left out."""
    left_out: dict[str, str] = {}
    kept = []
    for row, name in enumerate(names):
        share = missing[row].mean() if signal.shape[1] else 1.0
        moved = 0.0 if share == 1 else float(np.nanmax(signal[row]) - np.nanmin(signal[row]))
        if share > MOST_MISSING and not missing[:, missing[row]].all():
            left_out[name] = f"{100 * share:.0f} % of its samples are missing"
        elif share == 1:
            left_out[name] = "it has no samples"
        elif moved < LEAST_RANGE_MV:
            left_out[name] = f"it is flat (it moves by {moved:.3f} mV)"
        else:
            kept.append(row)
    signal, names = signal[kept], tuple(names[row] for row in kept)
    signal = fill_missing(signal) if kept else signal
    if sum(name in LIMB_LEADS for name in names) >= 2:
        signal, names = derive_limb_leads(signal, names)
    return signal, names, left_out


def _marks(signal, rows, names, rate: float) -> tuple[np.ndarray, np.ndarray, bool]:
    """The signal without hum and spikes of a pacemaker, its R peaks, and whether there were such spikes."""
    timing = [names[row] for row in rows]
    marks = find_marks(signal[rows], RATE, timing)
    calm = without_mains(signal, marks)
    # a period of loud hum is as sharp as a spike
    spikes = find_spikes(calm[rows]) if rate >= LOWEST_RATE else marks[:0]
    if not is_paced(spikes, marks):
        return calm, marks, False
    signal = without_spikes(signal, spikes)
    marks = find_marks(signal[rows], RATE, timing)
    return without_mains(signal, marks), marks, True


def _check_voltage(name: str, signal: np.ndarray, marks: np.ndarray) -> None:
    """Raises ValueError for beats that no heart makes. Of beats, for an artefact or a drift may be of any size."""
    half = round(0.1 * RATE)
    spans = [np.ptp(signal[:, mark - half : mark + half], axis=1) for mark in marks if mark >= half]
    usual = float(np.median(spans)) if spans else 0.0
    if usual > HIGHEST_RANGE_MV:
        raise ValueError(
            f"{name}: the usual QRS complex is {usual:.4g} mV high, wanted at most {HIGHEST_RANGE_MV:g}: are these"
            " counts, or another unit than was said?"
        )


def _in_gap(seconds: np.ndarray, gone: np.ndarray, rate: float) -> np.ndarray:
    if not gone.any():
        return np.zeros(len(seconds), bool)
    place = np.clip(np.rint(seconds * rate).astype(int), 0, len(gone) - 1)
    return gone[place]


def _gaps(beats: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """bool (beats,): whether samples of all leads are missing between the beat before and this one."""
    total = np.concatenate([[0], np.cumsum(gone)])
    before = np.concatenate([[0], beats[:-1]]) if len(beats) else beats
    return total[np.minimum(beats, len(gone))] > total[before]


def _shapes(signal, marks, rows) -> list[list[Shape]]:
    """The shapes of each stretch, the usual one first; a last stretch that is short belongs to the one before."""
    length = round(_STRETCH_S * RATE)
    number = max(round(signal.shape[1] / length), 1)
    edges = np.linspace(0, signal.shape[1], number + 1).astype(int)
    found, margin = [], 2 * RATE
    for first, last in zip(edges[:-1], edges[1:], strict=True):
        start = max(first - margin, 0)
        part = signal[:, start : min(last + margin, signal.shape[1])]
        inside = marks[(marks >= first) & (marks < last)] - start
        shapes = find_shapes(part, inside, rows) if len(inside) else []
        found.append([shape.moved(start) for shape in shapes])
    return found
