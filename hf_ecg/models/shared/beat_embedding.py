"""Heartbeats as tokens: what beat models (CLEAR, HeartLang) make of the waveform around each beat."""

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init


class BeatEmbedding(nn.Module):
    """A linear map of each beat, of its neighbours too where the kernel is wider than one, and what is known of it.

    HeartLang (ICLR 2025) and CLEAR (arXiv 2512.24002) released a convolution over the sequence of beats, three wide
    and circular: a beat then depends on both neighbours, be they padding, of another lead, or taken away by a masked
    pretraining, which so shows what is to be foretold. Here neighbours are beats of the same lead that the model may
    see, unless `circular`.

    Args:
        beat_samples: samples a beat.
        hidden_size: of a token.
        kernel_size: beats that a token is made of, an odd number.
        num_leads: rows of the table of leads; row 0 is for none.
        num_times: rows of the table of times; row 0 is for none.
        circular: neighbours are those of the sequence, whatever they are, and its ends meet.
        initializer_range: standard deviation of what the tables begin with.
    """

    def __init__(
        self,
        beat_samples: int,
        hidden_size: int,
        kernel_size: int,
        num_leads: int,
        num_times: int,
        *,
        circular: bool = False,
        initializer_range: float = 0.02,
    ):
        super().__init__()
        self.kernel_size, self.circular, self.initializer_range = kernel_size, circular, initializer_range
        self.projection = nn.Linear(kernel_size * beat_samples, hidden_size, bias=False)
        self.leads = nn.Parameter(torch.empty(num_leads, hidden_size))
        self.times = nn.Parameter(torch.empty(num_times, hidden_size))

    def forward(self, windows: torch.Tensor, leads: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """
        Args:
            windows: (batch, tokens, kernel_size * beat_samples), as `windows` makes them, all or some.
            leads: int64 (batch, tokens), rows of the table of leads.
            times: int64 (batch, tokens), rows of the table of times.

        Returns:
            (batch, tokens, hidden_size).
        """
        tokens = self.projection(windows.to(self.projection.weight.dtype))
        return tokens + F.embedding(leads, self.leads) + F.embedding(times, self.times)

    def windows(self, beats: torch.Tensor, leads: torch.Tensor, seen: torch.Tensor | None = None) -> torch.Tensor:
        """Each beat between its neighbours; of a kernel of one the beats themselves.

        Args:
            beats: (batch, tokens, beat_samples), the whole sequence.
            leads: int64 (batch, tokens), equal where two beats are of one lead.
            seen: bool (batch, tokens), beats that may be a neighbour; None = all. `circular` does not ask.

        Returns:
            (batch, tokens, kernel_size * beat_samples), zeros where there is no neighbour.
        """
        half = self.kernel_size // 2
        if not half:
            return beats
        number, parts = beats.shape[1], []
        places = torch.arange(number, device=beats.device)
        for step in range(-half, half + 1):
            neighbours = beats.roll(-step, dims=1)
            if step and not self.circular:
                there = (places + step >= 0) & (places + step < number) & (leads.roll(-step, dims=1) == leads)
                there = there if seen is None else there & seen.roll(-step, dims=1)
                neighbours = neighbours.masked_fill(~there.unsqueeze(-1), 0.0)
            parts.append(neighbours)
        return torch.cat(parts, dim=-1)

    @torch.no_grad()
    def init_weights(self) -> None:
        """The tables; the projection is a layer of its own."""
        for table in (self.leads, self.times):
            init.normal_(table, std=self.initializer_range)


def convolution_as_linear(weight: torch.Tensor) -> torch.Tensor:
    """The weight (hidden_size, beat_samples, kernel_size) of a convolution over tokens as that of `projection`."""
    return weight.transpose(1, 2).flatten(1)


def linear_as_convolution(weight: torch.Tensor, kernel_size: int) -> torch.Tensor:
    """What `convolution_as_linear` was given; of gradients too."""
    return weight.unflatten(1, (kernel_size, -1)).transpose(1, 2)


def standardised_beats(beats: torch.Tensor) -> torch.Tensor:
    """Each beat (..., beat_samples) less its mean, by its standard deviation (of the sample, 1e-6 under the root)."""
    values = beats.float()
    variance = values.var(dim=-1, keepdim=True, unbiased=True)
    return ((values - values.mean(dim=-1, keepdim=True)) / (variance + 1e-6).sqrt()).to(beats.dtype)
