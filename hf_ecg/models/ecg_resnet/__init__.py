from ..shared.family import Family
from .configuration_ecg_resnet import ECGResNetConfig
from .modeling_ecg_resnet import ECGResNetForECGClassification, ECGResNetModel
from .sources import SOURCES

__all__ = ["ECGResNetConfig", "ECGResNetForECGClassification", "ECGResNetModel"]

FAMILY = Family(
    config=ECGResNetConfig, model=ECGResNetModel, classifier=ECGResNetForECGClassification, sources=SOURCES
)
