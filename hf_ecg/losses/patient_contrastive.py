"""CLOCS' contrast of two segments: every segment of the same patient is a positive, all others are negatives."""

import torch

from .distributed import rank
from .pair_targets import Gather, in_full_precision, without_autocast
from .view_pairs import check_views


def patient_contrastive_loss(
    first_embeds: torch.Tensor,
    second_embeds: torch.Tensor,
    temperature: torch.Tensor | float = 0.1,
    *,
    patient_ids: torch.Tensor | None = None,
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""$-\frac1{2|P|}\sum_{(i,j)\in P}\left[\log\frac{e^{l_{ij}}}{\sum_ke^{l_{ik}}}+
    \log\frac{e^{l_{ij}}}{\sum_ke^{l_{kj}}}\right]$, l the cosines of first and second views over T.

    P holds the pairs (i, j) of a first and a second view of one patient, a record's own two among them. A first view
    is compared with second views alone, and the other way round.

    **Against the released code.** CLOCS averages the diagonal, the pairs above it (by rows) and those below it (by
    columns) each for themselves, so that a rare pair of two records weighs as much as all own pairs together
    (`clocs_loss`); here every pair of a patient counts the same, as in fairseq-signals' `cmsc`. Both are the same
    where every record is of another patient.

    **Requirements**: unit-length embeddings, of `unit_length` with `compat_detached_norm=True` for the gradients that
    fairseq-signals and ECG-FM train with; equal numbers of rows on all processes when gathering.
    **Inputs**: row i of both tensors are two segments of one record, in CLOCS two halves that do not overlap.
    **Relations**: without `patient_ids` it is CLIP's loss of the two views. `info_nce_loss` also has the other views
    of its own side as negatives. The arithmetic is float32 or better whatever the inputs and autocast.

    Args:
        first_embeds: (batch, dimensions), unit length.
        second_embeds: (batch, dimensions), unit length.
        temperature: scalar T, CLOCS 0.1.
        patient_ids: integers (batch,), equal where two records are of one patient; None: all are of different ones.
        gather: `gather_with_gradient` to contrast with the records of every process.

    Returns:
        Scalar, so that its mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, ids that are not integers, a single record; when gathering, processes with
            different numbers of rows.

    Source:
        CLOCS, arXiv 2005.13249, section 3 (CMSC).

    Example:
        >>> import torch
        >>> from hf_ecg.losses import patient_contrastive_loss
        >>> segments = torch.eye(3)
        >>> apart = patient_contrastive_loss(segments, segments)
        >>> bool(apart < patient_contrastive_loss(segments, segments, patient_ids=torch.tensor([0, 0, 1])))
        True
    """
    check_views(first_embeds, second_embeds, temperature)
    if patient_ids is None:
        patient_ids = rank() * len(first_embeds) + torch.arange(len(first_embeds), device=first_embeds.device)
    check_patients(patient_ids, len(first_embeds))
    with without_autocast(first_embeds):
        first, second, temperature = in_full_precision(first_embeds, second_embeds, temperature)
        patients = patient_ids.to(first.device)
        all_first, all_second, all_patients = first, second, patients
        if gather is not None:
            all_first, all_second = gather(torch.cat([first, second], dim=1)).chunk(2, dim=1)
            all_patients = gather(patients)
        if len(all_first) < 2:
            raise ValueError("one record has no negatives; wanted two or more on all processes together")
        pairs = (all_patients[:, None] == all_patients).sum()
        positive = patients[:, None] == all_patients
        found = sum(
            (anchors @ columns.T / temperature).log_softmax(dim=1).masked_fill(~positive, 0).sum()
            for anchors, columns in ((first, all_second), (second, all_first))
        )
        share = len(first) / len(all_first)
        return -found / (2 * pairs * share)


def check_patients(patient_ids: torch.Tensor, records: int) -> None:
    """Raises ValueError for what is not one integer a record."""
    if patient_ids.shape != (records,) or patient_ids.is_floating_point():
        raise ValueError(
            f"patient_ids is {patient_ids.dtype} of shape {tuple(patient_ids.shape)}, wanted integers of shape"
            f" ({records},): one a record"
        )
