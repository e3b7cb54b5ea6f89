"""EDF, without annotations.

Source: Kemp et al., Electroenceph Clin Neurophysiol 82:391-393 (1992); for the fields of patient and recording EDF+,
Kemp and Olivan, Clin Neurophysiol 114:1755-1761 (2003).
"""

from fractions import Fraction
from pathlib import Path

import numpy as np

from ..record import Record
from ..record_lines import zone_line
from .stored import as_stored, count_steps, has_missing, wall_clock

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
    start, leads = wall_clock(record), len(stored.leads)
    dated = start is not None and start.year in _YEARS
    who = (record.patient.get(key, "X").replace(" ", "_") for key in ("id", "sex", "birth_date", "name"))
    fields = [
        ("0", 8),
        (" ".join(who), 80),
        (f"Startdate {f'{start:%d-%b-%Y}'.upper() if dated else 'X'} X X X", 80),
        (f"{start:%d.%m.%y}" if dated else "01.01.85", 8),
        (f"{start:%H.%M.%S}" if start else "00.00.00", 8),
        *((256 * (leads + 1), 8), ("", 44), (number, 8), (duration, 8), (leads, 4)),
    ]
    ranges = [
        _ends(gain, zero) for gain, zero in zip(np.asarray(stored.gain), np.asarray(stored.baseline), strict=True)
    ]
    columns = [
        (stored.leads, 16),
        ([""] * leads, 80),
        (["uV"] * leads, 8),
        ([low for low, _ in ranges], 8),
        ([high for _, high in ranges], 8),
        *(([_LOW] * leads, 8), ([_HIGH] * leads, 8), ([""] * leads, 80), ([samples] * leads, 8), ([""] * leads, 32)),
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
    left_out += ["measurements"] if record.measurements else []
    left_out += ["the time zone of the start"] if dated and zone_line(record) else []
    return left_out + (["the time of the record"] if record.start_time and not dated else [])


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


def _ends(gain: float, zero: float) -> tuple[str, str]:
    """Microvolts of the lowest and the highest count, in eight characters each.

    Raises:
        ValueError: a number that they do not hold.
    """
    ends = []
    for count in (_LOW, _HIGH):
        value = (count - zero) / gain * 1000
        whole = len(str(int(value))) + (value < 0 and int(value) == 0)
        if whole > 8:
            raise ValueError(f"EDF cannot write {value:g} uV in eight characters")
        ends.append(f"{value:.{max(0, 7 - whole)}f}"[:8])
    return ends[0], ends[1]
