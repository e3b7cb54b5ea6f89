"""WFDB, format 16: a header and a signal file, with checksums. Source: WFDB manual, header(5) and signal(5)."""

import re
from datetime import datetime
from pathlib import Path

import numpy as np

from ..record import Record
from ..record_lines import lines_of, zone_line
from .stored import as_stored, count_steps

ENDING = ".hea"
steps = count_steps


def write(record: Record, path: Path) -> list[str]:
    """NAME.hea and NAME.dat.

    Raises:
        ValueError: a name that WFDB does not allow.
    """
    name = path.stem
    if not re.fullmatch(r"[-\w]+", name, re.ASCII):
        raise ValueError(f"a WFDB record was to be called {name!r}, wanted letters, digits, - and _ alone")
    stored = as_stored(record)
    first, sums = stored.counts[:, 0].tolist(), stored.counts.sum(axis=1, dtype=np.int64) & 0xFFFF
    start = record.start_time
    clock = "" if start is None else f" {start:%H:%M:%S}.{start:%f}".removesuffix("000")
    clock += f" {start:%d/%m/%Y}" if isinstance(start, datetime) else ""
    gain, baseline = np.asarray(stored.gain), np.asarray(stored.baseline)
    lines = [f"{name} {len(stored.leads)} {_number(stored.sampling_rate)} {stored.num_samples}{clock}"]
    for place, lead in enumerate(stored.leads):
        scale = f"{_number(gain[place])}({int(baseline[place])})/mV"
        lines.append(f"{name}.dat 16 {scale} 16 0 {first[place]} {_signed(int(sums[place]))} 0 {lead}")
    lines += [f"# {line}" for line in (*lines_of(record), *zone_line(record))]
    with open(path.with_suffix(".dat"), "wb") as file:
        # tofile tells neither the file nor why the disk took no more
        file.write(np.ascontiguousarray(stored.counts.T).astype("<i2", copy=False).data)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [f"{len(record.annotations)} annotations"] if record.annotations else []


def _number(value: float) -> str:
    """With as many digits as it takes to be the same number again."""
    return repr(int(value)) if float(value).is_integer() else repr(float(value))


def _signed(total: int) -> int:
    return total - 0x10000 if total > 0x7FFF else total
