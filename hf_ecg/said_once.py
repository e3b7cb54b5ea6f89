"""What is said once in a command, though several processes meet it."""

import hashlib
import multiprocessing
from ctypes import c_int64

# Kinds that processes tell each other; those beyond are said once in each process.
_PLACES = 256
_told: set[int] = set()
_shared: list = []


def first_time(*kind: str) -> bool:
    """Whether nobody has said this yet; from now on it counts as said."""
    key = int.from_bytes(hashlib.blake2b("\0".join(kind).encode(), digest_size=7).digest(), "big") + 1
    if key in _told:
        return False
    _told.add(key)
    return all(_claim(shared, key) for shared in _shared)


def begin_sharing():
    """What processes share: an array, to be handed to `share` in each; what was said here is in it.

    It is the same one for all that this process starts, so that the next ones know what the earlier ones said.
    """
    if not _shared:
        said = sorted(_told)[:_PLACES]
        share(multiprocessing.Array(c_int64, said + [0] * (_PLACES - len(said))))
    return _shared[0]


def share(shared) -> None:
    """From now on, what other processes said counts as said here."""
    _shared[:] = [shared]


def _claim(shared, key: int) -> bool:
    with shared.get_lock():
        for place, held in enumerate(shared.get_obj()):
            if held == key:
                return False
            if held == 0:
                shared[place] = key
                return True
    return True
