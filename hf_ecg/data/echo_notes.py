"""Notes to a table of ejection fractions, which `prepare targets` joins to ECGs by patient and date."""

import csv
import io
from pathlib import Path

from ..checks import check_positive, nearest
from ..clinical.ejection_fraction import SPREAD, ejection_fraction, ejection_fractions
from ..files import atomic_file
from ..input_files import open_input
from .readers.mimic_iv_ecg.tables import TEXT, stream_table

COLUMNS = ("subject_id", "time", "lvef")
# per cent; ECGFounder's and CLEF's bound of a normal ejection fraction
THRESHOLD = 50.0


def write_ejection_fractions(
    notes,
    output,
    patient_column: str = "subject_id",
    time_column: str = "charttime",
    text_column: str = "text",
    threshold: float = THRESHOLD,
    spread: float = SPREAD,
    progress: bool = True,
) -> dict[str, int]:
    """Writes a table with a row for each note that tells an ejection fraction.

    The notes are read a block at a time: MIMIC-IV's hold gigabytes. Which numbers count is `ejection_fraction`'s
    business: our own rules. The labels that CLEF used (ECGFounder's LVEF.csv) were made of such notes by rules that
    are not published.

    Args:
        notes: CSV, or its `.gz`, such as MIMIC-IV-Note's `discharge.csv.gz`.
        output: CSV to write: `subject_id`, `time`, `lvef` in per cent, and `lvef_under_50` (0 or 1).
        patient_column, time_column, text_column: of the notes.
        threshold: per cent; less is 1 in the last column, which is named by it.
        spread: points by which mentions of one note may differ; notes whose mentions differ more are left out.
        progress: show a progress bar.

    Returns:
        How many notes there are, and how many tell nothing, tell several, or have no time or patient.

    Raises:
        ValueError: a table without the columns, no note that tells one, an output that is the notes.
        OSError: the notes cannot be read.
    """
    check_positive("threshold", threshold)
    check_positive("spread", spread, or_zero=True)
    notes, output = Path(notes), Path(output)
    if output.resolve() == notes.resolve():
        raise ValueError(f"output is {output}, which is the table of the notes")
    wanted = {patient_column: TEXT, time_column: TEXT, text_column: TEXT}
    _check_columns(notes, wanted)
    counts = {"notes": 0, "without a patient or a time": 0, "without a fraction": 0, "with several": 0, "rows": 0}
    with atomic_file(output, newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, f"lvef_under_{threshold:g}"])
        for batch in stream_table(notes, wanted, progress):
            for patient, time, text in zip(*(batch.column(name).to_pylist() for name in wanted), strict=True):
                counts["notes"] += 1
                if not patient or not time:
                    counts["without a patient or a time"] += 1
                    continue
                value = ejection_fraction(text or "", spread)
                if value is None:
                    counts["with several" if ejection_fractions(text or "") else "without a fraction"] += 1
                    continue
                counts["rows"] += 1
                writer.writerow([patient, time, f"{value:g}", int(value < threshold)])
        if not counts["rows"]:
            raise ValueError(f"{notes}: none of {counts['notes']} notes tells an ejection fraction in {text_column!r}")
    return counts


def _check_columns(path: Path, wanted) -> None:
    """Raises ValueError where the first line lacks a column; says which there are."""
    if not path.is_file():
        raise FileNotFoundError(f"the notes {path} are not there")
    if path.suffix == ".gz":
        return  # `stream_table` says it
    with io.TextIOWrapper(open_input(path), encoding="utf-8-sig", newline="") as file:
        names = next(csv.reader(file), [])
    for name in wanted:
        if name not in names:
            raise ValueError(f"{path} has no column {name!r}{nearest(name, names)}; it has {', '.join(names)}")
