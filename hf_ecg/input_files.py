"""Files that a user, a corpus or a header names: regular ones alone are opened, and no more is read than is sensible.

A pipe waits for a writer that never comes, a device such as /dev/zero has no end.
"""

import errno
import os
import stat
from typing import BinaryIO

# No recipe, table or configuration comes near it.
MOST_TEXT_BYTES = 2**28
# What Git keeps in a file's place where Git LFS did not fetch it; a pointer is this and two lines more.
_POINTER, _MOST_POINTER_BYTES = b"version https://git-lfs.github.com/", 1024
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class InputFile:
    """A regular file that is open for reading; `size` in bytes. Used in a `with`.

    The system is asked as little as possible: of records of a second these questions are half the time.

    Raises:
        ValueError: a folder, a pipe, a socket or a device; links are followed.
        OSError: it is not there, or may not be read.
    """

    def __init__(self, path):
        self.path = os.fspath(path)
        # opened without waiting, a pipe is told apart like the others
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a socket, or a device without its driver
                raise ValueError(f"{self.path} is not an ordinary file, wanted a file") from error
            raise
        found = os.fstat(self._descriptor)
        self.size = found.st_size
        if not stat.S_ISREG(found.st_mode):
            os.close(self._descriptor)
            kind = next((name for is_kind, name in _KINDS if is_kind(found.st_mode)), "no ordinary file")
            raise ValueError(f"{self.path} is {kind}, wanted a file")

    def __enter__(self) -> "InputFile":
        return self

    def __exit__(self, *_) -> None:
        os.close(self._descriptor)

    def read(self, start: int, number: int) -> bytes:
        """Bytes from `start` on; fewer where the file ends."""
        found = os.pread(self._descriptor, number, start)
        if len(found) == number or not found:
            return found
        # one call gives two gigabytes at most
        parts = [found]
        while len(found) and (left := number - sum(map(len, parts))):
            found = os.pread(self._descriptor, left, start + number - left)
            parts.append(found)
        return b"".join(parts)

    def stream(self) -> BinaryIO:
        """The file from its beginning as Python's own kind; it stays open when this one is closed."""
        # two descriptors of one opening share their place in the file
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return os.fdopen(os.dup(self._descriptor), "rb")


def check_is_no_pointer(file: InputFile) -> None:
    """Raises ValueError for what stands in the place of a large file that was cloned without Git LFS."""
    if file.size <= _MOST_POINTER_BYTES and file.read(0, len(_POINTER)) == _POINTER:
        raise ValueError(
            f"{file.path} is a pointer of Git LFS, which stands for the file that was not fetched: run git lfs pull"
        )


def open_input(path) -> BinaryIO:
    """A file, open for reading bytes; raises as `InputFile`."""
    with InputFile(path) as file:
        return file.stream()


def read_input(path, limit: int = MOST_TEXT_BYTES) -> bytes:
    """All of a file of at most `limit` bytes; by default of what is written as text, such as a recipe.

    Raises:
        ValueError: as `InputFile`; a larger file, of which nothing is read.
        OSError: it is not there, or may not be read.
    """
    with InputFile(path) as file:
        # files of /proc are of size 0 and have content
        content = file.read(0, min(file.size, limit) + 1) if file.size <= limit else b""
        if len(content) > file.size:
            content = file.read(0, limit + 1)
        if file.size > limit or len(content) > limit:
            raise ValueError(f"{file.path} has {max(file.size, len(content))} bytes, wanted at most {limit}")
        return content
