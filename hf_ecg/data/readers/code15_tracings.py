"""HDF5 files of CODE-15%: `tracings` (exams, samples, 12) and `exam_id` (exams,), read by h5py."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...extras import install_words
from ...signals.formats.code15_layout import RATE, is_layout, without_padding
from ...signals.leads import STANDARD_LEADS
from ...signals.record import Record
from ..builder import UnfitRecord

_GAIN = 1000.0


def _hdf5(path: Path):
    """An open file.

    Raises:
        ImportError: h5py is not installed.
        ValueError: not an HDF5 file with `tracings` and `exam_id`.
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            f"{path} is read by h5py: {install_words('h5py', 'code15')}. PhysioNet's WFDB form of the exams needs none"
        ) from error
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there")
    try:
        file = h5py.File(path, "r")
        shape = file["tracings"].shape
        if not is_layout(shape, file["exam_id"].shape):
            found = f"tracings {shape} and exam_id {file['exam_id'].shape}"
            raise ValueError(f"{path} holds {found}, wanted (exams, samples, 12) and (exams,)")
    # a group has no shape
    except (OSError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} is not an HDF5 file with tracings and exam_id: {error}") from error
    return file


def read_tracing(path: Path, row: int, name: str) -> Record:
    """One exam of an HDF5 file, without the zeros on both sides.

    Raises:
        ValueError: a file of another layout, an exam of zeros alone, values that are not finite or beyond 16 bits.
        OSError, ImportError: the file or h5py is not there.
    """
    with _hdf5(path) as file:
        values = np.asarray(file["tracings"][row], dtype=np.float64)
    values = without_padding(values)
    if not values.size:
        raise UnfitRecord("nothing but zeros", f"{path}, row {row}: exam {name} is zero throughout")
    counts = np.rint(values * _GAIN)
    if not (np.abs(counts) <= np.iinfo(np.int16).max).all():
        found = f"exam {name} reaches {np.abs(values).max():g}"
        raise UnfitRecord("counts beyond 16 bits", f"{path}, row {row}: {found}, wanted millivolts under 32.767")
    leads = len(STANDARD_LEADS)
    return Record(name, counts.astype(np.int16), np.full(leads, _GAIN), np.zeros(leads), STANDARD_LEADS, RATE)


def exam_rows(path: Path) -> dict[str, int]:
    """Exam -> its row in an HDF5 file.

    Raises:
        ValueError: a file of another layout, an exam that stands in it twice.
        OSError, ImportError: the file or h5py is not there.
    """
    with _hdf5(path) as file:
        # one more row is empty and numbered 0
        held = [(str(exam), row) for row, exam in enumerate(file["exam_id"][:].tolist()) if exam]
    refuse_twice([exam for exam, _ in held], path)
    return dict(held)


def refuse_twice(exams: Sequence[str], where: Path) -> None:
    """Raises ValueError for an exam that is there twice: one of the two would be lost, or both counted."""
    twice = sorted(exam for exam, number in Counter(exams).items() if number > 1)
    if twice:
        raise ValueError(f"{where} has {len(twice)} exams twice, such as {twice[0]}")
