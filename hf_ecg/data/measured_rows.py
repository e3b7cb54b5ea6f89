"""Rows of a corpus measured: ECGs delineated in parallel, once each, and kept from run to run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
from transformers.utils import logging

from ..files import ArrayStore, source_digest
from ..progress import progress_bar
from ..signals.machine_measurements import MEASUREMENT_RANGES
from ..signals.units import counts_to_millivolts
from .rows import SIGNAL_COLUMNS, RowDataset, rows_fingerprint
from .workers import ordered_map

logger = logging.get_logger(__name__)

CHUNK = 128
# The column of a corpus that was measured when it was prepared, see `measured_corpus`, and its names in the summary.
MEASUREMENTS, MEASUREMENT_NAMES_FACT = "measurements", "measurement_names"


def measured_by() -> str:
    """Digest of the code that measures: kept results of other code are not these."""
    package = Path(__file__).parents[1]
    return source_digest(package / "signals" / "delineation", Path(__file__))


def measurement_store(folder, dataset: datasets.Dataset) -> ArrayStore:
    """Where `measured_values` keeps what it found of these rows; the same signals in another corpus find it again."""
    if folder is None:
        return ArrayStore(None)
    rows = rows_fingerprint(dataset.select_columns([*SIGNAL_COLUMNS, *machine_columns(dataset)]))
    return ArrayStore(folder, ["measurements", measured_by(), rows])


def machine_columns(dataset: datasets.Dataset) -> list[str]:
    """Columns of a corpus with what the electrocardiograph measured, see `Measurements.from_machine`."""
    return [name for name in MEASUREMENT_RANGES if name in dataset.column_names]


def measured_values(
    dataset: datasets.Dataset,
    num_proc: int = 1,
    cache: ArrayStore | None = None,
    progress: bool = True,
) -> np.ndarray:
    """What is measured on the signal of each row, without any label.

    Where the corpus holds what the electrocardiograph measured, as MIMIC-IV-ECG's does, those numbers come first, and
    what it leaves open is measured on the signal.

    Args:
        dataset: rows of a corpus, at any rate and with any leads.
        num_proc: processes that measure.
        cache: of an earlier run with the same rows, see `measurement_store`.
        progress: show a progress bar.

    Returns:
        float64 (rows, `MEASUREMENT_NAMES`): see `signals.delineation.measurements_of`. NaN where something cannot be
        had: a lead that is not there, a record that cannot be read.

    Raises:
        ImportError: something is to be measured, and neurokit2 is not installed.
    """
    from ..signals.delineation import MEASUREMENT_NAMES
    from ..signals.delineation.beats import neurokit

    cache = cache or ArrayStore(None)
    chunks = [range(start, min(start + CHUNK, len(dataset))) for start in range(0, len(dataset), CHUNK)]
    kept = {chunk: cache.get(_name(chunk)) for chunk in chunks}
    absent = [chunk for chunk in chunks if kept[chunk] is None]
    if absent:
        neurokit()  # or the error would come from a process of its own, with the tracebacks of both
    measurer = _Measurer(RowDataset(dataset, (*SIGNAL_COLUMNS, *machine_columns(dataset))))
    measured = ordered_map(measurer, absent, num_proc if len(absent) > 1 else 1)
    found, unreadable = [np.empty((0, len(MEASUREMENT_NAMES)))], 0
    with progress_bar(total=len(dataset), desc="measuring", unit="record", disable=not progress) as bar:
        for chunk in chunks:
            arrays = kept[chunk]
            if arrays is None:
                arrays = next(measured)
                cache.put(_name(chunk), arrays)
            found.append(np.asarray(arrays["values"]))
            unreadable += int(arrays["unreadable"])
            bar.update(len(chunk))
    if unreadable:
        logger.warning(
            "%d of %d records could not be measured: their features are undecided", unreadable, len(dataset)
        )
    return np.concatenate(found)


def measured_rows(
    dataset: datasets.Dataset,
    num_proc: int = 1,
    cache: ArrayStore | None = None,
    progress: bool = True,
    names: Sequence[str] | None = None,
) -> list:
    """The `Measurements` of each row: those of the column `measurements`, or measured now by `measured_values`.

    Args:
        names: what the column's numbers are, `measurement_names` of the corpus's summary; None measures anew.

    Raises:
        ValueError: names that do not fit the column.

    Example:
        >>> from hf_ecg.clinical.feature_rules import feature_margins
        >>> from hf_ecg.data.corpus import load_corpus
        >>> from hf_ecg.data.measured_rows import measured_rows
        >>> rows = load_corpus("corpus", folds=[10])
        >>> margins = feature_margins(measured_rows(rows, progress=False), ["wide QRS complex", "absent P waves"])
        >>> margins.shape == (len(rows), 2)
        True
    """
    from ..signals.delineation import Measurements, measurements_of

    if names is None or MEASUREMENTS not in dataset.column_names:
        return [measurements_of(row) for row in measured_values(dataset, num_proc, cache, progress)]
    column = dataset.select_columns([MEASUREMENTS]).with_format(None)[MEASUREMENTS][:]
    return [Measurements("signal") if row is None else measurements_of(row, names) for row in column]


def _name(chunk: range) -> str:
    return f"measured-{chunk.start:09d}"


@dataclass
class _Measurer:
    rows: RowDataset

    def __call__(self, chunk: range) -> dict[str, np.ndarray]:
        found = [_row_values(row) for row in self.rows.__getitems__(list(chunk))]
        values = np.stack([values for values, _ in found])
        return {"values": values, "unreadable": np.int64(sum(not readable for _, readable in found))}


def _row_values(row: dict) -> tuple[np.ndarray, bool]:
    """The machine's numbers and the signal's where it has none; False when the signal cannot be measured."""
    # not before: whoever measures nothing needs no scipy
    from ..signals import delineation

    values = delineation.measurement_values(delineation.Measurements("signal"))
    readable = True
    try:
        counts = np.asarray(row["signal"]).reshape(len(row["leads"]), -1)
        signal = counts_to_millivolts(counts, row["gain"], row["baseline"])
        measured = delineation.measure_ecg(signal, row["sampling_rate"], row["leads"])
        values = delineation.measurement_values(measured)
    except ValueError as error:
        logger.warning("record %s cannot be measured: %s", row["record_id"], error)
        readable = False
    stored = {name: row[name] for name in MEASUREMENT_RANGES if name in row}
    if stored:
        machine = delineation.measurement_values(delineation.Measurements.from_machine(stored))
        values = np.where(np.isnan(machine), values, machine)
    return values, readable
