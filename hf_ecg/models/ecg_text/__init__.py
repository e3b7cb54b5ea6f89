from ...processing import ECGTextProcessor
from ..shared.family import Family
from .configuration_ecg_text import ECGTextConfig
from .golden_merl import GOLDEN
from .modeling_ecg_text import ECGTextModel, ECGTextOutput
from .sources import SOURCES

__all__ = ["ECGTextConfig", "ECGTextModel", "ECGTextOutput"]

FAMILY = Family(
    config=ECGTextConfig,
    model=ECGTextModel,
    pretraining=ECGTextModel,
    processor=ECGTextProcessor,
    sources=SOURCES,
    golden=GOLDEN,
)
