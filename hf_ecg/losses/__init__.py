"""Training objectives: one pure function a file, on local rows, exact over several processes."""

from .barlow_twins import barlow_twins_loss
from .beat_alignment import beat_alignment_loss
from .byol import byol_loss
from .captioning import captioning_loss
from .clocs import clocs_loss
from .conditional_mmd import conditional_mmd_penalty
from .coral import coral_penalty
from .dino import dino_loss, moved_center
from .distributed import gather_with_gradient, rank, world_size
from .environment_risks import environment_risks
from .false_negative_mitigation import false_negative_mitigation_loss
from .group_dro import group_dro_loss, moved_group_weights
from .info_nce import info_nce_loss
from .invariant_risk import irm_penalty
from .lead_reconstruction import lead_reconstruction_errors, lead_reconstruction_loss
from .masked_contrastive import masked_contrastive_logits, masked_contrastive_loss
from .masked_reconstruction import masked_reconstruction_loss
from .masked_spectrum import masked_spectrum_loss
from .metadata_prediction import metadata_prediction_loss
from .moco_v3 import moco_v3_loss
from .pair_targets import IDENTICAL_TEXT, TEXT_WEIGHTING
from .patient_contrastive import patient_contrastive_loss
from .prototypes import prototype_loss, sharpened_targets
from .rank_n_contrast import rank_n_contrast_loss
from .risk_extrapolation import risk_variance
from .risk_weighted import risk_weighted_contrastive_loss
from .risk_weights import WeightSpread
from .sigmoid import sigmoid_contrastive_loss
from .simsiam import simsiam_loss
from .sinkhorn import sinkhorn_targets
from .softmax import softmax_contrastive_loss
from .survival import survival_at, survival_loss
from .three_kg import three_kg_loss
from .unit_length import unit_length
from .vicreg import vicreg_loss
from .y_aware import y_aware_contrastive_loss

__all__ = [
    "IDENTICAL_TEXT",
    "TEXT_WEIGHTING",
    "WeightSpread",
    "barlow_twins_loss",
    "beat_alignment_loss",
    "byol_loss",
    "captioning_loss",
    "clocs_loss",
    "conditional_mmd_penalty",
    "coral_penalty",
    "dino_loss",
    "environment_risks",
    "false_negative_mitigation_loss",
    "gather_with_gradient",
    "group_dro_loss",
    "info_nce_loss",
    "irm_penalty",
    "lead_reconstruction_errors",
    "lead_reconstruction_loss",
    "masked_contrastive_logits",
    "masked_contrastive_loss",
    "masked_reconstruction_loss",
    "masked_spectrum_loss",
    "metadata_prediction_loss",
    "moco_v3_loss",
    "moved_center",
    "moved_group_weights",
    "patient_contrastive_loss",
    "prototype_loss",
    "rank",
    "rank_n_contrast_loss",
    "risk_variance",
    "risk_weighted_contrastive_loss",
    "sharpened_targets",
    "sigmoid_contrastive_loss",
    "simsiam_loss",
    "sinkhorn_targets",
    "softmax_contrastive_loss",
    "survival_at",
    "survival_loss",
    "three_kg_loss",
    "unit_length",
    "vicreg_loss",
    "world_size",
    "y_aware_contrastive_loss",
]
