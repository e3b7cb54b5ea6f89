from ..shared.family import Family
from .configuration_clear import CLEARConfig
from .golden_clear import GOLDEN
from .modeling_clear import (
    CLEARForECGClassification,
    CLEARForECGSurvival,
    CLEARModel,
    CLEARModelOutput,
)
from .pretraining_clear import CLEARForPreTraining, CLEARPreTrainingOutput
from .sources import SOURCES

__all__ = [
    "CLEARConfig",
    "CLEARForECGClassification",
    "CLEARForECGSurvival",
    "CLEARForPreTraining",
    "CLEARModel",
    "CLEARModelOutput",
    "CLEARPreTrainingOutput",
]

FAMILY = Family(
    config=CLEARConfig,
    model=CLEARModel,
    classifier=CLEARForECGClassification,
    survival=CLEARForECGSurvival,
    pretraining=CLEARForPreTraining,
    sources=SOURCES,
    golden=GOLDEN,
)
