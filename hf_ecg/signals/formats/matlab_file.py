"""MATLAB files of level 4 and 5 (v4, v6, v7), read by scipy, and of level 7.3, which are HDF5.

A matrix of an ECG is found by its name (`ecg`, `signals`, `data`, `val`, ...), or is the only one; `hf_ecg.read` names
another one by `record`. Rate, names of leads and unit may stand beside it (`fs`, `leads`, `units`), also in one
structure with it. CPSC2018's files hold a structure `ECG` with `sex`, `age` and `data`: twelve leads at 500 Hz.
"""

import io
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from ...input_files import InputFile, read_input
from ..channels import Channels, choose_channels
from ..leads import STANDARD_LEADS
from ..record import Record
from . import hdf5_file
from .array_record import ArrayFacts, array_record, said_beside, word_of
from .matlab_check import check_level_4, check_level_5, level_4_header
from .told import NOTHING, LeavesOpen, Told, named_errors, place_of

FORMAT = "MATLAB"
ENDINGS = (".mat",)
# The signals of a WFDB record are called so too.
ENDING_IS_SHARED = True
ASKS = True
_LEVEL_5, _LEVEL_7 = b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file"
_MOST_BYTES, _DEEPEST = 2**29, 4
# Liu et al., J Med Imaging Health Inform 8:1368 (2018)
_CPSC2018, _CPSC2018_RATE = {"ECG.sex", "ECG.age", "ECG.data"}, 500.0


def matches(path: str, head: bytes) -> bool:
    """By the text that files of level 5 and 7.3 begin with, or a matrix of level 4; not what belongs to a header."""
    if head.startswith((_LEVEL_5, _LEVEL_7)) or (
        len(head) > 128 and head[126:128] in (b"IM", b"MI") and not head[124]
    ):
        return not _has_header(path)
    return level_4_header(head) is not None and _is_name(head) and not _has_header(path)


def read(
    path: str,
    root=None,
    choose: Callable[..., Channels] = choose_channels,
    told: Told = NOTHING,
) -> Record:
    """Read a record; see the page of this module.

    Args:
        told: what the file does not say; of `record`, name of the matrix, or its place among those of numbers, from 0.

    Raises:
        ValueError: a damaged or cut file, one that unpacks to far more than it is, no matrix of numbers or several, a
            rate, unit or names that nobody says.
        ImportError: level 7.3, and h5py is not installed.
    """
    with InputFile(path) as file:
        head = file.read(0, len(_LEVEL_7))
    if head == _LEVEL_7:
        return hdf5_file.read(path, root, choose, told, source_format=FORMAT)
    with named_errors(path):
        content = read_input(path, _MOST_BYTES)
        found = _variables(content)
        facts = _facts(found, told.record)
        if facts.sampling_rate is None and told.sampling_rate is None and list(found) == ["val"]:
            raise LeavesOpen(
                "its one matrix is called 'val', as the samples of a WFDB record are, whose header (.hea) says what"
                " they are and is not there: give sampling_rate=, units= and leads="
            )
    return array_record(path, facts, choose, FORMAT, told)


def _has_header(path: str) -> bool:
    return os.path.isfile(f"{os.path.splitext(path)[0]}.hea")


def _is_name(head: bytes) -> bool:
    """Whether the name of the first matrix is one, which ends with a null character."""
    found = level_4_header(head)
    name = b"" if found is None else head[20 : 20 + found[0]]
    return name.endswith(b"\0") and name[:-1].decode("latin-1").isidentifier()


def _variables(content: bytes) -> dict[str, Any]:
    """Matrices and texts by name, those of a structure by "structure.name"."""
    import scipy.io

    level_4 = level_4_header(content[:20]) is not None
    (check_level_4 if level_4 else check_level_5)(content)
    try:
        found = scipy.io.loadmat(io.BytesIO(content), squeeze_me=True, struct_as_record=False, chars_as_strings=True)
    except MemoryError:
        raise
    except Exception as error:  # scipy raises what it meets: TypeError, KeyError, zlib.error and others
        raise ValueError(f"it is not a whole MATLAB file: {type(error).__name__}: {error}") from error
    flat: dict[str, Any] = {}
    for name, value in found.items():
        if not name.startswith("__"):
            _flatten(name, value, flat)
    return flat


def _flatten(name: str, value, flat: dict[str, Any], depth: int = 0) -> None:
    fields = getattr(value, "_fieldnames", None)
    if fields is None:
        flat[name] = value
    elif depth < _DEEPEST:
        for field in fields:
            _flatten(f"{name}.{field}", getattr(value, field), flat, depth + 1)


def _facts(found: dict[str, Any], record: int | str | None) -> ArrayFacts:
    arrays = {name: value for name, value in found.items() if _is_signal(value)}
    if not arrays:
        raise ValueError(f"it holds no matrix of real numbers that may be an ECG: {_told(found)}")
    name = _chosen(arrays, record)
    values = np.asarray(arrays[name])
    if set(found) == _CPSC2018 and len(STANDARD_LEADS) in values.shape:
        patient = {key: str(found[f"ECG.{key}"]) for key in ("sex", "age")}
        remark = "layout: it says no rate, unit and names: taken as CPSC2018's, twelve leads in mV at 500 Hz"
        return ArrayFacts(
            values, STANDARD_LEADS, _CPSC2018_RATE, "mV", other={"patient": patient, "remarks": (remark,)}
        )
    # what stands in the same structure says it first
    inside = name.rpartition(".")[0]
    beside = {key: value for key, value in found.items() if key != name}
    near = {key.rpartition(".")[2]: value for key, value in beside.items() if key.rpartition(".")[0] == inside}
    far = {key: value for key, value in beside.items() if "." not in key}
    return ArrayFacts(values, **said_beside({**far, **near}))


def _chosen(arrays: dict[str, Any], record: int | str | None) -> str:
    names = list(arrays)
    if record is None:
        bare = {name.rpartition(".")[2]: name for name in reversed(names)}
        word = word_of(list(bare), "signals")
        # of numbers beside a matrix, the matrix is meant
        large = [name for name in names if np.ndim(arrays[name]) == 2]
        if word is not None:
            return bare[word]
        if len(large) == 1:
            return large[0]
    return names[place_of(record, len(names), names, "name")]


def _is_signal(value) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and value.ndim in (1, 2) and value.size > 20


def _told(found: dict[str, Any]) -> str:
    told = [
        f"{name} {getattr(value, 'dtype', type(value).__name__)}{np.shape(value)}" for name, value in found.items()
    ]
    return ", ".join(told[:6]) or "nothing"
