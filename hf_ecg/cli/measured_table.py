"""Measurements of several records in one file."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..checks import check_one_of
from ..files import atomic_file, atomic_path
from ..signals.measuring import ECGMeasurements

ENDINGS = (".csv", ".tsv", ".parquet", ".json")


def check_output(output: str | None) -> None:
    """Better before anything is measured than after.

    Raises:
        ValueError: another ending.
    """
    if output is not None:
        check_one_of("the ending of --output", Path(output).suffix.lower(), ENDINGS)


def write_measured(output: str, found: Mapping[str, ECGMeasurements]) -> Path:
    """Writes a table with a row for each value: of the record (`lead` and `beat` empty), of each lead, of each beat.

    Args:
        output: .csv, .tsv, .parquet, or .json, which holds what `to_json` gives for each file.
        found: file -> what was measured.

    Raises:
        OSError: it cannot be written.
    """
    path = Path(output)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".json":
        with atomic_file(path) as file:
            json.dump([{"path": name} | one.as_dict() for name, one in found.items()], file, allow_nan=False, indent=1)
        return path
    import pandas

    columns = ["path", "lead", "beat", "name", "value", "unit", "reliability", "why"]
    rows = [row for name, one in found.items() for row in _rows(name, one)]
    table = pandas.DataFrame(rows, columns=columns)
    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, index=False, sep="\t" if path.suffix.lower() == ".tsv" else ",")
    return path


def _rows(name: str, one: ECGMeasurements) -> Iterator[dict]:
    for row in one.rows():
        yield {"path": name, "lead": "", "beat": None} | row
    for row in one.per_lead():
        for key, value in row.items():
            if key != "lead":
                yield {"path": name, "lead": row["lead"], "beat": None, "name": key, "value": value}
    for row in one.beats.rows():
        for key, value in row.items():
            if key.endswith("_s"):
                yield {"path": name, "lead": "", "beat": row["beat"], "name": key, "value": value, "unit": "s"}
