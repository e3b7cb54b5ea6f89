"""wav2vec 2.0's product quantiser: a code of each of several codebooks for each frame."""

from typing import NamedTuple

import torch
from torch import nn
from transformers import initialization as init

from ...losses.pair_targets import Gather
from .configuration_ecg_fm import ECGFMConfig


class Quantised(NamedTuple):
    """
    Attributes:
        values: (batch, frames, num_codebooks * code_dim), the chosen codes side by side.
        codes: int64 (batch, frames, num_codebooks), which.
        logits: float32 (batch, frames, num_codebooks, codebook_size), before any noise.
    """

    values: torch.Tensor
    codes: torch.Tensor
    logits: torch.Tensor


class GumbelQuantiser(nn.Module):
    """In training codes are drawn, by Gumbel noise at a temperature, with the gradient of the softmax behind it; else
    they are the most probable ones.

    Source:
        wav2vec 2.0, arXiv 2006.11477, section 2 and equation 1.
    """

    temperature: torch.Tensor

    def __init__(self, config: ECGFMConfig):
        super().__init__()
        self.config = config
        self.projection = nn.Linear(config.convolution_channels[-1], config.num_codes)
        self.codes = nn.Parameter(torch.empty(config.num_codes, config.code_dim))
        # saved with the weights, so that a training that goes on has it at its first step
        self.register_buffer("temperature", torch.tensor(float(config.gumbel_temperature_start)))

    @torch.no_grad()
    def init_weights(self) -> None:
        """As fairseq: logits of unit variance for each unit of the input, codes even in 0 to 1."""
        init.normal_(self.projection.weight, std=1.0)
        init.zeros_(self.projection.bias)
        init.uniform_(self.codes, 0.0, 1.0)
        init.constant_(self.temperature, float(self.config.gumbel_temperature_start))

    def forward(self, frames: torch.Tensor, noise: torch.Tensor | None = None) -> Quantised:
        """
        Args:
            frames: (batch, frames, channels).
            noise: (batch, frames, num_codes) in [0, 1), what Gumbel noise is made of; None chooses the most probable.
        """
        config = self.config
        shape = (config.num_codebooks, config.codebook_size)
        logits = self.projection(frames).float().unflatten(-1, shape)
        if noise is None:
            codes = logits.argmax(dim=-1)
            weights = one_hot(codes, config.codebook_size)
        else:
            smallest = torch.finfo(torch.float32).tiny
            gumbel = -(-noise.unflatten(-1, shape).clamp(min=smallest).log()).clamp(min=smallest).log()
            soft = ((logits + gumbel) / self.temperature.float()).softmax(dim=-1)
            codes = soft.argmax(dim=-1)
            weights = one_hot(codes, config.codebook_size) - soft.detach() + soft
        books = self.codes.view(*shape, config.code_dim)
        values = torch.einsum("btgv,gvd->btgd", weights.to(books.dtype), books).flatten(2)
        return Quantised(values, codes, logits)


def one_hot(codes: torch.Tensor, number: int) -> torch.Tensor:
    """float32 (..., number); that of torch cannot be exported for any number of frames."""
    return (codes[..., None] == torch.arange(number, device=codes.device)).float()


def perplexities(
    quantised: Quantised, masked: torch.Tensor, gather: Gather | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """How many codes are in use: of the mean probabilities, and of the most probable codes, summed over codebooks.

    Args:
        quantised: of all frames.
        masked: bool (batch, frames), those that count.
        gather: `gather_with_gradient`, so that the means are those of every process's frames.

    Returns:
        Two scalars, 1 for each codebook at the least, `num_codes` at the most.
    """
    counts = masked.float()[..., None, None]
    probable = (quantised.logits.softmax(dim=-1) * counts).sum(dim=(0, 1))
    used = (one_hot(quantised.logits.argmax(dim=-1), quantised.logits.shape[-1]) * counts).sum(dim=(0, 1))
    number = counts.sum()
    if gather is not None:
        probable, used, number = (gather(value[None]).sum(dim=0) for value in (probable, used, number))
    probable, used = (value / number.clamp(min=1) for value in (probable, used))
    first, second = (torch.exp(-(one * (one + 1e-7).log()).sum(dim=-1)).sum() for one in (probable, used))
    return first, second
