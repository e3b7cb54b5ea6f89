"""Which parts of an input a masked model sees: a random subset of a fixed size."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class RandomSubset:
    """Some of the items along the last axis.

    Args:
        kept: int64 (..., number kept): their indices, in the order of their noise; -1 where a row keeps fewer.
        restore: int64 (..., items): where each item stands when the kept ones come first, then the others.
        removed: bool (..., items): true where an item is not kept.
    """

    kept: torch.Tensor
    restore: torch.Tensor
    removed: torch.Tensor


def random_subset(noise: torch.Tensor, number: int) -> RandomSubset:
    """The items with the smallest noise.

    Args:
        noise: (..., items), one random number an item; only their order matters.
        number: how many items are kept.

    Raises:
        ValueError: a number that is none of 1 to items.
    """
    items = noise.shape[-1]
    if not 1 <= number <= items:
        raise ValueError(f"{number} of {items} items are to be kept, wanted 1 to {items}")
    order = noise.argsort(dim=-1)
    restore = order.argsort(dim=-1)
    return RandomSubset(order[..., :number], restore, restore >= number)


def take(values: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """Items of `values` (..., items, size) at `indices` (..., number): (..., number, size)."""
    return values.gather(-2, indices.unsqueeze(-1).expand(*indices.shape, values.shape[-1]))


def uniform_noise(
    shape: tuple[int, ...], like: torch.Tensor, record_seeds: torch.Tensor | None = None
) -> torch.Tensor:
    """Numbers of 0 to 1, drawn on the CPU, so that one seed removes the same items whatever the device.

    Args:
        shape: of the result, records first.
        like: a tensor on the device where the result goes.
        record_seeds: int64 (records,): each record's numbers depend on its seed alone, not on its neighbours. None:
            torch's own generator, which the training seeds at each step.

    Raises:
        ValueError: another number of seeds than records.
    """
    if record_seeds is None:
        return torch.rand(shape).to(like.device)
    if record_seeds.shape != shape[:1]:
        raise ValueError(f"record_seeds have shape {tuple(record_seeds.shape)}, wanted {shape[:1]}")
    drawn = [torch.rand(shape[1:], generator=torch.Generator().manual_seed(seed)) for seed in record_seeds.tolist()]
    return torch.stack(drawn).to(like.device)
