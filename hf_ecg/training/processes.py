"""Connecting the processes of a run, and refusing when fewer are connected than were asked for."""

import hashlib
import os
from collections.abc import Mapping

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed

from .recipe import RunSection


def processes_asked_for(environment: Mapping[str, str]) -> int:
    """How many processes the launcher was told to start, as far as it left a trace."""
    asked = max(int(environment.get(name) or 1) for name in ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE"))
    # `accelerate launch --cpu --num_processes 2` starts one process; all it leaves of the 2 is a master's address
    if asked == 1 and "ACCELERATE_MIXED_PRECISION" in environment and "MASTER_ADDR" in environment:
        asked = 1 if "WORLD_SIZE" in environment else 2
    return asked


def connect(run: RunSection) -> Accelerator:
    """Accelerator of the run.

    Raises:
        ValueError: more processes were asked for than are connected, another number than the recipe wants, or a batch
            that they cannot share evenly.
    """
    asked = processes_asked_for(os.environ)
    accelerator = Accelerator(mixed_precision=run.mixed_precision, step_scheduler_with_optimizer=False)
    connected = accelerator.num_processes
    if asked > connected:
        raise ValueError(
            f"{'at least ' if 'WORLD_SIZE' not in os.environ else ''}{asked} processes were asked for, {connected} is "
            "connected: each would train alone. On CPU: ACCELERATE_USE_CPU=true accelerate launch --multi_gpu "
            "--num_processes 2 train/pretrain.py ... (--cpu starts a single process)"
        )
    if run.num_processes is not None and run.num_processes != connected:
        raise ValueError(f"run.num_processes is {run.num_processes}, {connected} connected")
    if run.batch_size % connected:
        raise ValueError(f"run.batch_size {run.batch_size} is not a multiple of the {connected} processes")
    return accelerator


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed every global generator for one step on one process.

    Dropout is then a function of (seed, step, rank): nothing to save, and what runs between two steps (validation, a
    resume, another number of loader workers) changes no mask.
    """
    set_seed(int.from_bytes(hashlib.blake2b(f"{seed}/{step}/{rank}".encode(), digest_size=4).digest(), "little"))


def prepare_torch(run: RunSection) -> None:
    """Threads, repeatable algorithms, and the seed of the initial weights."""
    if run.num_threads is not None:
        torch.set_num_threads(run.num_threads)
    if run.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(run.deterministic)
    set_seed(run.seed)


def loader_processes(asked: int | None, num_processes: int) -> int:
    """How many processes load for each of `num_processes` training ones; `asked` is the recipe's own number, if any.

    None of them on a single core, where they would only take turns with the training.
    """
    if asked is not None:
        return asked
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores // (2 * num_processes), 8)


def use_one_thread(worker: int) -> None:
    """`worker_init_fn` of the loader: torch's own threads only get in each other's way there."""
    torch.set_num_threads(1)
