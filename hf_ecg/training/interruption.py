"""SIGTERM, which schedulers send before they take a machine away: the run saves and ends."""

import signal
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
