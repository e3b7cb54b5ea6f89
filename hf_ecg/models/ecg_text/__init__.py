from ...processing import ECGTextProcessor
from ..shared.family import Family
from .configuration_ecg_text import ECGTextConfig
from .modeling_ecg_text import ECGTextModel, ECGTextOutput

__all__ = ["ECGTextConfig", "ECGTextModel", "ECGTextOutput"]

FAMILY = Family(config=ECGTextConfig, model=ECGTextModel, pretraining=ECGTextModel, processor=ECGTextProcessor)
