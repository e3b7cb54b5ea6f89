"""What a run reports while it goes: the JSONL log, TensorBoard, the progress bar, and time spent waiting."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from accelerate import Accelerator
from transformers.utils import logging

from ..files import naming_the_file
from .log_file import LOG_NAME

logger = logging.get_logger(__name__)


class RunLog:
    """JSONL file with one line a step and one a validation, mirrored to the trackers that the recipe names.

    Args:
        folder: the run's output folder.
        accelerator: of the run, with its trackers; those that keep files write them into `folder`.
        settings: nested mapping of what the trackers note of the run.
        size: bytes of the existing log to keep; what a killed run wrote after its last checkpoint is cut off.
        step: the step resumed from.
    """

    def __init__(
        self, folder, accelerator: Accelerator, settings: Mapping | None = None, size: int = 0, step: int = 0
    ):
        path = Path(folder) / LOG_NAME
        present = path.stat().st_size if path.exists() else 0
        if present < size:
            logger.warning("%s has %d bytes, the checkpoint was written at %d: lines are lost", path, present, size)
        self.path = path
        self.file = open(path, "ab")
        self.file.truncate(min(size, present))
        self.file.seek(0, os.SEEK_END)
        self.accelerator = accelerator
        # what a killed run told TensorBoard after its last checkpoint is hidden
        options = {"tensorboard": {"purge_step": step + 1}} if step else {}
        accelerator.init_trackers("hf_ecg", config=_flat(settings or {}), init_kwargs=options)

    def write(self, kind: str, values: dict) -> None:
        """Add one line; `kind` is `train`, `validation` or `sources`, `values` holds `step`, numbers and mappings."""
        with naming_the_file(self.path):
            self.file.write(json.dumps({"kind": kind, **values}).encode() + b"\n")
        numbers = {
            f"{kind}/{name}": value
            for name, value in _flat(values).items()
            if name != "step" and isinstance(value, int | float)
        }
        self.accelerator.log(numbers, step=values["step"])

    def size(self) -> int:
        """Bytes on the disk, after everything written so far has reached it."""
        with naming_the_file(self.path):
            self.file.flush()
            os.fsync(self.file.fileno())
        return self.file.tell()

    def flush(self) -> None:
        with naming_the_file(self.path):
            self.file.flush()

    def close(self) -> None:
        with naming_the_file(self.path):
            self.file.close()
        for tracker in self.accelerator.trackers:
            tracker.finish()
        # accelerate would finish them again at the end of the script, where several runs share it
        self.accelerator.trackers = []


def _flat(value, prefix: str = "") -> dict:
    """Plain keys and values, as all trackers take them: `{"run.seed": 0}`."""
    if isinstance(value, dict) and value:
        items = ((f"{prefix}.{key}" if prefix else str(key), nested) for key, nested in value.items())
        return {name: item for key, nested in items for name, item in _flat(nested, key).items()}
    return {prefix: value if isinstance(value, bool | int | float | str) else json.dumps(value)}


class StepClock:
    """Wall time against time in forward, backward and step; the rest is waiting (loading, preprocessing, transfer).

    On CUDA the work is timed with events and the device is synchronised only when `read` is called, so the share is
    that of the device and costs nothing in between.
    """

    def __init__(self, device: torch.device):
        self.cuda = device.type == "cuda"
        self.restart()

    def restart(self) -> None:
        """Start a new window."""
        self.window_start = time.perf_counter()
        self.working = 0.0
        self.events = []
        self.records = 0

    def start_work(self) -> None:
        if self.cuda:
            self.events.append([torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)])
            self.events[-1][0].record()
        else:
            self.work_start = time.perf_counter()

    def stop_work(self, records: int) -> None:
        """End of a step over `records` records."""
        self.records += records
        if self.cuda:
            self.events[-1][1].record()
        else:
            self.working += time.perf_counter() - self.work_start

    def read(self) -> dict[str, float]:
        """`records_per_second` and `waiting` (share of the wall time, 0 to 1) since the last `restart`."""
        if self.events:
            self.events[-1][1].synchronize()
            self.working = sum(start.elapsed_time(end) for start, end in self.events) / 1000
        wall = max(time.perf_counter() - self.window_start, 1e-9)
        waiting = min(max(1 - self.working / wall, 0.0), 1.0)
        return {"records_per_second": round(self.records / wall, 2), "waiting": round(waiting, 4)}
