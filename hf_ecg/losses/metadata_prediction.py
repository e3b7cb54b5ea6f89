"""What is known of a patient, told from the ECG: a head's error over several columns, unknown values left out."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from .distributed import world_size
from .pair_targets import Gather, without_autocast


def metadata_prediction_loss(
    predictions: torch.Tensor, metadata: torch.Tensor, *, binary: Sequence[bool], gather: Gather | None = None
) -> torch.Tensor:
    r"""Mean over columns of the mean error over the rows that know the column.

    The error of a number is smooth L1, $e^2/2$ up to $|e|=1$ and $|e|-1/2$ beyond, so that a wrong age of one patient
    cannot outweigh the others; that of a binary column is the cross-entropy of its logit.

    **Inputs**: row i of both is one record, or one view of it.
    **Relations**: a column that no row knows, on no process, counts as 0. The arithmetic is float32 or better whatever
    the inputs and autocast; no gradient flows to the metadata.

    Args:
        predictions: (rows, columns).
        metadata: (rows, columns), numbers in units in which 1 is much, such as standard deviations, binary ones 0 or
            1; not finite where unknown.
        binary: of each column, whether it is.
        gather: `gather_with_gradient`, so that the processes' mean is that over all rows that know a column.

    Returns:
        Scalar, so that the mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit.

    Source:
        Smooth L1: Girshick, Fast R-CNN, arXiv 1504.08083, equation 3.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import metadata_prediction_loss
        >>> age_and_sex = torch.tensor([[0.5, 1.0], [float("nan"), 0.0]])
        >>> round(metadata_prediction_loss(torch.zeros(2, 2), age_and_sex, binary=[False, True]).item(), 4)
        0.4091
    """
    if predictions.shape != metadata.shape or predictions.ndim != 2 or len(binary) != predictions.shape[1]:
        raise ValueError(
            f"predictions {tuple(predictions.shape)} and metadata {tuple(metadata.shape)} with {len(binary)} columns"
            " that are binary or not, wanted one shape (rows, columns)"
        )
    with without_autocast(predictions):
        predictions = predictions.to(torch.promote_types(predictions.dtype, torch.float32))
        known = metadata.detach().isfinite()
        targets = torch.where(known, metadata.detach(), 0).to(predictions)
        numbers = F.smooth_l1_loss(predictions, targets, reduction="none")
        is_binary = torch.tensor(list(binary), device=predictions.device)
        classes = F.binary_cross_entropy_with_logits(predictions, targets, reduction="none")
        errors = torch.where(is_binary, classes, numbers).masked_fill(~known, 0).sum(dim=0)
        counts = known.sum(dim=0).to(errors)
        if gather is not None:
            counts = gather(counts[None]).sum(dim=0) / world_size()
        return (errors / counts.clamp(min=1 / world_size())).mean()
