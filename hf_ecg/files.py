"""Files, folders and arrays that are whole or absent: written beside, put on the disk, then renamed."""

import errno
import hashlib
import json
import logging
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import IO
from urllib.parse import quote

import numpy as np

from .hidden_places import PREVIOUS, hidden_names, new_name, place_beside
from .input_files import open_input

logger = logging.getLogger(__name__)

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)

# Smaller arrays are read: a map costs a page of memory and a file descriptor.
_MAPPED_BYTES = 64 * 1024
# torch and numpy want data at a multiple of the size of their widest type
_ALIGNMENT = 64
# an identifier of zip's extra fields that no program claims
_PADDING_FIELD = 0x5045
# What numpy and zipfile raise for a file that is not whole: numpy reads the head of an array as a literal of Python,
# and a changed flag says that a part is encrypted (RuntimeError).
DAMAGED_ARRAYS = (OSError, ValueError, KeyError, EOFError, RuntimeError, TokenError, zipfile.BadZipFile, zlib.error)


@contextmanager
def atomic_path(path, shared: bool = False) -> Iterator[Path]:
    """A path beside `path` to write one file to; at the end of the block that file replaces `path`.

    Whatever moment the process dies at, `path` is as it was before or whole, and however many processes write it, one
    of them has: each has a hidden path of its own. An error in the block removes the new file.

    Args:
        path: the file to make or replace, in a folder that exists.
        shared: the folder may hold very many files, so nobody looks for what killed processes left of this one.
            Otherwise the next write removes that.

    Raises:
        OSError: the disk is full, or the like; names `path`.
    """
    path = Path(path)
    with place_beside(path, sweep=not shared) as temporary, naming_the_file(path):
        yield temporary
        replace_file(temporary, path)


@contextmanager
def naming_the_file(path, *kinds: type[Exception]) -> Iterator[None]:
    """Errors of the disk in the block (full, quota, file size, read-only) that name no file name this one.

    Args:
        path: what is written.
        kinds: errors by which a library in the block tells that it could not write: they become OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_ERRORS and error.filename is None:
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
        raise
    except kinds as error:
        raise OSError(f"{path} could not be written: {error}") from error


@contextmanager
def atomic_file(path, mode: str = "w", shared: bool = False, **options) -> Iterator[IO]:
    """An open file that replaces `path` at the end of the block; see `atomic_path`.

    Args:
        path: the file to make or replace, in a folder that exists.
        mode: "w" (text in UTF-8) or "wb".
        shared: see `atomic_path`.
        options: of `open`, such as `newline`.

    Raises:
        ValueError: another mode.

    Example:
        >>> import tempfile
        >>> from hf_ecg.files import atomic_file
        >>> path = Path(tempfile.mkdtemp()) / "report.txt"
        >>> with atomic_file(path) as file:
        ...     _ = file.write("whole")
        >>> path.read_text()
        'whole'
    """
    if mode not in ("w", "wb"):
        raise ValueError(f"mode is {mode!r}, wanted 'w' or 'wb'")
    if mode == "w":
        options.setdefault("encoding", "utf-8")
    with atomic_path(path, shared) as temporary, open(temporary, mode, **options) as file:
        yield file


def replace_file(complete, path) -> None:
    """Put a complete file in the place of `path`, for good once this returns."""
    _synchronise_one(complete)
    os.replace(complete, path)
    _synchronise_one(Path(path).parent)


def atomic_folder(folder, write: Callable[[Path], None], replace: bool = True) -> None:
    """Replace `folder` by what `write(temporary_folder)` puts there, whatever moment the process dies at.

    The former content stays, as `folder` or hidden beside it (see `find_folder`), until the new one is complete.

    Args:
        folder: path to make or replace; parents are made.
        write: fills an empty folder.
        replace: False refuses (OSError) to take the place of a folder that holds anything.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(folder) as temporary:
        write(temporary)
        synchronise(temporary)
        if replace:
            replace_folder(temporary, folder)
        else:
            os.rename(temporary, folder)
            _synchronise_one(folder.parent)


@contextmanager
def temporary_folder(path) -> Iterator[Path]:
    """An empty hidden folder beside `path`, of this process alone; whatever is left of it at the end is removed.

    What killed processes left of theirs is removed first.

    Raises:
        OSError: the disk is full, or the like; names `path`.
    """
    path = Path(path)
    with place_beside(path, folder=True) as temporary, naming_the_file(path):
        yield temporary


def replace_folder(complete, folder) -> None:
    """Put a complete folder in the place of `folder`; between the two renames the former lies hidden beside it."""
    folder = Path(folder)
    # beside a whole `folder` they are remainders of interrupted clean-ups
    remainders = hidden_names(folder, PREVIOUS) if folder.exists() else []
    if folder.exists():
        previous = new_name(folder, PREVIOUS)
        os.rename(folder, previous)
        remainders.append(previous)
    os.rename(complete, folder)
    _synchronise_one(folder.parent)
    for remainder in remainders:
        shutil.rmtree(remainder, ignore_errors=True)


def find_folder(folder) -> Path | None:
    """The newest complete version of a folder written by `atomic_folder`, or None."""
    folder = Path(folder)
    if folder.is_dir():
        return folder
    found = [path for path in hidden_names(folder, PREVIOUS) if path.is_dir()]
    return max(found, key=lambda path: path.stat().st_ctime_ns, default=None)


def restore_folder(folder) -> None:
    """Bring back the former content of a folder whose replacement was interrupted between the two renames."""
    folder = Path(folder)
    found = find_folder(folder)
    if found is not None and found != folder:
        os.rename(found, folder)


def synchronise(path) -> None:
    """Put a file, or a folder with everything in it, on the disk."""
    path = Path(path)
    for inner in sorted(path.rglob("*")):
        if not inner.is_symlink() and (inner.is_file() or inner.is_dir()):  # to open a pipe would be to wait
            _synchronise_one(inner)
    _synchronise_one(path)


class ArrayStore:
    """Arrays under keys in a folder that several processes may share; each key is one `.npz` file, whole or absent.

    Arrays come back as they were put: large ones as memory maps that hold no memory until they are read, the small
    ones read. Both may be written to; the files do not change by it.

    Args:
        folder: made when the first arrays are put; None keeps nothing.
        what: everything that all the arrays depend on, as `values_digest` takes it: those of something else lie beside
            these, in a folder of their own.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from hf_ecg.files import ArrayStore
        >>> store = ArrayStore(tempfile.mkdtemp())
        >>> store.get("rest") is None
        True
        >>> store.put("rest", {"signal": np.zeros((12, 5000), dtype=np.float32)})
        >>> store.get("rest")["signal"].shape
        (12, 5000)
    """

    def __init__(self, folder, what=None):
        self.folder = None if folder is None else Path(folder)
        if what is not None and self.folder is not None:
            self.folder /= values_digest(what)

    def get(self, key: str) -> dict[str, np.ndarray] | None:
        """The arrays of a key; None when they are not there, or their file is torn (which a warning says)."""
        if self.folder is None:
            return None
        path = self._path(key)
        try:
            with open_input(path) as file, zipfile.ZipFile(file) as archive:
                return {entry.filename.removesuffix(".npy"): _read(path, archive, entry) for entry in archive.filelist}
        except FileNotFoundError:
            return None
        except DAMAGED_ARRAYS as error:
            logger.warning("%s cannot be read and is made again: %s", path, error)
            return None

    def put(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep arrays of numbers, booleans or text, in place of those of this key."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with atomic_file(self._path(key), "wb", shared=True) as file, zipfile.ZipFile(file, "w") as archive:
            for name, array in arrays.items():
                entry = zipfile.ZipInfo(f"{name}.npy")
                # the header of an entry: 30 bytes, its name, 20 bytes of sizes and our field, which pads
                end = file.tell() + 30 + len(entry.filename.encode()) + 20 + 4
                entry.extra = struct.pack("<HH", _PADDING_FIELD, -end % _ALIGNMENT) + bytes(-end % _ALIGNMENT)
                with archive.open(entry, "w", force_zip64=True) as content:
                    np.lib.format.write_array(content, np.asanyarray(array), allow_pickle=False)

    def make(self, key: str, compute: Callable[[], Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """The arrays of a key, computed and kept when they are not there."""
        found = self.get(key)
        if found is None:
            found = dict(compute())
            self.put(key, found)
        return found

    def _path(self, key: str) -> Path:
        return self.folder / f"{quote(key, safe=' =,+@()')}.npz"


def values_digest(values) -> str:
    """Digest of plain values as JSON takes them, and of arrays, which count by type, shape and bytes.

    Raises:
        TypeError: another kind of value.
    """
    digest = hashlib.blake2b(digest_size=10)
    digest.update(json.dumps(values, sort_keys=True, default=_array_digest).encode())
    return digest.hexdigest()


def source_digest(*paths: Path) -> str:
    """Digest of source files, which tells results of other code apart; of a folder all its modules count."""
    digest = hashlib.blake2b(digest_size=8)
    for path in paths:
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _array_digest(value) -> str:
    if not isinstance(value, np.ndarray):
        raise TypeError(f"a key holds a {type(value).__name__}, wanted plain values and arrays")
    content = f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes()
    return hashlib.blake2b(content, digest_size=10).hexdigest()


def _read(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    if entry.file_size < _MAPPED_BYTES:
        with archive.open(entry) as content:
            return np.lib.format.read_array(content, allow_pickle=False)
    with path.open("rb") as file:
        file.seek(entry.header_offset)
        name, extra = struct.unpack("<26xHH", file.read(30))
        file.seek(entry.header_offset + 30 + name + extra)
        version = np.lib.format.read_magic(file)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in read_header:
            raise ValueError(f"{entry.filename} is of .npy version {version}, wanted 1.0 or 2.0")
        shape, fortran, dtype = read_header[version](file)
        if dtype.hasobject:
            raise ValueError(f"{entry.filename} holds Python objects")
        # copy on write: torch warns at memory that may not be written to
        return np.memmap(path, dtype, "c", file.tell(), shape, order="F" if fortran else "C")


def _synchronise_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
