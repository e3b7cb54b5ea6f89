"""Means of sentences: by a loop, rows in step, gradients finite."""

import pytest
import torch

from hf_ecg.models.shared.sentence_means import sentence_means


def test_means_are_those_of_a_loop_and_rows_stay_in_step():
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(3, 6, 4, generator=generator, requires_grad=True)
    ids = torch.tensor([[-1, 0, 0, 2, 2, 2], [-1] * 6, [0, -1, 1, 1, -1, -1]])
    means, mask = sentence_means(states, ids)
    assert mask.tolist() == [[True, False, True], [False] * 3, [True, True, False]]
    for row, number in mask.nonzero().tolist():
        torch.testing.assert_close(means[row, number], states[row, ids[row] == number].mean(dim=0))
    assert not means[~mask].any()
    means.sum().backward()
    assert torch.isfinite(states.grad).all() and not states.grad[ids < 0].any() and states.grad[ids >= 0].all()


def test_texts_without_any_sentence_have_room_for_one():
    means, mask = sentence_means(torch.ones(2, 3, 4), torch.full((2, 3), -1))
    assert means.shape == (2, 1, 4) and not mask.any()


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="wanted .texts, tokens, hidden_size. and .texts, tokens."):
        sentence_means(torch.ones(2, 3, 4), torch.zeros(2, 4, dtype=torch.int64))
