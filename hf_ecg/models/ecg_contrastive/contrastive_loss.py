"""Which loss a contrastive model's configuration names, and what each is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from ...losses import (
    barlow_twins_loss,
    byol_loss,
    clocs_loss,
    info_nce_loss,
    metadata_prediction_loss,
    moco_v3_loss,
    patient_contrastive_loss,
    rank_n_contrast_loss,
    risk_weighted_contrastive_loss,
    simsiam_loss,
    three_kg_loss,
    unit_length,
    vicreg_loss,
    y_aware_contrastive_loss,
)
from ...losses.info_nce import MASK
from ...losses.pair_targets import Gather

BY_METADATA = (Y_AWARE, RANK_N_CONTRAST) = ("y_aware", "rank_n_contrast")
RISK_WEIGHTED = "risk_weighted"


@dataclass(frozen=True)
class ContrastiveInputs:
    """What a loss may read of a step.

    Args:
        first_projected, second_projected: (records, dimensions) float, what the projection made of either view, not
            scaled to unit length; row i of both is one record. Of several further views `second_projected` is
            (records, views, dimensions).
        first_predicted, second_predicted: the same of the predictor behind the projection; None without one.
        first_targets, second_targets: (records, dimensions), what a momentum teacher makes of either view; None
            without one.
        risk, missing_rate, patient_ids, metadata: see `ECGForContrastivePreTraining.forward`.
        first_metadata_logits, second_metadata_logits: (records, predicted columns), a head's answer on either view;
            None without a head.
        gather: `gather_with_gradient` over several processes; None on one.
        compat_detached_norm: of `hf_ecg.losses.unit_length`.
    """

    first_projected: torch.Tensor
    second_projected: torch.Tensor
    first_predicted: torch.Tensor | None = None
    second_predicted: torch.Tensor | None = None
    first_targets: torch.Tensor | None = None
    second_targets: torch.Tensor | None = None
    risk: torch.Tensor | None = None
    missing_rate: torch.Tensor | None = None
    patient_ids: torch.Tensor | None = None
    metadata: torch.Tensor | None = None
    first_metadata_logits: torch.Tensor | None = None
    second_metadata_logits: torch.Tensor | None = None
    gather: Gather | None = None
    compat_detached_norm: bool = False

    @property
    def unit_views(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Both views' embeddings at unit length."""
        first, second = (
            unit_length(views, compat_detached_norm=self.compat_detached_norm)
            for views in (self.first_projected, self.second_projected)
        )
        return first, second

    @property
    def predicted(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What the predictor makes of both views."""
        return _both("predictor", self.first_predicted, self.second_predicted)

    @property
    def targets(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What the teacher makes of both views."""
        return _both("teacher", self.first_targets, self.second_targets)


def _both(maker: str, first: torch.Tensor | None, second: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    if first is None or second is None:
        raise ValueError(f"the loss compares what a {maker} makes of both views, which is not given")
    return first, second


def contrastive_loss(config, inputs: ContrastiveInputs) -> torch.Tensor:
    """The loss that `config.loss_type` names, and the error of the head that tells metadata, where there is one.

    Args:
        config: an `ECGContrastiveConfig`.
        inputs: of a step.

    Raises:
        ValueError: the inputs lack what the loss needs.
    """
    objective = LOSSES[config.loss_type]
    further = inputs.second_projected.ndim == 3
    if further and (not objective.many_views or config.metadata_weight):
        raise ValueError(
            f"loss_type {config.loss_type!r} takes one second view, given were {inputs.second_projected.shape[1]}"
            " further views a record; several are for 'clocs' without a head of metadata"
        )
    loss = objective.loss(config, inputs)
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
    given = _patients(config, inputs) if config.same_patient == MASK else {"gather": inputs.gather}
    return info_nce_loss(*inputs.unit_views, config.temperature, negatives=config.negatives, **given)


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


def _patients(config, inputs: ContrastiveInputs) -> dict:
    """The patients that a loss asks for, and the processes."""
    if inputs.patient_ids is None:
        raise ValueError(
            f"loss_type {config.loss_type!r} needs patient_ids, one number a record, alike for a patient; a recipe"
            " hands them out by method.options.patient_ids=true"
        )
    return {"patient_ids": inputs.patient_ids, "gather": inputs.gather}


def _patient_contrastive(config, inputs: ContrastiveInputs) -> torch.Tensor:
    return patient_contrastive_loss(*inputs.unit_views, config.temperature, **_patients(config, inputs))


def _three_kg(config, inputs: ContrastiveInputs) -> torch.Tensor:
    return three_kg_loss(*inputs.unit_views, config.temperature, **_patients(config, inputs))


def _clocs(config, inputs: ContrastiveInputs) -> torch.Tensor:
    first, further = inputs.unit_views
    further = further[:, None] if further.ndim == 2 else further
    views = torch.cat([first[:, None], further], dim=1)
    given = _patients(config, inputs)
    return clocs_loss(views, config.temperature, compat_last_pair=config.compat_last_pair, **given)


def _byol(config, inputs: ContrastiveInputs) -> torch.Tensor:
    (first, second), (first_targets, second_targets) = inputs.predicted, inputs.targets
    return byol_loss(first, second, first_targets, second_targets)


def _simsiam(config, inputs: ContrastiveInputs) -> torch.Tensor:
    first, second = inputs.predicted
    return simsiam_loss(first, second, inputs.first_projected, inputs.second_projected)


def _moco_v3(config, inputs: ContrastiveInputs) -> torch.Tensor:
    first, second, first_keys, second_keys = map(unit_length, (*inputs.predicted, *inputs.targets))
    return moco_v3_loss(first, second, first_keys, second_keys, config.temperature, gather=inputs.gather)


def _barlow_twins(config, inputs: ContrastiveInputs) -> torch.Tensor:
    return barlow_twins_loss(
        inputs.first_projected,
        inputs.second_projected,
        redundancy_weight=config.redundancy_weight,
        gather=inputs.gather,
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


@dataclass(frozen=True)
class Objective:
    """A loss, and what the model must have for it.

    Args:
        loss: of the configuration and `ContrastiveInputs`.
        predicts: a predictor behind the projection.
        teacher: a momentum teacher of encoder and projection.
        many_views: it takes more than two views of a record.
    """

    loss: Callable
    predicts: bool = False
    teacher: bool = False
    many_views: bool = False


# the one place where a loss's name is looked up
LOSSES: Mapping[str, Objective] = {
    RISK_WEIGHTED: Objective(_risk_weighted),
    "info_nce": Objective(_info_nce),
    "patient_contrastive": Objective(_patient_contrastive),
    "clocs": Objective(_clocs, many_views=True),
    "three_kg": Objective(_three_kg),
    "byol": Objective(_byol, predicts=True, teacher=True),
    "simsiam": Objective(_simsiam, predicts=True),
    "moco_v3": Objective(_moco_v3, predicts=True, teacher=True),
    "barlow_twins": Objective(_barlow_twins),
    "vicreg": Objective(_vicreg),
    Y_AWARE: Objective(_y_aware),
    RANK_N_CONTRAST: Objective(_rank_n_contrast),
}
