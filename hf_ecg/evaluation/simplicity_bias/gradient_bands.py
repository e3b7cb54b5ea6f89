"""Which frequencies of its input a score depends on: the energy of the input's gradient by band."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from ..judging.features import PreparedRows, average_crops

BANDS_HZ = (1.0, 5.0, 15.0, 40.0)


def band_names(edges: Sequence[float], sampling_rate: float) -> list[str]:
    """What lies between the edges, up to half of the rate; edges above it have no band.

    Example:
        >>> from hf_ecg.evaluation.simplicity_bias.gradient_bands import band_names
        >>> band_names([1, 5, 15, 40], 100)
        ['below 1 Hz', '1 to 5 Hz', '5 to 15 Hz', '15 to 40 Hz', '40 to 50 Hz']
    """
    limits = band_limits(edges, sampling_rate)
    return [f"below {limits[1]:g} Hz", *(f"{low:g} to {high:g} Hz" for low, high in pairwise(limits[1:]))]


def band_limits(edges: Sequence[float], sampling_rate: float) -> list[float]:
    """The edges from 0 to half of the rate.

    Raises:
        ValueError: edges that do not rise from above 0, or none below half of the rate.
    """
    half = sampling_rate / 2
    if not edges or edges[0] <= 0 or any(low >= high for low, high in pairwise(edges)) or edges[0] >= half:
        raise ValueError(
            f"bands are divided at {list(edges)} Hz, wanted numbers that rise, from above 0 and below half of the"
            f" model's rate, {half:g}"
        )
    return [0.0, *(edge for edge in edges if edge < half), half]


def shares_by_band(values: torch.Tensor, edges: Sequence[float], sampling_rate: float) -> torch.Tensor:
    """Share of the energy of each row in each band.

    Args:
        values: (rows, ..., samples).
        edges: hertz; a frequency on an edge belongs to the band above it.
        sampling_rate: hertz.

    Returns:
        float64 (rows, bands), which sum to 1; NaN of a row that is zero.
    """
    limits, samples = band_limits(edges, sampling_rate), values.shape[-1]
    power = torch.fft.rfft(values.double(), dim=-1).abs().square()
    # each frequency but the first and, of an even number of samples, the last stands for two
    twice = torch.full((power.shape[-1],), 2.0, dtype=power.dtype, device=power.device)
    twice[0] = 1.0
    if samples % 2 == 0:
        twice[-1] = 1.0
    power = (power * twice).flatten(1, -2).sum(dim=1) if values.ndim > 2 else power * twice
    hertz = torch.arange(power.shape[-1], device=power.device) * (sampling_rate / samples)
    inner = torch.tensor(limits[1:-1], dtype=hertz.dtype, device=hertz.device)
    band = torch.bucketize(hertz, inner, right=True)
    sums = power.new_zeros(len(power), len(limits) - 1).index_add_(1, band, power)
    total = sums.sum(dim=1, keepdim=True)
    return torch.where(total > 0, sums / total, torch.nan)


def gradient_shares(
    encoder, rows: PreparedRows, directions: np.ndarray, edges: Sequence[float], sampling_rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Of each record the shares of the energy of its input's gradient, and of its input, by band.

    The gradient is that of `direction @ pooler_output`, such as a probe's score of the record's own classes.

    Args:
        encoder: in evaluation mode; its main input is a waveform, or beats of one, with time as the last axis.
        rows: the records.
        directions: float (records, hidden_size).
        edges, sampling_rate: see `shares_by_band`.

    Returns:
        Two float64 (records, bands), NaN of a record whose gradient, or input, is zero; of several crops the mean.
    """
    device, main = next(encoder.parameters()).device, encoder.main_input_name
    parts: tuple[list, list] = ([], [])
    begun = 0
    for batch in rows:
        index = torch.as_tensor(batch["record_index"])
        inputs = {
            name: value.to(device)
            for name, value in batch.items()
            if isinstance(value, torch.Tensor) and name != "record_index"
        }
        wanted = torch.as_tensor(directions[begun : begun + batch["num_records"]], dtype=torch.float32)[index]
        values = inputs[main].detach().requires_grad_()
        with torch.enable_grad():
            pooled = encoder(**inputs | {main: values}).pooler_output
            (gradient,) = torch.autograd.grad((pooled * wanted.to(device)).sum(), values)
        centred = values.detach() - values.detach().mean(dim=-1, keepdim=True)
        for part, one in zip(parts, (gradient, centred), strict=True):
            shares = shares_by_band(one.cpu(), edges, sampling_rate).float()
            part.append(average_crops(shares, index, batch["num_records"]))
        begun += batch["num_records"]
    gradients, signals = (torch.cat(part).double().numpy() for part in parts)
    return gradients, signals
