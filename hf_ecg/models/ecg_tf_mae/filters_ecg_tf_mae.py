"""Learned filters over a record's tokens, in time and in frequency."""

import torch
from torch import nn
from transformers.modeling_layers import GradientCheckpointingLayer

from ..shared.padding import mean_over_time, zero_padding
from .configuration_ecg_tf_mae import ECGTFMAEConfig


class TemporalFrequencyFilter(GradientCheckpointingLayer):
    r"""$y=\mathrm{LN}\bigl(x+g\,F^{-1}(W\cdot Fx)+(1-g)\,k*x\bigr)$ over the axis of time.

    In frequency every channel's spectrum is multiplied by learned complex numbers W, a filter as long as the longest
    record; in time a convolution of each channel alone has a short one. $g=\sigma(\mathrm{Linear}(\bar x))$ says for
    each channel of a record which of the two counts.

    Tokens that are removed or padded are zero, and stand in their places: the spectrum is always that of the longest
    record, so that a record gives the same however it is padded. The filter in frequency is circular, as GFNet's is:
    the end of the longest record meets its beginning.

    **Inferred**: the abstract of arXiv 2506.22495 names such filters and says no more; this is our own design.

    Source:
        GFNet, arXiv 2107.00645, equation 4 (the filter in frequency).
    """

    def __init__(self, config: ECGTFMAEConfig, size: int):
        super().__init__()
        kernel = config.filter_kernel_size
        self.num_places = config.num_patches
        # real and imaginary parts: complex parameters are neither halved nor saved everywhere
        self.spectrum = nn.Parameter(torch.empty(2, self.num_places // 2 + 1, size))
        self.temporal = nn.Conv1d(size, size, kernel, padding=kernel // 2, groups=size)
        self.mix = nn.Linear(size, size)
        self.frequency_gate = nn.Linear(size, size) if config.frequency_gate else None
        self.norm = nn.LayerNorm(size, eps=config.layer_norm_eps)

    def forward(
        self, hidden_states: torch.Tensor, counted: torch.Tensor | None = None, places: torch.Tensor | None = None
    ) -> torch.Tensor:
        """
        Args:
            hidden_states: (batch, tokens, hidden_size).
            counted: bool (batch, tokens), false where a token is nothing of the record's; None = all count.
            places: int64 (batch, tokens), where in the record each token stands; None = one after the other.

        Returns:
            (batch, tokens, hidden_size).
        """
        tokens = hidden_states.shape[1]
        grid = self._placed(zero_padding(hidden_states, counted), places)
        gate = torch.sigmoid(self.mix(mean_over_time(hidden_states, counted))).unsqueeze(1)
        filtered = gate * self._in_frequency(grid).to(gate.dtype) + (1 - gate) * self._in_time(grid)
        if places is None:
            filtered = filtered[:, :tokens]
        else:
            filtered = filtered.gather(1, places.unsqueeze(-1).expand(-1, -1, filtered.shape[-1]))
        return self.norm(hidden_states + filtered)

    def _placed(self, values: torch.Tensor, places: torch.Tensor | None) -> torch.Tensor:
        """(batch, num_places, hidden_size), zero where there is no token."""
        if places is None:
            return nn.functional.pad(values, (0, 0, 0, self.num_places - values.shape[1]))
        grid = values.new_zeros(values.shape[0], self.num_places, values.shape[2])
        # added, not written: what does not count is zero, and must not overwrite the token whose place it was given
        return grid.scatter_add(1, places.unsqueeze(-1).expand_as(values), values)

    def _in_time(self, grid: torch.Tensor) -> torch.Tensor:
        return self.temporal(grid.transpose(1, 2)).transpose(1, 2)

    def _in_frequency(self, grid: torch.Tensor) -> torch.Tensor:
        # there is no transform of half precision on a CPU
        wide = torch.promote_types(grid.dtype, torch.float32)
        spectrum = torch.fft.rfft(grid.to(wide), dim=1, norm="ortho")
        weights = torch.complex(self.spectrum[0].to(wide), self.spectrum[1].to(wide))
        if self.frequency_gate is not None:
            power = (spectrum.real.square() + spectrum.imag.square()).to(grid.dtype)
            weights = weights * torch.sigmoid(self.frequency_gate((power + 1e-6).sqrt())).to(wide)
        return torch.fft.irfft(spectrum * weights, n=self.num_places, dim=1, norm="ortho")


def filters_of(config: ECGTFMAEConfig, prefix: str = "") -> nn.ModuleList:
    """The filters that a configuration describes by `num_filter_layers` and `hidden_size`, which begin with
    `prefix`."""
    number, size = (getattr(config, f"{prefix}{name}") for name in ("num_filter_layers", "hidden_size"))
    return nn.ModuleList(TemporalFrequencyFilter(config, size) for _ in range(number))
