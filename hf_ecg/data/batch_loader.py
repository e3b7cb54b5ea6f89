"""A DataLoader whose processes do without shared memory where there is little, and whose failures are one sentence."""

import functools
import os
import re
import resource
from collections.abc import Callable

import numpy as np
import torch
from accelerate.utils.operations import recursively_apply
from torch.utils.data import DataLoader
from transformers.utils import logging

from ..printable import one_line

logger = logging.get_logger(__name__)

SHARED_MEMORY = "/dev/shm"
# A batch that has not come by then never will; the slowest network disk that was seen took a minute.
TIMEOUT_SECONDS = 1800.0
_PREFETCH = 2
_IN_WORKER = re.compile(
    r"Caught (\w+) in DataLoader worker process \d+\.\nOriginal Traceback.*\n(?:[\w.]*\.)?\1: ", re.S
)


class BatchLoader(DataLoader):
    """As `DataLoader`, of tensors in mappings and lists.

    Its processes hand tensors over in shared memory, of which containers give 64 MB: torch would wait for ever once it
    is full. Where /dev/shm (or the process's limit of a file's size) does not hold the batches that all processes of
    this machine may have made, a batch goes through a pipe, which costs about 1 ms a MiB. Values are the same.

    Args:
        dataset, options: of `DataLoader`.
        collate_fn: makes a batch of tensors.
        num_workers: processes of this loader; 0 loads in the calling one.
        timeout: seconds after which a batch that does not come is an error.

    Raises:
        OSError: when gone through: a process ended, or no batch came in time.
        ValueError: what the data set or `collate_fn` raise, with their own words.
    """

    def __init__(
        self, dataset, *, collate_fn: Callable, num_workers: int = 0, timeout: float = TIMEOUT_SECONDS, **options
    ):
        if num_workers:
            others = int(os.environ.get("LOCAL_WORLD_SIZE") or 1)
            collate_fn = _Handed(collate_fn, _PREFETCH * num_workers * others)
            options |= {"timeout": timeout, "prefetch_factor": _PREFETCH}
        super().__init__(dataset, collate_fn=collate_fn, num_workers=num_workers, **options)

    def __iter__(self):
        if not self.num_workers:
            yield from super().__iter__()
            return
        try:
            for batch, through_pipe in super().__iter__():
                if through_pipe:
                    logger.warning_once(
                        f"{SHARED_MEMORY} does not hold the batches of the loader's processes: they come through"
                        " pipes, which is slower (docker run --shm-size gives more)"
                    )
                    batch = recursively_apply(torch.from_numpy, batch, test_type=_is_array)
                yield batch
        except (RuntimeError, ValueError, OSError) as error:
            raise _in_words(error, self.timeout) from error


def naming_lost_processes(function: Callable) -> Callable:
    """The function, in which a killed process of a loader, or of the other ranks, is one sentence.

    torch hears of the first by a signal, and raises wherever the main thread happens to be: outside the loader, too.

    Raises:
        ChildProcessError: when called, and a loader's process was killed.
        ConnectionError: when called, and another rank is gone.
    """

    @functools.wraps(function)
    def call(*arguments, **options):
        try:
            return function(*arguments, **options)
        except RuntimeError as error:
            named = _in_words(error, TIMEOUT_SECONDS)
            if named is error:
                raise
            raise named from error

    return call


class _Handed:
    """What `collate_fn` makes, as arrays where shared memory does not hold them, and whether it is so."""

    def __init__(self, collate_fn: Callable, batches: int):
        self.collate_fn, self.batches = collate_fn, batches

    def __call__(self, rows) -> tuple[object, bool]:
        batch = self.collate_fn(rows)
        sizes: list[int] = []
        recursively_apply(lambda tensor: sizes.append(tensor.nbytes), batch)
        if sum(sizes) * self.batches <= _free_bytes() and max(sizes, default=0) <= _largest_file():
            return batch, False
        return recursively_apply(lambda tensor: tensor.numpy(), batch), True


def _free_bytes() -> float:
    """Bytes that shared memory still takes; elsewhere than on Linux it has no folder, and no limit that is known."""
    try:
        found = os.statvfs(SHARED_MEMORY)
    except OSError:
        return float("inf")
    return found.f_bavail * found.f_frsize


def _largest_file() -> float:
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return float("inf") if limit == resource.RLIM_INFINITY else limit


def _is_array(value) -> bool:
    return isinstance(value, np.ndarray)


def _in_words(error: Exception, timeout: float) -> Exception:
    """The error of a loader's process without its traceback, and torch's own as one that says what may be done."""
    message = str(error)
    if found := _IN_WORKER.match(message):
        kind = type(error) if isinstance(error, (ValueError, OSError)) else RuntimeError
        return kind(message[found.end() :].strip())
    if "gloo/transport" in message or isinstance(error, torch.distributed.DistBackendError):
        return ConnectionError(f"another process of the run ended, or does not answer: {one_line(message)}")
    if message.startswith("DataLoader timed out"):
        return TimeoutError(
            f"no batch came from the loader's processes within {timeout:g} s: is {SHARED_MEMORY} full, or the corpus"
            " on a disk that does not answer? `run.num_workers=0` loads without further processes"
        )
    if message.startswith("DataLoader worker"):
        return ChildProcessError(
            f"a process of the loader ended: {one_line(message)} Was it killed, or did memory run out?"
        )
    return error
