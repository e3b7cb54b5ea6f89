"""How much of a contrastive model's gradient comes of the patients' own metadata, along a training run."""

import copy
from collections.abc import Sequence
from dataclasses import replace

import torch
from accelerate import Accelerator

from ...losses import info_nce_loss
from ...losses.risk_alignment import published_alignment
from ...losses.risk_terms import risk_terms
from ...losses.risk_weights import row_deviation
from ...losses.view_pairs import contrast, view_pairs
from ...models.ecg_contrastive import ECGForContrastivePreTraining
from ...models.ecg_contrastive.contrastive_loss import (
    RISK_WEIGHTED,
    ContrastiveInputs,
    compared_risk,
    contrastive_loss,
)
from ...training.build import build_parts
from ...training.engine import Engine
from ...training.loading import batch_sampler
from ...training.processes import prepare_torch
from ...training.recipe import Recipe

OF_PATIENTS = ("risk", "missing_rate", "metadata")


def gradients_along(recipe: Recipe, steps: Sequence[int]) -> dict[int, dict[str, float]]:
    """Trains by a recipe on the CPU, and measures the gradient of its loss after some numbers of steps.

    Args:
        recipe: of an `ECGForContrastivePreTraining`.
        steps: after which to measure, 0 for the first weights.

    Returns:
        Step -> what `measure_gradients` says of the next batch.

    Raises:
        ValueError: a recipe of another model, or one that has fewer steps.
    """
    prepare_torch(recipe.run)
    parts = build_parts(recipe)
    if not isinstance(parts.model, ECGForContrastivePreTraining):
        raise ValueError(f"the recipe is of a {type(parts.model).__name__}, wanted ECGForContrastivePreTraining")
    engine = Engine(parts.model, recipe, Accelerator(cpu=True))
    sampler = batch_sampler(recipe, parts)
    total = sampler.batches_per_epoch * recipe.run.epochs
    if not steps or min(steps) < 0 or max(steps) >= total:
        raise ValueError(f"steps are {list(steps)}, the recipe has {total}: wanted numbers from 0 to {total - 1}")
    measured: dict[int, dict[str, float]] = {}
    batches = (keys for epoch in range(recipe.run.epochs) for keys in _epoch(sampler, epoch))
    for step, keys in enumerate(batches):
        batch = parts.collator(parts.rows.__getitems__(keys))
        if step in steps:
            measured[step] = measure_gradients(engine.bare, batch, torch.Generator().manual_seed(recipe.run.seed))
        if step == max(steps):
            break
        engine.step([batch], step, total)
    return measured


def _epoch(sampler, epoch: int):
    sampler.set_epoch(epoch, 0)
    yield from sampler


def measure_gradients(
    model: ECGForContrastivePreTraining, batch: dict[str, torch.Tensor], generator: torch.Generator
) -> dict[str, float]:
    """What a batch's gradient owes to the patients' own risks and metadata.

    Args:
        model: in training mode; it is left as it is.
        batch: of the method `view_pairs`.
        generator: deals risks and metadata to other records of the batch.

    Returns:
        Of the whole loss, `dealt_cosine` and `dealt_difference` (relative) of the gradient with dealt metadata, and
        `info_nce_cosine` with InfoNCE's gradient; `logits_deviation` within an anchor's negatives. For CLEF's loss
        also `log_weights_deviation`, `weights_share` (of the variance of both), `weights_difference` (relative, of the
        weighted InfoNCE alone) and `constant_cosine`, of the published alignment with that to a constant target.
    """
    model = copy.deepcopy(model)  # a forward moves the statistics of BatchNorm
    views = {key: value for key, value in batch.items() if key not in (*OF_PATIENTS, "return_loss")}
    outputs = model(**views)
    inputs = ContrastiveInputs(
        outputs.projected,
        outputs.second_projected,
        first_metadata_logits=outputs.metadata_logits,
        second_metadata_logits=outputs.second_metadata_logits,
        patient_ids=batch.get("patient_ids"),
        **{key: batch[key] for key in OF_PATIENTS if key in batch},
    )
    order = torch.randperm(len(outputs.projected), generator=generator)
    dealt = replace(inputs, **{key: batch[key][order] for key in OF_PATIENTS if key in batch})
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def gradient(loss: torch.Tensor) -> torch.Tensor:
        parts = torch.autograd.grad(loss, parameters, retain_graph=True, materialize_grads=True)
        return torch.cat([part.flatten() for part in parts]).double()

    config = model.config
    own, other = (gradient(contrastive_loss(config, each)) for each in (inputs, dealt))
    plain = gradient(info_nce_loss(*inputs.unit_views, config.temperature))
    found = {
        "dealt_cosine": _cosine(own, other),
        "dealt_difference": _difference(own, other),
        "info_nce_cosine": _cosine(own, plain),
    }
    pairs = view_pairs(*inputs.unit_views, None)
    logits = (pairs.anchors @ pairs.columns.T / config.temperature).detach()
    found["logits_deviation"] = row_deviation(logits, pairs.negative).mean().item()
    if config.loss_type == RISK_WEIGHTED:
        found |= _of_risk(config, pairs, (inputs, dealt), gradient)
    return found


def _of_risk(config, pairs, both: Sequence[ContrastiveInputs], gradient) -> dict[str, float]:
    temperature = torch.tensor(float(config.temperature))
    options = {"path": config.risk_path, "distance": config.risk_distance, "sharpness": config.sharpness}
    own, dealt = (
        risk_terms(pairs, temperature, _in_columns(compared_risk(config, each)), each.missing_rate, **options)
        for each in both
    )
    deviation = row_deviation(own.log_weights, pairs.negative)
    logits = row_deviation((pairs.anchors @ pairs.columns.T / temperature).detach(), pairs.negative)
    weighted = [gradient(contrast(pairs, temperature, each.log_weights)) for each in (own, dealt)]
    same = torch.eye(len(own.target), dtype=torch.bool)
    counted = own.certainty.masked_fill(same, 0)
    mean = (counted * own.target).sum() / counted.sum()
    constant = torch.where(same, own.target, mean)
    aligned = [gradient(published_alignment(pairs, each, own.certainty)) for each in (own.target, constant)]
    return {
        "log_weights_deviation": deviation.mean().item(),
        "weights_share": (deviation**2 / (deviation**2 + logits**2)).mean().item(),
        "weights_difference": _difference(*weighted),
        "constant_cosine": _cosine(*aligned),
    }


def _in_columns(risk: torch.Tensor) -> torch.Tensor:
    return risk[:, None] if risk.ndim == 1 else risk


def _cosine(one: torch.Tensor, two: torch.Tensor) -> float:
    return (one @ two / (one.norm() * two.norm()).clamp_min(1e-30)).item()


def _difference(one: torch.Tensor, two: torch.Tensor) -> float:
    return ((one - two).norm() / one.norm().clamp_min(1e-30)).item()
