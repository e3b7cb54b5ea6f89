from ..shared.family import Family
from .configuration_ecg_fm import ECGFMConfig
from .golden_ecg_fm import GOLDEN
from .modeling_ecg_fm import ECGFMForECGClassification, ECGFMForECGSurvival, ECGFMModel, ECGFMModelOutput
from .pretraining_ecg_fm import ECGFMForPreTraining, ECGFMPreTrainingOutput
from .sources import SOURCES

__all__ = [
    "ECGFMConfig",
    "ECGFMForECGClassification",
    "ECGFMForECGSurvival",
    "ECGFMForPreTraining",
    "ECGFMModel",
    "ECGFMModelOutput",
    "ECGFMPreTrainingOutput",
]

FAMILY = Family(
    config=ECGFMConfig,
    model=ECGFMModel,
    classifier=ECGFMForECGClassification,
    survival=ECGFMForECGSurvival,
    pretraining=ECGFMForPreTraining,
    sources=SOURCES,
    golden=GOLDEN,
)
