"""A vocabulary of vectors that follows what it is asked about: exponential moving averages, begun by k-means."""

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init

from ...losses.distributed import is_distributed, rank, world_size


class EMACodebook(nn.Module):
    """Unit vectors, the nearest of which is the word of a vector.

    Only a training moves them: a forward pass in training mode counts, and `step` moves. The first forward pass of a
    training begins with the clusters of its own vectors. In evaluation mode nothing changes, unlike in the released
    code. Words that nothing was near to keep their vector.

    Args:
        size: number of words.
        width: of a vector.
        decay: share of the old vector that a step leaves.
        kmeans_iterations: of the clustering.

    Source:
        VQ-VAE, arXiv 1711.00937, appendix A.1, of unit vectors as in BEiT v2, arXiv 2208.06366.
    """

    vectors: torch.Tensor
    usage: torch.Tensor
    begun: torch.Tensor
    counts: torch.Tensor
    sums: torch.Tensor

    def __init__(self, size: int, width: int, decay: float, kmeans_iterations: int):
        super().__init__()
        self.size, self.width, self.decay, self.kmeans_iterations = size, width, decay, kmeans_iterations
        self.register_buffer("vectors", first_vectors(size, width))
        # a moving average of how many vectors of a step had each word
        self.register_buffer("usage", torch.zeros(size))
        self.register_buffer("begun", torch.tensor(0))
        # of the forward passes since the last step
        self.register_buffer("counts", torch.zeros(size), persistent=False)
        self.register_buffer("sums", torch.zeros(size, width), persistent=False)

    @torch.no_grad()
    def init_weights(self) -> None:
        """Vectors of no training, the same every time."""
        init.copy_(self.vectors, first_vectors(self.size, self.width))
        for buffer in (self.usage, self.counts, self.sums, self.begun):
            init.zeros_(buffer)

    def distances(self, vectors: torch.Tensor) -> torch.Tensor:
        """(..., width) to float32 (..., size): squared distances, less the vectors' own squared length."""
        words = self.vectors.float()
        with torch.autocast(vectors.device.type, enabled=False):
            return words.square().sum(-1) - 2 * (vectors.float() @ words.T)

    def forward(self, vectors: torch.Tensor, counted: torch.Tensor | None = None) -> torch.Tensor:
        """
        Args:
            vectors: (batch, tokens, width), of unit length.
            counted: bool (batch, tokens), those that the vocabulary follows in training; None = all.

        Returns:
            int64 (batch, tokens), the words.
        """
        vectors = vectors.detach()
        if self.training and not torch.compiler.is_exporting():
            self._follow(vectors, counted)
        return self.distances(vectors).argmin(dim=-1)

    @torch.no_grad()
    def step(self) -> None:
        """Moves each word towards the mean of what was counted for it since the last step."""
        if is_distributed():
            for buffer in (self.counts, self.sums):
                torch.distributed.all_reduce(buffer)
        used = self.counts > 0
        if used.any():
            self.usage.lerp_(self.counts.to(self.usage.dtype), 1 - self.decay)
            means = F.normalize(self.sums / self.counts.clamp(min=1).unsqueeze(1), dim=1)
            targets = torch.where(used.unsqueeze(1), means, self.vectors.float())
            moved = F.normalize(self.vectors.float().lerp(targets, 1 - self.decay), dim=1)
            self.vectors.copy_(moved)
        self.forget()

    def forget(self) -> None:
        """What was counted since the last step."""
        self.counts.zero_()
        self.sums.zero_()

    # of as many rows as there are beats, which no graph knows beforehand
    @torch.compiler.disable
    @torch.no_grad()
    def _follow(self, vectors: torch.Tensor, counted: torch.Tensor | None) -> None:
        rows = (vectors.flatten(0, 1) if counted is None else vectors[counted]).float()
        self._begin(rows)
        self._count(rows)

    def _begin(self, rows: torch.Tensor) -> None:
        """With the rows of the first process that has any: all have to take part, or the others wait for ever."""
        if bool(self.begun):
            return
        first = _first_process_with(rows)
        if first is None:
            return
        vectors, counts = self.vectors.float(), self.usage.float()
        if first == rank():
            vectors, counts = clusters(rows, self.size, self.kmeans_iterations)
        if is_distributed():
            for tensor in (vectors, counts):
                torch.distributed.broadcast(tensor, first)
        self.vectors.copy_(vectors)
        self.usage.copy_(counts)
        self.begun.fill_(1)

    def _count(self, rows: torch.Tensor) -> None:
        words = self.distances(rows).argmin(dim=-1)
        self.counts += torch.bincount(words, minlength=self.size).to(self.counts.dtype)
        self.sums.index_add_(0, words, rows.to(self.sums.dtype))


def _first_process_with(rows: torch.Tensor) -> int | None:
    """The number of the first process that has rows; None when no process has."""
    if not is_distributed():
        return 0 if len(rows) else None
    number = torch.tensor(rank() if len(rows) else world_size(), device=rows.device)
    torch.distributed.all_reduce(number, torch.distributed.ReduceOp.MIN)
    return int(number) if int(number) < world_size() else None


def first_vectors(size: int, width: int) -> torch.Tensor:
    """Unit vectors in directions that depend on nothing."""
    drawn = torch.empty(size, width, device="cpu").normal_(generator=torch.Generator().manual_seed(0))
    return F.normalize(drawn, dim=1)


def clusters(rows: torch.Tensor, number: int, iterations: int) -> tuple[torch.Tensor, torch.Tensor]:
    """K-means by cosine: centres (number, width) of unit length, and how many rows each has.

    Args:
        rows: (rows, width), of unit length.
        number: of the clusters; of fewer rows some begin at the same one.
        iterations: steps from rows that are drawn with a fixed seed.
    """
    drawn = torch.Generator().manual_seed(0)
    if len(rows) >= number:
        chosen = torch.randperm(len(rows), generator=drawn)[:number]
    else:
        chosen = torch.randint(0, len(rows), (number,), generator=drawn)
    centres, counts = rows[chosen.to(rows.device)].clone(), rows.new_zeros(number)
    for _ in range(iterations):
        nearest = (rows @ centres.T).argmax(dim=1)
        counts = torch.bincount(nearest, minlength=number).to(rows.dtype)
        sums = torch.zeros_like(centres).index_add_(0, nearest, rows)
        centres = torch.where(counts.unsqueeze(1) > 0, F.normalize(sums, dim=1), centres)
    return centres, counts
