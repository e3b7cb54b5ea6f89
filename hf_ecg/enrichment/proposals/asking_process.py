"""Asks in a process of its own, which finishes the calls under way when the one that started it is killed.

A call that an endpoint is answering is paid for; were its answer lost with a killed process, it would be made again.
So calls are made by a process in a session of its own, which no signal to the first one reaches. When that one is gone
it begins no further call, writes down the answers under way, and ends, after a call's time limit at the latest. A run
started meanwhile waits for it. Only when this process itself is killed, or the machine stops, are the calls under way
(`concurrency` of them at most) made again.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection

from .asking import Patience, Proposer, ask
from .store import AnswerCache

_DONE, _FAILED = "done", "failed"


def ask_in_own_process(
    proposer: Proposer,
    reports: Sequence[str],
    cache_path,
    patience: Patience,
    tell: Callable[[str], None],
    wait_seconds: float,
) -> None:
    """`ask` in a process of its own.

    Args:
        wait_seconds: how long to wait for a former run that is finishing its calls.

    Raises:
        OSError: as `ask`, the answers are held by another run, or the process was killed.
        KeyboardInterrupt: after the calls under way are written down.
    """
    context = multiprocessing.get_context()
    ours, theirs = context.Pipe()
    arguments = (ours, theirs, proposer, reports, cache_path, patience, wait_seconds)
    process = context.Process(target=_serve, args=arguments, name="asking")
    process.start()
    theirs.close()
    try:
        _listen(ours, process, tell)
    finally:
        # Tells it to begin no further call. An interrupt may have come amid a message: nothing is read after it.
        ours.close()
        process.join()


def _listen(ours: Connection, process, tell: Callable[[str], None]) -> None:
    while True:
        try:
            word, content = ours.recv()
        except EOFError:
            process.join()
            raise OSError(
                f"the process that asks ended with exit code {process.exitcode}; the answers it wrote are kept: run"
                " the same command again"
            ) from None
        if word == _DONE:
            return
        if word == _FAILED:
            raise content
        tell(content)


def _serve(ours, theirs, proposer, reports, cache_path, patience, wait_seconds) -> None:
    ours.close()  # or this process would hold the end whose closing tells it that it is alone
    if hasattr(os, "setsid"):
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop, lock = threading.Event(), threading.Lock()

    def send(word: str, content=None) -> None:
        with lock:
            try:
                theirs.send((word, content))
            except OSError:  # nobody listens any more
                stop.set()

    def watch() -> None:
        try:
            theirs.recv()
        except (EOFError, OSError):
            pass
        stop.set()

    threading.Thread(target=watch, daemon=True).start()
    try:
        with AnswerCache(cache_path).writing(wait_seconds) as cache:
            ask(proposer, reports, cache, patience, lambda kind: send("told", kind), stop)
    except (OSError, ValueError) as error:
        send(_FAILED, error)
    else:
        send(_DONE)
