"""Which records make which batch of a run, and the processes that load them."""

import os
import sys

import torch
from accelerate import Accelerator

from ..data.batch_loader import BatchLoader, naming_lost_processes  # noqa: F401
from ..data.samplers import RecordBatchSampler
from .build import RunParts
from .frozen_encoder import EncodedRows
from .processes import loader_processes, start_loader_process
from .recipe import Recipe
from .refusals import batch_collator


def batch_sampler(
    recipe: Recipe, parts: RunParts, accelerator: Accelerator | None = None, whole_step: bool = False
) -> RecordBatchSampler:
    """The records of each micro-batch of this process.

    Args:
        recipe: of the run.
        parts: with the rows of each source.
        accelerator: of the run; None: there is one process.
        whole_step: a batch holds the records of all processes and micro-batches of a step.
    """
    rank, world_size = (accelerator.process_index, accelerator.num_processes) if accelerator else (0, 1)
    accumulation = 1 if whole_step else recipe.run.accumulation
    return RecordBatchSampler(
        len(parts.rows),
        recipe.run.batch_size // (world_size * accumulation),
        recipe.run.seed,
        rank=rank,
        world_size=world_size,
        accumulation=accumulation,
        sizes=[len(source) for source in parts.sources],
        weights=[source.weight for source in recipe.data.sources],
    )


def batch_loader(
    recipe: Recipe, parts: RunParts, sampler: RecordBatchSampler, accelerator: Accelerator
) -> BatchLoader:
    """A loader of the sampler's micro-batches, in processes of its own as far as the recipe says so."""
    workers = loader_processes(recipe.run.num_workers, accelerator.num_processes)
    if isinstance(parts.rows, EncodedRows):
        workers = 0  # handing tensors from process to process would take longer than looking them up
    if workers:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads do not survive the fork
    return BatchLoader(
        parts.rows,
        batch_sampler=sampler,
        collate_fn=batch_collator(recipe, parts),
        num_workers=workers,
        # forking them anew for every epoch would make it begin with waiting
        persistent_workers=workers > 0,
        # a fork server's workers outlive a killed trainer for ever; forked ones notice within seconds
        multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
        worker_init_fn=start_loader_process,
        # without its own generator every epoch draws a number from the global one
        generator=torch.Generator().manual_seed(recipe.run.seed),
        pin_memory=accelerator.device.type == "cuda",
    )


def records_of(recipe: Recipe, parts: RunParts, epoch: int, batch: int) -> str:
    """Names of the records of a step, over all processes."""
    sampler = batch_sampler(recipe, parts, whole_step=True)
    sampler.set_epoch(epoch, batch)
    return ", ".join(str(row["record_id"]) for row in parts.rows.__getitems__(next(iter(sampler))))
