from ..shared.family import Family
from .configuration_ecg_contrastive import ECGContrastiveConfig
from .modeling_ecg_contrastive import ECGContrastiveOutput, ECGForContrastivePreTraining

__all__ = ["ECGContrastiveConfig", "ECGContrastiveOutput", "ECGForContrastivePreTraining"]

FAMILY = Family(
    config=ECGContrastiveConfig, model=ECGForContrastivePreTraining, pretraining=ECGForContrastivePreTraining
)
