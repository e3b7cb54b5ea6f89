"""Results that took long, kept as files: whole or absent, so that an interrupted run goes on where it was."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from transformers.utils import logging

logger = logging.get_logger(__name__)

_FINGERPRINT = "fingerprint"


class ArrayCache:
    """Named groups of arrays in a folder.

    Args:
        folder: to keep them in; None keeps nothing.
        what: everything that the results depend on, as JSON takes it. A folder with another such fingerprint is
            emptied.
    """

    def __init__(self, folder: Path | None, what: object):
        self.folder = folder
        if folder is None:
            return
        fingerprint = hashlib.blake2b(json.dumps(what, sort_keys=True).encode(), digest_size=16).hexdigest()
        note = folder / _FINGERPRINT
        if folder.is_dir() and not (note.is_file() and note.read_text() == fingerprint):
            logger.warning("%s holds results of other inputs: they are computed anew", folder)
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        note.write_text(fingerprint)

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
        temporary = self._path(name).with_suffix(".part")
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
