"""Work shared out over processes, which end when the one that started them is killed."""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from ..said_once import begin_sharing, share


def ordered_map(function: Callable, items: Iterable, num_proc: int) -> Iterator:
    """`map` over processes: results in the order of the items, of which only a few are in flight.

    Args:
        function: sent to each process once; it and the items must be picklable, unless `num_proc` is 1.
        items: anything that can be gone through once.
        num_proc: processes; 1 computes in this one.
    """
    if num_proc == 1:
        yield from map(function, items)
        return
    start = (os.getpid(), function, begin_sharing())
    with ProcessPoolExecutor(num_proc, initializer=_start_worker, initargs=start) as pool:
        waiting: deque = deque()
        try:
            for item in items:
                waiting.append(pool.submit(_work, item))
                # no more in flight than keeps the workers busy: what they work on need not fit in memory
                if len(waiting) >= 2 * num_proc:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


_function: list[Callable] = []


def _start_worker(parent: int, function: Callable, said) -> None:
    _function[:] = [function]
    share(said)
    # Ctrl-C goes to the whole group: the parent ends its workers, which would only print where they were
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """Ends a worker whose parent was killed: it would wait for work, and hold the parent's locks, for ever."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _work(item):
    return _function[0](item)
