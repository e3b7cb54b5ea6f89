"""Connecting the processes of a run, and refusing when fewer are connected than were asked for."""

import hashlib
import os
import random
from collections.abc import Mapping

import numpy as np
import torch
import torch.distributed as dist
from accelerate import Accelerator
from accelerate.tracking import get_available_trackers
from accelerate.utils import set_seed

from ..checks import nearest
from ..cores import usable_cores
from .interruption import ignore_stop_requests
from .recipe_sections import FSDP2, RunSection


def processes_asked_for(environment: Mapping[str, str]) -> int:
    """How many processes the launcher was told to start, as far as it left a trace."""
    asked = max(int(environment.get(name) or 1) for name in ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE"))
    # `accelerate launch --cpu --num_processes 2` starts one process; all it leaves of the 2 is a master's address
    if asked == 1 and "ACCELERATE_MIXED_PRECISION" in environment and "MASTER_ADDR" in environment:
        asked = 1 if "WORLD_SIZE" in environment else 2
    return asked


def is_launched(environment: Mapping[str, str]) -> bool:
    """Whether a launcher (accelerate, torchrun, MPI) started this process and waits for its end.

    WORLD_SIZE alone may have been set by hand, in a shell that is left afterwards.
    """
    traces = ("ACCELERATE_MIXED_PRECISION", "TORCHELASTIC_RUN_ID", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
    return any(name in environment for name in traces)


def connect(run: RunSection, output_dir) -> Accelerator:
    """Accelerator of the run.

    Raises:
        ValueError: more processes were asked for than are connected, another number than the recipe wants, or a batch
            that they cannot share evenly.
    """
    asked = processes_asked_for(os.environ)
    check_launcher(run, os.environ)
    accelerator = Accelerator(
        mixed_precision=run.mixed_precision,
        step_scheduler_with_optimizer=False,
        log_with=checked_trackers(run.log_with) or None,
        project_dir=str(output_dir),
    )
    connected = accelerator.num_processes
    if asked > connected:
        raise ValueError(
            f"{'at least ' if 'WORLD_SIZE' not in os.environ else ''}{asked} processes were asked for, {connected} is "
            "connected: each would train alone. On CPU: ACCELERATE_USE_CPU=true accelerate launch --multi_gpu "
            "--num_processes 2 train/pretrain.py ... (--cpu starts a single process)"
        )
    if run.num_processes is not None and run.num_processes != connected:
        raise ValueError(f"run.num_processes is {run.num_processes}, {connected} connected")
    if run.batch_size % (connected * run.accumulation):
        times = f" times run.accumulation {run.accumulation}" if run.accumulation > 1 else ""
        raise ValueError(f"run.batch_size {run.batch_size} is not a multiple of the {connected} processes{times}")
    if run.sharding == FSDP2 and connected == 1 and not torch.distributed.is_initialized():
        raise ValueError("run.sharding is fsdp2, but a single process has nobody to share with: wanted none")
    return accelerator


def checked_trackers(names: list[str]) -> list[str]:
    """The names, when accelerate knows them and their packages are installed: it would leave others out in silence.

    Raises:
        ValueError: an unknown tracker, or one whose package is not there.
    """
    available = [str(getattr(tracker, "value", tracker)) for tracker in get_available_trackers()]
    for name in names:
        if name not in available:
            raise ValueError(
                f"run.log_with names {name!r}{nearest(name, available)}, which accelerate has no tracker for, or whose"
                f" package is not installed; there are: {', '.join(available) or 'none'}"
            )
    return names


def check_launcher(run: RunSection, environment: Mapping[str, str]) -> None:
    """Refuse settings of `accelerate launch` that the recipe says otherwise: the recipe alone says how a run goes.

    Raises:
        ValueError: the setting, and the key of the recipe that sets it.
    """
    precision = environment.get("ACCELERATE_MIXED_PRECISION", "no")
    if precision not in ("no", run.mixed_precision):
        raise ValueError(
            f"accelerate was launched with mixed_precision {precision}, the recipe says {run.mixed_precision}: set"
            f" run.mixed_precision={precision}"
        )
    steps = int(environment.get("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", 1))
    if steps > 1:
        raise ValueError(
            f"accelerate was launched with gradient_accumulation_steps {steps}: leave it out and set"
            f" run.accumulation={steps}"
        )
    if environment.get("ACCELERATE_USE_FSDP", "false").lower() == "true":
        raise ValueError("accelerate was launched with FSDP: launch without it and set run.sharding=fsdp2")
    if environment.get("ACCELERATE_USE_DEEPSPEED", "false").lower() == "true":
        raise ValueError("accelerate was launched with DeepSpeed, which is not supported: run.sharding=fsdp2 shards")


class Agreement:
    """Questions that all processes of a run answer together, beside the device: asking does not wait for its work."""

    def __init__(self, accelerator: Accelerator):
        self.group = dist.new_group(backend="gloo") if accelerator.num_processes > 1 else None

    def any(self, condition: bool) -> bool:
        """Whether it holds on any process; every process has to ask."""
        if self.group is None:
            return condition
        asked = torch.tensor([float(condition)])
        dist.all_reduce(asked, group=self.group)
        return asked.item() > 0

    def gather(self, value) -> list:
        """What each process has; every process has to ask."""
        if self.group is None:
            return [value]
        found = [None] * dist.get_world_size(self.group)
        dist.all_gather_object(found, value, group=self.group)
        return found


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed every global generator for one step on one process.

    Dropout is then a function of (seed, step, rank): nothing to save, and what runs between two steps (validation, a
    resume, another number of loader workers) changes no mask.
    """
    _seed_everything(f"{seed}/{step}/{rank}")


def seed_validation(seed: int, rank: int) -> None:
    """Seed every global generator for a validation: what a model draws in it is the same every time."""
    _seed_everything(f"{seed}/validation/{rank}")


def _seed_everything(place: str) -> None:
    seed = int.from_bytes(hashlib.blake2b(place.encode(), digest_size=4).digest(), "little")
    if torch.accelerator.is_available():
        set_seed(seed)
        return
    # the same without looking for devices, which takes longer than a step of a small network's optimiser
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)


def prepare_torch(run: RunSection, num_processes: int = 1) -> None:
    """Threads, repeatable algorithms, and the seed of the initial weights."""
    torch.set_num_threads(training_threads(run, num_processes, os.environ))
    if run.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(run.deterministic)
    set_seed(run.seed)


def training_threads(run: RunSection, num_processes: int, environment: Mapping[str, str]) -> int:
    """Torch threads of each of `num_processes` training processes, as the recipe says or OMP_NUM_THREADS does.

    Else so many that the threads of all training processes and their loaders are no more than the cores: two threads
    that share one core wait for each other at every operation.
    """
    if run.num_threads is not None:
        return run.num_threads
    if environment.get("OMP_NUM_THREADS", "").isdecimal():
        return torch.get_num_threads()
    here = int(environment.get("LOCAL_WORLD_SIZE") or num_processes)
    loading = loader_processes(run.num_workers, here)
    return min(max(usable_cores() // here - loading, 1), torch.get_num_threads())


def loader_processes(asked: int | None, num_processes: int) -> int:
    """How many processes load for each of `num_processes` training ones; `asked` is the recipe's own number, if any.

    None of them on a single core, where they would only take turns with the training.
    """
    return min(usable_cores() // (2 * num_processes), 8) if asked is None else asked


def start_loader_process(worker: int) -> None:
    """`worker_init_fn` of the loader: torch's own threads only get in each other's way there."""
    torch.set_num_threads(1)
    ignore_stop_requests()
