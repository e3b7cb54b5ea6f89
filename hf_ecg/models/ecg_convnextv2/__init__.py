from ..shared.family import Family
from .configuration_ecg_convnextv2 import ECGConvNeXtV2Config
from .golden_ecg_convnextv2 import GOLDEN
from .modeling_ecg_convnextv2 import (
    ECGConvNeXtV2ForECGClassification,
    ECGConvNeXtV2ForECGSurvival,
    ECGConvNeXtV2Model,
)
from .sources import SOURCES

__all__ = [
    "ECGConvNeXtV2Config",
    "ECGConvNeXtV2ForECGClassification",
    "ECGConvNeXtV2ForECGSurvival",
    "ECGConvNeXtV2Model",
]

FAMILY = Family(
    config=ECGConvNeXtV2Config,
    model=ECGConvNeXtV2Model,
    classifier=ECGConvNeXtV2ForECGClassification,
    survival=ECGConvNeXtV2ForECGSurvival,
    sources=SOURCES,
    golden=GOLDEN,
)
