from ..shared.family import Family
from .configuration_melp import MELPConfig
from .golden_melp import GOLDEN
from .modeling_melp import MELPForECGClassification, MELPForECGSurvival, MELPModel, MELPModelOutput
from .sources import SOURCES

__all__ = ["MELPConfig", "MELPForECGClassification", "MELPForECGSurvival", "MELPModel", "MELPModelOutput"]

FAMILY = Family(
    config=MELPConfig,
    model=MELPModel,
    classifier=MELPForECGClassification,
    survival=MELPForECGSurvival,
    sources=SOURCES,
    golden=GOLDEN,
)
