from .configuration_ecg_contrastive import ECGContrastiveConfig
from .modeling_ecg_contrastive import ECGContrastiveOutput, ECGForContrastivePreTraining

__all__ = ["ECGContrastiveConfig", "ECGContrastiveOutput", "ECGForContrastivePreTraining"]
