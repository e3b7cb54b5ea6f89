"""Order of records: shuffled by seed and epoch, shared among ranks, resumable."""

import pytest

from hf_ecg.data.samplers import REPEAT, RecordBatchSampler


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


def steps_of(rank, world_size, accumulation, **options):
    """Records of each step of one process, and of each of its batches."""
    made = batches(rank=rank, world_size=world_size, accumulation=accumulation, **options)
    return [made[start : start + accumulation] for start in range(0, len(made), accumulation)]


@pytest.mark.parametrize("mixed", [{}, {"sizes": [40, 60], "weights": [3, 1]}])
def test_ranks_and_accumulated_batches_share_the_batch_of_one(mixed):
    options = {"num_records": 100, "epoch": 3} | mixed
    whole = batches(batch_size=16, **options)
    ranks = [steps_of(rank, 2, 4, batch_size=2, **options) for rank in (0, 1)]
    assert len(whole) == len(ranks[0]) == 6
    for step, wanted in enumerate(whole):
        assert [len(batch) for rank in ranks for batch in rank[step]] == [2] * 8
        assert sum((batch for rank in ranks for batch in rank[step]), []) == wanted


def test_accumulation_counts_steps():
    sampler = RecordBatchSampler(100, 4, accumulation=3)
    assert (sampler.batches_per_epoch, len(sampler), sampler.records_per_step) == (8, 24, 12)
    whole = list(sampler)
    sampler.set_epoch(0, 5)
    assert len(sampler) == 9 and list(sampler) == whole[15:]
    with pytest.raises(ValueError, match="accumulation is 0"):
        RecordBatchSampler(100, 4, accumulation=0)


SIZES = [500, 3000, 100]
MIXED = {"num_records": 3600, "sizes": SIZES, "batch_size": 10}


def source_of(index):
    return 0 if index < 500 else 1 if index < 3500 else 2


def test_without_weights_several_corpora_are_shuffled_as_one():
    assert batches(**MIXED) == batches(num_records=3600, batch_size=10)
    assert RecordBatchSampler(**MIXED).records_by_source() == SIZES
    assert batches(weights=[None] * 3, **MIXED) == batches(**MIXED)


@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_weights_hold_within_sampling_error(epoch):
    sampler = RecordBatchSampler(weights=[5, 3, 2], seed=11, **MIXED)
    sampler.set_epoch(epoch)
    counts = sampler.records_by_source()
    drawn = [source_of(index) for index in indices(list(sampler))]
    assert counts == [drawn.count(source) for source in range(3)] and sum(counts) == 3600
    expected = [1800, 1080, 720]
    # chi-square with two degrees of freedom: 13.8 is its 99.9 % point
    assert sum((count - mean) ** 2 / mean for count, mean in zip(counts, expected, strict=True)) < 13.8
    # evenly over the epoch as well
    assert abs(drawn[:1200].count(0) - 600) < 4 * (1200 * 0.25) ** 0.5


def test_a_corpus_has_each_record_once_before_one_comes_again():
    order = indices(batches(weights=[5, 3, 2], **MIXED))
    for source, size in enumerate(SIZES):
        own = [index for index in order if source_of(index) == source]
        rounds = [own[start : start + size] for start in range(0, len(own), size)]
        assert len(rounds) == -(-len(own) // size) and all(len(set(one)) == len(one) for one in rounds)
        whole = [one for one in rounds if len(one) == size]
        assert all(sorted(one) == sorted(whole[0]) for one in whole)
        assert len(whole) < 2 or whole[0] != whole[1]
        assert source != 1 or len(rounds) == 1


def test_a_record_that_comes_again_in_an_epoch_comes_with_other_views():
    keys = [key for batch in batches(3, weights=[1, 1, 8], **MIXED) for key in batch]
    assert len(set(keys)) == len(keys) > len({index for _, index in keys})
    turns = {(epoch - 3) // REPEAT for epoch, index in keys if index >= 3500}
    assert turns == set(range(len(turns))) and {epoch % REPEAT for epoch, _ in keys} == {3}


def test_a_mixed_order_is_a_function_of_seed_and_epoch():
    options = MIXED | {"weights": [1, 1, 1]}
    assert batches(4, **options) == batches(4, **options)
    assert indices(batches(5, **options)) != indices(batches(4, **options))
    assert indices(batches(4, **options | {"seed": 8})) != indices(batches(4, **options))
    # the same on any machine and with any numpy: written down once
    small = {"num_records": 6, "sizes": [2, 4], "weights": [1, 1], "batch_size": 4, "records_per_epoch": 12}
    assert indices(batches(seed=0, **small)) == [0, 1, 3, 1, 0, 1, 0, 0, 2, 1, 4, 5]
    # only the proportion of weights counts
    assert batches(weights=[2, 6, 4], **MIXED) == batches(weights=[0.5, 1.5, 1.0], **MIXED)


def test_a_mixed_epoch_resumes_in_the_middle_and_has_a_length_of_its_own():
    options = MIXED | {"weights": [1, 2, 3], "records_per_epoch": 700, "rank": 1, "world_size": 2, "accumulation": 2}
    whole = batches(2, **options)
    assert len(whole) == 17 * 2
    for start in (0, 1, 9, 17):
        assert batches(2, start, **options) == whole[2 * start :]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": [10, 12]}, "wanted 23 records in all"),
        ({"sizes": [10, 13], "weights": [1]}, "1 weights for 2 corpora"),
        ({"sizes": [10, 13], "weights": [1, None]}, "every corpus one, or none"),
        ({"sizes": [10, 13], "weights": [1, 0]}, "positive numbers"),
        ({"sizes": [10, 13], "weights": [1, float("nan")]}, "positive numbers"),
        ({"sizes": [0, 23], "weights": [1, 1]}, "corpus 0 has a weight and no records"),
        ({"sizes": [10, 13], "weights": [1, 1], "shuffle": False}, "weights draw them"),
        ({"records_per_epoch": 5}, "without weights"),
        ({"sizes": [10, 13], "weights": [1, 1], "records_per_epoch": -1}, "records_per_epoch is -1"),
        ({"accumulation": 2, "drop_last": False}, "different sizes"),
    ],
)
def test_impossible_mixtures_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        batches(**options)
