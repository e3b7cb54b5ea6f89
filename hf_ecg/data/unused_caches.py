"""Caches of prepared inputs that no run begins with any more."""

import contextlib
import re
import time
from pathlib import Path

from transformers.utils import logging

logger = logging.get_logger(__name__)

# How long a cache that no run begins with is kept.
UNUSED_DAYS = 30
_CACHE, _FILE = re.compile(r"[0-9a-f]{20}"), re.compile(r"part-\d{5}\.npz|\.part-\d{5}\.npz\.[0-9a-f]{12}\.incomplete")


def remove_unused(folder, days: float = UNUSED_DAYS) -> int:
    """Removes what no run has begun with for a while, and tells in the log how much is left.

    Args:
        folder: of all caches. Nothing but files of `prepared_inputs` is removed.
        days: since a run last began with it.

    Returns:
        Bytes that are left.
    """
    left = 0
    for cache in Path(folder).glob("*") if Path(folder).is_dir() else ():
        if cache.is_symlink() or not cache.is_dir() or not _CACHE.fullmatch(cache.name):
            continue
        files = [file for file in cache.iterdir() if _FILE.fullmatch(file.name) and not file.is_symlink()]
        size = sum(file.stat().st_size for file in files)
        if time.time() - cache.stat().st_mtime < days * 86400:
            left += size
            continue
        logger.info("removing %s, %.1f MB that were not used for %g days", cache, size / 1e6, days)
        for file in files:
            file.unlink()
        with contextlib.suppress(OSError):  # it holds something else
            cache.rmdir()
    logger.info("%s holds %.1f MB of prepared inputs; it may be removed at any time", folder, left / 1e6)
    return left
