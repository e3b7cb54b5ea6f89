from ..shared.family import Family
from .configuration_st_mem import STMEMConfig
from .golden_st_mem import GOLDEN
from .modeling_st_mem import (
    STMEMForECGClassification,
    STMEMForECGSurvival,
    STMEMForPreTraining,
    STMEMModel,
    STMEMPreTrainingOutput,
)
from .sources import SOURCES

__all__ = [
    "STMEMConfig",
    "STMEMForECGClassification",
    "STMEMForECGSurvival",
    "STMEMForPreTraining",
    "STMEMModel",
    "STMEMPreTrainingOutput",
]

FAMILY = Family(
    config=STMEMConfig,
    model=STMEMModel,
    classifier=STMEMForECGClassification,
    survival=STMEMForECGSurvival,
    pretraining=STMEMForPreTraining,
    sources=SOURCES,
    golden=GOLDEN,
)
