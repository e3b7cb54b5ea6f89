from ..shared.family import Family
from .configuration_st_mem import STMEMConfig
from .golden_st_mem import GOLDEN
from .modeling_st_mem import STMEMForECGClassification, STMEMForPreTraining, STMEMModel, STMEMPreTrainingOutput
from .sources import SOURCES

__all__ = [
    "STMEMConfig",
    "STMEMForECGClassification",
    "STMEMForPreTraining",
    "STMEMModel",
    "STMEMPreTrainingOutput",
]

FAMILY = Family(
    config=STMEMConfig,
    model=STMEMModel,
    classifier=STMEMForECGClassification,
    pretraining=STMEMForPreTraining,
    sources=SOURCES,
    golden=GOLDEN,
)
