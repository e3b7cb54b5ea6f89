"""Tables of samples as text: CSV, TSV and their kin, one row a sample, one column a channel.

    time [ms];I [mV];II [mV]
    0;0,012;0,034
    2;0,015;0,040

The separator is found (comma, semicolon, tab, stroke, white space), and so are the decimal comma and the encoding.
A column of times gives the rate; they must follow each other in equal steps. Units stand in brackets behind the names,
in a line of their own below them, or in a line above the table ("Unit: mV", "# fs = 500 Hz"). Lines that begin with
`#`, `%` or `//` are comments. Empty cells are missing samples. What the table does not say is told by `hf_ecg.read`:
`sampling_rate`, `units`, and for a table without a line of names `leads`.
"""

import os
import re
from collections.abc import Callable

import numpy as np

from ...input_files import InputFile, read_input
from ..channels import Channels, choose_channels
from ..leads import UNNAMED_LEADS, known_lead
from ..record import Record
from ..units import split_unit, to_millivolts
from .confinement import check_inside
from .table_head import Head, read_head
from .table_text import Layout, decoded, find_layout, is_missing, looks_like_text, split_line
from .time_column import is_index, is_time, rate_of_times, seconds_of, split
from .told import named_errors, names_of, rate_of, units_of

FORMAT = "table"
ENDINGS = (".csv", ".tsv", ".txt")
# Most files of these endings are something else.
ENDING_IS_SHARED = True
ASKS = ("sampling_rate", "units", "leads")
_FIRST_BYTES, _FEWEST_ROWS = 2**16, 8
# A table that pyarrow does not take is read line by line, which needs much memory.
_MOST_SLOW_BYTES = 2**25
_MISSING_COUNT = -32768.0
# The clock of a telephone is off by less.
_CLOCK = 0.01
# Names of much else: the axes of an accelerometer, a voltage, a current.
_COMMON_NAMES = frozenset({"X", "Y", "Z", "V", "I", "ES", "AS", "AI"})


def matches(path: str, head: bytes) -> bool:
    """By its names: a lead of an ECG beside a column of times, a rate or a unit, or two leads of the twelve."""
    layout = _first_layout(path, head)
    if layout is None or not layout.header:
        return False
    leads = {lead for name in layout.header if (lead := known_lead(name))}
    voltages = {known_lead(name) for name, unit in zip(layout.header, _units(layout), strict=True) if unit}
    timed = any(map(is_time, layout.header)) or _says_rate(layout)
    certain = leads - _COMMON_NAMES - UNNAMED_LEADS
    return bool(leads & voltages) or len(certain) > 1 or (timed and bool(leads - _COMMON_NAMES or "I" in leads))


def may_be(path: str, head: bytes) -> bool:
    """Any table of numbers: whoever asks for it may say which of them are an ECG."""
    return _first_layout(path, head) is not None


def record_file(path: str) -> str:
    """The file itself."""
    return path


def read(
    path: str,
    root=None,
    choose: Callable[..., Channels] = choose_channels,
    sampling_rate: float | None = None,
    units: str | None = None,
    leads=None,
) -> Record:
    """Read a record; see the page of this module.

    Args:
        path: of the file.
        root: folder that it may not leave, symbolic links followed.
        choose: which channels; see `choose_channels`. Columns of times and of row numbers are not among them.
        sampling_rate: hertz, of a table that does not say it.
        units: of a table that does not say it.
        leads: names of all columns, in their order, of a table without names.

    Raises:
        OSError: it is not there.
        ValueError: no table of numbers; no rate, unit or names, and nobody told; times in unequal steps, with the
            place; a line that has other columns than the first ones, or something that is no number; an infinite
            value; a path that leaves `root`.
    """
    if root is not None:
        check_inside(path, root)
    with named_errors(path):
        content, remark = _as_utf8(read_input(path))
        layout = find_layout(_lines(content[:_FIRST_BYTES]), None if leads is None else len(leads))
        if layout is None:
            raise ValueError("it holds no table of numbers whose rows have equally many columns")
        head = read_head(layout.above)
        names = _names(layout, head, leads)
        times = [place for place, name in enumerate(names) if layout.header and is_time(name)]
        channels = [n for n, name in enumerate(names) if n not in times and not (layout.header and is_index(name))]
    said = [_units(layout)[n] for n in channels]
    # a column whose unit nobody says may be a voltage: the choice goes by its name
    chosen = choose([names[n] for n in channels], [unit or units or head.unit or "mV" for unit in said], where=path)
    with named_errors(path):
        places = [channels[n] for n in chosen.places]
        used = [units_of(_units(layout)[n] or head.unit, units) for n in places]
        values, columns = _cells(content, layout, places, times)
        rate, start, remarks = _rate_and_start(names, layout, times, columns, sampling_rate, head)
        remarks += [] if remark is None else [remark]
        values = _without_missing_count(values, remarks)
        return Record(
            name=os.path.splitext(os.path.basename(path))[0],
            values=np.stack([to_millivolts(row, unit) for row, unit in zip(values, used, strict=True)]),
            gain=None,
            baseline=None,
            leads=chosen.leads,
            sampling_rate=rate,
            comments=list(head.comments),
            lead_names=tuple(names[n] for n in places),
            units=tuple(used),
            source_format=FORMAT,
            device=head.device,
            start_time=head.start_time or start,
            remarks=tuple(remarks),
        )


def _first_layout(path: str, head: bytes) -> Layout | None:
    if not looks_like_text(head) or head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"<", b"{"):
        return None
    with InputFile(path) as file:
        content = file.read(0, _FIRST_BYTES)
    try:
        lines = _lines(_as_utf8(content[: len(content) // 2 * 2])[0])
    except ValueError:
        return None
    return find_layout(lines) if len(lines) >= _FEWEST_ROWS else None


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", errors="replace").splitlines()


def _as_utf8(content: bytes) -> tuple[bytes, str | None]:
    text, remark = decoded(content)
    return text.encode("utf-8"), remark


def _says_rate(layout: Layout) -> bool:
    try:
        return read_head(layout.above).sampling_rate is not None
    except ValueError:
        return True


def _units(layout: Layout) -> list[str | None]:
    """What stands in brackets behind each name, or else in the line of units; of names, voltages alone count."""
    behind = [split_unit(name)[1] or split(name)[1] for name in layout.header] or [None] * layout.columns
    below = layout.units or [""] * layout.columns
    return [unit or other.strip("[]()'\" ") or None for unit, other in zip(behind, below, strict=True)]


def _names(layout: Layout, head: Head, leads) -> tuple[str, ...]:
    if layout.header and layout.columns == 1 and head.lead and known_lead(layout.header[0]) is None:
        return (head.lead,)
    if not layout.header and layout.columns == 1 and head.lead:
        return (head.lead,)
    return names_of(layout.header or None, layout.columns, leads)


def _cells(content: bytes, layout: Layout, places: list[int], times: list[int]) -> tuple[np.ndarray, list]:
    """Numbers of the columns at these places, one row a column, and the texts of the columns of times."""
    import pyarrow
    from pyarrow import csv

    body = _from_line(content, layout.first)
    separator = layout.separator
    if separator == " ":
        body = re.sub(rb"[ \t]+", b"\t", re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", body))
        separator = "\t"
    columns = [str(n) for n in range(layout.columns)]
    kinds = {str(n): pyarrow.string() if n in times else pyarrow.float64() for n in (*places, *times)}
    try:
        table = csv.read_csv(
            pyarrow.py_buffer(body),
            read_options=csv.ReadOptions(column_names=columns, use_threads=False),
            # a sign that no text has, for a single column
            parse_options=csv.ParseOptions(delimiter=separator or "\x1f"),
            convert_options=csv.ConvertOptions(
                column_types=kinds,
                include_columns=list(kinds),
                decimal_point=layout.point,
                null_values=["", "NaN", "nan", "NAN", "NA", "N/A", "null", "None"],
                strings_can_be_null=True,
            ),
        )
    except pyarrow.ArrowInvalid:
        return _slow_cells(body, layout, places, times)
    values = [table.column(str(n)).to_numpy(zero_copy_only=False) for n in places]
    texts = [table.column(str(n)).to_pylist() for n in times]
    return _finite(np.array(values, dtype=np.float64)), [[text or "" for text in column] for column in texts]


def _from_line(content: bytes, first: int) -> bytes:
    """The content from that line on, whatever ends a line."""
    for found in re.finditer(rb"\r\n|\n|\r", content):
        if first == 0:
            break
        first -= 1
        if first == 0:
            return content[found.end() :]
    return content


def _slow_cells(body: bytes, layout: Layout, places: list[int], times: list[int]) -> tuple[np.ndarray, list]:
    """The same line by line: with comments between the rows, spaces or signs; it names what is wrong."""
    if len(body) > _MOST_SLOW_BYTES:
        raise ValueError(
            f"its {len(body)} bytes hold a line that is not like the others, wanted rows of numbers alone"
        )
    rows: list[list[float]] = []
    texts: list[list[str]] = [[] for _ in times]
    for number, line in enumerate(body.decode("utf-8", errors="replace").splitlines(), layout.first + 1):
        if not line.strip() or line.lstrip().startswith(("#", "%", "//")):
            continue
        cells = split_line(line, layout.separator)
        if len(cells) != layout.columns:
            raise ValueError(f"line {number} has {len(cells)} columns, wanted {layout.columns}: is the file cut?")
        try:
            rows.append([_number(cells[n], layout.point) for n in places])
        except ValueError as error:
            raise ValueError(f"line {number} is {line.strip()[:60]!r}, wanted numbers") from error
        for column, n in zip(texts, times, strict=True):
            column.append(cells[n])
    return _finite(np.array(rows, dtype=np.float64).T), texts


def _number(cell: str, point: str) -> float:
    return np.nan if is_missing(cell) else float(cell.replace(",", ".") if point == "," else cell)


def _finite(values: np.ndarray) -> np.ndarray:
    if np.isinf(values).any():
        channel, row = np.argwhere(np.isinf(values))[0].tolist()
        raise ValueError(f"row {row + 1} of the table has an infinite value in column {channel + 1} of those taken")
    return values


def _rate_and_start(names, layout: Layout, times: list[int], columns: list, told: float | None, head: Head):
    """By the column of times that gives one; of several, which a telephone and a sensor wrote, one is enough."""
    wrong: list[str] = []
    start, found, remarks = None, None, []
    for place, cells in zip(times, columns, strict=True):
        unit = layout.units[place] if layout.units else None
        try:
            read = seconds_of(names[place], unit, cells, layout.point)
            start = start or read.start
            if found is None:
                found = rate_of_times(names[place], read)
                remarks = [read.remark] if read.remark else []
        except ValueError as error:
            wrong.append(str(error))
    said = head.sampling_rate
    unequal = any("equal steps" in why for why in wrong)
    if found is None and wrong and (unequal or not (told or said)):
        raise ValueError("; ".join(wrong))
    if said is None and told is not None and found is not None and abs(told - found) <= _CLOCK * found:
        found = told
    return rate_of(said or found, told), start, remarks


def _without_missing_count(values: np.ndarray, remarks: list[str]) -> np.ndarray:
    missing = values == _MISSING_COUNT
    if missing.any():
        remarks.append(
            f"{int(missing.sum())} samples are -32768, the number of a missing one, and are taken as missing"
        )
        values = np.where(missing, np.nan, values)
    return values
