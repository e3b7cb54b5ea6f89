"""Sinkhorn's balanced assignment: which prototype is each record's, when all prototypes must get as many records."""

import torch

from .distributed import rank
from .pair_targets import Gather, in_full_precision, without_autocast


@torch.no_grad()
def sinkhorn_targets(
    scores: torch.Tensor, temperature: float = 0.05, iterations: int = 3, *, gather: Gather | None = None
) -> torch.Tensor:
    r"""Targets $Q=\mathrm{diag}(u)\,e^{S/T}\,\mathrm{diag}(v)$ whose columns have equal sums and whose rows sum to 1.

    Columns and rows are scaled in turn. The last step is of rows: each is a distribution, while the columns are equal
    as far as the iterations have come. Without the balance all records could fall to one prototype.

    **Requirements**: records in the whole batch of about as many as prototypes or more; equal numbers of rows on all
    processes when gathering.
    **Relations**: the targets depend on the whole batch. With `gather` each process gets the rows that one process
    would compute of all. The arithmetic is in logarithms, float32 or better.

    Args:
        scores: (records, prototypes), cosines for instance. No gradient passes.
        temperature: T, above 0; smaller is sharper.
        iterations: of columns and rows, 1 or more.
        gather: `gather_with_gradient` to balance over the records of every process.

    Returns:
        (records, prototypes), float32 or better.

    Raises:
        ValueError: scores of another shape, a temperature of 0 or less, no iteration; when gathering, processes with
            different numbers of rows.

    Source:
        Cuturi, NIPS 2013 (arXiv 1306.0895), as SwAV uses it: arXiv 2006.09882, equation 3 and section 3.1.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import sinkhorn_targets
        >>> scores = torch.tensor([[0.9, 0.5], [0.9, 0.1]])  # both like the first prototype, the second one more so
        >>> sinkhorn_targets(scores, temperature=0.1, iterations=20).argmax(dim=1).tolist()
        [1, 0]
    """
    if scores.ndim != 2 or not scores.numel():
        raise ValueError(f"scores have shape {tuple(scores.shape)}, wanted (records, prototypes)")
    if not temperature > 0 or iterations < 1:
        raise ValueError(f"temperature is {temperature}, iterations {iterations}: wanted above 0, and 1 at least")
    rows = len(scores)
    with without_autocast(scores):
        (scores,) = in_full_precision(scores)
        logs = (scores if gather is None else gather(scores)) / temperature
        for _ in range(iterations):
            logs = logs - logs.logsumexp(dim=0, keepdim=True)
            logs = logs - logs.logsumexp(dim=1, keepdim=True)
    start = 0 if gather is None else rank() * rows
    return logs[start : start + rows].exp()
