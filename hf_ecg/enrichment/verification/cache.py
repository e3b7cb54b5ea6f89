"""Results that took long, kept as files: whole or absent, so that an interrupted run goes on where it was."""

import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np


class ArrayCache:
    """Named groups of arrays in a folder, which several processes may share.

    Args:
        folder: to keep them in; None keeps nothing.
        what: everything that the results depend on, as JSON takes it. Results of something else lie beside, in a
            folder of their own.
    """

    def __init__(self, folder: Path | None, what: object):
        self.folder = None
        if folder is not None:
            digest = hashlib.blake2b(json.dumps(what, sort_keys=True).encode(), digest_size=8)
            self.folder = folder / digest.hexdigest()
            self.folder.mkdir(parents=True, exist_ok=True)

    def has(self, name: str) -> bool:
        """Whether these arrays are there."""
        return self.folder is not None and self._path(name).is_file()

    def read(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of a name."""
        with np.load(self._path(name)) as arrays:
            return {key: arrays[key] for key in arrays.files}

    def write(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Keep arrays, unless nothing is kept."""
        if self.folder is None:
            return
        temporary = self._path(name).with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
        with temporary.open("wb") as file:
            np.savez(file, **arrays)
        os.replace(temporary, self._path(name))

    def make(self, name: str, compute: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """The arrays of a name, computed when they are not there."""
        if self.has(name):
            return self.read(name)
        arrays = compute()
        self.write(name, arrays)
        return arrays

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npz"


def source_digest(*paths: Path) -> str:
    """Tells versions of code apart whose results are kept; of a folder all its modules count."""
    digest = hashlib.blake2b(digest_size=8)
    for path in paths:
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
