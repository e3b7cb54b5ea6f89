from ..shared.family import Family
from .configuration_ecg_resnet import ECGResNetConfig
from .golden_ecg_resnet import GOLDEN, NOT_COMPARED
from .modeling_ecg_resnet import ECGResNetForECGClassification, ECGResNetForECGSurvival, ECGResNetModel
from .sources import SOURCES

__all__ = ["ECGResNetConfig", "ECGResNetForECGClassification", "ECGResNetForECGSurvival", "ECGResNetModel"]

FAMILY = Family(
    config=ECGResNetConfig,
    model=ECGResNetModel,
    classifier=ECGResNetForECGClassification,
    survival=ECGResNetForECGSurvival,
    sources=SOURCES,
    golden=GOLDEN,
    not_compared=NOT_COMPARED,
)
