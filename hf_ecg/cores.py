"""How many cores this process may use, and how many processes work on a corpus."""

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
MOST_PROCESSES = 8


def usable_cores() -> int:
    """Cores of this process, at least 1: those that it may run on, or the share of them that its container has."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text().split()
        if quota != "max":
            cores = min(cores, round(int(quota) / int(period)))
    except (OSError, ValueError):  # no Linux, or another form
        pass
    return max(cores, 1)


def default_processes(asked: int | None = None) -> int:
    """Processes that read or measure: the number that was given, else one a core, eight at most."""
    return min(usable_cores(), MOST_PROCESSES) if asked is None else asked
