"""One process an output: a lock that the kernel gives back when its holder ends, however that happens."""

import contextlib
import errno
import logging
import os
import shlex
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

# Locks of `output_lock` blocks around the running code: what is called inside may lock the same output again.
_around: ContextVar[frozenset[str]] = ContextVar("locks of the blocks around", default=frozenset())
# What this process holds: a forked child must not keep its parent's locks alive.
_open: set["OutputLock"] = set()

_SECONDS_BETWEEN_TRIES = 0.1
# how the content of a lock file begins
_WORD = b"process"
LOCK_INSIDE = ".hf_ecg.lock"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF)


class BeingWritten(OSError):
    """Another process writes the output."""


class OutputLock:
    """A lock on a file or folder that a command writes, held from `acquire` to `release`.

    The lock is on a hidden file `.NAME.lock` beside the output (inside it, where its parent may not be written), so
    that the output can be renamed under it. It holds process, host and command for the message of whoever comes
    second. Its kernel lock ends with this process, killed or not; a forked child holds none of it.

    Args:
        path: the output; it need not be there, its parent is made.
        wait_seconds: how long to wait for another process that is about to end.

    Example:
        >>> import tempfile
        >>> from hf_ecg.locks import OutputLock
        >>> output = f"{tempfile.mkdtemp()}/corpus"
        >>> first = OutputLock(output)
        >>> first.acquire()
        >>> try:
        ...     OutputLock(output).acquire()
        ... except OSError as error:
        ...     "is being written by process" in str(error)
        True
        >>> first.release()
    """

    def __init__(self, path, wait_seconds: float = 0.0):
        # two names of one folder are one output
        self.path = Path(os.path.realpath(path))
        self.wait_seconds = wait_seconds
        self._file: IO | None = None
        self._place: Path | None = None

    def acquire(self) -> None:
        """Takes the lock; nothing to do inside an `output_lock` of the same output.

        Raises:
            BeingWritten: another process holds it; the message names it.
            OSError: the place cannot be written.
        """
        if self._file is not None or str(self.path) in _around.get():
            return
        until = time.monotonic() + self.wait_seconds
        while not self._try():
            if time.monotonic() >= until:
                raise BeingWritten(
                    f"{self.path} is being written by {self._holder()}: wait for it, end it, or choose another output"
                )
            time.sleep(_SECONDS_BETWEEN_TRIES)

    def release(self) -> None:
        """Gives the lock back and removes its file."""
        file, self._file = self._file, None
        _open.discard(self)
        if file is None:
            return
        # while it is still held: whoever waits for this file sees that it is gone, and makes its own
        with contextlib.suppress(OSError):
            os.unlink(file.name)
        file.close()

    def _try(self) -> bool:
        file = self._opened()
        locked = try_lock(file.fileno())
        if locked is False:
            self._place = Path(file.name)
            file.close()
            return False
        if locked is None:
            logger.warning(
                "%s cannot be locked, its disk (a network disk?) has no locks: take care that no second process writes"
                " there",
                self.path,
            )
        if not _is_still(file):
            file.close()
            return self._try()
        if os.pread(file.fileno(), len(_WORD), 0) not in (b"", _WORD):
            file.close()
            raise FileExistsError(f"{file.name} is not a lock of hf_ecg: remove it, or choose another output")
        self._file = file
        _open.add(self)
        with contextlib.suppress(OSError):  # left by another user, who may be read but not written
            os.ftruncate(file.fileno(), 0)
            os.pwrite(file.fileno(), _this_process(), 0)
        return True

    def _opened(self) -> IO:
        """The file of the lock, open; beside the output, or inside it where its parent may not be written."""
        beside = self.path.with_name(f".{self.path.name}.lock") if self.path.name else self.path / LOCK_INSIDE
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return _open_file(beside)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and self.path.is_dir():
                with contextlib.suppress(OSError):
                    return _open_file(self.path / LOCK_INSIDE)
            word = "is on a disk that may only be read" if error.errno == errno.EROFS else "cannot be written"
            raise type(error)(error.errno, f"{self.path} {word}: {error.strerror}", error.filename) from error

    def _holder(self) -> str:
        try:
            text = self._place.read_text(encoding="utf-8", errors="replace") if self._place else ""
        except OSError:
            text = ""
        return "".join(letter if letter.isprintable() else "?" for letter in text[:400]) or "another process"


@contextmanager
def output_lock(path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Keeps other processes from an output during the block; see `OutputLock`.

    What is called inside the block may lock the same output again.

    Raises:
        BeingWritten: another process holds it; the message names it.
        OSError: the place cannot be written.

    Example:
        >>> import tempfile
        >>> from hf_ecg.locks import output_lock
        >>> with output_lock(f"{tempfile.mkdtemp()}/figures"):
        ...     pass  # write there
    """
    lock = OutputLock(path, wait_seconds)
    lock.acquire()
    token = _around.set(_around.get() | {str(lock.path)})
    try:
        yield
    finally:
        _around.reset(token)
        lock.release()


def try_lock(descriptor: int) -> bool | None:
    """Locks an open file or folder for this process; False: another one holds it, None: there are no locks there."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        raise
    return True


def _open_file(path: Path) -> IO:
    flags = os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    try:
        number = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666)
    except PermissionError:
        # another user's, left by a kill: a lock wants no right to write
        if not path.is_file():
            raise
        return _named(os.open(path, os.O_RDONLY | flags), path, "rb")
    return _named(number, path, "r+b")


def _named(number: int, path: Path, mode: str) -> IO:
    return open(path, mode, buffering=0, opener=lambda *_: number)


def _is_still(file: IO) -> bool:
    """Whether the locked file is the one that its name leads to: its last holder may have removed it."""
    try:
        there = os.stat(file.name, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(file.fileno()))


def _this_process() -> bytes:
    command = shlex.join(sys.argv)
    command = command if len(command) <= 200 else f"{command[:200]} ..."
    return _WORD + f" {os.getpid()} on {socket.gethostname()} ({command})".encode(errors="replace")


def _forget_in_child() -> None:
    """A forked child closes its copies, which leaves the parent's locks as they are."""
    for lock in list(_open):
        file, lock._file = lock._file, None
        if file is not None:
            file.close()
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
