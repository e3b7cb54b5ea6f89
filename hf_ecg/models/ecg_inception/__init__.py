from ..shared.family import Family
from .configuration_ecg_inception import ECGInceptionConfig
from .modeling_ecg_inception import (
    ECGInceptionForECGClassification,
    ECGInceptionForECGSurvival,
    ECGInceptionModel,
)
from .sources import SOURCES

__all__ = [
    "ECGInceptionConfig",
    "ECGInceptionForECGClassification",
    "ECGInceptionForECGSurvival",
    "ECGInceptionModel",
]

FAMILY = Family(
    config=ECGInceptionConfig,
    model=ECGInceptionModel,
    classifier=ECGInceptionForECGClassification,
    survival=ECGInceptionForECGSurvival,
    sources=SOURCES,
)
