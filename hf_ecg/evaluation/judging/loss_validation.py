"""The loss over held-out rows, shared out over the processes of a run."""

import itertools

import numpy as np
import torch
from transformers.utils import logging

from ...data.collators.usable_rows import REFUSED, replacing
from ...data.refused_rows import check_refused, describe_refused
from .features import frozen

logger = logging.get_logger(__name__)


def loss_batches(num_records: int, batch_size: int, rank: int = 0, world_size: int = 1) -> list[range]:
    """Rows of each batch of a validation loss that one process takes; all processes' are those of a single one.

    A row that would be a batch by itself joins the one before: it has nothing to be contrasted with.

    Args:
        num_records: validation rows; the last few are left out when the processes cannot share them equally.
        batch_size: of all processes together; rounded down to what they can share.
        rank, world_size: of this process.
    """
    stop, together = num_records - num_records % world_size, max(1, batch_size // world_size) * world_size
    starts = list(range(0, stop, together))
    if len(starts) > 1 and stop - starts[-1] == 1:
        starts.pop()
    batches = [range(start, end) for start, end in itertools.pairwise([*starts, stop])]
    sizes = [len(batch) // world_size for batch in batches]
    return [batch[rank * size : (rank + 1) * size] for batch, size in zip(batches, sizes, strict=True)]


def loss_validator(options: dict, processor, dataset):
    """Mean loss over the rows in their order; a contrastive loss depends on `batch_size`.

    There are no views, but for a model that contrasts views: its own, those of epoch 0, every time. A row that is
    refused is replaced by the next one, as in training, unless `strict`: every process goes on with equal batches.
    """
    rows, world_size = options["rows"], options["world_size"]
    collator = options["collator"] if options["strict"] else replacing(options["collator"], rows)
    batches = loss_batches(len(dataset), options.get("batch_size", 64), options["rank"], world_size)
    if not batches:
        raise ValueError(f"{len(dataset)} validation rows are too few for {world_size} processes")

    def validate(model) -> dict[str, float]:
        device = next(model.parameters()).device
        total, refused = 0.0, {}
        with frozen(model):
            for indices in batches:
                batch = collator(rows.__getitems__([(0, index) for index in indices]))
                refused |= batch.pop(REFUSED, {})
                check_refused(refused, len(dataset))
                batch = {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}
                total += float(model(**batch).loss) * len(indices)
        loss = total / sum(map(len, batches))
        if not np.isfinite(loss):
            raise ValueError(f"the validation loss is {loss}")
        if refused:
            logger.warning_once("of %d validation rows are replaced: %s", len(dataset), describe_refused(refused))
        return {"loss": loss}

    return validate
