"""Positions by their formula, and random subsets that can be put back in order."""

import math

import pytest
import torch

from hf_ecg.models.shared.masking import random_subset, take, uniform_noise
from hf_ecg.models.shared.positions import sin_cos_positions


def test_positions_follow_the_formula():
    found = sin_cos_positions(7, 6)
    for position in range(7):
        angles = [position * 10000 ** (-i / 3) for i in range(3)]
        wanted = [*map(math.sin, angles), *map(math.cos, angles)]
        torch.testing.assert_close(found[position], torch.tensor(wanted), atol=1e-7, rtol=0)
    with pytest.raises(ValueError, match="hidden_size is 7, wanted an even number"):
        sin_cos_positions(3, 7)


def test_the_smallest_noise_is_kept_and_everything_can_be_put_back():
    noise = torch.tensor([[0.3, 0.1, 0.9, 0.2], [0.4, 0.8, 0.5, 0.6]])
    subset = random_subset(noise, 2)
    assert subset.kept.tolist() == [[1, 3], [0, 2]]
    assert subset.removed.tolist() == [[True, False, True, False], [False, True, False, True]]
    values = torch.arange(2 * 4 * 3).reshape(2, 4, 3)
    rest = torch.full((2, 2, 3), -1)
    restored = take(torch.cat([take(values, subset.kept), rest], dim=1), subset.restore)
    assert torch.equal(restored[~subset.removed], values[~subset.removed])
    assert (restored[subset.removed] == -1).all()


@pytest.mark.parametrize("number", [0, 5])
def test_a_subset_of_no_size_is_refused(number):
    with pytest.raises(ValueError, match=f"{number} of 4 patches or tokens"):
        random_subset(torch.rand(2, 4), number)


def test_noise_comes_from_torchs_generator():
    like = torch.zeros(1)
    first, again, other = (torch.manual_seed(seed) and uniform_noise((2, 5), like) for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert (first >= 0).all() and (first < 1).all()


def test_with_seeds_a_records_noise_is_its_own():
    like = torch.zeros(1)
    noise = uniform_noise((3, 2, 5), like, torch.tensor([7, 8, 7]))
    assert torch.equal(noise[0], noise[2]) and not torch.equal(noise[0], noise[1])
    assert torch.equal(uniform_noise((1, 2, 5), like, torch.tensor([8]))[0], noise[1])
    with pytest.raises(ValueError, match=r"record_seeds have shape \(2,\), wanted \(3,\)"):
        uniform_noise((3, 2, 5), like, torch.tensor([7, 8]))
