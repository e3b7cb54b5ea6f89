"""Rows at unit length, as the contrastive losses take them."""

import torch

# below it a row counts as zero
_SMALLEST = 1e-12


def unit_length(rows: torch.Tensor, *, compat_detached_norm: bool = False) -> torch.Tensor:
    r"""$z/\lVert z\rVert$ of every row.

    **Against the released code.** fairseq-signals (ECG-FM's CMSC, SimCLR, 3KG) divides logits by norms that carry no
    gradient: `compat_detached_norm=True`. The values are the same. The gradients are those of a dot product, so that
    rows may also grow or shrink, where a cosine's gradient lies across the row.

    Args:
        rows: (..., dimensions) floats.
        compat_detached_norm: take the norm for a constant in the backward pass.

    Returns:
        As many rows, of length 1; a row of zeros stays as it is. The arithmetic is float32 or better.

    Raises:
        ValueError: rows that are not floats.

    Source:
        fairseq_signals/criterions/cmsc_criterion.py at 6b9e1375, for the flag.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import unit_length
        >>> unit_length(torch.tensor([[3.0, 4.0]])).tolist()
        [[0.6000000238418579, 0.800000011920929]]
    """
    if not rows.is_floating_point():
        raise ValueError(f"rows are {rows.dtype}, wanted floats")
    rows = rows.to(torch.promote_types(rows.dtype, torch.float32))
    norm = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    if compat_detached_norm:
        norm = norm.detach()
    return rows / norm.clamp(min=_SMALLEST)
