"""MoCo v3: which of the teacher's keys is this record's other view? Without a queue, both ways."""

import torch
from torch.nn import functional as F

from .distributed import rank
from .pair_targets import Gather, in_full_precision, without_autocast
from .view_pairs import check_views


def moco_v3_loss(
    first_queries: torch.Tensor,
    second_queries: torch.Tensor,
    first_keys: torch.Tensor,
    second_keys: torch.Tensor,
    temperature: torch.Tensor | float = 0.2,
    *,
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""$2T\left[\mathrm{CE}(q_1k_2^\top/T)+\mathrm{CE}(q_2k_1^\top/T)\right]$, the own record's key the right answer.

    No gradient reaches the keys. The factor 2T keeps the gradient's size when the temperature changes.

    **Requirements**: unit-length embeddings; equal numbers of rows on all processes when gathering.
    **Inputs**: row i of all four tensors is one record; queries come from the student's predictor, keys from the
    momentum teacher's projection.
    **Relations**: queries are compared with the other view's keys alone, `info_nce_loss` compares all views with all.
    The arithmetic is float32 or better whatever the inputs and autocast.

    Args:
        first_queries, second_queries: (batch, dimensions), unit length, of either view.
        first_keys, second_keys: (batch, dimensions), unit length, of either view.
        temperature: scalar T, the paper's 0.2.
        gather: `gather_with_gradient` to contrast with the keys of every process.

    Returns:
        Scalar: the mean over local records, so that the mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, a single record; when gathering, processes with different numbers of rows.

    Source:
        MoCo v3, arXiv 2104.02057, algorithm 1.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import moco_v3_loss
        >>> round(moco_v3_loss(*[torch.eye(4)] * 4).item(), 4)
        0.016
    """
    check_views(first_queries, second_queries, temperature)
    check_views(first_keys, second_keys, temperature)
    check_views(first_queries, first_keys, temperature)
    with without_autocast(first_queries):
        given = in_full_precision(first_queries, second_queries, first_keys, second_keys, temperature)
        first, second, first_keys, second_keys, temperature = given
        keys = torch.cat([first_keys, second_keys], dim=1).detach()
        if gather is not None:
            keys = gather(keys)
        if len(keys) < 2:
            raise ValueError("one record has no negatives; wanted two or more on all processes together")
        start = 0 if gather is None else rank() * len(first)
        answers = torch.arange(start, start + len(first), device=first.device)
        all_first, all_second = keys.chunk(2, dim=1)
        across = F.cross_entropy(first @ all_second.T / temperature, answers)
        return 2 * temperature * (across + F.cross_entropy(second @ all_first.T / temperature, answers))
