"""What ends a run from outside: SIGTERM, at which it saves and ends, and a launcher that is gone."""

import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

# What stands in the command line of torch's launchers, whatever they are called: they are programs of Python.
_LAUNCHERS = (b"python", b"torchrun", b"accelerate")


class StopRequest:
    """Remembers that the process was asked to end, so that a run can do so between two steps.

    Only the main thread of a process may listen to signals; elsewhere nothing is caught.
    """

    def __init__(self):
        self.received: str | None = None
        self._before = None
        self._listens = threading.current_thread() is threading.main_thread()
        if self._listens:
            self._before = signal.signal(signal.SIGTERM, self._note)

    def _note(self, number, frame) -> None:
        self.received = signal.Signals(number).name

    def close(self) -> None:
        """Whoever listened before listens again."""
        if self._listens:
            signal.signal(signal.SIGTERM, self._before or signal.SIG_DFL)
            self._listens = False


def ignore_stop_requests() -> None:
    """For loader processes: a signal to the whole group must not take them from a run that is about to save."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


class LauncherWatch:
    """Ends this process when the launcher that started it is gone: nobody would end it otherwise.

    A launcher that was killed by SIGKILL leaves its ranks behind. They would train on beside the run that takes
    their place, and write into its folder. A thread looks twice a second whether the parent is still the same, and
    ends the process wherever it is; what it was writing is whole or absent.

    One that was killed while this process still imported is seen at once: the ranks would wait for it at its port,
    and join the run that is started there next.

    Args:
        launched: whether a launcher started this process; nothing is watched otherwise.
    """

    _SECONDS = 0.5

    def __init__(self, launched: bool):
        self._parent = os.getppid()
        if launched and is_orphan(self._parent, os.environ):
            raise ProcessLookupError(f"the launcher of process {os.getpid()} is gone")
        self._closed = threading.Event()
        if launched:
            threading.Thread(target=self._watch, name="hf_ecg launcher watch", daemon=True).start()

    def _watch(self) -> None:
        while not self._closed.wait(self._SECONDS):
            if os.getppid() != self._parent:
                sys.stderr.write(f"the launcher, process {self._parent}, is gone: process {os.getpid()} ends too\n")
                sys.stderr.flush()
                os._exit(1)

    def close(self) -> None:
        """The launcher may go."""
        self._closed.set()


def is_orphan(parent: int, environment: Mapping[str, str]) -> bool:
    """Whether a process that torch's launcher started has been left to another parent: a program that is none.

    Args:
        parent: number of the parent process.
        environment: of the process that was started.
    """
    if "TORCHELASTIC_RUN_ID" not in environment:
        return False
    try:
        command = Path(f"/proc/{parent}/cmdline").read_bytes()
    except OSError:  # no Linux, or hidden from us
        return False
    return not any(name in command for name in _LAUNCHERS)
