"""NumPy archives that say what they hold.

    np.savez("ecg.npz", signals=signals, leads=["I", "II"], sampling_rate=500, units="mV")

`signals` is (leads, samples); `units` one of mV, uV, V, or one a lead. Counts have `gain` (counts a millivolt) and
`baseline`, one number or one a lead, in place of `units`. `device`, `start_time` (ISO 8601) and `comments` may stand
beside them; other arrays are passed over.
"""

import os
import zipfile
from datetime import datetime

import numpy as np

from ...checks import nearest
from ..record import Record
from ..units import UNITS, to_millivolts
from .confinement import check_inside

FORMAT = "NumPy"
ENDINGS = (".npz",)
_ZIP, _ARRAY = b"PK\x03\x04", b"\x93NUMPY"


def matches(path: str, head: bytes) -> bool:
    """By the mark of an array, or of an archive of that name; a name of nothing is judged by its ending."""
    return head.startswith(_ARRAY) or (path.endswith(ENDINGS) and (not head or head.startswith(_ZIP)))


def record_file(path: str) -> str:
    """The archive itself."""
    return path


def read(path: str, root=None) -> Record:
    """Read a record from an archive; see the page of this module.

    Raises:
        OSError: it is not there.
        ValueError: an `.npy`, which cannot say what it holds; a damaged archive; something lacking, or of another kind
            or shape; a path that leaves `root`.
    """
    if root is not None:
        check_inside(path, root)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{path} is not there")
    try:
        with open(path, "rb") as file:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError(
                    "it is a single array, without leads, rate and unit: hand it over as an array with them, or save"
                    " it by np.savez with signals, leads, sampling_rate and units"
                )
            found = {name: archive[name] for name in archive.files}
        return _record(os.path.splitext(os.path.basename(path))[0], found)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: {error}") from error


def _record(name: str, found: dict[str, np.ndarray]) -> Record:
    counted = "gain" in found or "baseline" in found
    for key in ("signals", "leads", "sampling_rate", *(("gain", "baseline") if counted else ("units",))):
        if key not in found:
            raise ValueError(f"it lacks {key!r}{nearest(key, found)}; it has {sorted(found)}")
    if counted and "units" in found:
        raise ValueError("it has units beside gain and baseline: counts are in no unit but their own")
    leads = tuple(map(str, np.atleast_1d(found["leads"])))
    values = found["signals"]
    gain: np.ndarray | None = None
    baseline: np.ndarray | None = None
    units: tuple[str, ...] = ()
    if values.dtype.kind not in "iuf" or values.ndim != 2:
        raise ValueError(f"signals is {values.dtype} of shape {values.shape}, wanted numbers (leads, samples)")
    if counted:
        gain, baseline = (np.broadcast_to(np.float64(found[key]), len(values)) for key in ("gain", "baseline"))
    else:
        units = tuple(str(unit) for unit in np.broadcast_to(found["units"], len(values)))
        unknown = sorted(set(units) - set(UNITS[:3]))
        if unknown:
            raise ValueError(f"units is {unknown}, wanted {', '.join(UNITS[:3])}")
        values = np.stack([to_millivolts(row, unit) for row, unit in zip(values, units, strict=True)])
    return Record(
        name=name,
        values=values,
        gain=gain,
        baseline=baseline,
        leads=leads,
        sampling_rate=_number(found["sampling_rate"], "sampling_rate"),
        comments=[str(line) for line in np.atleast_1d(found.get("comments", []))],
        lead_names=leads,
        units=units,
        source_format=FORMAT,
        device=str(found["device"]) if "device" in found else None,
        start_time=datetime.fromisoformat(str(found["start_time"])) if "start_time" in found else None,
    )


def _number(value: np.ndarray, key: str) -> float:
    if value.size != 1 or value.dtype.kind not in "iuf" or not np.isfinite(value).all() or value.reshape(-1)[0] <= 0:
        raise ValueError(f"{key} is {value.tolist()!r}, wanted one positive number")
    return float(value.reshape(-1)[0])
