"""Prototype assignment: a student shall name the prototypes that a teacher names."""

import torch

from .pair_targets import in_full_precision, without_autocast
from .record_means import mean_by_record


@torch.no_grad()
def sharpened_targets(
    scores: torch.Tensor, temperature: float = 0.04, center: torch.Tensor | None = None
) -> torch.Tensor:
    r"""A teacher's targets $\mathrm{softmax}((s-c)/T_t)$, without a gradient.

    Args:
        scores: (..., prototypes).
        temperature: T_t, above 0; below the student's, so that the targets are the sharper ones.
        center: (prototypes,), the running mean of the scores (`moved_center`), which keeps one prototype from winning
            always; None = zero.

    Returns:
        (..., prototypes), float32 or better.

    Raises:
        ValueError: a temperature of 0 or less, a center of another size.

    Source:
        DINO, arXiv 2104.14294, equation 1 and section 3.1.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import sharpened_targets
        >>> sharpened_targets(torch.tensor([1.0, 0.9]), temperature=0.05).round(decimals=2).tolist()
        [0.8799999952316284, 0.11999999731779099]
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}, wanted above 0")
    if center is not None and center.shape != scores.shape[-1:]:
        raise ValueError(f"center has shape {tuple(center.shape)}, wanted {tuple(scores.shape[-1:])}")
    with without_autocast(scores):
        (scores,) = in_full_precision(scores)
        if center is not None:
            scores = scores - center.to(scores.dtype)
        return (scores / temperature).softmax(dim=-1)


def prototype_loss(
    scores: torch.Tensor, targets: torch.Tensor, temperature: float = 0.1, judged: torch.Tensor | None = None
) -> torch.Tensor:
    r"""$-\sum_k q_k\log p_k$ with $p=\mathrm{softmax}(s/T)$: the mean over records of the mean over judged items.

    One function for both grains: patches, of which some are judged, and whole records.

    **Relations**: each record counts once, so the mean over parts of a batch, or over processes, is the loss of the
    whole. DINO's loss is this one for pairs of views (`dino_loss`). The arithmetic is float32 or better.

    Args:
        scores: (records, ..., prototypes), the student's cosines.
        targets: the same shape, the teacher's distributions q; see `sharpened_targets`, `sinkhorn_targets`.
        temperature: T, above 0.
        judged: bool (records, ...), the items that count; None = all.

    Returns:
        Scalar; a record without a judged item adds zero.

    Raises:
        ValueError: shapes that do not fit, a temperature of 0 or less.

    Source:
        SwAV, arXiv 2006.09882, equation 2; DINO, arXiv 2104.14294, equation 2.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import prototype_loss
        >>> scores = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> round(prototype_loss(scores, torch.eye(2), temperature=0.5).item(), 4)  # log(1 + e^-2)
        0.1269
    """
    if scores.shape != targets.shape or scores.ndim < 2 or (judged is not None and judged.shape != scores.shape[:-1]):
        given = (scores, targets) if judged is None else (scores, targets, judged)
        shapes = ", ".join(str(tuple(value.shape)) for value in given)
        raise ValueError(f"scores, targets and judged have shapes {shapes}: wanted one, judged without the last")
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}, wanted above 0")
    with without_autocast(scores):
        scores, targets = in_full_precision(scores, targets.detach())
        entropies = -(targets * (scores / temperature).log_softmax(dim=-1)).sum(dim=-1)
        rows = len(entropies)
        return mean_by_record(entropies.reshape(rows, -1), None if judged is None else judged.reshape(rows, -1))
