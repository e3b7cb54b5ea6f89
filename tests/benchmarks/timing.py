"""Repeated, interleaved measurements, and what the machine is worth while they run."""

import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

import torch
from tqdm.auto import tqdm

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("torch", "transformers", "datasets", "pyarrow", "numpy", "scipy", "wfdb", "pandas")


def compare(ways: Mapping[str, Callable[[], int]], repeats: int, title: str) -> dict:
    """Runs each way in turn, `repeats` times over, so that what else the machine does falls on all of them alike.

    Args:
        ways: name -> function that does the work and returns how many records it was.
        repeats: rounds.
        title: of the progress bar.

    Returns:
        name -> records a second of wall time and of processor time (children included), median and range.
    """
    found: dict[str, dict[str, list[float]]] = {name: {"wall": [], "processor": []} for name in ways}
    with tqdm(total=repeats * len(ways), desc=title, unit="run") as bar:
        for _ in range(repeats):
            for name, way in ways.items():
                wall, processor = time.perf_counter(), _processor_seconds()
                records = way()
                found[name]["processor"].append(records / max(_processor_seconds() - processor, 1e-9))
                found[name]["wall"].append(records / (time.perf_counter() - wall))
                bar.update(1)
    return {name: {clock: spread(values) for clock, values in kinds.items()} for name, kinds in found.items()}


def spread(values: list[float]) -> dict:
    """Median, range and the values themselves, in the order of the rounds."""
    rounded = [float(f"{value:.4g}") for value in values]
    return {"median": statistics.median(rounded), "range": [min(rounded), max(rounded)], "values": rounded}


def ratio(results: dict, first: str, second: str, clock: str = "processor") -> dict:
    """Speed of the first in units of the second, round by round."""
    pairs = zip(results[first][clock]["values"], results[second][clock]["values"], strict=True)
    return spread([one / other for one, other in pairs])


def machine() -> dict:
    """Processor, versions and load; matmul speed is `yardstick`'s."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True
        ).stdout.strip(),
    }


def yardstick(repeats: int) -> dict:
    """GFLOP/s of a 1024 x 1024 float32 matrix product, with one thread and with torch's own number of them."""
    matrix = torch.rand(1024, 1024, generator=torch.Generator().manual_seed(0))
    threads, found = torch.get_num_threads(), {}
    for number in sorted({1, threads, os.cpu_count() or 1}):
        torch.set_num_threads(number)
        matrix @ matrix
        speeds = []
        for _ in range(max(5, 3 * repeats)):
            started = time.perf_counter()
            matrix @ matrix
            speeds.append(2 * 1024**3 / (time.perf_counter() - started) / 1e9)
        found[f"{number} thread{'s' if number > 1 else ''}"] = spread(speeds)
    torch.set_num_threads(threads)
    return found


def in_new_process(code: str, *arguments: str) -> str:
    """Last line of what the code prints, run beside the package."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


def peak_megabytes(code: str, *arguments: str) -> float:
    """Largest resident memory of a new process that runs the code, without its children's."""
    tail = "\nimport resource\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    return round(float(in_new_process(code + tail, *arguments)), 1)


def _processor_seconds() -> float:
    kinds = (resource.getrusage(kind) for kind in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in kinds)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
