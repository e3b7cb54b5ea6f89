"""Shares of energy by band, against plain sums, and of encoders that hear one frequency."""

import numpy as np
import pytest
import torch
from torch import nn

from hf_ecg.evaluation.simplicity_bias.gradient_bands import band_names, gradient_shares, shares_by_band


def test_shares_are_those_of_the_plain_transform():
    values = torch.randn(2, 3, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = shares_by_band(values, [3.0, 10.0], 50)
    for row in range(2):
        sums = np.zeros(3)
        for lead in values[row].numpy():
            for k in range(40):  # all of them, those above half of the rate too
                size = abs(sum(x * np.exp(-2j * np.pi * k * t / 40) for t, x in enumerate(lead))) ** 2
                hertz = min(k, 40 - k) * 50 / 40
                sums[0 if hertz < 3 else 1 if hertz < 10 else 2] += size
        np.testing.assert_allclose(found[row].numpy(), sums / sums.sum(), rtol=1e-9)
    assert shares_by_band(torch.zeros(1, 8), [1.0], 8).isnan().all()


class Hears(nn.Module):
    """Its output is the input's product with a sine of that frequency."""

    main_input_name = "input_values"

    def __init__(self, hertz):
        super().__init__()
        self.wave = nn.Parameter(torch.sin(2 * torch.pi * torch.tensor(hertz)[:, None] * torch.arange(200) / 100))

    def forward(self, input_values):
        product = torch.einsum("bls,hs->bh", input_values, self.wave)
        return type("Output", (), {"pooler_output": torch.tanh(product / 50)})()


def test_the_gradient_lies_where_the_encoder_hears():
    values = torch.randn(3, 2, 200, generator=torch.Generator().manual_seed(0))
    # the second record has two crops
    batches = [
        {"input_values": values[:1], "record_index": torch.tensor([0]), "num_records": 1},
        {"input_values": values[1:], "record_index": torch.tensor([0, 0]), "num_records": 1},
    ]
    directions = np.array([[1.0, 0.0], [0.0, 1.0]])
    gradient, signal = gradient_shares(Hears([3.0, 20.0]), batches, directions, [1.0, 5.0, 15.0, 40.0], 100)
    np.testing.assert_allclose(gradient, [[0, 1, 0, 0, 0], [0, 0, 0, 1, 0]], atol=1e-6)
    np.testing.assert_allclose(signal.sum(axis=1), 1.0, atol=1e-6)


def test_bands_end_at_half_of_the_rate():
    assert band_names([1, 5, 15, 40], 50) == ["below 1 Hz", "1 to 5 Hz", "5 to 15 Hz", "15 to 25 Hz"]
    for edges in ([], [0.0, 5.0], [5.0, 5.0], [30.0]):
        with pytest.raises(ValueError, match="numbers that rise"):
            band_names(edges, 50)
