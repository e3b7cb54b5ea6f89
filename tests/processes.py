"""Processes for tests, without the seconds that a new Python needs for its imports: forks of the one that has them."""

import multiprocessing
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable

from accelerate.state import AcceleratorState, GradientState

SECONDS = 240
FORK = multiprocessing.get_context("fork")


def die(*_, **__) -> None:
    """A kill that no handler of this process sees."""
    os.kill(os.getpid(), signal.SIGKILL)


def forked(function: Callable, *arguments) -> int:
    """Calls `function` in a fork of this process, so that what it changes in modules is gone with it.

    Returns:
        Its exit code: 0, 1 after an error, minus the signal that killed it.
    """
    if (child := os.fork()) == 0:
        code = 1
        try:
            function(*arguments)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_ranks(function: Callable, *arguments, number: int = 2) -> None:
    """Calls `function` in processes with the environment that torchrun makes, on the CPU.

    Args:
        function: the process ends after it.
        arguments: what it is called with on each rank.
        number: of processes.

    Raises:
        AssertionError: one of them raised, was killed or took too long; the text is its traceback.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ranks = []
    for rank in range(number):
        ours, theirs = multiprocessing.Pipe(duplex=False)
        process = FORK.Process(target=_rank, args=(rank, number, port, theirs, function, arguments))
        process.start()
        theirs.close()
        ranks.append((process, ours))
    told = []
    try:
        for rank, (process, ours) in enumerate(ranks):
            try:
                said = ours.recv() if ours.poll(SECONDS) else f"it took more than {SECONDS} s"
            except EOFError:
                process.join()
                said = f"it ended with {process.exitcode}"
            if said:
                told.append(f"rank {rank}: {said}")
    finally:
        for process, ours in ranks:
            process.join(SECONDS if not told else 1)
            process.kill()
            ours.close()
    assert not told, "\n".join(told)


def _rank(rank: int, number: int, port: int, pipe, function: Callable, arguments: tuple) -> None:
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(number),
        "LOCAL_WORLD_SIZE": str(number),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
        "ACCELERATE_USE_CPU": "true",
    }
    # what accelerate keeps of a run of this process without ranks
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    try:
        function(*arguments)
    except BaseException:
        pipe.send(traceback.format_exc())
        raise
    pipe.send("")
