"""Writers of recordings: WFDB, EDF, parquet and CSV, by how the name ends. What is written is read back and compared.

A writer is one module with `ENDING`; `write(record, path)`, which writes into an empty folder and returns what it
could not write, in words; and `steps(record)`, how far apart neighbouring values of a lead are in the file, in
millivolts.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...checks import check_bool
from ...files import replace_file, temporary_folder
from ..formats import read
from ..patient_fields import with_patient
from ..record import Record
from . import csv_writer, edf_writer, parquet_writer, wfdb_writer

WRITERS = (wfdb_writer, edf_writer, parquet_writer, csv_writer)
_BLOCK_BYTES = 2**20
# Half a step of rounding, and what single precision and printed decimals add to it.
_ROUNDING, _PRINTED = 0.5001, 2e-6


@dataclass(frozen=True)
class Written:
    """What `write` has done.

    Attributes:
        path: the file that names the record.
        sha256: of every file that was written, by its path.
        largest_difference_mv: between the record and what is read back, in millivolts.
        left_out: what the format cannot hold, in words.
    """

    path: str
    sha256: Mapping[str, str]
    largest_difference_mv: float
    left_out: tuple[str, ...]


def write(record: Record, path, *, overwrite: bool = False, keep_identifiers: bool = False) -> Written:
    """Write a recording as WFDB (`.hea`, 16 bits), EDF (`.edf`), parquet (`.parquet`) or CSV (`.csv`).

    Counts of 16 bits stay what they are in WFDB, EDF and parquet. Millivolts become counts as fine as their largest
    value allows (0.1 microvolts up to 3.2 millivolts); in CSV they are rounded to a nanovolt. The files appear whole
    or not at all, after they were read back and compared.

    Args:
        record: as `read` gives it.
        path: of the file to make, in a folder that exists.
        overwrite: replace files of these names.
        keep_identifiers: write the record's `patient` too. Without it nothing of `patient` is written, and its values
            are taken out of all texts.

    Raises:
        ValueError: another ending; a record that the format cannot hold: missing samples or such a rate in EDF, values
            beyond 16 bits, no samples; what is read back differs.
        OSError: a file of this name is there and `overwrite` was not said; the folder cannot be written.

    Example:
        >>> import hf_ecg, tempfile
        >>> record = hf_ecg.read("record.hea")
        >>> written = hf_ecg.signals.write(record, f"{tempfile.mkdtemp()}/copy.edf")
        >>> written.largest_difference_mv < 1e-6
        True
    """
    for name, value in (("overwrite", overwrite), ("keep_identifiers", keep_identifiers)):
        check_bool(name, value)
    path = Path(os.fsdecode(path))
    writer = next((one for one in WRITERS if path.suffix.lower() == one.ENDING), None)
    if writer is None:
        raise ValueError(f"{path} ends in {path.suffix!r}, wanted one of {', '.join(one.ENDING for one in WRITERS)}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent} is not a folder, and {path.name} was to be written there")
    if not record.num_samples:
        raise ValueError(f"{record.name} has no samples: nothing is written")
    record = with_patient(record, keep_identifiers)
    with temporary_folder(path) as folder:
        left_out = writer.write(record, folder / path.name)
        made = sorted(file.name for file in folder.iterdir())
        there = [name for name in made if os.path.lexists(path.parent / name)]
        if there and not overwrite:
            raise FileExistsError(f"{path.parent / there[0]} is there: --overwrite (overwrite=True) replaces it")
        difference = _compared(record, folder / path.name, writer.steps(record))
        sums = {str(path.parent / name): _sha256(folder / name) for name in made}
        # what names the others comes last: nobody reads a record whose samples are not there
        for name in sorted(made, key=lambda name: name == path.name):
            replace_file(folder / name, path.parent / name)
    return Written(str(path), sums, difference, tuple(left_out))


def _compared(record: Record, path: Path, steps: np.ndarray) -> float:
    try:
        again = read(path)
    except ValueError as error:
        raise ValueError(
            f"{path.name} was not written: it would not be read back ({record.num_samples} samples of"
            f" {', '.join(record.leads)})"
        ) from error
    # values are compared, and the rest that all formats have
    if again.leads != record.leads or abs(again.sampling_rate / record.sampling_rate - 1) > 1e-6:
        raise ValueError(f"{path.name} reads back with other leads or another rate: it was not written")
    if again.num_samples != record.num_samples:
        raise ValueError(
            f"{path.name} reads back with {again.num_samples} samples, not {record.num_samples}: it was not written"
        )
    largest = 0.0
    for lead in range(len(record.leads)):
        wanted, found = record.lead_millivolts(lead), again.lead_millivolts(lead)
        if not np.array_equal(np.isnan(wanted), np.isnan(found)):
            raise ValueError(f"{path.name} reads back with other missing samples: it was not written")
        difference = float(np.nanmax(np.abs(wanted - found), initial=0.0))
        if difference > _ROUNDING * steps[lead] + _PRINTED * float(np.nanmax(np.abs(wanted), initial=0.0)):
            raise ValueError(f"{path.name} reads back with differences of {difference:g} mV: it was not written")
        largest = max(largest, difference)
    return largest


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
