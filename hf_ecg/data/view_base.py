"""What all random views share: waveforms with their masks, generators a record, strengths drawn from a range."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import torch

Generators = torch.Generator | Sequence[torch.Generator]
Strength = float | Sequence[float]


class Waveforms(NamedTuple):
    """`input_values` (batch, leads, samples), `lead_mask` bool (batch, leads), `sample_mask` bool (batch, samples)."""

    input_values: torch.Tensor
    lead_mask: torch.Tensor
    sample_mask: torch.Tensor

    @classmethod
    def of(cls, input_values, lead_mask=None, sample_mask=None) -> "Waveforms":
        """With masks that say present and recorded where none is given."""
        shape, device = input_values.shape, input_values.device
        if lead_mask is None:
            lead_mask = torch.ones(shape[:2], dtype=torch.bool, device=device)
        if sample_mask is None:
            sample_mask = torch.ones(shape[::2], dtype=torch.bool, device=device)
        return cls(input_values, lead_mask, sample_mask)


def record_generator(seed: int, epoch: int, record_index: int, view: str | int) -> torch.Generator:
    """CPU generator for one view of one record in one epoch: the same on any machine, in any process and batch.

    Args:
        seed: the run's.
        epoch: counted from 0.
        record_index: position of the record in the training rows.
        view: name that tells several random choices about one record apart.
    """
    key = hashlib.blake2b(f"{seed}/{epoch}/{record_index}/{view}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(key, "little") >> 1)


def draw(filler: str, generator: Generators, shape: tuple[int, ...], device, dtype) -> torch.Tensor:
    """`shape` filled by `uniform_` or `normal_`, record by record when each record has its own generator."""
    if isinstance(generator, torch.Generator):
        drawn = torch.empty(shape, dtype=dtype, device=generator.device)
        return getattr(drawn, filler)(generator=generator).to(device)
    if len(generator) != shape[0]:
        raise ValueError(f"{len(generator)} generators were given for {shape[0]} records")
    drawn = torch.empty(shape, dtype=dtype, device=generator[0].device if shape[0] else "cpu")
    for row, own in zip(drawn.unbind(), generator, strict=True):
        getattr(row, filler)(generator=own)
    return drawn.to(device)


def uniform(generator: Generators, shape: tuple[int, ...], device, dtype) -> torch.Tensor:
    return draw("uniform_", generator, shape, device, dtype)


def strength(generator: Generators, value: Strength, shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
    """A number as it is, or one drawn evenly from its range: `shape`, of the kind of `like`."""
    low, high = value if isinstance(value, (list, tuple)) else (value, value)
    return low + (high - low) * uniform(generator, shape, like.device, like.dtype)


def standard_deviation(values: torch.Tensor, sample_mask: torch.Tensor) -> torch.Tensor:
    """Of each lead over its recorded samples: (batch, leads, 1)."""
    recorded = sample_mask[:, None].to(values.dtype)
    count = recorded.sum(-1, keepdim=True).clamp(min=1)
    centred = (values - (values * recorded).sum(-1, keepdim=True) / count) * recorded
    return (centred.square().sum(-1, keepdim=True) / count).sqrt()


def add_disturbance(waveforms: Waveforms, disturbance: torch.Tensor) -> Waveforms:
    """The sum, where something was recorded."""
    if not waveforms.lead_mask.all():
        disturbance = disturbance.masked_fill(~waveforms.lead_mask[..., None], 0.0)
    if not waveforms.sample_mask.all():
        disturbance = disturbance.masked_fill(~waveforms.sample_mask[:, None], 0.0)
    return waveforms._replace(input_values=waveforms.input_values + disturbance)
