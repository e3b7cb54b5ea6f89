"""Losses of the self-supervised baselines, with their gradients, as golden cases: lightly, CLOCS, fairseq-signals."""

import torch

from ..golden_cases import GoldenCase
from .barlow_twins import barlow_twins_loss
from .byol import byol_loss
from .clocs import clocs_loss
from .info_nce import info_nce_loss
from .moco_v3 import moco_v3_loss
from .patient_contrastive import patient_contrastive_loss
from .simsiam import simsiam_loss
from .three_kg import three_kg_loss
from .unit_length import unit_length
from .vicreg import vicreg_loss


def baselines(case: GoldenCase) -> dict:
    """Of each loss its value and its gradient by the first input; of fairseq-signals by all views, interleaved."""
    z1, z2, p1, p2 = (case.inputs[name] for name in ("z1", "z2", "p1", "p2"))
    views = {
        "barlow_twins": lambda leaf: barlow_twins_loss(leaf, z2),
        "vicreg": lambda leaf: vicreg_loss(leaf, z2),
        "ntxent_t0.1": lambda leaf: info_nce_loss(unit_length(leaf), unit_length(z2), 0.1),
        "ntxent_t0.5": lambda leaf: info_nce_loss(unit_length(leaf), unit_length(z2), 0.5),
    }
    predictions = {
        "byol": lambda leaf: byol_loss(leaf, p2, z1, z2),
        "simsiam": lambda leaf: simsiam_loss(leaf, p2, z1, z2),
        "moco_v3": lambda leaf: moco_v3_loss(*map(unit_length, (leaf, p2, z1, z2))),
    }
    patients = torch.tensor(case.spec["config"]["patient_ids"])
    both = torch.stack([z1, z2], dim=1).flatten(0, 1)
    fairseq = {
        # sums there, means here
        "fairseq_simclr_sum": lambda leaf: len(leaf) * info_nce_loss(*_detached(leaf), 0.1),
        "fairseq_3kg_sum": lambda leaf: _pairs(patients) * three_kg_loss(*_detached(leaf), patient_ids=patients),
        "fairseq_3kg_unique_sum": lambda leaf: len(leaf) * three_kg_loss(*_detached(leaf)),
        "fairseq_cmsc": lambda leaf: patient_contrastive_loss(*_detached(leaf), patient_ids=patients),
        "fairseq_cmsc_unique": lambda leaf: patient_contrastive_loss(*_detached(leaf)),
    }
    found = {}
    for leaf, losses in ((z1, views), (p1, predictions), (both, fairseq)):
        for name, loss in losses.items():
            found[name], found[f"{name}_grad0"] = _with_gradient(loss, leaf)
    return found


def clocs(case: GoldenCase) -> dict:
    """The released arithmetic, of which the last pair of views alone is left."""
    found = {}
    for name, patients in case.spec["config"]["pids"].items():
        ids = None if patients is None else torch.tensor([sorted(set(patients)).index(one) for one in patients])
        leaf = case.inputs["latent"] if name == "CMLC" else case.inputs["latent"][:, :, :2]

        def loss(latent, ids=ids, name=name):
            views = unit_length(latent.transpose(1, 2))
            if name == "SimCLR":
                return info_nce_loss(*views.unbind(1), 0.1)
            return clocs_loss(views, 0.1, patient_ids=ids, compat_last_pair=True)

        found[f"{name}_loss"], found[f"{name}_grad"] = _with_gradient(loss, leaf)
    return found


def _detached(views: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """First and second views of interleaved ones."""
    unit = unit_length(views, compat_detached_norm=True)
    return unit[::2], unit[1::2]


def _pairs(patients: torch.Tensor) -> int:
    """Of an anchor and a positive among two views of each record."""
    return 4 * int((patients[:, None] == patients).sum()) - 2 * len(patients)


def _with_gradient(loss, leaf: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    leaf = leaf.detach().clone().requires_grad_()
    value = loss(leaf)
    return value, torch.autograd.grad(value, leaf)[0]


GOLDEN = {"ssl-losses": baselines, "clocs-loss": clocs}
NOT_COMPARED: dict[str, dict[str, str]] = {}
