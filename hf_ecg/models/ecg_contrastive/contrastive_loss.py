"""Which loss a contrastive model's configuration names, and what each is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ...losses import (
    info_nce_loss,
    metadata_prediction_loss,
    patient_contrastive_loss,
    rank_n_contrast_loss,
    risk_weighted_contrastive_loss,
    vicreg_loss,
    y_aware_contrastive_loss,
)
from ...losses.pair_targets import Gather

BY_METADATA = (Y_AWARE, RANK_N_CONTRAST) = ("y_aware", "rank_n_contrast")
RISK_WEIGHTED = "risk_weighted"


@dataclass(frozen=True)
class ContrastiveInputs:
    """What a loss may read of a step.

    Args:
        first_projected, second_projected: (records, dimensions) float, what the projection made of either view, not
            scaled to unit length; row i of both is one record.
        risk, missing_rate, patient_ids, metadata: see `ECGForContrastivePreTraining.forward`.
        first_metadata_logits, second_metadata_logits: (records, predicted columns), a head's answer on either view;
            None without a head.
        gather: `gather_with_gradient` over several processes; None on one.
    """

    first_projected: torch.Tensor
    second_projected: torch.Tensor
    risk: torch.Tensor | None = None
    missing_rate: torch.Tensor | None = None
    patient_ids: torch.Tensor | None = None
    metadata: torch.Tensor | None = None
    first_metadata_logits: torch.Tensor | None = None
    second_metadata_logits: torch.Tensor | None = None
    gather: Gather | None = None

    @property
    def unit_views(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Both views' embeddings at unit length."""
        return F.normalize(self.first_projected, dim=-1), F.normalize(self.second_projected, dim=-1)


def contrastive_loss(config, inputs: ContrastiveInputs) -> torch.Tensor:
    """The loss that `config.loss_type` names, and the error of the head that tells metadata, where there is one.

    Args:
        config: an `ECGContrastiveConfig`.
        inputs: of a step.

    Raises:
        ValueError: the inputs lack what the loss needs.
    """
    loss = LOSSES[config.loss_type](config, inputs)
    if not config.metadata_weight:
        return loss
    return loss + config.metadata_weight * _metadata_prediction(config, inputs)


def _columns(config, inputs: ContrastiveInputs, names: list[str]) -> torch.Tensor:
    """(records, names) of the metadata, in their own units."""
    if inputs.metadata is None or inputs.metadata.shape[1:] != (len(config.metadata_columns),):
        found = None if inputs.metadata is None else tuple(inputs.metadata.shape)
        raise ValueError(
            f"metadata is {found}, wanted (records, {len(config.metadata_columns)}): the columns"
            f" {config.metadata_columns}, NaN where unknown"
        )
    return inputs.metadata[:, config.metadata_places(names)]


def _standardised(config, inputs: ContrastiveInputs, names: list[str]) -> torch.Tensor:
    """The same in standard deviations of the training rows."""
    values = _columns(config, inputs, names)
    if config.metadata_mean is None or config.metadata_scale is None:
        raise ValueError("the configuration has no metadata_mean and metadata_scale, which training rows give")
    places = config.metadata_places(names)
    mean, scale = (values.new_tensor([of[k] for k in places]) for of in (config.metadata_mean, config.metadata_scale))
    return (values - mean) / scale


def _metadata_prediction(config, inputs: ContrastiveInputs) -> torch.Tensor:
    names = config.predicted_columns
    told = (inputs.first_metadata_logits, inputs.second_metadata_logits)
    return metadata_prediction_loss(
        torch.cat([logits for logits in told if logits is not None]),
        _standardised(config, inputs, names).repeat(2, 1),
        binary=[name in (config.metadata_binary or ()) for name in names],
        gather=inputs.gather,
    )


def _info_nce(config, inputs: ContrastiveInputs) -> torch.Tensor:
    return info_nce_loss(*inputs.unit_views, config.temperature, negatives=config.negatives, gather=inputs.gather)


def compared_risk(config, inputs: ContrastiveInputs) -> torch.Tensor:
    """What CLEF's loss compares patients by: the risk (records,), or the metadata in its place, (records, columns) of
    several columns.

    Raises:
        ValueError: the inputs lack it.
    """
    if not config.uses_risk:
        values = _columns(config, inputs, config.compared_columns)
        return values[:, 0] if len(config.compared_columns) == 1 else values
    if inputs.risk is None:
        raise ValueError("loss_type 'risk_weighted' needs risk, one number a record, NaN where unknown")
    return inputs.risk


def _risk_weighted(config, inputs: ContrastiveInputs) -> torch.Tensor:
    return risk_weighted_contrastive_loss(
        *inputs.unit_views,
        config.temperature,
        risk=compared_risk(config, inputs),
        missing_rate=inputs.missing_rate,
        path=config.risk_path,
        distance=config.risk_distance,
        sharpness=config.sharpness,
        alignment=config.alignment,
        alignment_weight=config.alignment_weight,
        gather=inputs.gather,
    )


def _patient_contrastive(config, inputs: ContrastiveInputs) -> torch.Tensor:
    if inputs.patient_ids is None:
        raise ValueError(
            "loss_type 'patient_contrastive' needs patient_ids, one number a record, alike for a patient; a recipe"
            " hands them out by method.options.patient_ids=true"
        )
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


def _y_aware(config, inputs: ContrastiveInputs) -> torch.Tensor:
    names = config.compared_columns
    return y_aware_contrastive_loss(
        *inputs.unit_views,
        config.temperature,
        metadata=_columns(config, inputs, names),
        bandwidths=[
            None if name in (config.metadata_binary or ()) else config.metadata_bandwidths[name] for name in names
        ],
        share=config.metadata_share,
        gather=inputs.gather,
    )


def _rank_n_contrast(config, inputs: ContrastiveInputs) -> torch.Tensor:
    return rank_n_contrast_loss(
        *inputs.unit_views,
        config.temperature,
        metadata=_standardised(config, inputs, config.compared_columns),
        share=config.metadata_share,
        gather=inputs.gather,
    )


# the one place where a loss's name is looked up
LOSSES: Mapping[str, Callable] = {
    RISK_WEIGHTED: _risk_weighted,
    "info_nce": _info_nce,
    "patient_contrastive": _patient_contrastive,
    "vicreg": _vicreg,
    Y_AWARE: _y_aware,
    RANK_N_CONTRAST: _rank_n_contrast,
}
