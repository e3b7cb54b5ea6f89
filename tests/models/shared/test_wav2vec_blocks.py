"""The blocks of wav2vec 2.0 against torch's own layers."""

import pytest
import torch
from torch import nn

from hf_ecg.models.shared.convolution import ECGConv1d
from hf_ecg.models.shared.convolutional_positions import ConvolutionalPositions
from hf_ecg.models.shared.frame_convolutions import FrameConvolutions, TimeNorm, whole_windows


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape)))


def test_the_norm_is_a_group_norm_of_one_channel_a_group():
    ours, theirs = TimeNorm(6), nn.GroupNorm(6, 6)
    for parameter, value in (("weight", random(6)), ("bias", random(6) - 1)):
        getattr(ours, parameter).data, getattr(theirs, parameter).data = value, value.clone()
    values = 3 * random(2, 50, 6) + 5
    torch.testing.assert_close(ours(values), theirs(values.transpose(1, 2)).transpose(1, 2), atol=1e-5, rtol=1e-5)
    mask = torch.arange(50) < torch.tensor([[50], [21]])
    alone = theirs(values[1:, :21].transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(ours(values, mask)[1:, :21], alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kernel_size", [4, 5])
def test_positions_are_a_weight_normalised_convolution(kernel_size):
    ours = ConvolutionalPositions(12, kernel_size, 3)
    ours.init_weights()
    theirs = nn.Conv1d(12, 12, kernel_size, padding=kernel_size // 2, groups=3)
    theirs = nn.utils.parametrizations.weight_norm(theirs, dim=2)
    weight = theirs.parametrizations.weight
    # at first the weight is the direction
    torch.testing.assert_close(ours.magnitude, ours.direction.norm(dim=(0, 1), keepdim=True))
    pairs = ((ours.magnitude, weight.original0), (ours.direction, weight.original1), (ours.bias, theirs.bias))
    for mine, given in pairs:
        mine.data = given.data.clone() + 0.1
        given.data = mine.data.clone()
    tokens = random(2, 9, 12)
    wanted = nn.functional.gelu(theirs(tokens.transpose(1, 2))[:, :, :9]).transpose(1, 2)
    torch.testing.assert_close(ours(tokens), wanted, atol=1e-6, rtol=1e-5)


def test_frames_are_convolutions_one_after_the_other():
    stack = FrameConvolutions(3, [4, 4, 5], [3, 2, 2], [2, 2, 2])
    values, norm = random(2, 3, 61), nn.GroupNorm(4, 4)
    wanted = values
    for layer in stack.layers:
        wanted = nn.functional.conv1d(wanted, layer.convolution.weight, stride=2)
        wanted = nn.functional.gelu(norm(wanted) if layer.norm is not None else wanted)
    frames, mask = stack(values, None)
    torch.testing.assert_close(frames, wanted.transpose(1, 2), atol=1e-5, rtol=1e-5)
    assert mask is None and stack.frame_samples == 9
    counted = stack.frame_mask(values, torch.arange(61) < torch.tensor([[61], [40]]))
    # 61 samples: 30, 15, 7; 40 samples: 19, 9, 4
    assert counted.sum(1).tolist() == [7, 4] and counted.shape == frames.shape[:2]
    short, mask = stack(values[..., :5], None)
    assert short.shape == (2, 1, 5) and mask.all()


def test_a_window_counts_when_it_is_whole_or_when_none_is():
    mask = torch.tensor([[1, 1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]], dtype=torch.bool)
    wanted = torch.tensor([[1, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.bool)
    assert torch.equal(whole_windows(mask, 2, 2), wanted)


def test_windows_that_do_not_overlap_are_the_same_convolution():
    ours, values = ECGConv1d(3, 4, 2, 2), random(2, 3, 11)
    wanted = nn.functional.conv1d(values, ours.weight, ours.bias, stride=2)
    torch.testing.assert_close(ours(values), wanted, atol=1e-6, rtol=1e-5)
