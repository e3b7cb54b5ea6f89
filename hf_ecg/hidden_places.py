"""Hidden places beside an output, where it is made before it takes its name."""

import contextlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .locks import try_lock

INCOMPLETE = ".incomplete"
PREVIOUS = ".previous"


@contextmanager
def place_beside(path: Path, folder: bool = False, sweep: bool = True) -> Iterator[Path]:
    """An empty file or folder with a hidden name beside `path`; gone at the end of the block unless renamed.

    It is locked, so that others can tell it from what killed processes left.

    Args:
        path: what it is to become, in a folder that exists.
        folder: make a folder.
        sweep: remove what killed processes left of `path`.
    """
    if sweep:
        for left in hidden_names(path, INCOMPLETE):
            _remove_left(left)
    while True:
        temporary = new_name(path, INCOMPLETE)
        if folder:
            temporary.mkdir()
            descriptor = os.open(temporary, os.O_RDONLY)
        else:
            descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        # another process may have taken it for a remainder before it was locked
        if try_lock(descriptor) is not False and os.fstat(descriptor).st_nlink:
            break
        os.close(descriptor)
    try:
        yield temporary
    finally:
        os.close(descriptor)
        _remove(temporary)


def _remove_left(path: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        try:
            if try_lock(descriptor):
                _remove(path)
        finally:
            os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def new_name(path: Path, ending: str) -> Path:
    """A name beside `path` that nobody uses."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}{ending}")


def hidden_names(path: Path, ending: str) -> list[Path]:
    """Names of `new_name` that are there. They are long and random: nobody else's files are called so."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{12}}{re.escape(ending)}")
    try:
        with os.scandir(path.parent) as entries:
            return [Path(entry.path) for entry in entries if pattern.fullmatch(entry.name)]
    except FileNotFoundError:
        return []
