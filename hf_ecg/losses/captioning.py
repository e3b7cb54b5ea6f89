"""Captioning loss: each token of a report from those before it, and from the ECG."""

import torch
from torch.nn import functional as F

from .distributed import world_size
from .pair_targets import Gather, in_full_precision, without_autocast


def captioning_loss(
    logits: torch.Tensor,
    labels: torch.Tensor,
    counted: torch.Tensor | None = None,
    *,
    gather: Gather | None = None,
) -> torch.Tensor:
    """The mean cross entropy over the tokens that count.

    **Requirements**: none; a batch in which no token counts gives 0.
    **Inputs**: logits already stand at the token that they foretell: position t of both is one token.
    **Relations**: what language models are trained with. Here the mean is over the tokens of all processes, where a
    process with short reports would else weigh each of its tokens more.

    Args:
        logits: (texts, tokens, vocabulary).
        labels: int64 (texts, tokens), the tokens that follow.
        counted: bool (texts, tokens), false where a label is padding; None = all count.
        gather: `gather_with_gradient` where there are several processes.

    Returns:
        Scalar, so that the mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit.

    Source:
        CoCa, arXiv 2205.01917, equation 3; MELP, arXiv 2506.21803, section 3.2.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import captioning_loss
        >>> labels = torch.tensor([[2, 1, 0]])  # 0 is padding
        >>> round(captioning_loss(torch.zeros(1, 3, 4), labels, labels != 0).item(), 4)  # log 4
        1.3863
    """
    if logits.ndim != 3 or labels.shape != logits.shape[:2]:
        raise ValueError(
            f"logits have shape {tuple(logits.shape)} and labels {tuple(labels.shape)}, wanted (texts, tokens,"
            " vocabulary) and (texts, tokens)"
        )
    if counted is not None and counted.shape != labels.shape:
        raise ValueError(f"counted has shape {tuple(counted.shape)}, wanted {tuple(labels.shape)}")
    with without_autocast(logits):
        (logits,) = in_full_precision(logits)
        losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        weights = torch.ones_like(losses) if counted is None else counted.flatten().to(losses.dtype)
        number = weights.sum()
        if gather is not None:
            number = gather(number[None]).sum() / world_size()
        return (losses * weights).sum() / number.clamp(min=1.0 / world_size())
