from ..shared.family import Family
from .configuration_heartlang import HeartLangConfig
from .golden_heartlang import GOLDEN
from .modeling_heartlang import (
    HeartLangForECGClassification,
    HeartLangForECGSurvival,
    HeartLangForPreTraining,
    HeartLangModel,
    HeartLangPreTrainingOutput,
)
from .sources import SOURCES

__all__ = [
    "HeartLangConfig",
    "HeartLangForECGClassification",
    "HeartLangForECGSurvival",
    "HeartLangForPreTraining",
    "HeartLangModel",
    "HeartLangPreTrainingOutput",
]

FAMILY = Family(
    config=HeartLangConfig,
    model=HeartLangModel,
    classifier=HeartLangForECGClassification,
    survival=HeartLangForECGSurvival,
    pretraining=HeartLangForPreTraining,
    sources=SOURCES,
    golden=GOLDEN,
)
