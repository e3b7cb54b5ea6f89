"""CSV: lines of comments, a line of names, then a time and a value of each lead in millivolts a line."""

from pathlib import Path

import numpy as np

from ..record import Record
from ..record_lines import lines_of

ENDING = ".csv"
# A nanovolt, and a nanosecond.
_DIGITS = 6
_TIME_DIGITS = 9
_BLOCK = 2**16


def steps(record: Record) -> np.ndarray:
    """A nanovolt of every lead."""
    return np.full(len(record.leads), 10.0**-_DIGITS)


def write(record: Record, path: Path) -> list[str]:
    """One file; a missing sample is an empty cell."""
    import pyarrow as pa
    import pyarrow.csv as text

    start = record.start_time
    lines = [f"# sampling rate: {record.sampling_rate!r} Hz"]
    lines += [f"# start: {start.isoformat()}"] if start else []
    lines += [f"# {line}" for line in lines_of(record)]
    names = ["time [s]", *(f"{lead} [mV]" for lead in record.leads)]
    with open(path, "wb") as file:
        file.write(("\n".join(lines) + "\n" + ",".join(names) + "\n").encode())
        for first in range(0, record.num_samples, _BLOCK):
            part = record.cut(first, first + _BLOCK)
            time = np.round((first + np.arange(part.num_samples)) / record.sampling_rate, _TIME_DIGITS)
            columns = [pa.array(time)]
            for row in np.round(part.to_millivolts(), _DIGITS) + 0.0:
                columns.append(pa.array(row, mask=np.isnan(row)))
            block = pa.table(columns, names=names)
            text.write_csv(block, file, text.WriteOptions(include_header=False))
    return [f"{len(record.annotations)} annotations"] if record.annotations else []
