"""3KG's contrast: every view of the same patient is a positive, each asked for with the other ones left out."""

import torch

from .distributed import rank
from .pair_targets import Gather, in_full_precision, without_autocast
from .patient_contrastive import check_patients
from .view_pairs import check_views, view_pairs


def three_kg_loss(
    first_embeds: torch.Tensor,
    second_embeds: torch.Tensor,
    temperature: torch.Tensor | float = 0.1,
    *,
    patient_ids: torch.Tensor | None = None,
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""$-\frac1{|P|}\sum_{(a,p)\in P}\log\frac{e^{l_{ap}}}{e^{l_{ap}}+\sum_{n}e^{l_{an}}}$, l the cosines over T.

    Every view of every record is an anchor a; P pairs it with each other view p of the same patient; n runs over the
    views of other patients. fairseq-signals adds the terms and divides by the sample size later; here is their mean.

    **Requirements**: unit-length embeddings, of `unit_length` with `compat_detached_norm=True` for fairseq-signals'
    gradients; equal numbers of rows on all processes when gathering.
    **Inputs**: row i of both tensors are two views of one record.
    **Relations**: without `patient_ids` it is `info_nce_loss`. `patient_contrastive_loss` keeps the other positives in
    the denominator, and compares first views with second ones alone. The arithmetic is float32 or better.

    Args:
        first_embeds, second_embeds: (batch, dimensions), unit length.
        temperature: scalar T.
        patient_ids: integers (batch,), equal where two records are of one patient; None: all are of different ones.
        gather: `gather_with_gradient` to contrast with the records of every process.

    Returns:
        Scalar, so that its mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, ids that are not integers, a single record or patient; when gathering,
            processes with different numbers of rows.

    Source:
        3KG, arXiv 2106.04452; fairseq_signals/criterions/3kg_criterion.py at 6b9e1375.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import info_nce_loss, three_kg_loss
        >>> views = torch.eye(4)
        >>> bool(torch.isclose(three_kg_loss(views, views), info_nce_loss(views, views, 0.1)))
        True
    """
    check_views(first_embeds, second_embeds, temperature)
    if patient_ids is None:
        patient_ids = rank() * len(first_embeds) + torch.arange(len(first_embeds), device=first_embeds.device)
    check_patients(patient_ids, len(first_embeds))
    with without_autocast(first_embeds):
        first, second, temperature = in_full_precision(first_embeds, second_embeds, temperature)
        views = view_pairs(first, second, gather)
        patients = patient_ids.to(first.device)
        all_patients = patients if gather is None else gather(patients)
        same = patients.repeat(2)[:, None] == all_patients.repeat(2)
        if bool((all_patients == all_patients[0]).all()):
            raise ValueError("all records are of one patient, which has no negatives")
        logits = views.anchors @ views.columns.T / temperature
        negatives = logits.masked_fill(same, float("-inf")).logsumexp(1, keepdim=True)
        terms = (torch.logaddexp(logits, negatives) - logits).masked_fill(~same | views.own, 0)
        pairs = 4 * (all_patients[:, None] == all_patients).sum() - len(views.columns)
        return terms.sum() / (pairs * (len(views.anchors) / len(views.columns)))
