"""Which records make which batch: a function of the seed, the epoch and the position in it."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

# A record that comes again within an epoch is served as if so many epochs later: random views are a function of the
# epoch and the record, and would come again with it.
REPEAT = 1 << 32


class RecordBatchSampler(Sampler[list[tuple[int, int]]]):
    """Batches of `(epoch, record index)`, for a `RowDataset` or `MixedRows`; resumable in the middle of an epoch.

    A step takes `batch_size * world_size * accumulation` consecutive records of the epoch's order, and each process
    its slice of them, which it gets as `accumulation` batches behind each other: two processes with two batches of 32
    see together what one process with a batch of 128 sees.

    Over several corpora the records are numbered through, corpus by corpus. Without weights all of them are shuffled
    together, and an epoch has each once. With weights every place of the epoch draws its corpus by weight; the records
    of a corpus come in an order of their own, each once before one comes again, in an `epoch` of its own (`REPEAT`).

    With `one_source` all records of a step, over all processes and accumulated batches, are of one corpus: the
    in-distribution batches of CAPE (arXiv 2509.10369; how they are drawn is *inferred*, no code was released). Each
    corpus is shuffled and cut into steps, its last incomplete one is left out (other records in every epoch), and the
    steps of all corpora are shuffled together. With weights every step draws its corpus by weight.

    Args:
        num_records: length of the data set.
        batch_size: records per process and batch.
        seed: at least 0; order is a function of `(seed, epoch)` only, on any machine.
        rank: this process, from 0.
        world_size: number of processes.
        drop_last: leave out the last, incomplete step; it cannot be shared out equally, so only a single process
            without accumulation may keep it.
        shuffle: false keeps the records' own order.
        accumulation: batches of a process in one step.
        sizes: number of records of each corpus; None: all are of one.
        weights: of the corpora, any positive numbers; None, or None for each: no weights.
        records_per_epoch: length of an epoch with weights; by default `num_records`.
        one_source: a step's records are all of one corpus.

    Raises:
        ValueError: an impossible number; with `one_source`, a corpus that does not fill a step.

    Example:
        >>> from hf_ecg.data.samplers import RecordBatchSampler
        >>> sampler = RecordBatchSampler(10, 2, sizes=[5, 5], one_source=True)
        >>> [len({index // 5 for _, index in batch}) for batch in sampler]
        [1, 1, 1, 1]
    """

    def __init__(
        self,
        num_records: int,
        batch_size: int,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        drop_last: bool = True,
        shuffle: bool = True,
        accumulation: int = 1,
        sizes: Sequence[int] | None = None,
        weights: Sequence[float | None] | None = None,
        records_per_epoch: int | None = None,
        one_source: bool = False,
    ):
        lowest = {"num_records": 0, "batch_size": 1, "seed": 0, "rank": 0, "world_size": 1, "accumulation": 1}
        given = {
            "num_records": num_records,
            "batch_size": batch_size,
            "seed": seed,
            "rank": rank,
            "world_size": world_size,
            "accumulation": accumulation,
        }
        for name, value in given.items():
            if value < lowest[name]:
                raise ValueError(f"{name} is {value}, wanted at least {lowest[name]}")
        if rank >= world_size:
            raise ValueError(f"rank is {rank}, wanted less than world_size {world_size}")
        if not drop_last and world_size * accumulation > 1:
            raise ValueError(
                f"drop_last=False leaves {world_size} processes and {accumulation} batches a step with batches of"
                " different sizes"
            )
        self.num_records = num_records
        self.batch_size = batch_size
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.drop_last = drop_last
        self.shuffle = shuffle
        self.accumulation = accumulation
        self.sizes = [num_records] if sizes is None else [int(size) for size in sizes]
        if sum(self.sizes) != num_records or min(self.sizes, default=0) < 0:
            raise ValueError(f"sizes are {self.sizes}, wanted {num_records} records in all")
        self.weights = _checked_weights(weights, self.sizes)
        if self.weights is None and records_per_epoch is not None:
            raise ValueError(f"records_per_epoch is {records_per_epoch}, but without weights an epoch has each record")
        if not shuffle and (self.weights is not None or one_source):
            raise ValueError("shuffle=False keeps the records' own order, weights draw them; one_source, too")
        self.one_source = one_source
        if one_source:
            self._check_sources_fill_a_step()
        self.records_per_epoch = num_records if records_per_epoch is None else records_per_epoch
        if self.records_per_epoch < 0:
            raise ValueError(f"records_per_epoch is {records_per_epoch}, wanted at least 0")
        self.set_epoch(0)

    def set_epoch(self, epoch: int, start_batch: int = 0) -> None:
        """What the next iterations go through: `epoch`, from its step `start_batch` on.

        Raises:
            ValueError: negative, or more steps than an epoch has.
        """
        if epoch < 0:
            raise ValueError(f"epoch is {epoch}, wanted at least 0")
        if not 0 <= start_batch <= self.batches_per_epoch:
            raise ValueError(f"start_batch is {start_batch}, but an epoch has {self.batches_per_epoch} batches")
        self.epoch = epoch
        self.start_batch = start_batch

    @property
    def records_per_step(self) -> int:
        """Records of one step over all processes and all batches of each."""
        return self.batch_size * self.world_size * self.accumulation

    @property
    def batches_per_epoch(self) -> int:
        """Steps of a whole epoch."""
        step = self.records_per_step
        if self.one_source and self.weights is None:
            return sum(size // step for size in self.sizes)
        return self.records_per_epoch // step if self.drop_last else -(-self.records_per_epoch // step)

    def __len__(self) -> int:
        """Batches that the next iteration gives; a whole epoch's unless `set_epoch` was told a later start."""
        return (self.batches_per_epoch - self.start_batch) * self.accumulation

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        order, epochs = self._order()
        for step in range(self.start_batch, self.batches_per_epoch):
            first = (step * self.world_size + self.rank) * self.accumulation
            for batch in range(first, first + self.accumulation):
                start = batch * self.batch_size
                places = slice(start, start + self.batch_size)
                yield list(zip(epochs[places].tolist(), order[places].tolist(), strict=True))

    def records_by_source(self) -> list[int]:
        """How many records of each corpus the steps of the whole epoch take, over all processes."""
        taken = self._order()[0][: self.batches_per_epoch * self.records_per_step]
        sources = np.searchsorted(np.cumsum(self.sizes), taken, side="right")
        return np.bincount(sources, minlength=len(self.sizes)).tolist()

    def left_out_by_source(self) -> list[int]:
        """How many records of each corpus are in no step of an epoch without weights; zeros with weights."""
        if self.weights is not None:
            return [0] * len(self.sizes)
        return [size - taken for size, taken in zip(self.sizes, self.records_by_source(), strict=True)]

    def _check_sources_fill_a_step(self) -> None:
        if not self.drop_last:
            raise ValueError("drop_last=False keeps an incomplete step, one_source leaves out that of every corpus")
        for source, size in enumerate(self.sizes):
            if size < self.records_per_step:
                raise ValueError(
                    f"corpus {source} has {size} records, a step takes {self.records_per_step} of one corpus: wanted"
                    " smaller steps, or no one_source"
                )

    def _order(self) -> tuple[np.ndarray, np.ndarray]:
        """Records of the epoch one after the other, and the epoch that each is served in."""
        if self.weights is not None:
            return self._weighted_order()
        if not self.shuffle:
            order = np.arange(self.num_records)
        elif self.one_source:
            rounds = [self._round(source, turn=0) for source in range(len(self.sizes))]
            steps = np.concatenate(rounds).reshape(-1, self.records_per_step)
            order = steps[_permutation(len(steps), self.seed, self.epoch, 1)].ravel()
        else:
            order = _permutation(self.num_records, self.seed, self.epoch)
        return order, np.full(len(order), self.epoch)

    def _round(self, source: int, turn: int) -> np.ndarray:
        """The records of a corpus, each once; with `one_source` as many as fill steps."""
        size = self.sizes[source]
        kept = size // self.records_per_step * self.records_per_step if self.one_source else size
        first = sum(self.sizes[:source])
        # SeedSequence takes a missing number for a zero, so that what follows the epoch begins at 1
        return first + _permutation(size, self.seed, self.epoch, source + 2, turn + 1)[:kept]

    def _weighted_order(self) -> tuple[np.ndarray, np.ndarray]:
        together = self.records_per_step if self.one_source else 1
        draws = self.records_per_epoch // together
        uniform = (_stream(draws, self.seed, self.epoch, 1) >> np.uint64(11)) * 2.0**-53
        bounds = np.cumsum(self.weights)
        drawn = np.minimum(np.searchsorted(bounds, uniform * bounds[-1], side="right"), len(bounds) - 1)
        drawn = np.repeat(drawn, together)
        order = np.empty(len(drawn), dtype=np.int64)
        epochs = np.full(len(drawn), self.epoch)
        for source in np.unique(drawn).tolist():
            places = np.flatnonzero(drawn == source)
            rounds = [self._round(source, turn=0)]
            length = len(rounds[0])
            rounds += [self._round(source, turn) for turn in range(1, -(-len(places) // length))]
            order[places] = np.concatenate(rounds)[: len(places)]
            epochs[places] += np.arange(len(places)) // length * REPEAT
        return order, epochs


def temperature_weights(sizes: Sequence[int], temperature: float) -> list[float]:
    r"""Weights of corpora, $n_i^{1/T}$: 1 draws by size, more favours small corpora, infinity draws evenly.

    Args:
        sizes: records of each corpus, at least one.
        temperature: T, above 0.

    Raises:
        ValueError: another temperature, or a corpus without records.

    Source:
        the choice of languages of multilingual models, arXiv 1907.05019, section 4.1.

    Example:
        >>> from hf_ecg.data.samplers import temperature_weights
        >>> temperature_weights([100, 10000], temperature=2)
        [10.0, 100.0]
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}, wanted above 0")
    if min(sizes, default=0) < 1:
        raise ValueError(f"sizes are {list(sizes)}, wanted at least one record in each corpus")
    return [float(size ** (1 / temperature)) for size in sizes]


def _stream(length: int, *entropy: int) -> np.ndarray:
    # numpy promises the raw stream of a bit generator for ever, but not what permutation() or choice() make of it
    return np.random.PCG64(np.random.SeedSequence(entropy)).random_raw(length)


def _permutation(length: int, *entropy: int) -> np.ndarray:
    return np.argsort(_stream(length, *entropy), kind="stable")


def _checked_weights(weights: Sequence[float | None] | None, sizes: list[int]) -> list[float] | None:
    if weights is None or all(weight is None for weight in weights):
        return None
    if len(weights) != len(sizes):
        raise ValueError(f"there are {len(weights)} weights for {len(sizes)} corpora")
    if any(weight is None for weight in weights):
        raise ValueError(f"weights are {list(weights)}: give every corpus one, or none of them")
    if not all(math.isfinite(weight) and weight > 0 for weight in weights):
        raise ValueError(f"weights are {list(weights)}, wanted positive numbers")
    if 0 in sizes:
        raise ValueError(f"corpus {sizes.index(0)} has a weight and no records")
    return [float(weight) for weight in weights]
