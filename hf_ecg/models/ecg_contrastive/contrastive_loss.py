"""Which loss a contrastive model's configuration names, and what each is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ...losses import info_nce_loss, patient_contrastive_loss, risk_weighted_contrastive_loss, vicreg_loss
from ...losses.pair_targets import Gather


@dataclass(frozen=True)
class ContrastiveInputs:
    """What a loss may read of a step.

    Args:
        first_projected, second_projected: (records, dimensions) float, what the projection made of either view, not
            scaled to unit length; row i of both is one record.
        risk, missing_rate, patient_ids: (records,), see `ECGForContrastivePreTraining.forward`.
        gather: `gather_with_gradient` over several processes; None on one.
    """

    first_projected: torch.Tensor
    second_projected: torch.Tensor
    risk: torch.Tensor | None = None
    missing_rate: torch.Tensor | None = None
    patient_ids: torch.Tensor | None = None
    gather: Gather | None = None

    @property
    def unit_views(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Both views' embeddings at unit length."""
        return F.normalize(self.first_projected, dim=-1), F.normalize(self.second_projected, dim=-1)


def contrastive_loss(config, inputs: ContrastiveInputs) -> torch.Tensor:
    """The loss that `config.loss_type` names.

    Args:
        config: an `ECGContrastiveConfig`.
        inputs: of a step.

    Raises:
        ValueError: the inputs lack what the loss needs.
    """
    return LOSSES[config.loss_type](config, inputs)


def _info_nce(config, inputs: ContrastiveInputs) -> torch.Tensor:
    return info_nce_loss(*inputs.unit_views, config.temperature, negatives=config.negatives, gather=inputs.gather)


def _risk_weighted(config, inputs: ContrastiveInputs) -> torch.Tensor:
    if inputs.risk is None:
        raise ValueError("loss_type 'risk_weighted' needs risk, one number a record, NaN where unknown")
    return risk_weighted_contrastive_loss(
        *inputs.unit_views,
        config.temperature,
        risk=inputs.risk,
        missing_rate=inputs.missing_rate,
        path=config.risk_path,
        distance=config.risk_distance,
        sharpness=config.risk_sharpness,
        alignment_weight=config.alignment_weight,
        gather=inputs.gather,
    )


def _patient_contrastive(config, inputs: ContrastiveInputs) -> torch.Tensor:
    if inputs.patient_ids is None:
        raise ValueError("loss_type 'patient_contrastive' needs patient_ids, one number a record, alike for a patient")
    return patient_contrastive_loss(
        *inputs.unit_views, config.temperature, patient_ids=inputs.patient_ids, gather=inputs.gather
    )


def _vicreg(config, inputs: ContrastiveInputs) -> torch.Tensor:
    return vicreg_loss(
        inputs.first_projected,
        inputs.second_projected,
        invariance_weight=config.invariance_weight,
        variance_weight=config.variance_weight,
        covariance_weight=config.covariance_weight,
        gather=inputs.gather,
    )


# the one place where a loss's name is looked up
LOSSES: Mapping[str, Callable] = {
    "risk_weighted": _risk_weighted,
    "info_nce": _info_nce,
    "patient_contrastive": _patient_contrastive,
    "vicreg": _vicreg,
}
