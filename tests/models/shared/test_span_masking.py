"""Spans, negatives: how many, where, and of what they depend."""

import torch

from hf_ecg.models.shared.span_masking import as_many_in_each, draw_negatives, draw_spans


def drawn(rows=200, tokens=156, counted=None, **options):
    generator = torch.Generator().manual_seed(0)
    order, chance = torch.rand(rows, tokens, generator=generator), torch.rand(rows, 1, generator=generator)
    counted = torch.ones(rows, tokens, dtype=torch.bool) if counted is None else counted
    return draw_spans(order, chance, counted, **{"probability": 0.65, "length": 10} | options)


def test_spans_have_their_length_and_overlap():
    masked = drawn()
    # ten spans of ten, as wav2vec 2.0 says: about half of the tokens, where none overlapped 0.65
    assert 0.44 < masked.float().mean() < 0.52
    for row in masked:
        edges = torch.nn.functional.pad(row.int(), (1, 1)).diff().nonzero()[:, 0]
        assert ((edges[1::2] - edges[::2]) >= 10).all()
    assert masked[:, 0].any() and masked[:, -1].any()


def test_the_number_of_spans_is_rounded_by_chance_and_two_at_least():
    order, counted = torch.rand(2, 40), torch.ones(2, 40, dtype=torch.bool)
    masked = draw_spans(order, torch.tensor([[0.39], [0.41]]), counted, probability=0.4, length=10)
    # 1.6 spans: two at the least, and two when the chance is large
    starts = draw_spans(order, torch.tensor([[0.39], [0.41]]), counted, probability=0.09, length=1).sum(1)
    assert masked.any(1).all() and starts.tolist() == [3, 4]


def test_what_does_not_count_is_not_masked_and_changes_nothing():
    counted = torch.arange(156) < torch.tensor([[156], [60], [7], [1]])
    masked = drawn(4, counted=counted)
    assert not (masked & ~counted).any() and masked[2, :7].all() and masked[3, 0]
    generator = torch.Generator().manual_seed(0)
    order, chance = torch.rand(4, 156, generator=generator), torch.rand(4, 1, generator=generator)
    short = draw_spans(order[1:2, :60], chance[1:2], counted[1:2, :60], probability=0.65, length=10)
    assert torch.equal(short[0], masked[1, :60])


def test_equal_masks_keep_as_many_as_the_fewest():
    masked = drawn(8)
    equal = as_many_in_each(masked, torch.rand(masked.shape))
    assert set(equal.sum(1).tolist()) == {int(masked.sum(1).min())} and not (equal & ~masked).any()


def test_negatives_are_other_masked_tokens_of_the_row_drawn_evenly():
    masked = torch.zeros(3, 12, dtype=torch.bool)
    masked[0, [1, 4, 5, 11]], masked[1, 7] = True, True
    negatives = draw_negatives(torch.rand(3, 12, 3000, generator=torch.Generator().manual_seed(0)), masked)
    assert (negatives[1:] == -1).all()
    for token in (1, 4, 5, 11):
        counts = torch.bincount(negatives[0, token], minlength=12)
        others = [place for place in (1, 4, 5, 11) if place != token]
        assert counts[others].sum() == 3000 and counts[others].min() > 900
    highest = draw_negatives(torch.full((1, 12, 1), 0.99999997), masked[:1])
    assert highest[0, 1] == 11 and highest[0, 11] == 5
