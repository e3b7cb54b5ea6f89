"""One array of many records: NumPy's `.npy` and `.npz`, or a data set of an HDF5 file."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ....checks import nearest, shown
from ....files import DAMAGED_ARRAYS
from ....signals.channels import take_channels
from ....signals.leads import canonical_leads
from ....signals.record import Record
from ....signals.units import known_units, millivolts_in

NUMPY, HDF5 = (".npy", ".npz"), (".h5", ".hdf5", ".hdf")
ENDINGS = NUMPY + HDF5
# The keys by which an archive says what it holds, as `signals.formats.numpy_file`.
_SIGNALS, _LEADS, _RATE, _UNITS = "signals", "leads", "sampling_rate", "units"


@dataclass(frozen=True)
class ArrayFile:
    """An array of records, of which single ones are read.

    Args:
        path: of the file.
        dataset: name of the array in it; None in `.npy`.
        shape: as it is stored.
        samples_first: stored as (records, samples, leads).
        leads: names, in its order.
        sampling_rate: hertz.
        units: of its numbers.
        says_leads: whether the file names them.
    """

    path: Path
    dataset: str | None
    shape: tuple[int, ...]
    samples_first: bool
    leads: tuple[str, ...]
    sampling_rate: float
    units: str
    says_leads: bool

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, row: int, leads: Sequence[str] | None = None, rename: Mapping | None = None) -> Record:
        """One record in millivolts; `leads` chooses and orders, `rename` comes before, see `hf_ecg.read`.

        Raises:
            ValueError: infinite values, or leads that are not there.
        """
        values = np.asarray(
            _opened(str(self.path), self.dataset, os.stat(self.path).st_mtime_ns, os.getpid())[row], dtype=np.float64
        )
        values = values[None] if values.ndim == 1 else values.T if self.samples_first else values
        if np.isinf(values).any():
            raise ValueError(f"{self.path}, row {row}: it holds infinite values")
        record = Record(str(row), values * millivolts_in(self.units), None, None, self.leads, self.sampling_rate)
        return record if leads is None and rename is None else take_channels(record, leads, rename)

    def close(self) -> None:
        """Closes the file; a process that is forked from this one must not inherit it open."""
        _opened.cache_clear()


def array_file(
    path, dataset: str | None, leads: Sequence[str] | None, rate: float | None, units: str | None
) -> ArrayFile:
    """What an array holds, by the file where it says so and else by what is given.

    Args:
        path: `.npy`, `.npz` or HDF5. An `.npz` may say `leads`, `sampling_rate` and `units` beside `signals`.
        dataset: name of the array in an `.npz` or HDF5 file; None takes `signals`, or the only array of records.
        leads: names in the array's order.
        rate: hertz.
        units: mV, uV or V.

    Raises:
        ValueError: something that nobody says, an array of another shape, unknown leads or units.
        OSError, ImportError: the file, or h5py, is not there.
    """
    path = Path(path)
    dataset, shape, said = (_hdf5_facts if path.suffix.lower() in HDF5 else _numpy_facts)(path, dataset)
    names = said.get(_LEADS) or leads
    rate, units = said.get(_RATE) or rate, said.get(_UNITS) or units
    for option, value, example in (
        ("leads", names, "I,II,V1"),
        ("sampling_rate", rate, "500"),
        ("units", units, "mV"),
    ):
        if value is None:
            raise ValueError(f"{path} does not say its {option.replace('_', ' ')}: give it by --{option} {example}")
    found = canonical_leads(list(names))
    unit = known_units(units)
    if millivolts_in(unit) is None:
        raise ValueError(f"units is {units!r}, and the rows of a corpus are voltages: wanted mV, uV or V")
    return ArrayFile(
        path, dataset, shape, _samples_first(path, shape, found), found, float(rate), unit, _LEADS in said
    )


def _samples_first(path: Path, shape: tuple[int, ...], leads: Sequence[str]) -> bool:
    """Whether the leads, whose number is known, are the last axis and not the second."""
    if 0 in shape:
        raise ValueError(f"{path} has shape {shape}: it is empty")
    if len(shape) == 2 and len(leads) == 1:
        return False
    if len(shape) == 3 and len(leads) in shape[1:]:
        return shape[1] != len(leads)
    wanted = f"(records, leads, samples) or (records, samples, leads) for the {len(leads)} leads {', '.join(leads)}"
    raise ValueError(f"{path} has shape {shape}, wanted {wanted}")


def _numpy_facts(path: Path, dataset: str | None) -> tuple[str | None, tuple[int, ...], dict]:
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        held = None if isinstance(found, np.ndarray) else _unpacked(found)
    except DAMAGED_ARRAYS as error:
        raise ValueError(f"{path} is not a NumPy array of numbers: {error}") from error
    if held is None:
        if dataset is not None:
            raise ValueError(f"{path} is a single array, and holds no data set {dataset!r}")
        _check_numbers(path, found.dtype)
        return None, found.shape, {}
    shapes = {name: array.shape for name, array in held.items()}
    name = _chosen(path, dataset or (_SIGNALS if _SIGNALS in held else None), shapes)
    _check_numbers(path, held[name].dtype)
    said: dict = {}
    if _LEADS in held:
        said[_LEADS] = np.atleast_1d(held[_LEADS]).astype(str).tolist()
    if _RATE in held:
        said[_RATE] = _one_rate(path, held[_RATE])
    if _UNITS in held:
        said[_UNITS] = str(held[_UNITS])
    return name, shapes[name], said


def _unpacked(archive) -> dict[str, np.ndarray]:
    with archive:
        return {name: archive[name] for name in archive.files}


def _one_rate(path: Path, found: np.ndarray) -> float:
    rates = np.unique(found)
    if rates.size != 1 or rates.dtype.kind not in "iuf":
        raise ValueError(f"{path}: its {_RATE} is {shown(found.tolist())}, wanted one number of hertz for all records")
    return float(rates[0])


def _hdf5_facts(path: Path, dataset: str | None) -> tuple[str, tuple[int, ...], dict]:
    h5py = _h5py(path)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        if not path.exists():
            raise FileNotFoundError(f"{path} is not there") from error
        raise ValueError(f"{path} is not a whole HDF5 file: {error}") from error
    with file:
        shapes: dict[str, tuple[int, ...]] = {}
        # a group has no shape, and that of a data set without any value is None
        file.visititems(lambda name, item: shapes.update({name: item.shape} if getattr(item, "shape", None) else {}))
        name = _chosen(path, dataset, shapes)
        _check_numbers(path, file[name].dtype)
        return name, shapes[name], {}


def _chosen(path: Path, dataset: str | None, shapes: dict[str, tuple[int, ...]]) -> str:
    held = ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "nothing"
    if dataset is not None:
        if dataset not in shapes:
            raise ValueError(f"{path} has no data set {dataset!r}{nearest(dataset, shapes)}; it holds {held}")
        return dataset
    candidates = [name for name, shape in shapes.items() if len(shape) == 3] or [
        name for name, shape in shapes.items() if len(shape) == 2
    ]
    if len(candidates) != 1:
        raise ValueError(f"{path} holds {held}: say by --dataset NAME which are the records")
    return candidates[0]


def _check_numbers(path: Path, dtype: np.dtype) -> None:
    if dtype.kind not in "iuf":
        raise ValueError(f"{path} holds {dtype}, wanted numbers")


def _h5py(path: Path):
    try:
        import h5py
    except ImportError as error:
        raise ImportError(f"{path} is read by h5py: pip install h5py (or the extra code15 of hf-ecg)") from error
    return h5py


# One a process: a handle of HDF5 is not shared with the processes that are forked from this one.
@lru_cache(maxsize=1)
def _opened(path: str, dataset: str | None, written: int, process: int):
    if path.lower().endswith(HDF5):
        return _h5py(Path(path)).File(path, "r")[dataset]
    found = np.load(path, mmap_mode="r", allow_pickle=False)
    return found if dataset is None else found[dataset]
