"""Gradients of a loss that compares all records of a step, for the memory of one micro-batch (arXiv 2101.06983).

The embeddings of every micro-batch are computed without gradient, the loss and its gradient on all of them together,
and then each micro-batch once more with gradient, from the same random numbers.
"""

from collections.abc import Sequence

import torch
from accelerate import Accelerator
from torch import nn

from ..models.shared.cached_loss import LossOnEmbeddings


def check_cacheable(model: nn.Module) -> None:
    """Raises ValueError when the model has no loss on embeddings."""
    if not isinstance(model, LossOnEmbeddings):
        raise ValueError(
            f"run.gradient is cached, but {type(model).__name__} has no loss on embeddings: wanted a model with the"
            " methods `embed_batch` and `loss_on_embeddings`, or run.gradient=plain"
        )


def cached_backward(model: LossOnEmbeddings, batches: Sequence[dict], accelerator: Accelerator) -> torch.Tensor:
    """Gradients of the loss over all micro-batches together, left in the parameters of this process.

    Args:
        model: with a loss on embeddings.
        batches: micro-batches of the step.
        accelerator: of the run; gradients are not averaged over processes here.

    Returns:
        The loss, a scalar.
    """
    states, embeddings = [], []
    for batch in batches:
        states.append(_random_state(batch))
        with torch.no_grad(), accelerator.autocast():
            embeddings.append(model.embed_batch(batch))
    together = {
        name: torch.cat([item[name] for item in embeddings]).detach().requires_grad_() for name in embeddings[0]
    }
    loss = model.loss_on_embeddings(together, batches)
    accelerator.backward(loss)
    starts = dict.fromkeys(together, 0)
    for batch, state in zip(batches, states, strict=True):
        _restore(state)
        with accelerator.autocast():
            again = model.embed_batch(batch)
        surrogate = torch.zeros((), device=loss.device)
        for name, rows in again.items():
            whole = together[name].grad
            # a teacher's targets have none
            if whole is not None and rows.requires_grad:
                gradient = whole[starts[name] : starts[name] + len(rows)]
                surrogate = surrogate + (rows.float() * gradient.float()).sum()
            starts[name] += len(rows)
        surrogate.backward()
    return loss


def _random_state(batch: dict):
    devices = {value.device for value in batch.values() if isinstance(value, torch.Tensor) and value.is_cuda}
    return torch.get_rng_state(), {device: torch.cuda.get_rng_state(device) for device in devices}


def _restore(state) -> None:
    cpu, devices = state
    torch.set_rng_state(cpu)
    for device, own in devices.items():
        torch.cuda.set_rng_state(own, device)
