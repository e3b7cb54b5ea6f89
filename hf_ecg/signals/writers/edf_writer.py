"""EDF, without annotations.

Source: Kemp et al., Electroenceph Clin Neurophysiol 82:391-393 (1992); for the fields of patient and recording EDF+,
Kemp and Olivan, Clin Neurophysiol 114:1755-1761 (2003).
"""

from datetime import date, datetime, time
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..formats.edf_header import MONTHS, NO_DATE, NO_TIME
from ..record import Record
from .stored import as_stored, count_steps, has_missing

ENDING = ".edf"
steps = count_steps
_LOW, _HIGH = -32768, 32767
# The standard's advice on the length of a data record; the deviation of a rate that nobody sees.
_MOST_BYTES, _RATE_ERROR, _EXACT = 61440, 1e-6, 1e-9
_LONGEST_SECONDS = 100
# Years that two digits can tell.
_YEARS = range(1985, 2085)


def write(record: Record, path: Path) -> list[str]:
    """One file.

    Raises:
        ValueError: missing samples, for which EDF has no value; a rate and a length that no data records give exactly.
    """
    if has_missing(record):
        raise ValueError(
            f"{record.name} has missing samples, for which EDF has no value: write .hea, .parquet or .csv, or a part"
            " without them"
        )
    stored = as_stored(record)
    samples, duration = _data_records(stored)
    number = stored.num_samples // samples
    start, leads = record.start_time, len(stored.leads)
    day = start.date() if isinstance(start, datetime) and start.year in _YEARS else NO_DATE
    told_day = "X" if day == NO_DATE else f"{day:%d}-{MONTHS[day.month - 1]}-{day:%Y}"
    who = (record.patient.get(key, "X").replace(" ", "_") for key in ("id", "sex", "birth_date", "name"))
    fields = [
        ("0", 8),
        (" ".join(who), 80),
        (f"Startdate {told_day} X X X", 80),
        (f"{day:%d.%m.%y}", 8),
        (f"{NO_TIME if start is None else start:%H.%M.%S}", 8),
        *((256 * (leads + 1), 8), ("", 44), (number, 8), (duration, 8), (leads, 4)),
    ]
    scales = zip(np.asarray(stored.gain), np.asarray(stored.baseline), stored.counts, strict=True)
    ranges = [_ends(*scale) for scale in scales]
    columns = [
        (stored.leads, 16),
        ([""] * leads, 80),
        (["uV"] * leads, 8),
        *(([ends[place] for ends in ranges], 8) for place in range(4)),
        *(([""] * leads, 80), ([samples] * leads, 8), ([""] * leads, 32)),
    ]
    fields += [(value, width) for column, width in columns for value in column]
    header = b"".join(str(value).encode("ascii", "replace")[:width].ljust(width) for value, width in fields)
    blocks = stored.counts.reshape(leads, number, samples).transpose(1, 0, 2)
    with open(path, "wb") as file:
        file.write(header)
        # tofile tells neither the file nor why the disk took no more
        file.write(np.ascontiguousarray(blocks).astype("<i2", copy=False).data)
    told = {"comments": record.comments, "annotations": record.annotations, "statements": record.statements}
    left_out = [f"{len(lines)} {name}" for name, lines in told.items() if lines]
    also = {"measurements": record.measurements, "device": record.device, "remarks": record.remarks}
    left_out += [name for name, what in also.items() if what]
    left_out += ["which leads are reconstructed"] if record.reconstructed else []
    return left_out + ([] if start is None else _left_out_of_start(start, day))


def _left_out_of_start(start: datetime | time, day: date) -> list[str]:
    left_out = {
        "the date of the start": isinstance(start, datetime) and start.date() != day,
        "the time of the start": day == NO_DATE and start.replace(microsecond=0, tzinfo=None) == NO_TIME,
        "the fraction of the second of the start": bool(start.microsecond),
        "the time zone of the start": start.tzinfo is not None,
    }
    return [words for words, is_left_out in left_out.items() if is_left_out]


def _data_records(record: Record) -> tuple[int, str]:
    """Samples of a data record, and its seconds in eight characters: whole data records, and the rate comes out."""
    length, most = record.num_samples, max(1, _MOST_BYTES // (2 * len(record.leads)))
    divisors = {part for one in range(1, int(length**0.5) + 1) if length % one == 0 for part in (one, length // one)}
    one_second = record.sampling_rate
    found = []
    for samples in divisors:
        seconds = f"{samples / record.sampling_rate:.7f}"[:8].rstrip("0").rstrip(".")
        if not float(seconds or 0):
            continue
        error = abs(float(Fraction(samples) / Fraction(seconds)) / record.sampling_rate - 1)
        long = samples > most or float(seconds) > _LONGEST_SECONDS
        found.append((max(error, _EXACT), long, abs(samples - one_second), samples, seconds))
    fit = sorted(one for one in found if one[0] <= _RATE_ERROR)
    if not fit:
        raise ValueError(
            f"{record.name} has {length} samples at {record.sampling_rate:g} Hz, which EDF cannot divide into data"
            " records: write .hea, .parquet or .csv, or cut some samples off"
        )
    return fit[0][3], fit[0][4]


def _ends(gain: float, zero: float, counts: np.ndarray) -> tuple[str, str, int, int]:
    """Microvolts of two counts, in eight characters each, and these counts: all others lie between them.

    They are the outermost ones whose microvolts these characters tell best: few gains have a number for -32768.

    Raises:
        ValueError: numbers that they do not hold.
    """
    low, low_text = _best_told(np.arange(_LOW, max(int(counts.min()), _LOW + 1)), gain, zero)
    high, high_text = _best_told(np.arange(_HIGH, min(int(counts.max()), _HIGH - 1), -1), gain, zero)
    return low_text, high_text, low, high


def _best_told(candidates: np.ndarray, gain: float, zero: float) -> tuple[int, str]:
    values = (candidates - zero) / gain * 1000
    whole = np.floor(np.log10(np.maximum(np.abs(values), 1))).astype(int) + 1 + (values < 0)
    scale = 10.0 ** np.maximum(7 - whole, 0)
    errors = np.where(whole <= 8, np.abs(np.rint(values * scale) / scale - values), np.inf)
    if not np.isfinite(errors).any():
        raise ValueError(f"EDF cannot write {values[-1]:g} uV in eight characters")
    best = int(np.argmin(np.round(errors, 9)))
    return int(candidates[best]), f"{values[best]:.{max(0, 7 - whole[best])}f}"[:8]
