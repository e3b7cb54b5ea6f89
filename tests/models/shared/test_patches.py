"""Patches, and which of them hold a record."""

import pytest
import torch

from hf_ecg.models.shared.padding import mean_over_time
from hf_ecg.models.shared.patches import counted_patches, to_patches


def test_patches_are_stretches_of_each_lead():
    signals = torch.arange(2 * 3 * 12).reshape(2, 3, 12)
    patches = to_patches(signals, 4)
    assert patches.shape == (2, 3, 3, 4) and torch.equal(patches[1, 2, 1], signals[1, 2, 4:8])
    for samples in (0, 10):
        with pytest.raises(ValueError, match=f"{samples} samples, wanted a multiple of the patch size, 4"):
            to_patches(signals[..., :samples], 4)


def test_a_patch_counts_when_its_lead_is_there_and_its_middle_was_recorded():
    leads = torch.tensor([[True, False], [True, True]])
    samples = torch.ones(2, 12, dtype=torch.bool)
    samples[0, 6:] = False  # the middle of the second patch is sample 6
    samples[1, 11:] = False
    counted = counted_patches((2, 2, 3), leads, samples, 4)
    assert counted.tolist() == [[[True, False, False], [False] * 3], [[True] * 3] * 2]
    assert counted_patches((2, 2, 3), None, None, 4) is None
    assert torch.equal(counted_patches((2, 2, 3), leads, None, 4), leads[:, :, None].expand(2, 2, 3))


def test_the_mean_leaves_out_what_does_not_count():
    states = torch.randn(3, 4, 5)
    counted = torch.tensor([[True, False, True, False], [True] * 4, [False] * 4])
    found = mean_over_time(states, counted)
    torch.testing.assert_close(found[0], states[0, [0, 2]].mean(0))
    assert torch.equal(found[1], states.mean(dim=1)[1]) and not found[2].any()
    assert torch.equal(mean_over_time(states, None), states.mean(dim=1))
