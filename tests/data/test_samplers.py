"""Order of records: shuffled by seed and epoch, shared among ranks, resumable."""

import pytest

from hf_ecg.data.samplers import RecordBatchSampler


def batches(epoch=0, start_batch=0, **options):
    sampler = RecordBatchSampler(**({"num_records": 23, "batch_size": 4, "seed": 7} | options))
    sampler.set_epoch(epoch, start_batch)
    made = list(sampler)
    assert len(sampler) == len(made)
    return made


def indices(made):
    return [index for batch in made for _, index in batch]


def test_an_epoch_holds_each_record_at_most_once_and_only_whole_batches():
    made = batches()
    assert [len(batch) for batch in made] == [4] * 5
    assert len(set(indices(made))) == 20 and set(indices(made)) <= set(range(23))
    assert all(epoch == 0 for batch in made for epoch, _ in batch)


def test_the_last_batch_is_kept_on_request():
    made = batches(drop_last=False)
    assert [len(batch) for batch in made] == [4] * 5 + [3]
    assert sorted(indices(made)) == list(range(23))


def test_order_is_a_function_of_seed_and_epoch():
    assert batches() == batches()
    assert indices(batches(epoch=1)) != indices(batches())
    assert indices(batches(seed=8)) != indices(batches())
    assert {epoch for batch in batches(epoch=3) for epoch, _ in batch} == {3}
    # the same on any machine and with any numpy: written down once
    assert indices(batches(num_records=8, seed=0)) == [3, 2, 1, 6, 0, 7, 4, 5]


def test_without_shuffling_records_come_in_their_order():
    assert indices(batches(shuffle=False, drop_last=False)) == list(range(23))


@pytest.mark.parametrize("epoch", [0, 4])
def test_two_ranks_share_the_batches_of_one(epoch):
    whole = batches(epoch, batch_size=8)
    first, second = (batches(epoch, batch_size=4, rank=rank, world_size=2) for rank in (0, 1))
    assert [one + two for one, two in zip(first, second, strict=True)] == whole


@pytest.mark.parametrize("options", [{}, {"rank": 1, "world_size": 2, "batch_size": 2}])
def test_resumes_in_the_middle_of_an_epoch(options):
    whole = batches(2, **options)
    for start in range(len(whole) + 1):
        assert batches(2, start, **options) == whole[start:]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"rank": 2, "world_size": 2}, "rank is 2"),
        ({"world_size": 2, "drop_last": False}, "different sizes"),
    ],
)
def test_impossible_numbers_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        batches(**options)


def test_a_start_beyond_the_epoch_is_refused():
    with pytest.raises(ValueError, match="start_batch is 6, but an epoch has 5"):
        batches(start_batch=6)
    with pytest.raises(ValueError, match="epoch is -1"):
        batches(epoch=-1)
