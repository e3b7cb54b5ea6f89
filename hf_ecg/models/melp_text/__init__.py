from ...processing import ECGTextProcessor
from ..shared.family import Family
from .configuration_melp_text import MELPTextConfig
from .golden_melp_text import GOLDEN
from .modeling_melp_text import MELPTextModel, MELPTextOutput
from .sources import SOURCES

__all__ = ["MELPTextConfig", "MELPTextModel", "MELPTextOutput"]

FAMILY = Family(
    config=MELPTextConfig,
    model=MELPTextModel,
    pretraining=MELPTextModel,
    processor=ECGTextProcessor,
    sources=SOURCES,
    golden=GOLDEN,
)
