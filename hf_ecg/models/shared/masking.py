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
        raise ValueError(
            f"{number} of {items} patches or tokens are to be kept, wanted 1 to {items}: another mask_ratio, or longer"
            " records"
        )
    order = noise.argsort(dim=-1)
    restore = order.argsort(dim=-1)
    return RandomSubset(order[..., :number], restore, restore >= number)


def random_share(noise: torch.Tensor, number: int, counted: torch.Tensor | None, share: float) -> RandomSubset:
    """The items with the smallest noise among those that count: of fewer items as many as without the others.

    Args:
        noise: (..., items).
        number: how many are kept where all items count.
        counted: bool (..., items); None = all count.
        share: of the items that count, so many are kept, but one at least.

    Raises:
        ValueError: a number that is none of 1 to items.
    """
    if counted is None:
        return random_subset(noise, number)
    subset = random_subset(noise.masked_fill(~counted, torch.inf), number)
    # in double precision, as Python computes `number`
    own = (counted.sum(dim=-1, keepdim=True).double() * share).long().clamp(min=1)
    kept = subset.kept.masked_fill(torch.arange(number, device=own.device) >= own, -1)
    return RandomSubset(kept, subset.restore, subset.restore >= own)


def take(values: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """Items of `values` (..., items, size) at `indices` (..., number): (..., number, size)."""
    return values.gather(-2, indices.unsqueeze(-1).expand(*indices.shape, values.shape[-1]))


def filled(kept: torch.Tensor, subset: RandomSubset, mask_token: torch.Tensor) -> torch.Tensor:
    """All items (..., items, size): the kept ones (..., kept, size), and `mask_token` (size,) for the others."""
    seen = take(kept, subset.restore.clamp(max=kept.shape[-2] - 1))
    return torch.where(subset.removed.unsqueeze(-1), mask_token.to(kept.dtype), seen)


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
