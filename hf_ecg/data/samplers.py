"""Which records make which batch: a function of the seed, the epoch and the position in it."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class RecordBatchSampler(Sampler[list[tuple[int, int]]]):
    """Batches of `(epoch, record index)`, for a `RowDataset`; resumable in the middle of an epoch.

    A step takes `batch_size * world_size` consecutive records of the epoch's order, and each process its slice of
    them: two processes with batches of 32 see together what one process with batches of 64 sees.

    Args:
        num_records: length of the data set.
        batch_size: records per process and step.
        seed: at least 0; order is a function of `(seed, epoch)` only, on any machine.
        rank: this process, from 0.
        world_size: number of processes.
        drop_last: leave out the last, incomplete batch; it cannot be shared out equally, so only a single process may
            keep it.
        shuffle: false keeps the records' own order.

    Raises:
        ValueError: an impossible number.
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
    ):
        lowest = {"num_records": 0, "batch_size": 1, "seed": 0, "rank": 0, "world_size": 1}
        given = {
            "num_records": num_records,
            "batch_size": batch_size,
            "seed": seed,
            "rank": rank,
            "world_size": world_size,
        }
        for name, value in given.items():
            if value < lowest[name]:
                raise ValueError(f"{name} is {value}, wanted at least {lowest[name]}")
        if rank >= world_size:
            raise ValueError(f"rank is {rank}, wanted less than world_size {world_size}")
        if not drop_last and world_size > 1:
            raise ValueError(f"drop_last=False leaves {world_size} processes with batches of different sizes")
        self.num_records = num_records
        self.batch_size = batch_size
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.drop_last = drop_last
        self.shuffle = shuffle
        self.set_epoch(0)

    def set_epoch(self, epoch: int, start_batch: int = 0) -> None:
        """What the next iterations go through: `epoch`, from its batch `start_batch` on.

        Raises:
            ValueError: negative, or more batches than an epoch has.
        """
        if epoch < 0:
            raise ValueError(f"epoch is {epoch}, wanted at least 0")
        if not 0 <= start_batch <= self.batches_per_epoch:
            raise ValueError(f"start_batch is {start_batch}, but an epoch has {self.batches_per_epoch} batches")
        self.epoch = epoch
        self.start_batch = start_batch

    @property
    def batches_per_epoch(self) -> int:
        """Steps of a whole epoch."""
        step = self.batch_size * self.world_size
        return self.num_records // step if self.drop_last else -(-self.num_records // step)

    def __len__(self) -> int:
        """Batches that the next iteration gives; a whole epoch's unless `set_epoch` was told a later start."""
        return self.batches_per_epoch - self.start_batch

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch, order = self.epoch, self._order()
        for batch in range(self.start_batch, self.batches_per_epoch):
            start = (batch * self.world_size + self.rank) * self.batch_size
            yield [(epoch, index) for index in order[start : start + self.batch_size].tolist()]

    def _order(self) -> np.ndarray:
        if not self.shuffle:
            return np.arange(self.num_records)
        # numpy promises the raw stream of a bit generator for ever, but not what permutation() makes of it
        keys = np.random.PCG64(np.random.SeedSequence([self.seed, self.epoch])).random_raw(self.num_records)
        return np.argsort(keys, kind="stable")
