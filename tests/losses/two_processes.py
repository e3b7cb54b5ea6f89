"""What each of two ranks does: gradients of a small body on each half of a batch, averaged by DDP. No BatchNorm."""

import math
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F

from hf_ecg.losses import (
    WeightSpread,
    barlow_twins_loss,
    beat_alignment_loss,
    byol_loss,
    captioning_loss,
    clocs_loss,
    false_negative_mitigation_loss,
    gather_with_gradient,
    info_nce_loss,
    metadata_prediction_loss,
    moco_v3_loss,
    patient_contrastive_loss,
    prototype_loss,
    rank,
    rank_n_contrast_loss,
    risk_weighted_contrastive_loss,
    sigmoid_contrastive_loss,
    simsiam_loss,
    sinkhorn_targets,
    softmax_contrastive_loss,
    survival_loss,
    three_kg_loss,
    vicreg_loss,
    world_size,
    y_aware_contrastive_loss,
)
from tests.losses.shift_cases import KINDS, shift_loss

ROWS, SIZE = 8, 6
METHODS = ("sigmoid", "softmax", "clep", "weighted clep", "clep of known texts")
# the lowest and the highest risk lie on different halves, as the unknown ones do, and two on both are equal
RISK = [0.02, math.nan, 0.11, 0.05, 0.31, math.inf, 0.05, 0.17]
UNKNOWN_FIRST_HALF = [math.nan] * 4 + RISK[4:]
MISSING = [0.0, 1.0, 0.2, 0.8, 0.4, math.nan, 0.6, 1.0]
# age and sex; one patient's age and another one's sex are not known, two are the same
AGES, SEXES = [60.0, 41.0, math.nan, 72.0, 60.0, 33.0, 58.0, 80.0], [1.0, 0.0, 1.0, 1.0, 1.0, math.nan, 0.0, 1.0]
METADATA = [list(patient) for patient in zip(AGES, SEXES, strict=True)]
# two patients on both halves, one on one of them
PATIENTS = [3, 5, 3, 7, 7, 9, 3, 9]
# time and event; the processes know different numbers of rows
LIVED = [[3.0, 1.0], [math.nan, 0.0], [12.0, 1.0], [7.0, 0.0], [0.5, 1.0], [25.0, 1.0], [19.0, 0.0], [10.0, 1.0]]
VIEW_CASES = {
    "info_nce": {},
    "info_nce mean": {"negatives": "mean"},
    "info_nce of patients": {"negatives": "mean", "patient_ids": PATIENTS},
    "masked": {"risk": RISK, "missing_rate": MISSING},
    "masked without missing rates": {"risk": RISK},
    "masked rank": {"risk": RISK, "missing_rate": MISSING, "distance": "rank", "sharpness": 3.0},
    "masked, all of one process unknown": {"risk": UNKNOWN_FIRST_HALF},
    "masked, all unknown": {"risk": [math.nan] * ROWS},
    "masked, spread of weights": {"risk": RISK, "sharpness": WeightSpread(0.7)},
    "masked, centred": {"risk": RISK, "missing_rate": MISSING, "alignment": "centred", "alignment_weight": 5.0},
    "masked, correlation": {"risk": RISK, "alignment": "correlation"},
    "masked, several columns": {"risk": METADATA, "alignment": "correlation"},
    "y-aware": {"loss": y_aware_contrastive_loss, "metadata": METADATA, "bandwidths": [5.0, None]},
    "y-aware, half": {"loss": y_aware_contrastive_loss, "metadata": METADATA, "bandwidths": [5.0, None], "share": 0.5},
    "rank-N-contrast": {"loss": rank_n_contrast_loss, "metadata": METADATA},
    "rank-N-contrast, half": {"loss": rank_n_contrast_loss, "metadata": METADATA, "share": 0.5},
    "metadata told": {"told": METADATA},
    "survival": {"lived": LIVED, "reduction": "sum"},
    "survival, mean": {"lived": LIVED, "reduction": "mean"},
    "paper": {"risk": RISK, "missing_rate": MISSING, "path": "paper"},
    "compat": {"risk": RISK, "path": "compat_released_code"},
    "vicreg": {"loss": vicreg_loss},
    "barlow twins": {"loss": barlow_twins_loss},
    "patient_contrastive": {"loss": patient_contrastive_loss, "patient_ids": PATIENTS},
    "beats": {"loss": beat_alignment_loss},
    "beats, equal reports": {"loss": beat_alignment_loss, "identical_text": "positive", "text_ids": PATIENTS},
    "captions": {"loss": captioning_loss},
    "clocs": {"loss": clocs_loss, "patient_ids": PATIENTS},
    "clocs, all apart": {"loss": clocs_loss},
    "clocs, last pair": {"loss": clocs_loss, "patient_ids": PATIENTS, "compat_last_pair": True},
    "3kg": {"loss": three_kg_loss, "patient_ids": PATIENTS},
    "prototypes": {"loss": prototype_loss},
    "byol": {"loss": byol_loss},
    "simsiam": {"loss": simsiam_loss},
    "moco v3": {"loss": moco_v3_loss},
    "patient_contrastive, all apart": {"loss": patient_contrastive_loss},
    "compat with mask": {"risk": RISK, "missing_rate": MISSING, "path": "compat_released_code"},
    **{f"shift, {kind}": {"shift": kind} for kind in KINDS},
}


def batch():
    generator = torch.Generator().manual_seed(0)
    ecg, text = torch.randn(2, ROWS, SIZE, generator=generator, dtype=torch.float64)
    # 4 and 7 occur on both halves, 4 twice within the first
    return ecg, text, torch.tensor([4, 7, 4, 1, 7, 4, 2, 3])


def extra_texts():
    """Texts of no row, of which every process brings all; 5 is true of the row whose text is 2."""
    generator = torch.Generator().manual_seed(2)
    return torch.randn(3, SIZE, generator=generator, dtype=torch.float64), torch.tensor([5, 8, 11])


class Body(nn.Module):
    """Two towers, scale and bias; the loss is part of forward, as in the models."""

    def __init__(self, method, identical_text, gather):
        super().__init__()
        torch.manual_seed(1)
        self.method, self.identical_text, self.gather = method, identical_text, gather
        self.ecg, self.text = nn.Linear(SIZE, 4), nn.Linear(SIZE, 4)
        self.log_scale = nn.Parameter(torch.tensor(2.0))
        if method != "softmax":
            self.bias = nn.Parameter(torch.tensor(-3.0))
        self.double()

    def forward(self, ecg, text, ids):
        own_ids, own = ids, slice(len(ecg))
        if self.method in ("weighted clep", "clep of known texts") and self.identical_text != "negative":
            extra, extra_ids = extra_texts()
            text, ids = torch.cat([text, extra]), torch.cat([ids, extra_ids])
        pair = F.normalize(torch.tanh(self.ecg(ecg)), dim=-1), F.normalize(torch.tanh(self.text(text)), dim=-1)
        options = {"text_ids": ids, "identical_text": self.identical_text, "gather": self.gather}
        weighting = {}
        if self.method == "weighted clep":
            weighting = {"text_weighting": "distinct"}
            options["true_text_ids"] = torch.stack([own_ids, own_ids + 3], dim=1)
        if self.method == "clep of known texts":
            return self._of_known_texts(pair, options, own)
        if self.method == "softmax":
            return softmax_contrastive_loss(*pair, self.log_scale.exp(), **options)
        loss = sigmoid_contrastive_loss(*pair, self.log_scale.exp(), self.bias, **options, **weighting)
        if self.method != "sigmoid":
            pull = false_negative_mitigation_loss(
                pair[0], pair[1][own], text_ids=own_ids, gather=self.gather, **weighting
            )
            loss = loss + 0.5 * pull
        return loss

    def _of_known_texts(self, pair, options, own):
        """Half of the texts are of another kind, or the extra ones alone, of two, with a scale and bias of each; some
        are known to be true or not."""
        ids = options["text_ids"]
        extra = ids[own.stop :]
        kinds = torch.cat([torch.zeros_like(ids[own]), 1 + extra // 9]) if len(extra) else (ids % 2 == 0).long()
        scale = (self.log_scale.exp() * torch.tensor([1.0, 2.0, 0.5]))[kinds]
        bias = torch.stack([self.bias, -self.bias, 2 * self.bias])[kinds] + ids / 10
        own_ids = ids[own]
        known = {"unknown_text_ids": torch.stack([own_ids + 1, own_ids - 3], dim=1)}
        if self.identical_text != "negative":
            known["true_text_ids"] = torch.stack([own_ids, own_ids + 3], dim=1)
        weighting = {"text_weighting": "distinct", "text_kinds": kinds, "kind_weights": (0.3, 2.0)}
        loss = sigmoid_contrastive_loss(*pair, scale, bias, **options, **known, **weighting)
        pull = false_negative_mitigation_loss(pair[0], pair[1][own], text_ids=own_ids, gather=self.gather, **known)
        return loss + 0.5 * pull


def run(method, identical_text, gather, ddp=False):
    body = Body(method, identical_text, gather)
    module = nn.parallel.DistributedDataParallel(body) if ddp else body
    part = slice(rank() * ROWS // world_size(), (rank() + 1) * ROWS // world_size())
    loss = module(*(tensor[part] for tensor in batch()))
    loss.backward()
    return loss.detach(), {name: parameter.grad for name, parameter in body.named_parameters()}


class ViewBody(nn.Module):
    """One encoder of two views, and a learnable temperature."""

    def __init__(self, case, gather):
        super().__init__()
        torch.manual_seed(1)
        self.options, self.gather = VIEW_CASES[case], gather
        self.encoder = nn.Linear(SIZE, 4)
        self.log_scale = nn.Parameter(torch.tensor(1.0))
        self.double()

    def forward(self, first, second, rows):
        views = [F.normalize(torch.tanh(self.encoder(view)), dim=-1) for view in (first, second)]
        options = dict(self.options)
        if "shift" in options:
            spread = [view * self.log_scale + view**2 for view in views]
            return shift_loss(options["shift"], spread[0][:, :3], spread[1], rows, self.gather)
        for name in {"risk", "missing_rate", "metadata", "told", "lived"} & set(options):
            options[name] = torch.tensor(options[name], dtype=torch.float64)[rows]
        if "told" in options:
            told = torch.cat([view[:, :2] for view in views]) * torch.exp(self.log_scale)
            return metadata_prediction_loss(
                told, options["told"].repeat(2, 1), binary=[False, True], gather=self.gather
            )
        if "lived" in options:
            logits, lived = views[0][:, :3] * self.log_scale, options.pop("lived")
            return survival_loss(logits, *lived.T, breaks=[0, 5, 10, 20], gather=self.gather, **options)
        for name in {"patient_ids", "text_ids"} & set(options):
            options[name] = torch.tensor(options[name])[rows]
        loss = options.pop("loss", risk_weighted_contrastive_loss if "risk" in options else info_nce_loss)
        if loss in (vicreg_loss, barlow_twins_loss):  # have no temperature
            return loss(*(view * self.log_scale + view**2 for view in views), gather=self.gather)
        if loss in (byol_loss, simsiam_loss, moco_v3_loss):  # compare predictions with targets
            predicted = [F.normalize(torch.tanh(self.log_scale * view.flip(1) + view), dim=-1) for view in views]
            options = {"gather": self.gather} if loss is moco_v3_loss else {}
            return loss(*predicted, *views, **options)
        if loss is prototype_loss:
            return loss(views[0] * self.log_scale, sinkhorn_targets(views[1], 0.2, gather=self.gather), 0.5)
        if loss in (beat_alignment_loss, captioning_loss):
            return self._of_reports(loss, views, rows, options)
        if loss is clocs_loss:
            leads = torch.stack([views[0], views[1], F.normalize(views[0] + 2 * views[1].flip(1), dim=-1)], dim=1)
            return loss(leads, torch.exp(-self.log_scale), gather=self.gather, **options)
        return loss(*views, torch.exp(-self.log_scale), gather=self.gather, **options)

    def _of_reports(self, loss, views, rows, options):
        """Two sentences or tokens at most, of some reports none: each process has another number of them."""
        tokens = torch.stack([views[0] * self.log_scale, views[1]], dim=1)
        told = torch.tensor([2, 0, 1, 1, 1, 0, 1, 1])[rows]
        if loss is captioning_loss:
            return loss(
                tokens, rows[:, None] % torch.tensor([3, 4]), torch.arange(2) < told[:, None], gather=self.gather
            )
        number = int(told.max())
        sentences = torch.stack([views[1], views[0].flip(1)], dim=1)[:, :number]
        beats = torch.cat([tokens, tokens[:, :1].flip(2)], dim=1)
        return loss(beats, sentences, torch.arange(number) < told[:, None], gather=self.gather, **options)


def run_views(case, gather, ddp=False):
    generator = torch.Generator().manual_seed(3)
    first, second = torch.randn(2, ROWS, SIZE, generator=generator, dtype=torch.float64)
    body = ViewBody(case, gather)
    module = nn.parallel.DistributedDataParallel(body) if ddp else body
    part = slice(rank() * ROWS // world_size(), (rank() + 1) * ROWS // world_size())
    loss = module(first[part], second[part], torch.arange(ROWS)[part])
    loss.backward()
    return loss.detach(), {name: parameter.grad for name, parameter in body.named_parameters()}


def unequal_rows_error():
    try:
        gather_with_gradient(torch.zeros(2 + rank(), 3))
    except ValueError as error:
        return str(error)
    return ""


def main(folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    try:
        results = {}
        for method in METHODS:
            for mode in ("negative", "mask", "positive"):
                loss, gradients = run(method, mode, gather_with_gradient, ddp=True)
                dist.all_reduce(loss)
                results[method, mode] = (loss / world_size(), gradients)
        for case in VIEW_CASES:
            loss, gradients = run_views(case, gather_with_gradient, ddp=True)
            dist.all_reduce(loss)
            results[case] = (loss / world_size(), gradients)
        integers = gather_with_gradient(torch.tensor([rank(), 10 + rank()]))
        saved = {"results": results, "integers": integers, "unequal": unequal_rows_error()}
        torch.save(saved, Path(folder) / f"rank{rank()}.pt")
        dist.barrier()
    finally:
        dist.destroy_process_group()
