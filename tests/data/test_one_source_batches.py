"""Steps of one corpus: what they hold, how corpora are chosen, and what they take away from a contrastive loss."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from hf_ecg.data.samplers import REPEAT, RecordBatchSampler, temperature_weights
from hf_ecg.losses import info_nce_loss

SIZES = [45, 23, 9]
ONE = {"num_records": 77, "sizes": SIZES, "one_source": True, "seed": 3}
WEIGHTED = {"weights": [1.0, 2.0, 4.0], "records_per_epoch": 160}


def sampler_of(epoch=0, start=0, **options):
    sampler = RecordBatchSampler(**({"batch_size": 8} | ONE | options))
    sampler.set_epoch(epoch, start)
    return sampler


def steps_of(epoch=0, start=0, **options):
    """Keys of each step of one process."""
    sampler = sampler_of(epoch, start, **options)
    made = list(sampler)
    per_step = sampler.accumulation
    return [sum(made[at : at + per_step], []) for at in range(0, len(made), per_step)]


def sources(keys):
    return np.searchsorted(np.cumsum(SIZES), [index for _, index in keys], side="right")


@pytest.mark.parametrize("weights", [{}, WEIGHTED])
def test_every_step_of_all_processes_is_of_one_corpus(weights):
    whole = steps_of(**weights)
    assert all(len(set(sources(step))) == 1 and len(set(step)) == 8 for step in whole)
    assert {source for step in whole for source in sources(step)} == {0, 1, 2}
    ranks = [steps_of(batch_size=2, world_size=2, rank=rank, accumulation=2, **weights) for rank in (0, 1)]
    assert [one + other for one, other in zip(*ranks, strict=True)] == whole
    # without the option they are mixed, so that this test sees the difference
    mixed = steps_of(one_source=False, **weights)
    assert any(len(set(sources(step))) > 1 for step in mixed)


def test_an_epoch_has_each_record_once_but_for_the_last_short_step_of_each_corpus():
    seen = [index for step in steps_of() for _, index in step]
    sampler = sampler_of()
    assert len(set(seen)) == len(seen) == 8 * sampler.batches_per_epoch == 8 * (5 + 2 + 1)
    assert sampler.records_by_source() == [40, 16, 8] and sampler.left_out_by_source() == [5, 7, 1]
    assert sampler_of(**WEIGHTED).left_out_by_source() == [0, 0, 0]
    # others are left out the next time
    left_out = [set(range(77)) - {index for step in steps_of(epoch) for _, index in step} for epoch in (0, 1)]
    assert left_out[0] != left_out[1]


def test_the_order_of_corpora_is_a_function_of_seed_and_epoch():
    order = [int(sources(step)[0]) for step in steps_of()]
    assert steps_of() == steps_of() and order != sorted(order)
    assert [int(sources(step)[0]) for step in steps_of(1)] != order
    assert [int(sources(step)[0]) for step in steps_of(seed=4)] != order
    # the same on any machine and with any numpy: written down once
    small = {"num_records": 7, "sizes": [2, 5], "batch_size": 2, "seed": 0}
    assert [[index for _, index in step] for step in steps_of(**small)] == [[3, 2], [0, 1], [4, 5]]


@pytest.mark.parametrize("weights", [{}, WEIGHTED])
def test_an_epoch_resumes_in_the_middle(weights):
    options = {"batch_size": 2, "rank": 1, "world_size": 2, "accumulation": 2} | weights
    whole = steps_of(2, **options)
    for start in range(len(whole) + 1):
        assert steps_of(2, start, **options) == whole[start:]


def test_a_small_corpus_comes_again_with_other_views_and_never_twice_in_a_step():
    steps = steps_of(**WEIGHTED)
    keys = [key for step in steps for key in step]
    assert len(set(keys)) == len(keys) and max(epoch for epoch, _ in keys) >= REPEAT
    assert all(len({index for _, index in step}) == 8 for step in steps)


def test_a_temperature_moves_the_shares_between_size_and_even():
    assert temperature_weights(SIZES, 1) == SIZES
    np.testing.assert_allclose(temperature_weights(SIZES, float("inf")), 1)
    shares = {}
    for temperature in (1, 2, float("inf")):
        options = {"weights": temperature_weights(SIZES, temperature), "records_per_epoch": 16_000}
        counts = np.array(sampler_of(**options).records_by_source())
        wanted = np.array(SIZES) ** (1 / temperature)
        shares[temperature] = counts / counts.sum()
        # 2,000 steps: three standard deviations
        assert (abs(shares[temperature] - wanted / wanted.sum()) < 3 * 0.5 / 2000**0.5).all()
    assert shares[1][2] < shares[2][2] < shares[float("inf")][2]
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="temperature is"):
            temperature_weights(SIZES, wrong)
    with pytest.raises(ValueError, match="at least one record"):
        temperature_weights([3, 0], 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 10}, "corpus 2 has 9 records, a step takes 10"),
        ({"batch_size": 5, "world_size": 2}, "corpus 2 has 9 records, a step takes 10"),
        ({"batch_size": 10} | WEIGHTED, "corpus 2 has 9 records"),
        ({"shuffle": False}, "one_source, too"),
        ({"drop_last": False}, "drop_last=False"),
    ],
)
def test_impossible_numbers_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        sampler_of(**options)


class Toy(torch.nn.Module):
    """Two views of a record: itself in two noisy numbers, and a constant of its corpus, scaled by what is learnt."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(0.0))

    def loss(self, step, offset=None):
        random = torch.Generator().manual_seed(0)
        records, offset = torch.randn(77, 2, generator=random), torch.eye(3) if offset is None else offset
        constants = self.scale * offset[torch.from_numpy(sources(step))]
        views = []
        for view in (1, 2):
            noise = torch.randn(77, 2, generator=random.manual_seed(1000 * view + step[0][1]))
            own = (records + 0.1 * noise)[[index for _, index in step]]
            views.append(F.normalize(torch.cat([own, constants], dim=1), dim=-1))
        return info_nce_loss(*views, 0.2)


@pytest.mark.parametrize("one_source", [False, True])
def test_an_offset_of_each_corpus_helps_a_mixed_batch_and_no_batch_of_one_corpus(one_source):
    """CAPE's reason: what tells corpora apart is a shortcut to the negatives, unless all are of the same corpus."""
    steps = [step for epoch in range(4) for step in steps_of(epoch, one_source=one_source)]
    toy = Toy()

    @torch.no_grad()
    def mean_loss(scale, offset=None):
        toy.scale.fill_(scale)
        return float(torch.stack([toy.loss(step, offset) for step in steps]).mean())

    # the same constant for everybody says nothing of anybody
    without, of_corpus, of_all = mean_loss(0.0), mean_loss(1.0), mean_loss(1.0, torch.ones(3, 1))
    if one_source:
        assert of_corpus == pytest.approx(of_all, rel=1e-5) and of_corpus > without
    else:
        assert of_corpus < without - 0.2 and of_corpus < of_all - 0.2
    # and training finds it
    toy.scale.data.fill_(0.5)
    optimizer = torch.optim.SGD(toy.parameters(), lr=0.5)
    for step in steps:
        optimizer.zero_grad()
        toy.loss(step).backward()
        optimizer.step()
    assert abs(toy.scale.item()) < 0.45 if one_source else toy.scale.item() > 0.75
