"""Cases in child processes, so that one that hangs, crashes or eats memory is a line of the report and no more."""

import multiprocessing
import resource
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue

SECONDS = 5.0
START_SECONDS = 120.0
MEMORY_BYTES = 1 << 30


def run_in_children(
    start: Callable[[], Callable], cases: Iterable, processes: int = 1, seconds: float = SECONDS
) -> Iterator[tuple]:
    """Yields `(case, outcome)` as they come; the outcome is what the case's function returned, "hang" or "crash".

    Args:
        start: called once in every child; returns the function of a case.
        cases: what is handed to that function.
        processes: children at a time.
        seconds: after which a case counts as hanging, and its child is killed.
    """
    cases, done = list(cases), SimpleQueue()
    todo, ended = SimpleQueue(), object()
    for case in cases:
        todo.put(case)
    threads = [
        threading.Thread(target=_feed, args=(start, todo, done, seconds, ended), daemon=True) for _ in range(processes)
    ]
    for thread in threads:
        thread.start()
    running = len(threads)
    while running:
        item = done.get()
        if item is ended:
            running -= 1
        else:
            yield item


def _feed(start, todo, done, seconds, ended) -> None:
    child = None
    try:
        while True:
            try:
                case = todo.get_nowait()
            except Empty:
                break
            if child is None:
                child = _Child(start)
            outcome = child.run(case, seconds)
            if outcome in ("hang", "crash"):
                child.stop()
                child = None
            done.put((case, outcome))
    finally:
        if child is not None:
            child.stop()
        done.put(ended)


class _Child:
    def __init__(self, start):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(start, theirs), daemon=True)
        self.process.start()
        theirs.close()
        if not self.pipe.poll(START_SECONDS) or self.pipe.recv() != "ready":
            raise RuntimeError("a child did not start")

    def run(self, case, seconds: float):
        try:
            self.pipe.send(case)
            return self.pipe.recv() if self.pipe.poll(seconds) else "hang"
        except (EOFError, OSError):
            return "crash"

    def stop(self) -> None:
        self.process.kill()
        self.process.join()


def _serve(start, pipe) -> None:
    run = start()
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, resource.RLIM_INFINITY))
    pipe.send("ready")
    while True:
        try:
            case = pipe.recv()
        except EOFError:
            return
        began = time.perf_counter()
        outcome = run(case)
        pipe.send((*outcome, time.perf_counter() - began))
