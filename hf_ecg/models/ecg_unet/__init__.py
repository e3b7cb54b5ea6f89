from ..shared.family import Family
from .configuration_ecg_unet import ECGUNetConfig
from .modeling_ecg_unet import (
    ECGUNetForECGClassification,
    ECGUNetForECGSurvival,
    ECGUNetForLeadReconstruction,
    ECGUNetModel,
)

__all__ = [
    "ECGUNetConfig",
    "ECGUNetForECGClassification",
    "ECGUNetForECGSurvival",
    "ECGUNetForLeadReconstruction",
    "ECGUNetModel",
]

FAMILY = Family(
    config=ECGUNetConfig,
    model=ECGUNetModel,
    classifier=ECGUNetForECGClassification,
    survival=ECGUNetForECGSurvival,
    pretraining=ECGUNetForLeadReconstruction,
)
