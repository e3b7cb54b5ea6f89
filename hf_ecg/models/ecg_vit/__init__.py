from ..shared.family import Family
from .configuration_ecg_vit import ECGViTConfig
from .golden_ecg_vit import GOLDEN
from .modeling_ecg_vit import ECGViTForECGClassification, ECGViTForECGSurvival, ECGViTModel
from .sources import SOURCES

__all__ = ["ECGViTConfig", "ECGViTForECGClassification", "ECGViTForECGSurvival", "ECGViTModel"]

FAMILY = Family(
    config=ECGViTConfig,
    model=ECGViTModel,
    classifier=ECGViTForECGClassification,
    survival=ECGViTForECGSurvival,
    sources=SOURCES,
    golden=GOLDEN,
)
