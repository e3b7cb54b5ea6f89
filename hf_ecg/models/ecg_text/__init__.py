from .configuration_ecg_text import ECGTextConfig
from .modeling_ecg_text import ECGTextModel, ECGTextOutput

__all__ = ["ECGTextConfig", "ECGTextModel", "ECGTextOutput"]
