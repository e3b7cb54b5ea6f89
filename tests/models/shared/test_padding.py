"""Arithmetic that does not see padding."""

import pytest
import torch
from torch import nn

from hf_ecg.models.shared.padding import batch_norm, halve, lengths_of, mean_over_time, without_padding

MASK = torch.tensor([[True] * 7 + [False] * 2, [True] * 9, [True] * 2 + [False] * 7])


def norm_of(**options):
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4, **options)
    if norm.affine:
        nn.init.normal_(norm.weight), nn.init.normal_(norm.bias)
    return norm


@pytest.mark.parametrize("options", [{}, {"momentum": None}, {"affine": False}, {"eps": 0.1}], ids=str)
@pytest.mark.parametrize("compiled", [False, True])
def test_statistics_are_those_of_the_records_alone(options, compiled):
    values = torch.randn(3, 9, 4, requires_grad=True)
    ours, plain = norm_of(**options), nn.BatchNorm1d(4, **options)
    plain.load_state_dict(ours.state_dict())
    run = torch.compile(batch_norm, fullgraph=True, backend="eager") if compiled else batch_norm
    for _ in range(2):
        outputs = run(ours, values, MASK)
        wanted = plain(values[MASK])
    torch.testing.assert_close(outputs[MASK], wanted, atol=1e-5, rtol=1e-5)
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value)
    (gradient,) = torch.autograd.grad(outputs[MASK].pow(3).sum(), values)
    (theirs,) = torch.autograd.grad(wanted.pow(3).sum(), values)
    torch.testing.assert_close(gradient, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("training", [True, False])
def test_without_a_mask_it_is_the_batch_norm_of_torch(training):
    values, ours, plain = torch.randn(3, 9, 4), norm_of().train(training), nn.BatchNorm1d(4).train(training)
    plain.load_state_dict(ours.state_dict())
    torch.testing.assert_close(batch_norm(ours, values, None), plain(values.transpose(1, 2)).transpose(1, 2))
    torch.testing.assert_close(ours.running_var, plain.running_var)


def test_the_norm_itself_is_called_whatever_it_was_converted_to():
    seen = []

    class Converted(nn.Identity):
        def forward(self, values):
            seen.append(values.shape)
            return values

    batch_norm(Converted().train(), torch.randn(3, 9, 4), MASK)
    # the real positions of this process: SyncBatchNorm weighs each process by how many it has
    assert seen == [(int(MASK.sum()), 4, 1, 1)]


def test_masks_at_half_the_rate_and_lengths():
    assert halve(MASK).sum(1).tolist() == [4, 5, 1] and halve(MASK[:, :1]).shape == (3, 1)
    assert lengths_of(MASK).tolist() == [7, 9, 2] and lengths_of(~MASK)[1] == 0
    assert halve(None) is None


def test_records_begin_where_their_rows_begin():
    values = torch.arange(1.0, 7).expand(3, 2, 6)
    mask = torch.tensor([[False, False, True, True, True, False], [True] * 6, [False] * 6])
    moved, of_moved = without_padding(values, mask)
    assert moved[0, 0].tolist() == [3, 4, 5, 0, 0, 0] and of_moved[0].tolist() == [True] * 3 + [False] * 3
    assert torch.equal(moved[1], values[1]) and not moved[2].any() and not of_moved[2].any()
    assert without_padding(values, torch.ones_like(mask)) == (values, None)
    assert mean_over_time(moved.transpose(1, 2), of_moved)[0, 0] == 4
