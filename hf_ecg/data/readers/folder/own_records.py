"""Reading single records of a person's own folder or array to rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ....signals.calibration_pulse import without_calibration_pulse
from ....signals.channels import ChannelError
from ....signals.formats import read
from ....signals.record import Record
from ...builder import UnfitRecord
from ..columns import record_columns
from ..windows import WindowRule
from .array_file import ArrayFile
from .first_look import device_statements

# What the models inside the package take whole.
LONGEST_WHOLE = 120.0


@dataclass(frozen=True)
class OwnRecord:
    """A record before its samples are read.

    Args:
        record_id: its name.
        source: its file below the folder, or its row of the array.
        patient_id: whose it is.
        fold: of the patient.
        columns: what the table says of it, for the columns of the corpus.
    """

    record_id: str
    source: str | int
    patient_id: str
    fold: int
    columns: Mapping


@dataclass(frozen=True)
class RecordSource:
    """Where records are read.

    Args:
        folder: of the files.
        array: in place of files.
        leads: to take, in this order; None takes all that a record has.
        rename: names of leads for channels; see `hf_ecg.read`.
    """

    folder: Path
    array: ArrayFile | None = None
    leads: Sequence[str] | None = None
    rename: Mapping[str | int, str] | None = None

    def __call__(self, source: str | int) -> Record:
        """A record.

        Raises:
            ValueError, OSError: it cannot be read; as `UnfitRecord` where it has other leads.
        """
        try:
            if self.array is not None:
                return self.array.read(int(source), self.leads, self.rename)
            record = read(self.folder / str(source), root=self.folder, leads=self.leads, rename=self.rename)
            return without_calibration_pulse(record)  # a row has no annotations
        except ChannelError as error:
            raise UnfitRecord("other leads", str(error)) from error


@dataclass(frozen=True)
class OwnReader:
    """Reads records to rows; an instance is what worker processes share.

    Args:
        source: of the records.
        rule: which windows are rows.
        device_texts: `report` and `text` are the device's own statements.
    """

    source: RecordSource
    rule: WindowRule
    device_texts: bool = False

    def __call__(self, item: OwnRecord) -> list[dict]:
        """The rows of a record, one a window.

        Raises:
            ValueError, OSError: it cannot be read; as `UnfitRecord` where it is empty, too long to be taken whole, or
                what the window rule refuses.
        """
        record = self.source(item.source)
        if not record.num_samples:
            raise UnfitRecord("empty", f"{item.source} has no samples")
        if self.rule.seconds is None and record.seconds > LONGEST_WHOLE:
            raise UnfitRecord(
                "too long to be taken whole",
                f"{item.source} lasts {record.seconds:g} s: --window_seconds 10 cuts it into windows, --max_windows 6"
                " then takes the first six",
            )
        windows = self.rule(record)
        shared = {
            "patient_id": item.patient_id,
            "fold": item.fold,
            "recorded_seconds": record.seconds,
            "recorded_sampling_rate": float(record.sampling_rate),
            **item.columns,
        }
        if self.device_texts:
            text = "; ".join(device_statements(record))
            shared |= {"report": text or None, "text": text}
        return [
            {
                "record_id": item.record_id if len(windows) == 1 else f"{item.record_id}_{number}",
                **record_columns(part),
                "window_start": start,
                **shared,
            }
            for number, (start, part) in enumerate(windows)
        ]
