"""NumPy archives that say what they hold, and single arrays of which the caller says it.

    np.savez("ecg.npz", signals=signals, leads=["I", "II"], sampling_rate=500, units="mV")
    hf_ecg.read("ecg.npy", leads=["I", "II"], sampling_rate=500, units="mV")

`signals` is (leads, samples); `units` one of mV, uV, V, or one a lead. Counts have `gain` (counts a millivolt) and
`baseline`, one number or one a lead, in place of `units`. `device`, `start_time` (ISO 8601) and `comments` may stand
beside them; other arrays are passed over. An array (records, leads, samples) holds several, of which `record` takes
one by its place. Objects are refused: reading them would run code.
"""

import math
import os
import zipfile
from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO, Literal

import numpy as np

from ...checks import nearest
from ...files import DAMAGED_ARRAYS
from ...input_files import open_input
from ...printable import one_line
from ..channels import Channels, choose_channels
from ..record import Record
from ..units import to_millivolts
from .array_record import ArrayFacts, array_record
from .told import BY_PLACE, NOTHING, LeavesOpen, Told, names_of, place_of, rate_of, units_of

FORMAT = "NumPy"
ENDINGS = (".npz",)
_KEYS = (
    *("signals", "leads", "sampling_rate", "units", "gain", "baseline"),
    *("device", "start_time", "comments"),
)
# A day of twelve leads at 1,000 Hz in single precision fits. Compressed ECGs take a tenth at the least; only what is
# empty takes a hundredth.
_MOST_BYTES, _MOST_RATIO, _SMALL_BYTES = 2**33, 100, 2**26
ASKS = True
_LONGEST = 1000
_ZIP, _ARRAY = b"PK\x03\x04", b"\x93NUMPY"


def matches(path: str, head: bytes) -> bool:
    """By the mark of an array, or of an archive whose first member is one; what is not there by its ending."""
    if head.startswith(_ZIP):
        # the length of the first member's name, and the name (PKWARE, APPNOTE 4.3.7)
        return head[30 : 30 + int.from_bytes(head[26:28], "little")].endswith(b".npy") or path.endswith(ENDINGS)
    return head.startswith(_ARRAY) or (not head and path.endswith(ENDINGS))


def read(
    path: str,
    root=None,
    choose: Callable[..., Channels] = choose_channels,
    told: Told = NOTHING,
) -> Record:
    """Read a record from an archive or an array; see the page of this module.

    Args:
        told: what the file does not say; of `record`, its place from 0, of several.

    Raises:
        ValueError: a damaged archive; one that unpacks to far more than it is; something lacking that nobody says, or
            of another kind or shape; objects.
    """
    single: np.ndarray | None = None
    try:
        with _open(path) as file:
            if file.read(len(_ARRAY)) == _ARRAY:
                single = _one_of(_single(file), told.record)
            else:
                file.seek(0)
                _check_sizes(file)
                file.seek(0)
                archive = np.load(file, allow_pickle=False)
                found = {name: archive[name] for name in archive.files if name in _KEYS}
                others = sorted(set(archive.files) - set(_KEYS))
        if single is None:
            content = _checked(found, others, told)
    except LeavesOpen as error:
        raise LeavesOpen(f"{path}: {error}") from error
    except FileNotFoundError:  # it says which
        raise
    except DAMAGED_ARRAYS as error:
        # numpy and zipfile quote what they found, however long it is
        raise ValueError(f"{path}: {one_line(str(error), _LONGEST)}") from error
    if single is not None:
        return array_record(path, ArrayFacts(single), choose, FORMAT, told)
    names = tuple(map(str, np.atleast_1d(content["leads"])))
    unit = content["units"].tolist() if "units" in content else None
    chosen = choose(names, unit, where=path)
    try:
        return _record(os.path.splitext(os.path.basename(path))[0], content, names, chosen)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _single(file: BinaryIO) -> np.ndarray:
    """The array of an `.npy`, which lies in the file as its head says; of many records, one is read of it."""
    file.seek(0)
    shape, dtype, start, order = _array_head(file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not read: they may run code")
    said, held = math.prod(shape) * dtype.itemsize, os.fstat(file.fileno()).st_size - start
    if said != held:
        raise ValueError(f"it holds {held} bytes, wanted {said} for {shape} of {dtype}")
    file.seek(start)
    return np.memmap(file, dtype=dtype, mode="r", offset=start, shape=shape, order=order)


def _one_of(values: np.ndarray, record: int | str | None) -> np.ndarray:
    if values.ndim != 3:
        if record not in (None, 0):
            place_of(record, 1)
        return values
    return np.array(values[place_of(record, len(values))])


def _array_head(stored) -> tuple[tuple[int, ...], np.dtype, int, Literal["C", "F"]]:
    """Shape, type, where the numbers begin, and in which order they are."""
    version = np.lib.format.read_magic(stored)
    heads = np.lib.format
    read_head = heads.read_array_header_1_0 if version == (1, 0) else heads.read_array_header_2_0
    shape, fortran, dtype = read_head(stored)
    return shape, dtype, stored.tell(), "F" if fortran else "C"


def _open(path: str) -> BinaryIO:
    try:
        return open_input(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} is not there") from error


def _check_sizes(file: BinaryIO) -> None:
    """Nothing, when the arrays that are read are as large as the archive and their own heads say."""
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if name not in _KEYS:
                continue
            if entry.file_size > _SMALL_BYTES and entry.file_size > _MOST_RATIO * entry.compress_size:
                raise ValueError(f"{name} unpacks from {entry.compress_size} bytes to {entry.file_size}: no ECG does")
            if entry.file_size > _MOST_BYTES:
                raise ValueError(f"{name} has {entry.file_size} bytes, wanted at most {_MOST_BYTES}")
            with archive.open(entry) as stored:
                version = np.lib.format.read_magic(stored)
                heads = np.lib.format
                read_head = heads.read_array_header_1_0 if version == (1, 0) else heads.read_array_header_2_0
                shape, _, dtype = read_head(stored)
                said, held = math.prod(shape) * dtype.itemsize, entry.file_size - stored.tell()
            # objects are refused by numpy, which says why
            if said != held and not dtype.hasobject:
                raise ValueError(f"{name} holds {held} bytes, wanted {said} for {shape} of {dtype}")


def _checked(found: dict[str, np.ndarray], others: list[str], told: Told) -> dict[str, np.ndarray]:
    """The arrays, and what is told in place of one that lacks; nothing lacks, and they fit each other."""
    asked = told._asdict()
    counted = "gain" in found or "baseline" in found
    for key in ("signals", "leads", "sampling_rate", *(("gain", "baseline") if counted else ("units",))):
        if key == "leads" and key not in found and told.leads == BY_PLACE and "signals" in found:
            found[key] = np.asarray(names_of(None, found["signals"].shape[-2:][0], BY_PLACE))
        elif key not in found and asked.get(key) is not None:
            found[key] = np.asarray(asked[key])
        if key not in found:
            kind, say = (LeavesOpen, f": give {key}=") if key in asked else (ValueError, "")
            raise kind(f"it lacks {key!r}{nearest(key, others)}; it has {sorted((*found, *others))}{say}")
    if counted and "units" in found:
        raise ValueError("it has units beside gain and baseline: counts are in no unit but their own")
    values = found["signals"] = _one_of(found["signals"], told.record)
    if values.dtype.kind not in "iuf" or values.ndim != 2:
        raise ValueError(f"signals is {values.dtype} of shape {values.shape}, wanted numbers (leads, samples)")
    for key in ("gain", "baseline") if counted else ("units",):
        found[key] = np.broadcast_to(found[key], len(values))
    if len(np.atleast_1d(found["leads"])) != len(values):
        raise ValueError(f"signals has shape {values.shape}, and there are {np.size(found['leads'])} leads")
    if not counted:
        found["units"] = np.array([str(unit) for unit in found["units"]])
    if told.sampling_rate is not None:
        rate_of(_number(found["sampling_rate"], "sampling_rate"), told.sampling_rate)
    if told.units is not None and not counted:
        for unit in found["units"]:
            units_of(str(unit), str(told.units))
    return found


def _record(name: str, found: dict[str, np.ndarray], names: tuple[str, ...], chosen: Channels) -> Record:
    places = list(chosen.places)
    values = found["signals"][places]
    gain: np.ndarray | None = None
    baseline: np.ndarray | None = None
    units: tuple[str, ...] = ()
    if "gain" in found:
        gain, baseline = (found[key][places].astype(np.float64) for key in ("gain", "baseline"))
    else:
        units = tuple(found["units"][places].tolist())
        values = np.stack([to_millivolts(row, unit) for row, unit in zip(values, units, strict=True)])
    return Record(
        name=name,
        values=values,
        gain=gain,
        baseline=baseline,
        leads=chosen.leads,
        sampling_rate=_number(found["sampling_rate"], "sampling_rate"),
        comments=[str(line) for line in np.atleast_1d(found.get("comments", []))],
        lead_names=tuple(names[place] for place in places),
        units=units,
        source_format=FORMAT,
        device=str(found["device"]) if "device" in found else None,
        start_time=datetime.fromisoformat(str(found["start_time"])) if "start_time" in found else None,
    )


def _number(value: np.ndarray, key: str) -> float:
    if value.size != 1 or value.dtype.kind not in "iuf" or not np.isfinite(value).all() or value.reshape(-1)[0] <= 0:
        raise ValueError(f"{key} is {value.tolist()!r}, wanted one positive number")
    return float(value.reshape(-1)[0])
