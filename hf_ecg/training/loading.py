"""Which records make which batch of a run, and the processes that load them."""

import os
import sys

import torch
from accelerate import Accelerator
from transformers.utils import logging

from ..data.batch_loader import BatchLoader, naming_lost_processes  # noqa: F401
from ..data.samplers import RecordBatchSampler, temperature_weights
from .build import RunParts
from .data_sections import ONE_SOURCE
from .frozen_encoder import EncodedRows
from .processes import loader_processes, start_loader_process
from .progress import Progress
from .recipe import Recipe
from .refusals import batch_collator
from .rows import source_names
from .tracking import RunLog

logger = logging.get_logger(__name__)


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
    sizes, data = [len(source) for source in parts.sources], recipe.data
    weights: list[float | None] = [source.weight for source in data.sources]
    if data.temperature is not None:
        weights = [*temperature_weights(sizes, data.temperature)]
    return RecordBatchSampler(
        len(parts.rows),
        recipe.run.batch_size // (world_size * accumulation),
        recipe.run.seed,
        rank=rank,
        world_size=world_size,
        accumulation=accumulation,
        sizes=sizes,
        weights=weights,
        records_per_epoch=data.records_per_epoch,
        one_source=data.batches == ONE_SOURCE,
    )


def begin_epoch(sampler: RecordBatchSampler, recipe: Recipe, progress: Progress, log: RunLog | None) -> None:
    """Points the sampler at where the run stands; when an epoch begins, the log is told what it takes of each source.

    The line `sources` holds `records` and `shares` of each source's name, and `left_out`: those that fill no step.

    Args:
        sampler: of the run.
        recipe: of the run.
        progress: where it stands.
        log: None on all processes but the first.
    """
    sampler.set_epoch(progress.epoch, progress.batch)
    if log is None or progress.batch or len(sampler.sizes) == 1:
        return
    names, records = source_names(recipe.data.sources), sampler.records_by_source()
    shares = [round(number / max(sum(records), 1), 4) for number in records]
    left_out = sampler.left_out_by_source()
    values = {"records": records, "shares": shares, "left_out": left_out}
    place = {"step": progress.step, "epoch": progress.epoch}
    log.write("sources", place | {key: dict(zip(names, each, strict=True)) for key, each in values.items()})
    if progress.epoch == 0:
        each = (
            f"{name} {share:.1%} ({rest} left out)" for name, share, rest in zip(names, shares, left_out, strict=True)
        )
        logger.info("records of an epoch by source: %s", ", ".join(each))


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
