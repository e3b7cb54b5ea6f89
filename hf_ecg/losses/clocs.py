"""CLOCS over any number of views of a record: halves, leads, or both, the views of a patient alike."""

from itertools import combinations

import torch

from .distributed import rank
from .pair_targets import Gather, in_full_precision, without_autocast
from .patient_contrastive import check_patients


def clocs_loss(
    view_embeds: torch.Tensor,
    temperature: torch.Tensor | float = 0.1,
    *,
    patient_ids: torch.Tensor | None = None,
    compat_last_pair: bool = False,
    gather: Gather | None = None,
) -> torch.Tensor:
    r"""The mean over pairs of views (A, B) of the mean over terms, with $s_{ij}=e^{\cos(a_i,b_j)/T}$:

    - $-\log(s_{ii}/\sum_ks_{ik})$, the mean over records; and $-\log(s_{ii}/\sum_ks_{ki})$;
    - where patients have several records: the mean of $-\log(s_{ij}/\sum_ks_{ik})$ over the pairs i < j of one
      patient, and of $-\log(s_{ij}/\sum_ks_{kj})$ over the pairs i > j of one.

    CMSC: the views are a record's halves, which follow one another; CMLC: its leads; CMSMLC: the leads of both halves.

    **Against the released code.** It assigns the loss of a pair of views where it means to add it, so that the last
    pair of the last two views alone is left, divided by the number of pairs: `compat_last_pair=True`. With two views
    both are the same.

    **Requirements**: unit-length embeddings; equal numbers of rows on all processes when gathering.
    **Inputs**: `view_embeds[i]` are the views of record i, in the same order of every record.
    **Relations**: `patient_contrastive_loss` is the same on two views of patients with one record; with several, it
    gives every pair the same weight. The arithmetic is float32 or better whatever the inputs and autocast.

    Args:
        view_embeds: (batch, views, dimensions), unit length, two views or more.
        temperature: scalar T.
        patient_ids: integers (batch,), equal where two records are of one patient; None: all are of different ones.
        compat_last_pair: the released arithmetic of more than two views.
        gather: `gather_with_gradient` to contrast with the records of every process.

    Returns:
        Scalar, so that its mean over processes is the loss of the whole batch.

    Raises:
        ValueError: shapes that do not fit, ids that are not integers, a single record or view; when gathering,
            processes with different numbers of rows.

    Source:
        CLOCS, arXiv 2005.13249, section 3; danikiyasseh/CLOCS at e58fb4f0, obtain_contrastive_loss.

    Example:
        >>> import torch
        >>> from hf_ecg.losses import clocs_loss
        >>> leads = torch.eye(4)[:, None].expand(4, 3, 4)  # three leads of four records, alike within each
        >>> round(clocs_loss(leads).item(), 6)
        0.000136
    """
    _check(view_embeds, temperature)
    if patient_ids is None:
        patient_ids = rank() * len(view_embeds) + torch.arange(len(view_embeds), device=view_embeds.device)
    check_patients(patient_ids, len(view_embeds))
    with without_autocast(view_embeds):
        views, temperature = in_full_precision(view_embeds, temperature)
        records = _Records.of(views, patient_ids.to(views.device), gather)
        pairs = list(combinations(range(views.shape[1]), 2))
        counted = pairs[-1:] if compat_last_pair else pairs
        return torch.stack([records.loss(*pair, temperature) for pair in counted]).sum() / len(pairs)


class _Records:
    """The local records before all of them: whose patient is whose."""

    def __init__(self, views, all_views, patients, all_patients, start: int):
        self.views, self.all_views = views, all_views
        own = torch.arange(start, start + len(views), device=views.device)[:, None]
        columns = torch.arange(len(all_views), device=views.device)
        self.diagonal = own == columns
        # a local record before another one of its patient; of a transposed matrix the same mask picks i > j
        self.before = (patients[:, None] == all_patients) & (own < columns)
        self.pairs = int((all_patients[:, None] == all_patients).triu(diagonal=1).sum())
        self.share = len(views) / len(all_views)

    @classmethod
    def of(cls, views: torch.Tensor, patients: torch.Tensor, gather: Gather | None) -> "_Records":
        if gather is None:
            all_views, all_patients = views, patients
        else:
            all_views, all_patients = gather(views.flatten(1)).unflatten(1, views.shape[1:]), gather(patients)
        if len(all_views) < 2:
            raise ValueError("one record has no negatives; wanted two or more on all processes together")
        return cls(views, all_views, patients, all_patients, 0 if gather is None else rank() * len(views))

    def loss(self, one: int, other: int, temperature: torch.Tensor) -> torch.Tensor:
        """The mean over the terms of a pair of views."""
        across = (self.views[:, one] @ self.all_views[:, other].T / temperature).log_softmax(1)
        back = (self.views[:, other] @ self.all_views[:, one].T / temperature).log_softmax(1)
        # row j of `back` holds column j of the similarities
        terms = [-self._mean(log_shares, self.diagonal, len(self.all_views)) for log_shares in (across, back)]
        if self.pairs:
            terms += [-self._mean(log_shares, self.before, self.pairs) for log_shares in (across, back)]
        return torch.stack(terms).mean()

    def _mean(self, log_shares: torch.Tensor, chosen: torch.Tensor, count: int) -> torch.Tensor:
        return log_shares.masked_fill(~chosen, 0).sum() / (count * self.share)


def _check(view_embeds: torch.Tensor, temperature: torch.Tensor | float) -> None:
    if view_embeds.ndim != 3 or not view_embeds.is_floating_point():
        raise ValueError(
            f"view_embeds is {view_embeds.dtype} of shape {tuple(view_embeds.shape)}, wanted floats of shape (batch,"
            " views, dimensions)"
        )
    if not len(view_embeds) or view_embeds.shape[1] < 2:
        raise ValueError(f"view_embeds has shape {tuple(view_embeds.shape)}, wanted a record and two views or more")
    if not isinstance(temperature, torch.Tensor) and not temperature > 0:
        raise ValueError(f"temperature is {temperature}, wanted a number above 0")
