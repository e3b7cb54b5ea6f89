"""HDF5 files: one record or many, by h5py.

* CODE-15%: `tracings` (exams, samples, 12) and `exam_id`, at 400 Hz, zeros on both sides of shorter ones taken away.
* SPH (Shandong): one data set `ecg` (12, samples) of half precision, at 500 Hz.
* Any other: a data set (leads, samples), (samples, leads) or, of many records, (records, leads, samples); rate, names
  of leads and unit in its attributes, those of its groups, or in data sets beside it.

Of many records `hf_ecg.read` takes one by `record`. Links to other files are not followed.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from ...extras import install_words
from ..channels import Channels, choose_channels
from ..leads import STANDARD_LEADS
from ..record import Record
from .array_record import ArrayFacts, array_record, said_beside, word_of
from .code15_layout import RATE, is_layout, without_padding
from .hdf5_check import check_heaps
from .told import NOTHING, Told, named_errors, place_of

FORMAT = "HDF5"
ENDINGS = (".h5", ".hdf5", ".hdf")
# Models and tables are stored so too.
ENDING_IS_SHARED = True
ASKS = True
_MARK = b"\x89HDF\r\n\x1a\n"
_MOST_OBJECTS, _DEEPEST = 20_000, 16
# What a record may unpack to, and how much more than it is stored in where it is not small.
_MOST_BYTES, _MOST_RATIO, _SMALL_BYTES = 2**29, 200, 2**26
_SHORTEST = 20
_IDS = ("exam_id", "record_id", "recordid", "record_ids", "ids", "id", "names", "ecg_id", "study_id")
_CODE = {"tracings", "exam_id"}
# Liu et al., Scientific Data 9:272 (2022)
_SPH_RATE = 500.0


def matches(path: str, head: bytes) -> bool:
    """By the mark of HDF5; MATLAB's files of level 7.3 have it further behind."""
    return head.startswith(_MARK)


def read(
    path: str,
    root=None,
    choose: Callable[..., Channels] = choose_channels,
    told: Told = NOTHING,
    source_format: str = FORMAT,
) -> Record:
    """Read a record; see the page of this module.

    Args:
        told: what the file does not say; of `record`, its place from 0, its "exam_id", or the data set's name.
        source_format: as the record is to call it.

    Raises:
        ValueError: a damaged file, no numbers that may be an ECG, several records and nobody says which, a data set of
            another file, one that unpacks to far more than is stored; a rate, unit or names that nobody says.
        ImportError: h5py is not installed.
    """
    h5py = _h5py(path)
    with named_errors(path):
        check_heaps(path)
    try:
        file = h5py.File(path, "r", locking=False)
    except FileNotFoundError:
        raise
    except Exception as error:  # HDF5 reports damage by OSError, RuntimeError, KeyError and others
        raise ValueError(f"{path}: it is not a whole HDF5 file: {error}") from error
    with file, named_errors(path):
        try:
            facts = _facts(h5py, file, told.record)
        except (ValueError, MemoryError):
            raise
        except Exception as error:
            raise ValueError(f"it is damaged: {type(error).__name__}: {error}") from error
    return array_record(path, facts, choose, source_format, told)


def _h5py(path: str):
    try:
        import h5py
    except ImportError as error:
        raise ImportError(f"{path} is read by h5py: {install_words('h5py', 'code15')}") from error
    return h5py


def _facts(h5py, file, record: int | str | None) -> ArrayFacts:
    found = _data_sets(h5py, file)
    if _CODE <= set(found) and found["tracings"].ndim == 3 and found["tracings"].shape[2] == len(STANDARD_LEADS):
        return _of_code(found, record)
    signals = {name: item for name, item in found.items() if _is_signal(item)}
    if not signals:
        told = ", ".join(f"{name} {item.dtype} {item.shape}" for name, item in list(found.items())[:6]) or "nothing"
        raise ValueError(f"it holds no data set of numbers that may be an ECG: {told}")
    name, rest = _chosen(signals, record)
    item = signals[name]
    values, own = _values(item, found, name, rest)
    if _is_sph(found, item):
        remark = "layout: it says no rate, unit and names: taken as SPH's, twelve leads in mV at 500 Hz"
        return ArrayFacts(values, STANDARD_LEADS, _SPH_RATE, "mV", name=own, other={"remarks": (remark,)})
    return ArrayFacts(values, name=own, **said_beside(_beside(h5py, file, found, name, item)))


def _data_sets(h5py, file) -> dict:
    """Name -> data set, of this file alone: links to another name or another file are passed over."""
    found: dict = {}
    seen: set = set()
    left = [("", file["/"], 0)]
    while left:
        inside, group, depth = left.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen or depth > _DEEPEST:  # a group may hold itself
            continue
        seen.add(address)
        for key in group:
            if len(found) + len(seen) > _MOST_OBJECTS:
                raise ValueError(f"it holds more than {_MOST_OBJECTS} groups and data sets")
            # what MATLAB keeps the parts of cells in
            if key == "#refs#" or not isinstance(group.get(key, getlink=True), h5py.HardLink):
                continue
            item = group[key]
            name = f"{inside}{key}"
            if isinstance(item, h5py.Group):
                left.append((f"{name}/", item, depth + 1))
            elif isinstance(item, h5py.Dataset) and item.shape is not None:
                found[name] = item
    return dict(sorted(found.items()))


def _is_signal(item) -> bool:
    if item.dtype.kind not in "iuf" or item.ndim not in (1, 2, 3) or max(item.shape, default=0) < _SHORTEST:
        return False
    # texts of MATLAB are numbers, and say so
    return item.attrs.get("MATLAB_class", b"double") not in (b"char", b"cell", b"logical")


def _chosen(signals: Mapping, record: int | str | None) -> tuple[str, int | str | None]:
    """The data set, and what is left to choose in it."""
    names = list(signals)
    word = word_of(names, "signals")
    if isinstance(record, str):
        # its own name, the group it stands in, or a place in it: train/3
        inside, _, place = record.strip("/").rpartition("/")
        for name in names:
            if record.strip("/") in (name, name.rpartition("/")[0]):
                return name, None
        if inside in names and place.isdecimal():
            return inside, int(place)
    widest = max(item.ndim for item in signals.values())
    likely = [name for name in names if signals[name].ndim == widest]
    if len(likely) == 1:
        return likely[0], record
    bare = {name.rpartition("/")[2] for name in names}
    if word is not None and word in likely and len(bare) > 1 and "/" not in word:
        return word, record
    return likely[place_of(record, len(likely), likely, "data set")], None


def _values(item, found: Mapping, name: str, record: int | str | None) -> tuple[np.ndarray, str | None]:
    """Numbers of one record, and its own name."""
    if item.ndim < 3:
        if record not in (None, 0):
            place_of(record, 1)
        return _stored(item, ()), None
    ids = _ids(found, name, len(item))
    place = place_of(record, len(item), ids, "name")
    return _stored(item, (place,)), ids[place] if ids else None


def _ids(found: Mapping, name: str, number: int) -> list[str]:
    inside = name.rpartition("/")[0]
    for key in _IDS:
        item = found.get(f"{inside}/{key}".strip("/"))
        if item is not None and item.shape == (number,) and number * item.dtype.itemsize < _SMALL_BYTES:
            values = item.asstr("utf-8", errors="replace")[:] if item.dtype.kind in "OS" else item[:]
            return [str(value) for value in values.tolist()]
    return []


def _stored(item, place: tuple) -> np.ndarray:
    """Values that are in this file, and not far more than is stored of them.

    Raises:
        ValueError: they lie in another file, or are not there.
    """
    if item.is_virtual or item.external:
        raise ValueError(f"its data set {item.name!r} lies in another file, which is not opened")
    size = math.prod(item.shape[len(place) :]) * item.dtype.itemsize
    stored = item.id.get_storage_size()
    whole = item.size * item.dtype.itemsize
    if size > _MOST_BYTES:
        raise ValueError(f"its data set {item.name!r} has {size} bytes a record, wanted at most {_MOST_BYTES}")
    chunk = 0 if item.chunks is None else math.prod(item.chunks) * item.dtype.itemsize
    if chunk > _MOST_BYTES:
        raise ValueError(f"its data set {item.name!r} has chunks of {chunk} bytes, wanted at most {_MOST_BYTES}")
    if max(size, chunk) > _SMALL_BYTES and whole > _MOST_RATIO * stored:
        raise ValueError(f"its data set {item.name!r} unpacks from {stored} bytes to {whole}: no ECG does")
    return np.asarray(item[place] if place else item[()])


def _of_code(found: Mapping, record: int | str | None) -> ArrayFacts:
    tracings, exams = found["tracings"], found["exam_id"]
    if not is_layout(tracings.shape, exams.shape) or exams.dtype.kind not in "iu":
        raise ValueError(f"it holds tracings {tracings.shape} and exam_id {exams.shape}, wanted one exam_id a tracing")
    names = [str(exam) for exam in exams[:].tolist()]
    place = place_of(record, len(names), names, "exam_id")
    values = _stored(tracings, (place,))
    values = without_padding(values)
    if not values.size:
        raise ValueError(f"its exam {names[place]}, at {place}, is zero throughout")
    return ArrayFacts(values, STANDARD_LEADS, RATE, "mV", name=names[place])


def _is_sph(found: Mapping, item) -> bool:
    return (
        list(found) == ["ecg"]
        and item.dtype == np.float16
        and item.ndim == 2
        and item.shape[0] == len(STANDARD_LEADS)
        and not len(item.attrs)
        and not len(item.file.attrs)
    )


def _beside(h5py, file, found: Mapping, name: str, item) -> dict:
    """What attributes and small data sets say, the nearest last."""
    said: dict = {}
    parts = name.split("/")
    for depth in range(len(parts)):
        inside = "/".join(parts[:depth])
        group = file[inside] if inside else file
        said |= {key: _attribute(value) for key, value in group.attrs.items()}
        for key, other in found.items():
            if key.rpartition("/")[0] == inside and key != name and other.size <= 4096:
                said[key.rpartition("/")[2]] = _small(h5py, file, other)
    return said | {key: _attribute(value) for key, value in item.attrs.items()}


def _attribute(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _small(h5py, file, item):
    """Numbers or texts; MATLAB's texts are numbers of characters, and its cells refer to them."""
    if item.is_virtual or item.external or item.dtype.itemsize > 2**16:
        return np.zeros(0)
    kind = item.attrs.get("MATLAB_class")
    if kind == b"char":
        return _text(item)
    if h5py.check_ref_dtype(item.dtype) is not None:
        refs = [file[ref] for ref in item[()].reshape(-1) if ref]
        return [_text(one) for one in refs if one.dtype.kind == "u" and one.size <= 4096]
    if h5py.check_string_dtype(item.dtype) is not None:
        return item.asstr("utf-8", errors="replace")[()]
    return item[()] if item.dtype.kind in "iuf" else np.zeros(0)


def _text(item) -> str:
    return "".join(chr(code) for code in item[()].reshape(-1, order="F").tolist() if 0 < code < 0x110000)
