"""InfoNCE between two views of each record, as SimCLR does: which of all other views is this record's?"""

import math

import torch

from .pair_targets import Gather, in_full_precision, without_autocast
from .patient_contrastive import check_patients
from .view_pairs import ViewPairs, check_views, contrast, view_pairs

NEGATIVES = ("sum", "mean")
# what a record of an anchor's own patient is, beside the anchor's other view
SAME_PATIENT = (NEGATIVE, MASK) = ("negative", "mask")


def info_nce_loss(
    first_embeds: torch.Tensor,
    second_embeds: torch.Tensor,
    temperature: torch.Tensor | float = 0.07,
    *,
    negatives: str = "sum",
    patient_ids: torch.Tensor | None = None,
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""SimCLR's NT-Xent: $-\frac1{2N}\sum_a\log\frac{e^{l_{a,p}}}{e^{l_{a,p}}+\sum_{n}e^{l_{a,n}}}$, $l=\cos/T$.

    Every view is an anchor a; p is the other view of its record, n runs over both views of all other records.

    **Negatives.** "sum" is SimCLR. "mean" divides the sum by its number of terms, 2N - 2: what the softmax weights of
    CLEF's released loss do to the scale of the negatives when all risks are equal (`risk_weighted_contrastive_loss`).

    **Patients.** With `patient_ids` other records of an anchor's patient are left out of its sum: they are neither its
    positive nor its negatives, as CAPE wants it (arXiv 2509.10369; *inferred*, no code was released).

    **Requirements**: unit-length embeddings; equal numbers of rows on all processes when gathering.
    **Inputs**: row i of both tensors are two views of one record.
    **Relations**: with `negatives="sum"` the loss grows with the batch, about log(2N - 1) at the start.
    `risk_weighted_contrastive_loss` is this loss wherever no risk is known; `patient_contrastive_loss` makes positives
    of the patient's other records. The arithmetic is float32 or better
    whatever the inputs and autocast.

    Args:
        first_embeds: (batch, dimensions), unit length.
        second_embeds: (batch, dimensions), unit length.
        temperature: scalar T; CLEF 0.07, ECG papers after MERL 0.1 or 0.5.
        negatives: "sum" or "mean".
        patient_ids: integers (batch,), equal where two records are of one patient; None: all are of different ones.
        gather: `gather_with_gradient` to contrast with the records of every process.

    Returns:
        Scalar: the mean over local anchors, so that the mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, an unknown `negatives`, ids that are not integers, a single record; when
            gathering, processes with different numbers of rows.

    Source:
        SimCLR, arXiv 2002.05709, equation 1.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import info_nce_loss
        >>> views = torch.eye(4)  # four records: both views lie on one axis, apart from the others
        >>> round(info_nce_loss(views, views, temperature=1.0).item(), 4)
        1.1654
    """
    check_views(first_embeds, second_embeds, temperature)
    if negatives not in NEGATIVES:
        raise ValueError(f"negatives is {negatives!r}, wanted one of {NEGATIVES}")
    with without_autocast(first_embeds):
        first_embeds, second_embeds, temperature = in_full_precision(first_embeds, second_embeds, temperature)
        pairs = view_pairs(first_embeds, second_embeds, gather)
        negative, log_weights = pairs.negative, None
        if patient_ids is not None:
            negative = negative & ~_same_patient(pairs, patient_ids, gather)
            log_weights = torch.zeros_like(negative, dtype=first_embeds.dtype).masked_fill(~negative, -math.inf)
        if negatives == "mean":
            number = negative.sum(dim=1, keepdim=True).clamp(min=1).to(first_embeds.dtype)
            log_weights = -number.log() if log_weights is None else log_weights - number.log()
        return contrast(pairs, temperature, log_weights)


def _same_patient(pairs: ViewPairs, patient_ids: torch.Tensor, gather: Gather | None) -> torch.Tensor:
    """bool (2 batch, 2 total): anchor and column are of one patient."""
    check_patients(patient_ids, len(pairs.anchors) // 2)
    patients = patient_ids.to(pairs.anchors.device)
    everybody = patients if gather is None else gather(patients)
    return (patients[:, None] == everybody).repeat(2, 2)
