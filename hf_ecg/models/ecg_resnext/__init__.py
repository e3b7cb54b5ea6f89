from ..shared.family import Family
from .configuration_ecg_resnext import SIZES as SIZES
from .configuration_ecg_resnext import ECGResNeXtConfig
from .golden_ecg_resnext import GOLDEN
from .modeling_ecg_resnext import ECGResNeXtForECGClassification, ECGResNeXtForECGSurvival, ECGResNeXtModel
from .sources import SOURCES

__all__ = ["ECGResNeXtConfig", "ECGResNeXtForECGClassification", "ECGResNeXtForECGSurvival", "ECGResNeXtModel"]

FAMILY = Family(
    config=ECGResNeXtConfig,
    model=ECGResNeXtModel,
    classifier=ECGResNeXtForECGClassification,
    survival=ECGResNeXtForECGSurvival,
    sources=SOURCES,
    golden=GOLDEN,
)
