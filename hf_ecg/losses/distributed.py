"""Rows of every process in one tensor, with the gradient that makes the mean over processes exact."""

import torch
import torch.distributed as dist
from torch.autograd.function import once_differentiable


def is_distributed() -> bool:
    """Whether a process group has been started."""
    return dist.is_available() and dist.is_initialized()


def world_size() -> int:
    """Number of processes; 1 without a process group."""
    return dist.get_world_size() if is_distributed() else 1


def rank() -> int:
    """Number of this process; 0 without a process group."""
    return dist.get_rank() if is_distributed() else 0


def gather_with_gradient(tensor: torch.Tensor) -> torch.Tensor:
    """All processes' rows, in the order of their ranks.

    The backward pass sums the gradients that all processes have for this process's rows. With a loss that is a mean
    over local rows, and gradients averaged over processes (as DistributedDataParallel does), the outcome is the
    gradient of the same loss on the whole batch. `accelerator.gather` carries no gradient and misses a part of it.

    Args:
        tensor: (rows, ...), as many rows on each process. Integer tensors travel without gradient.

    Returns:
        (world_size * rows, ...); the tensor itself when there is one process.

    Raises:
        ValueError: the processes hold different numbers of rows (drop the last, incomplete batch).
    """
    if world_size() == 1:
        return tensor
    _check_equal_rows(tensor)
    return _Gather.apply(tensor) if tensor.is_floating_point() else _all_gather(tensor)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx, tensor):
        ctx.num_rows = len(tensor)
        return _all_gather(tensor)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        # all_reduce works in place, and autograd may still need the gradient that it handed over
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        start = rank() * ctx.num_rows
        return total[start : start + ctx.num_rows]


def _all_gather(tensor: torch.Tensor) -> torch.Tensor:
    parts = [torch.empty_like(tensor, memory_format=torch.contiguous_format) for _ in range(world_size())]
    dist.all_gather(parts, tensor.contiguous())
    return torch.cat(parts)


def _check_equal_rows(tensor: torch.Tensor) -> None:
    counts = _all_gather(torch.tensor([len(tensor)], device=tensor.device)).tolist()
    if len(set(counts)) > 1:
        raise ValueError(
            f"the processes hold {counts} rows; every process needs as many (drop the last, incomplete batch)"
        )
