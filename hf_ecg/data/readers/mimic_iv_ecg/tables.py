"""CSV tables of MIMIC-IV and MIMIC-IV-ECG, read a block at a time: `labevents` has 120 million lines."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from ....progress import progress_bar

WHOLE, NUMBER, TEXT, TIME = pa.int64(), pa.float64(), pa.string(), pa.timestamp("s")


def find_table(folder, name: str) -> Path | None:
    """`name`.csv or `name`.csv.gz in the folder; None when neither is there."""
    return next(
        (path for path in (Path(folder, f"{name}{end}") for end in (".csv", ".csv.gz")) if path.is_file()), None
    )


def stream_table(path: Path, types: Mapping[str, pa.DataType], progress: bool = True) -> Iterator[pa.RecordBatch]:
    """Blocks of the named columns, an empty field being null.

    Raises:
        ValueError: no such table, a field of another type, lines with other numbers of fields (a download that was cut
            off).
        OSError: the file cannot be read, or its compressed stream ends early.
    """
    convert = pa.csv.ConvertOptions(
        include_columns=list(types), column_types=dict(types), null_values=[""], strings_can_be_null=True
    )
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    with progress_bar(desc=f"reading {path.name}", unit="line", unit_scale=True, disable=not progress) as bar:
        try:
            with pa.csv.open_csv(path, convert_options=convert, parse_options=parse) as reader:
                for batch in reader:
                    bar.update(batch.num_rows)
                    yield batch
        except KeyError as error:
            raise ValueError(f"{path} lacks a column: {error}; wanted {list(types)}") from error
        except pa.ArrowInvalid as error:
            raise ValueError(f"{path} is not such a table: {error}") from error
        except OSError as error:
            raise OSError(f"{path} cannot be read: {error}") from error


def seconds(column: pa.Array) -> list[int | None]:
    """Times as whole seconds, which SQLite compares."""
    return column.cast(pa.int64()).to_pylist()
