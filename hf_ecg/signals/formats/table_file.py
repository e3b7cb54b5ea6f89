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

import csv
import os
from collections.abc import Callable

import numpy as np

from ...input_files import MOST_TEXT_BYTES, InputFile, read_input
from ..channels import Channels, choose_channels
from ..leads import UNNAMED_LEADS, known_lead
from ..record import Record
from ..units import split_unit, to_millivolts
from .array_record import array_record
from .table_cells import read_cells
from .table_head import Head, read_head
from .table_rows import is_rows, read_rows
from .table_text import Layout, decoded, find_layout, looks_like_text
from .time_column import is_index, is_time, rate_of_times, seconds_of, split
from .told import NOTHING, Told, named_errors, names_of, place_of, rate_of, units_of

FORMAT = "table"
ENDINGS = (".csv", ".tsv", ".txt")
# Most files of these endings are something else.
ENDING_IS_SHARED = True
ASKS = True
_FIRST_BYTES, _FEWEST_ROWS = 2**16, 8
# Of a table that is too large: what a part of it is to have.
_PART_BYTES = 2**27
_MISSING_COUNT = -32768.0
# The clock of a telephone is off by less.
_CLOCK = 0.01
# Names of much else: the axes of an accelerometer, a voltage, a current.
_COMMON_NAMES = frozenset({"X", "Y", "Z", "V", "I", "ES", "AS", "AI"})


def matches(path: str, head: bytes) -> bool:
    """By its names: a lead of an ECG beside a column of times, a rate or a unit, or two leads of the twelve; or by a
    row with a list of samples."""
    lines = _first_lines(path, head)
    layout = _layout_of(lines)
    if layout is None or not layout.header:
        return is_rows(lines)
    leads = {lead for name in layout.header if (lead := known_lead(name))}
    voltages = {known_lead(name) for name, unit in zip(layout.header, _units(layout), strict=True) if unit}
    timed = any(map(is_time, layout.header)) or _says_rate(layout)
    certain = leads - _COMMON_NAMES - UNNAMED_LEADS
    return bool(leads & voltages) or len(certain) > 1 or (timed and bool(leads - _COMMON_NAMES or "I" in leads))


def may_be(path: str, head: bytes) -> bool:
    """Any table of numbers: whoever asks for it may say which of them are an ECG."""
    return _layout_of(_first_lines(path, head)) is not None


def read(
    path: str,
    root=None,
    choose: Callable[..., Channels] = choose_channels,
    told: Told = NOTHING,
) -> Record:
    """Read a record; see the page of this module.

    Args:
        told: what the file does not say; of `record`, its place from 0 or date, where each is a row (`table_rows`).

    Raises:
        ValueError: no table of numbers; no rate, unit or names, and nobody told; times in unequal steps, with the
            place; a line that has other columns than the first ones, or something that is not a number; an infinite
            value.
    """
    with named_errors(path, csv.Error):
        _check_size(path)
        content, remark = _as_utf8(read_input(path))
        rows = read_rows(content.decode(), told.record) if is_rows(_lines(content[:_FIRST_BYTES])) else None
    if rows is not None:
        return array_record(path, rows, choose, FORMAT, told)
    with named_errors(path):
        place_of(told.record, 1)
        layout = find_layout(_lines(content[:_FIRST_BYTES]), None if told.leads is None else len(told.leads) or None)
        if layout is None:
            raise ValueError("it holds no table of numbers whose rows have equally many columns")
        head = read_head(layout.above, layout.comments)
        names = _names(layout, head, told.leads)
        times = [place for place, name in enumerate(names) if layout.header and is_time(name)]
        channels = [n for n, name in enumerate(names) if n not in times and not (layout.header and is_index(name))]
    said = [_units(layout)[n] for n in channels]
    # a column whose unit nobody says may be a voltage: the choice goes by its name
    chosen = choose(
        [names[n] for n in channels], [unit or told.units or head.unit or "mV" for unit in said], where=path
    )
    with named_errors(path):
        places = [channels[n] for n in chosen.places]
        used = [units_of(_units(layout)[n] or head.unit, told.units) for n in places]
        values, columns = read_cells(content, layout, places, times)
        rate, start, remarks = _rate_and_start(names, layout, times, columns, told.sampling_rate, head)
        remarks += [] if remark is None else [remark]
        remarks += head.said.pop("remarks", ())
        return Record(
            name=os.path.splitext(os.path.basename(path))[0],
            values=_in_millivolts(values, used, remarks),
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
            **head.said,
        )


def _first_lines(path: str, head: bytes) -> list[str]:
    """None of what is not a table."""
    if not looks_like_text(head) or head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"<", b"{"):
        return []
    with InputFile(path) as file:
        content = file.read(0, _FIRST_BYTES)
    try:
        return _lines(_as_utf8(content[: len(content) // 2 * 2])[0])
    except ValueError:
        return []


def _layout_of(lines: list[str]) -> Layout | None:
    return find_layout(lines) if len(lines) >= _FEWEST_ROWS else None


def _check_size(path: str) -> None:
    """Nothing, when the table fits; else an error that tells how to go on."""
    with InputFile(path) as file:
        if file.size <= MOST_TEXT_BYTES:
            return
        lines = _lines(file.read(0, _FIRST_BYTES))
    layout = find_layout(lines)
    above = 1 if layout is None else layout.first
    rows = len(lines) * _PART_BYTES // _FIRST_BYTES
    name = os.path.basename(path)
    raise ValueError(
        f"it has {file.size} bytes, and a table is read up to {MOST_TEXT_BYTES}. Cut it into parts that begin with the"
        f" same {above} lines, and convert each: (head -n {above} {name}; sed -n '{above + 1},{above + rows}p' {name})"
        f" > part1.csv; hf-ecg convert-signal part1.csv part1.hea; the next part begins at line {above + rows + 1}"
    )


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", errors="replace").splitlines()


def _as_utf8(content: bytes) -> tuple[bytes, str | None]:
    if content.isascii() and b"\0" not in content:
        return content, None
    text, remark = decoded(content)
    return text.encode("utf-8"), remark


def _says_rate(layout: Layout) -> bool:
    try:
        return read_head(layout.above, layout.comments).sampling_rate is not None
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


def _rate_and_start(names, layout: Layout, times: list[int], columns: list, told: float | None, head: Head):
    """By the column of times that gives one; of several, which a telephone and a sensor wrote, one is enough."""
    wrong: list[str] = []
    start, found, remarks = None, None, []
    for place, cells in zip(times, columns, strict=True):
        unit = layout.units[place] if layout.units else None
        try:
            read = seconds_of(names[place], unit, cells)
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


def _in_millivolts(values: np.ndarray, units: list[str], remarks: list[str]) -> np.ndarray:
    """Row by row in its place: a day of signal is not to be there twice."""
    for row, unit in zip(values, units, strict=True):
        missing = row == _MISSING_COUNT
        if missing.any():
            remarks.append(f"missing: {int(missing.sum())} samples are -32768, the number of a missing one")
            row[missing] = np.nan
        row[:] = to_millivolts(row, unit)
    return values
