"""What ends a run from outside: SIGTERM, at which it saves and ends, and a launcher that is gone."""

import os
import signal
import sys
import threading


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

    Args:
        launched: whether a launcher started this process; nothing is watched otherwise.
    """

    _SECONDS = 0.5

    def __init__(self, launched: bool):
        self._parent = os.getppid()
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
