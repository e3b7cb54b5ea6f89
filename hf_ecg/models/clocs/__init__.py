from ..shared.family import Family
from .configuration_clocs import CLOCSConfig
from .golden_clocs import GOLDEN
from .modeling_clocs import CLOCSForECGClassification, CLOCSForECGSurvival, CLOCSModel
from .sources import SOURCES

__all__ = ["CLOCSConfig", "CLOCSForECGClassification", "CLOCSForECGSurvival", "CLOCSModel"]

FAMILY = Family(
    config=CLOCSConfig,
    model=CLOCSModel,
    classifier=CLOCSForECGClassification,
    survival=CLOCSForECGSurvival,
    sources=SOURCES,
    golden=GOLDEN,
)
