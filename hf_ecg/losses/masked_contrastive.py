"""wav2vec 2.0's loss: which of some tokens of its own record belongs into a masked place?"""

import torch
from torch.nn import functional as F

from .distributed import world_size
from .pair_targets import Gather, without_autocast


def masked_contrastive_logits(
    context: torch.Tensor,
    targets: torch.Tensor,
    negatives: torch.Tensor,
    temperature: float = 0.1,
    *,
    target_ids: torch.Tensor | None = None,
) -> torch.Tensor:
    """Cosines over the temperature of each token's output with its own target, then with the targets of others.

    Args:
        context: (batch, tokens, dimensions), what a model made of the record whose tokens were masked.
        targets: (batch, tokens, dimensions).
        negatives: int64 (batch, tokens, negatives), places in the same record; below 0 where there is none.
        temperature: scalar.
        target_ids: integers (batch, tokens), equal where two targets are the same, which is then no negative.

    Returns:
        float32 (batch, tokens, 1 + negatives), its own target first; minus infinity where there is no negative.
    """
    with without_autocast(context):
        places = negatives.clamp(min=0)
        ours, theirs = F.normalize(context.float(), dim=-1), F.normalize(targets.float(), dim=-1)
        # all pairs by one product of matrices: a copy of each negative would be some hundred times larger
        cosines = ours @ theirs.transpose(1, 2)
        own = cosines.diagonal(dim1=1, dim2=2)[..., None]
        absent = negatives < 0
        if target_ids is not None:
            of_others = target_ids[:, None].expand(-1, target_ids.shape[1], -1).gather(2, places)
            absent = absent | (of_others == target_ids[..., None])
        others = cosines.gather(2, places).masked_fill(absent, -torch.inf)
        return torch.cat([own, others], dim=2) / temperature


def masked_contrastive_loss(
    context: torch.Tensor,
    targets: torch.Tensor,
    masked: torch.Tensor,
    negatives: torch.Tensor,
    temperature: float = 0.1,
    *,
    target_ids: torch.Tensor | None = None,
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""$-\frac1{|M|}\sum_{t\in M}\log\frac{e^{l_{t,t}}}{e^{l_{t,t}}+\sum_{n\in N_t}e^{l_{t,n}}}$, l = cosine / T.

    M are the masked tokens of all records, N_t some other masked tokens of the same record as t.

    **Against the released code.** fairseq sums over M, and its trainer divides gradients by |M|: the same gradient.

    **Requirements**: the same number of negatives for each token.
    **Inputs**: outputs and targets of all tokens; those that are not masked cost a little and do not count.
    **Relations**: `info_nce_loss` contrasts records, this loss the places within one. The arithmetic is float32.

    Args:
        context, targets, negatives, temperature, target_ids: see `masked_contrastive_logits`.
        masked: bool (batch, tokens), those that count.
        gather: `gather_with_gradient`, so that a process with more masked tokens weighs more.

    Returns:
        Scalar; zero when nothing is masked.

    Raises:
        ValueError: shapes that do not fit.

    Source:
        wav2vec 2.0, arXiv 2006.11477, equation 3.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import masked_contrastive_loss
        >>> tokens = torch.eye(3)[None]  # one record of three tokens, each foretold exactly
        >>> others = torch.tensor([[[1, 2], [0, 2], [0, 1]]])
        >>> masked_contrastive_loss(tokens, tokens, torch.ones(1, 3, dtype=torch.bool), others).item() < 1e-3
        True
    """
    _check(context, targets, masked, negatives)
    logits = masked_contrastive_logits(context, targets, negatives, temperature, target_ids=target_ids)
    losses = torch.where(masked, logits.logsumexp(dim=2) - logits[..., 0], 0.0)
    number = masked.sum().float()
    if gather is not None:
        number = gather(number[None]).sum() / world_size()
    return losses.sum() / number.clamp(min=1)


def _check(context, targets, masked, negatives) -> None:
    if context.ndim != 3 or targets.shape != context.shape:
        raise ValueError(
            f"context has shape {tuple(context.shape)} and targets {tuple(targets.shape)}, wanted one shape"
            " (batch, tokens, dimensions)"
        )
    for name, tensor in (("masked", masked), ("negatives", negatives)):
        if tensor.shape[:2] != context.shape[:2] or tensor.ndim != (2 if name == "masked" else 3):
            axes = "" if name == "masked" else ", negatives"
            wanted = f"({context.shape[0]}, {context.shape[1]}{axes})"
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}, wanted {wanted}")
