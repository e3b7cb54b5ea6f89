"""NumPy archives that say what they hold.

    np.savez("ecg.npz", signals=signals, leads=["I", "II"], sampling_rate=500, units="mV")

`signals` is (leads, samples); `units` one of mV, uV, V, or one a lead. Counts have `gain` (counts a millivolt) and
`baseline`, one number or one a lead, in place of `units`. `device`, `start_time` (ISO 8601) and `comments` may stand
beside them; other arrays are passed over.
"""

import math
import os
import zipfile
import zlib
from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO

import numpy as np

from ...checks import nearest
from ...input_files import open_input
from ..channels import Channels, choose_channels
from ..record import Record
from ..units import to_millivolts
from .confinement import check_inside

FORMAT = "NumPy"
ENDINGS = (".npz",)
_KEYS = (
    *("signals", "leads", "sampling_rate", "units", "gain", "baseline"),
    *("device", "start_time", "comments"),
)
# A day of twelve leads at 1,000 Hz in single precision fits. Compressed ECGs take a tenth at the least; only what is
# empty takes a hundredth.
_MOST_BYTES, _MOST_RATIO, _SMALL_BYTES = 2**33, 100, 2**26
_ZIP, _ARRAY = b"PK\x03\x04", b"\x93NUMPY"


def matches(path: str, head: bytes) -> bool:
    """By the mark of an array, or of an archive of that name; a name of nothing is judged by its ending."""
    return head.startswith(_ARRAY) or (path.endswith(ENDINGS) and (not head or head.startswith(_ZIP)))


def record_file(path: str) -> str:
    """The archive itself."""
    return path


def read(path: str, root=None, choose: Callable[..., Channels] = choose_channels) -> Record:
    """Read a record from an archive; see the page of this module.

    Args:
        path: of the archive.
        root: folder that it may not leave, symbolic links followed.
        choose: which channels; see `choose_channels`.

    Raises:
        OSError: it is not there.
        ValueError: an `.npy`, which cannot say what it holds; a damaged archive; one that unpacks to far more than it
            is; something lacking, or of another kind or shape; a path that leaves `root`.
    """
    if root is not None:
        check_inside(path, root)
    try:
        with _open(path) as file:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError(
                    "it is a single array, without leads, rate and unit: hand it over as an array with them, or save"
                    " it by np.savez with signals, leads, sampling_rate and units"
                )
            _check_sizes(file)
            found = {name: archive[name] for name in archive.files if name in _KEYS}
            others = sorted(set(archive.files) - set(_KEYS))
        content = _checked(found, others)
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}: {error}") from error
    names = tuple(map(str, np.atleast_1d(content["leads"])))
    units = content["units"].tolist() if "units" in content else None
    chosen = choose(names, units, where=path)
    try:
        return _record(os.path.splitext(os.path.basename(path))[0], content, names, chosen)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


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


def _checked(found: dict[str, np.ndarray], others: list[str]) -> dict[str, np.ndarray]:
    """The arrays; nothing lacks, and they are of one kind and fit each other."""
    counted = "gain" in found or "baseline" in found
    for key in ("signals", "leads", "sampling_rate", *(("gain", "baseline") if counted else ("units",))):
        if key not in found:
            raise ValueError(f"it lacks {key!r}{nearest(key, others)}; it has {sorted((*found, *others))}")
    if counted and "units" in found:
        raise ValueError("it has units beside gain and baseline: counts are in no unit but their own")
    values = found["signals"]
    if values.dtype.kind not in "iuf" or values.ndim != 2:
        raise ValueError(f"signals is {values.dtype} of shape {values.shape}, wanted numbers (leads, samples)")
    for key in ("gain", "baseline") if counted else ("units",):
        found[key] = np.broadcast_to(found[key], len(values))
    if len(np.atleast_1d(found["leads"])) != len(values):
        raise ValueError(f"signals has shape {values.shape}, and there are {np.size(found['leads'])} leads")
    if not counted:
        found["units"] = np.array([str(unit) for unit in found["units"]])
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
