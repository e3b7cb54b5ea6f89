"""Finished parts of a long evaluation, each in a file of its own, so that it goes on where it was broken off."""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from transformers.utils import logging

logger = logging.get_logger(__name__)


class Parts:
    """Arrays under a key that names everything they depend on; another key is another file.

    Args:
        folder: made when the first part is finished.
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    def arrays(self, name: str, key: Mapping, compute: Callable[[], Mapping]) -> dict[str, np.ndarray]:
        """The arrays of a finished part, or those that `compute` gives, which are written.

        Args:
            name: begins the file's name.
            key: plain values; the same for the same arrays.
        """
        digest = part_digest(key)
        path = self.folder / f"{name}-{digest}.npz"
        if path.is_file():
            try:
                with np.load(path, allow_pickle=False) as content:
                    return {entry: content[entry] for entry in content.files}
            except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
                logger.warning("%s cannot be read and is made again: %s", path, error)
        made = dict(compute())
        self.folder.mkdir(parents=True, exist_ok=True)
        incomplete = path.with_suffix(".incomplete.npz")
        np.savez(incomplete, **made)
        os.replace(incomplete, path)
        return made


def part_digest(key: Mapping) -> str:
    """Digest of plain values; arrays count by their bytes."""
    digest = hashlib.blake2b(digest_size=10)
    digest.update(json.dumps(key, sort_keys=True, default=_array_digest).encode())
    return digest.hexdigest()


def _array_digest(value) -> str:
    if not isinstance(value, np.ndarray):
        raise TypeError(f"a part's key holds a {type(value).__name__}, wanted plain values and arrays")
    content = f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes()
    return hashlib.blake2b(content, digest_size=10).hexdigest()
