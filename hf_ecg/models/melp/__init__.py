from ..shared.family import Family
from .configuration_melp import MELPConfig
from .modeling_melp import MELPForECGClassification, MELPForECGSurvival, MELPModel, MELPModelOutput

__all__ = ["MELPConfig", "MELPForECGClassification", "MELPForECGSurvival", "MELPModel", "MELPModelOutput"]

FAMILY = Family(
    config=MELPConfig,
    model=MELPModel,
    classifier=MELPForECGClassification,
    survival=MELPForECGSurvival,
)
