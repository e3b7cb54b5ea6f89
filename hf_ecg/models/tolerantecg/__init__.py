from ...processing import ECGTextProcessor
from ..shared.family import Family
from .configuration_tolerantecg import TolerantECGConfig
from .golden_tolerantecg import GOLDEN
from .modeling_tolerantecg import TolerantECGForPreTraining, TolerantECGOutput

__all__ = ["TolerantECGConfig", "TolerantECGForPreTraining", "TolerantECGOutput"]

FAMILY = Family(
    config=TolerantECGConfig,
    model=TolerantECGForPreTraining,
    pretraining=TolerantECGForPreTraining,
    processor=ECGTextProcessor,
    golden=GOLDEN,
)
