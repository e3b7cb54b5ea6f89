"""Parquet files: rows of a prepared corpus or of another one, or a table with a row a sample.

A row of a corpus has `signal`, `num_samples`, `sampling_rate`, `leads`, `gain` and `baseline`. Another row has a list
of numbers (`ecg`, `signal`, ...), flat or one a lead, and may say the rest beside it. Of several rows `hf_ecg.read`
takes one by `record`: its place from 0, or its `record_id`. A column a lead (`I`, `II`, ...) with a column of times is
one record, as `table_file` reads it.
"""

import json
from collections.abc import Callable, Sequence

import numpy as np

from ...input_files import InputFile
from ..channels import Channels, choose_channels
from ..leads import known_lead
from ..record import Annotation, Record
from ..units import split_unit
from .array_record import ArrayFacts, array_record, said_beside, word_of
from .table_cells import Column
from .time_column import is_time, rate_of_times, seconds_of
from .told import NOTHING, Told, named_errors, place_of

FORMAT = "parquet"
ENDINGS = (".parquet",)
# Tables of everything.
ENDING_IS_SHARED = True
ASKS = True
_MARK = b"PAR1"
# What the columns of one row group may unpack to, and the values of a column.
_MOST_BYTES, _MOST_VALUES = 2**29, 2**26
_IDS = ("record_id", "ecg_id", "exam_id", "study_id", "record", "id", "name", "file")
_REPORT, _PATIENT = "report", ("patient_id", "age", "sex")
# Columns of a record that `hf_ecg.signals.write` wrote, in JSON; and lists of texts beside them.
_IN_JSON = ("comments", "measurements", "annotations", "remarks", "patient")
_OF_LEADS = {"names": "lead_names", "units": "units"}
_LISTS = ("statements", "lead_names", "units", "reconstructed")


def matches(path: str, head: bytes) -> bool:
    """By its mark and a column of signals or of leads; other tables are passed over."""
    if not head.startswith(_MARK):
        return False
    try:
        with InputFile(path) as file, file.stream() as stream:
            table = _opened(stream)
            names = table.schema_arrow.names
            lists = [name for name in names if _is_list(table, name)]
    except Exception:  # its reader says what is wrong with it
        return True
    return word_of(lists, "signals") is not None or len({known_lead(name) for name in names} - {None}) > 1


def may_be(path: str, head: bytes) -> bool:
    """Any, when somebody asks for it by name."""
    return head.startswith(_MARK)


def read(
    path: str,
    root=None,
    choose: Callable[..., Channels] = choose_channels,
    told: Told = NOTHING,
) -> Record:
    """Read a record; see the page of this module.

    Args:
        told: what the file does not say; of `record`, the row's place from 0, or its record_id.

    Raises:
        ValueError: a damaged file, no column of an ECG, several rows and nobody says which, one that unpacks to far
            more than an ECG; a rate, unit or names that nobody says.
    """
    with named_errors(path), InputFile(path) as file, file.stream() as stream:
        try:
            table = _opened(stream)
            names = table.schema_arrow.names
            signals = word_of([name for name in names if _is_list(table, name)], "signals")
            facts = _of_columns(table, names, told.record) if signals is None else _of_row(table, signals, told.record)
        except (ValueError, MemoryError) as error:
            if type(error).__module__.startswith("pyarrow"):
                raise ValueError(f"it is not a whole parquet file: {error}") from error
            raise
        except Exception as error:  # pyarrow reports damage by OSError and others
            raise ValueError(f"it is not a whole parquet file: {error}") from error
    return array_record(path, facts, choose, FORMAT, told)


def _opened(stream):
    from pyarrow import parquet

    return parquet.ParquetFile(stream, memory_map=False, pre_buffer=False)


def _is_list(table, name: str) -> bool:
    from pyarrow import types

    kind = table.schema_arrow.field(name).type
    return types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)


def _of_row(table, signals: str, record: int | str | None) -> ArrayFacts:
    names = table.schema_arrow.names
    known = next((name for name in _IDS if name in names), None)
    ids = _ids(table, known) if known is not None and (isinstance(record, str) or record is None) else []
    place = place_of(record, table.metadata.num_rows, ids, known or "record")
    written = {*_IN_JSON, "source_format"} <= set(names)
    wanted = [
        name
        for name in names
        if name == signals or not _is_list(table, name) or _is_said(name) or (written and name in _LISTS)
    ]
    row = _row(table, wanted, place)
    values = _array(row[signals], signals)
    wrote = _written(row) if written else {}
    said = said_beside({name: value for name, value in row.items() if name != signals and value is not None})
    if values.ndim == 1 and said.get("names") and len(said["names"]) > 1:
        values = _unflattened(values, len(said["names"]), row.get("num_samples"), signals)
    other = said["other"]
    other["patient"] = _patient(row)
    other["statements"] = (str(row[_REPORT]),) if row.get(_REPORT) else ()
    own = None if known is None or row.get(known) is None else str(row[known])
    sources = {f"source_{key}": wrote.pop(one) for key, one in _OF_LEADS.items() if wrote.get(one)}
    other |= wrote
    return ArrayFacts(values, name=own, **said, **sources)


def _written(row: dict) -> dict:
    """What a record said that was written to this row, as arguments of `Record`.

    Raises:
        ValueError: a column that does not hold what the writer puts there.
    """
    told = {name: row.pop(name) for name in (*_IN_JSON, *_LISTS) if name in row}
    try:
        found = {name: json.loads(told[name]) for name in _IN_JSON}
        return {
            "comments": [_text(line) for line in found["comments"]],
            "measurements": {str(key): float(value) for key, value in found["measurements"].items()},
            "annotations": tuple(
                Annotation(float(start), _text(text), float(long)) for start, text, long in found["annotations"]
            ),
            "remarks": tuple(map(_text, found["remarks"])),
            "patient": {str(key): _text(value) for key, value in found["patient"].items()},
            **{name: tuple(map(_text, told[name])) for name in _LISTS if told.get(name) is not None},
        }
    except (TypeError, ValueError, AttributeError, RecursionError):
        raise ValueError(f"it does not hold what a record says in its columns {', '.join(_IN_JSON)}") from None


def _text(value) -> str:
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return value


def _patient(row: dict) -> dict[str, str]:
    return {key.removeprefix("patient_"): str(row[key]) for key in _PATIENT if row.get(key) is not None}


def _is_said(name: str) -> bool:
    return any(word_of([name], kind) for kind in ("leads", "units", "gain", "baseline"))


def _ids(table, name: str) -> list[str]:
    _check_sizes(table, [name], range(table.metadata.num_row_groups))
    return [str(value) for value in table.read([name], use_threads=False).column(0).to_pylist()]


def _row(table, names: Sequence[str], place: int) -> dict:
    """One row; of its group alone, in small pieces."""
    for group in range(table.metadata.num_row_groups):
        rows = table.metadata.row_group(group).num_rows
        if place < rows:
            _check_sizes(table, names, [group])
            for batch in table.iter_batches(16, row_groups=[group], columns=list(names), use_threads=False):
                if place < len(batch):
                    return {name: _plain(batch.column(name)[place]) for name in batch.schema.names}
                place -= len(batch)
        place -= rows
    raise ValueError("it has fewer rows than it says: is it damaged?")


def _plain(value):
    """Lists of numbers as arrays: a list of Python's numbers takes ten times their memory."""
    values = getattr(value, "values", None)
    if values is None:
        return value.as_py()
    if getattr(values.type, "value_type", None) is not None:
        return [_plain(one) for one in values]
    return np.asarray(values.to_numpy(zero_copy_only=False))


def _check_sizes(table, names: Sequence[str], groups) -> None:
    """Nothing, when what the columns say that they hold is no more than ECGs are."""
    total = 0
    for group in groups:
        part = table.metadata.row_group(group)
        for number in range(part.num_columns):
            column = part.column(number)
            if column.path_in_schema.split(".")[0] in names:
                total += column.total_uncompressed_size
                if column.num_values > _MOST_VALUES or total > _MOST_BYTES:
                    raise ValueError(
                        f"its column {column.path_in_schema} holds {column.num_values} values in {total} bytes in one"
                        f" group of rows, wanted at most {_MOST_VALUES} in {_MOST_BYTES}"
                    )


def _array(value, name: str) -> np.ndarray:
    if isinstance(value, list) and value and len({np.shape(one) for one in value}) > 1:
        raise ValueError(f"its column {name} holds leads of different lengths: {sorted({len(one) for one in value})}")
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"its column {name} is {array.dtype}, wanted lists of numbers")
    return array


def _unflattened(values: np.ndarray, leads: int, samples, name: str) -> np.ndarray:
    """Lead after lead, as the rows of a corpus are."""
    if values.size % leads or (samples is not None and values.size != leads * int(samples)):
        raise ValueError(
            f"its column {name} has {values.size} numbers, wanted {leads} leads of {samples or 'equal'} samples"
        )
    return values.reshape(leads, -1)


def _of_columns(table, names: list[str], record: int | str | None) -> ArrayFacts:
    """A column a lead."""
    from pyarrow import types

    kinds = {name: table.schema_arrow.field(name).type for name in names}
    times = [name for name in names if is_time(name)]
    numbers = [name for name, kind in kinds.items() if types.is_integer(kind) or types.is_floating(kind)]
    channels = [name for name in numbers if name not in times and known_lead(name)]
    if not channels:
        raise ValueError(f"it holds no column of an ECG: {', '.join(names[:12]) or 'none'}")
    if record not in (None, 0):
        raise ValueError(f"its columns are leads, which is one record, and record={record!r} was asked for")
    _check_sizes(table, [*channels, *times], range(table.metadata.num_row_groups))
    found = table.read([*channels, *times], use_threads=False)
    values = np.stack([found.column(name).to_numpy().astype(np.float64) for name in channels])
    facts = ArrayFacts(values, channels)
    for name in times[:1]:
        read_times = seconds_of(name, None, _times(found.column(name)))
        facts.sampling_rate = rate_of_times(name, read_times)
        facts.other = {"start_time": read_times.start, "remarks": (read_times.remark,) if read_times.remark else ()}
    units = {name: split_unit(name)[1] for name in channels}
    facts.units = None if None in units.values() else [str(unit) for unit in units.values()]
    return facts


def _times(column) -> Column:
    """Numbers, with as many digits as the first of them have; dates as ISO texts."""
    values = column.to_pylist()
    if not values or any(value is None for value in values):
        raise ValueError("its column of times is empty, or has empty cells")
    if not isinstance(values[0], (int, float)):
        return Column([value if isinstance(value, str) else value.isoformat() for value in values], 0)
    digits = max(len(f"{value:.9f}".rstrip("0").partition(".")[2]) for value in values[:200])
    return Column(np.array(values), digits)
