from ..shared.family import Family
from .configuration_heartlang_vqhbr import HeartLangVQHBRConfig
from .golden_heartlang_vqhbr import GOLDEN
from .modeling_heartlang_vqhbr import (
    HeartLangVQHBRForECGClassification,
    HeartLangVQHBRForECGSurvival,
    HeartLangVQHBRForPreTraining,
    HeartLangVQHBRModel,
    HeartLangVQHBROutput,
)
from .sources import SOURCES

__all__ = [
    "HeartLangVQHBRConfig",
    "HeartLangVQHBRForECGClassification",
    "HeartLangVQHBRForECGSurvival",
    "HeartLangVQHBRForPreTraining",
    "HeartLangVQHBRModel",
    "HeartLangVQHBROutput",
]

FAMILY = Family(
    config=HeartLangVQHBRConfig,
    model=HeartLangVQHBRModel,
    classifier=HeartLangVQHBRForECGClassification,
    survival=HeartLangVQHBRForECGSurvival,
    pretraining=HeartLangVQHBRForPreTraining,
    sources=SOURCES,
    golden=GOLDEN,
)
