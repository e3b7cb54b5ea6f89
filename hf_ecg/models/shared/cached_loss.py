"""What a model must offer for gradients of a loss over more records than fit into memory at once."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch


class LossOnEmbeddings(ABC):
    """A model whose loss is a function of the embeddings of all records of a step (GradCache, arXiv 2101.06983).

    The engine computes embeddings of one micro-batch at a time, puts them together in order, and asks for the loss.
    """

    # FSDP2 changes the class of a model in place, which takes a mixin without attributes of its own
    __slots__ = ()

    @abstractmethod
    def embed_batch(self, batch: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Embeddings of one micro-batch.

        Args:
            batch: what `forward` takes.

        Returns:
            name -> (rows, size), of as many rows in each micro-batch of a step.
        """

    @abstractmethod
    def loss_on_embeddings(
        self, embeddings: Mapping[str, torch.Tensor], batches: Sequence[Mapping[str, torch.Tensor]]
    ) -> torch.Tensor:
        """The loss of a whole step; over several processes it takes the records of all of them into account.

        Args:
            embeddings: as `embed_batch` gives them, the rows of all micro-batches in order.
            batches: the micro-batches, for what a loss needs besides embeddings.

        Raises:
            ValueError: micro-batches that cannot be put together.
        """


def joined(batches: Sequence[Mapping[str, torch.Tensor]], name: str) -> torch.Tensor | None:
    """An input of all micro-batches, one after the other; None when they have none.

    Shorter rows are filled up by their first entry: ids that are named twice count once.
    """
    parts = [batch[name] for batch in batches if batch.get(name) is not None]
    if not parts:
        return None
    if parts[0].ndim == 2:
        width = max(part.shape[1] for part in parts)
        parts = [torch.cat([part, part[:, :1].expand(-1, width - part.shape[1])], dim=1) for part in parts]
    return torch.cat(parts)
